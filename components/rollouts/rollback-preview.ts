import type { RolloutDetail } from "@/server/core/views";

type Rollout = Pick<RolloutDetail, "waves" | "fromGeneration" | "toGeneration" | "phase" | "final" | "reason">;
export type Cohort = { site: string; onNew: number; onOld: number; other: number; silent: number; returnAtMs: number | null; words: string };

/** Units by site: what they were last seen to run, and what a rollback means there. Silent units are in no other column. */
export function cohorts(r: Rollout): Cohort[] {
  const sites = new Map<string, Cohort>();
  for (const t of r.waves.flatMap((w) => w.targets)) {
    const c = sites.get(t.site) ?? { site: t.site, onNew: 0, onOld: 0, other: 0, silent: 0, returnAtMs: null, words: "" };
    sites.set(t.site, c);
    if (t.state.state === "silent") {
      c.silent += 1;
      if (t.trial?.state === "armed") c.returnAtMs = Math.max(c.returnAtMs ?? 0, t.trial.returnAtMs);
    } else if (t.observedGeneration === r.toGeneration) c.onNew += 1;
    else if (t.observedGeneration === r.fromGeneration) c.onOld += 1;
    else c.other += 1;
  }
  return [...sites.values()].map((c) => ({ ...c, words: wordsOf(r, c) })).sort((a, b) => b.onNew - a.onNew || b.silent - a.silent || a.site.localeCompare(b.site));
}

const returning = (r: Rollout): boolean => r.phase === "rollingBack" || r.phase === "rolledBack";
const units = (n: number): string => `${n} ${n === 1 ? "unit" : "units"}`;

function wordsOf(r: Rollout, c: Cohort): string {
  const parts = [
    c.onNew === 0 && returning(r) && c.onOld > 0 && c.other === 0 ? (c.silent > 0 ? "All that are in reach are back." : "All are back.") : c.onNew > 0 ? (r.final && !returning(r) ? `${units(c.onNew)} kept.` : returning(r) ? `${units(c.onNew)} still to return.` : `${units(c.onNew)} would return.`) : "Nothing runs the new revision here as far as is known.",
    c.silent > 0 ? `${units(c.silent)} silent: told when ${c.silent === 1 ? "it is" : "they are"} back.` : "",
  ];
  return parts.filter(Boolean).join(" ");
}

/** What a rollback would touch now, or where it stands, in a sentence. */
export function previewOf(r: Rollout): { sentence: string } {
  const all = cohorts(r);
  const onNew = all.reduce((n, c) => n + c.onNew, 0);
  const silent = all.reduce((n, c) => n + c.silent, 0);
  const at = all.filter((c) => c.onNew > 0).length;
  const quiet = silent > 0 ? ` ${units(silent)} ${silent === 1 ? "is" : "are"} silent: what ${silent === 1 ? "it runs" : "they run"} is not known.` : "";
  if (returning(r)) return { sentence: r.reason };
  if (r.final) return { sentence: `The rollout ended: ${units(onNew)} at ${at} ${at === 1 ? "site" : "sites"} run r${r.toGeneration}. To go back, roll the workload back to r${r.fromGeneration}; that is a rollout of its own.${quiet}` };
  if (onNew === 0) return { sentence: `Nothing would return: no unit is known to run r${r.toGeneration}.${quiet}` };
  return { sentence: `A rollback now would return ${units(onNew)} at ${at} ${at === 1 ? "site" : "sites"} to r${r.fromGeneration} and hold r${r.toGeneration}.${quiet}` };
}
