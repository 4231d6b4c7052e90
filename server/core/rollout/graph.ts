import type { RolloutStrategySpec } from "../manifest/rollout";

/** Where one wave stands: the step it is in (its number of steps: done), and since when; null before it began. */
export interface WaveProgress {
  step: number;
  startedAtMs: number | null;
}

/** The waves that have to be done (or begun, when they do not block) before wave `index`, by index. Names that are not there are passed over. */
export function wavesBefore(spec: Pick<RolloutStrategySpec, "waves">, index: number): number[] {
  const wave = spec.waves[index];
  if (wave?.after === undefined) return index > 0 ? [index - 1] : [];
  return wave.after.map((name) => spec.waves.findIndex((w) => w.name === name)).filter((i) => i >= 0 && i !== index);
}

export const waveDone = (spec: Pick<RolloutStrategySpec, "waves">, progress: readonly WaveProgress[], index: number): boolean => (progress[index]?.step ?? 0) >= (spec.waves[index]?.steps.length ?? 0);

/** Waves that are at work: not done, and all that stand before them done, or begun where they do not block. */
export function activeWaves(spec: Pick<RolloutStrategySpec, "waves">, progress: readonly WaveProgress[]): number[] {
  return spec.waves.flatMap((_, i) => {
    if (waveDone(spec, progress, i)) return [];
    const free = wavesBefore(spec, i).every((p) => waveDone(spec, progress, p) || (spec.waves[p]?.blocking === false && progress[p]?.startedAtMs !== null && progress[p] !== undefined));
    return free ? [i] : [];
  });
}

/** All waves that stand before a wave, however far: what its gates rest on. */
export function ancestors(spec: Pick<RolloutStrategySpec, "waves">, index: number): Set<number> {
  const seen = new Set<number>();
  const open = wavesBefore(spec, index);
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    open.push(...wavesBefore(spec, next));
  }
  return seen;
}

/** The wave a rollout is spoken of by: the first that is not done; the number of waves when all are. */
export function frontWave(spec: Pick<RolloutStrategySpec, "waves">, progress: readonly WaveProgress[]): number {
  const active = activeWaves(spec, progress)[0];
  return active ?? spec.waves.length;
}

/** Progress of a rollout that begins now: no wave has begun. */
export const noProgress = (spec: Pick<RolloutStrategySpec, "waves">): WaveProgress[] => spec.waves.map(() => ({ step: 0, startedAtMs: null }));
