import type { RolloutStrategySpec } from "../manifest/rollout";
import type { RolloutPlan } from "./plan";
import type { RolloutAction, RolloutSnapshot, Target } from "./steps";

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

export function snapshotOf(plan: RolloutPlan, more: Partial<RolloutSnapshot> = {}): RolloutSnapshot {
  return { nowMs: 1_000, phase: "running", waveIndex: 0, stepIndex: 0, stepStartedAtMs: 1_000, plan, planDigest: "sha256:plan", targets: targetsOf(plan), gates: [], stepVerdict: null, backgroundVerdict: null, ...more };
}

export const asked = (actions: readonly RolloutAction[]): string[] => actions.flatMap((a) => (a.do === "setGeneration" ? [a.unit] : []));
