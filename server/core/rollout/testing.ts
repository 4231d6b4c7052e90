import type { RolloutStrategySpec } from "../manifest/rollout";
import type { RolloutPlan } from "./plan";
import type { NamedVerdict, RolloutAction, RolloutProgress, RolloutSnapshot, Target } from "./snapshot";

/** Builders and a fake fleet for the tests of rollouts. */
export const strategyOf = (waves: RolloutStrategySpec["waves"], more: Partial<RolloutStrategySpec> = {}): RolloutStrategySpec => ({ waves, maxUnavailable: 1, healthTimeout: "1m", automaticRollback: true, ...more });

export function planOf(strategy: RolloutStrategySpec, unitsByWave: readonly number[]): RolloutPlan {
  return {
    workload: "digits",
    from: { generation: 1, digest: "sha256:a" },
    to: { generation: 2, digest: "sha256:b" },
    artifacts: [],
    policy: null,
    strategy: { name: "s", digest: "sha256:s", spec: strategy },
    templates: {},
    waves: strategy.waves.map((w, i) => ({ name: w.name, targets: Array.from({ length: unitsByWave[i] ?? 0 }, (_, k) => ({ unit: `u-${i}-${String(k).padStart(3, "0")}`, node: `n-${i}-${k}`, site: `site-${i}` })) })),
    window: { fromMs: 0, toMs: 1e12 },
  };
}

export function targetsOf(plan: RolloutPlan): Target[] {
  return plan.waves.flatMap((w, wave) => w.targets.map((t) => ({ ...t, assignmentId: `a-${t.unit}`, wave, desiredGeneration: 1, observedGeneration: 1, healthy: true, trouble: null, silent: false, askedAtMs: 0 })));
}

/** Progress with one wave at work, the waves above it done and those below it not begun. */
export function progressAt(plan: RolloutPlan, waveIndex: number, stepIndex = 0, startedAtMs = 1_000): RolloutProgress {
  const waves = plan.strategy.spec.waves.map((w, i) => (i < waveIndex ? { step: w.steps.length, startedAtMs } : i === waveIndex ? { step: stepIndex, startedAtMs } : { step: 0, startedAtMs: null }));
  return { waves, sitesBack: [], accepted: [], held: null, evidence: null };
}

type Shorthand = { waveIndex?: number; stepIndex?: number; stepStartedAtMs?: number; stepVerdict?: NamedVerdict | null };
export function snapshotOf(plan: RolloutPlan, { waveIndex = 0, stepIndex = 0, stepStartedAtMs = 1_000, stepVerdict = null, ...more }: Partial<RolloutSnapshot> & Shorthand = {}): RolloutSnapshot {
  return {
    nowMs: 1_000, phase: "running", progress: progressAt(plan, waveIndex, stepIndex, stepStartedAtMs), plan, planDigest: "sha256:plan", targets: targetsOf(plan), gates: [],
    stepVerdicts: plan.waves.map((_, i) => (i === waveIndex ? stepVerdict : null)), backgroundVerdict: null, frozen: { project: null, sites: {} }, zones: {}, breakGlass: false, ...more,
  };
}

export const asked = (actions: readonly RolloutAction[]): string[] => actions.flatMap((a) => (a.do === "setGeneration" ? [a.unit] : []));
