import { z } from "zod";
import { canonicalJson } from "../base/json";
import { analysisTemplateSpec } from "../manifest/analysis";
import { rolloutStrategySpec } from "../manifest/rollout";
import type { RolloutStep, RolloutStrategySpec } from "../manifest/rollout";

/** What one rollout may touch, in which order: kept with the rollout, and what its digest is taken over. */
export const planTarget = z.object({ unit: z.string(), node: z.string(), site: z.string() });
export type PlanTarget = z.infer<typeof planTarget>;

export const rolloutPlan = z.object({
  workload: z.string(),
  from: z.object({ generation: z.int(), digest: z.string() }),
  to: z.object({ generation: z.int(), digest: z.string() }),
  artifacts: z.array(z.object({ name: z.string(), digest: z.string() })),
  policy: z.object({ name: z.string(), digest: z.string() }).nullable(),
  strategy: z.object({ name: z.string(), digest: z.string(), spec: rolloutStrategySpec }),
  templates: z.record(z.string(), z.object({ digest: z.string(), spec: analysisTemplateSpec })),
  waves: z.array(z.object({ name: z.string(), targets: z.array(planTarget) })),
  window: z.object({ fromMs: z.int(), toMs: z.int() }),
  /** Units that the strategy never touches. */
  excluded: z.array(planTarget).optional(),
});
export type RolloutPlan = z.infer<typeof rolloutPlan>;

/**
 * The leaves an approval is bound to, by the name by which a change of them is reported. What is not a leaf (the time,
 * the health of a target) may change without voiding consent.
 */
export function planLeaves(plan: RolloutPlan): Record<string, unknown> {
  const leaves: Record<string, unknown> = {
    revision: plan.to,
    "previous revision": plan.from,
    "placement policy": plan.policy,
    strategy: plan.strategy.digest,
    window: plan.window,
  };
  for (const a of plan.artifacts) leaves[`artifact ${a.name}`] = a.digest;
  for (const [name, t] of Object.entries(plan.templates)) leaves[`analysis ${name}`] = t.digest;
  if (plan.excluded && plan.excluded.length > 0) leaves["excluded units"] = [...plan.excluded].sort(byUnit).map((t) => t.unit);
  for (const w of plan.waves) leaves[`targets of wave ${w.name}`] = [...w.targets].sort(byUnit).map((t) => `${t.unit}@${t.site}/${t.node}`);
  return leaves;
}

/** Names of the leaves that differ between two plans, for "void: the targets of wave edge changed". */
export function changedLeaves(before: RolloutPlan, after: RolloutPlan): string[] {
  const a = planLeaves(before);
  const b = planLeaves(after);
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].filter((n) => canonicalJson(a[n] ?? null) !== canonicalJson(b[n] ?? null)).sort();
}

/** Everything that decides which wave a unit belongs to. */
export interface PlacedUnit extends PlanTarget {
  /** Whether the wave's selector matches the unit's node and its `exclude` does not, by wave index. */
  matches: readonly boolean[];
  /** The strategy's `exclude` matches. */
  excluded?: boolean;
}

/**
 * Puts each unit into the first wave whose selector matches its node. Units that match none go to the last wave when
 * it has no selector, and are otherwise left out (`leftOut`): the composer warns of them.
 */
export function assignWaves(strategy: RolloutStrategySpec, units: readonly PlacedUnit[]): { waves: RolloutPlan["waves"]; leftOut: PlanTarget[]; excluded: PlanTarget[] } {
  const waves = strategy.waves.map((w) => ({ name: w.name, targets: [] as PlanTarget[] }));
  const leftOut: PlanTarget[] = [];
  const excluded: PlanTarget[] = [];
  for (const u of [...units].sort(byUnit)) {
    const target = { unit: u.unit, node: u.node, site: u.site };
    if (u.excluded) {
      excluded.push(target);
      continue;
    }
    const at = strategy.waves.findIndex((_, i) => u.matches[i] === true);
    const wave = waves[at];
    if (wave) wave.targets.push(target);
    else leftOut.push(target);
  }
  return { waves, leftOut, excluded };
}

/** A step as a sentence, for the wave rail, the approval card and the docs. */
export function stepText(step: RolloutStep): string {
  switch (step.do) {
    case "update":
      return step.percent !== undefined ? (step.percent === 100 ? "Update every unit of the wave" : `Update ${step.percent}% of the wave`) : `Update ${step.count} unit${step.count === 1 ? "" : "s"}`;
    case "traffic":
      return `Send ${step.weight}% of the wave's requests to the new revision`;
    case "pause":
      return `Wait ${step.for}`;
    case "approval":
      return step.groups ? `Approval: ${step.name} (${step.groups.map((g) => `${g.count} of ${g.name}`).join(" and ")})` : `Approval: ${step.name}`;
    case "analysis":
      return `Judge by ${step.template}, at most ${step.deadline}`;
  }
}

/**
 * How many of a wave's targets a step asks for, cumulatively. Percent is rounded up, so that 10% of 3 is 1; a wave of
 * n targets with 50% asks for ceil(n/2).
 */
export function stepGoal(step: Extract<RolloutStep, { do: "update" }>, targets: number): number {
  const wanted = step.count ?? Math.ceil((targets * (step.percent ?? 0)) / 100 - 1e-9);
  return Math.max(0, Math.min(targets, wanted));
}

const byUnit = (a: PlanTarget, b: PlanTarget): number => (a.unit < b.unit ? -1 : a.unit > b.unit ? 1 : 0);
