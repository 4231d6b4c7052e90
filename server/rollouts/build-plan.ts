import { createHash } from "node:crypto";
import { digestOf } from "../core/base/json";
import { refuseNow } from "../core/base/refusal";
import { analysisTemplateSpec } from "../core/manifest/analysis";
import { rolloutStrategySpec } from "../core/manifest/rollout";
import { assignWaves, planLeaves, stepGoal, type PlanTarget, type RolloutPlan } from "../core/rollout";
import { compileSelector } from "../core/selector";
import { rollouts, type Queryable } from "../store";
import { subjectOf } from "./facts";

/** A rollout may act for this long after it was created; then it holds and asks. */
const WINDOW_MS = 7 * 86_400_000;

export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
/** Digest of exactly what an approval consents to. */
export const planDigestOf = (plan: RolloutPlan): string => digestOf(planLeaves(plan), sha256);

export interface BuiltPlan {
  plan: RolloutPlan;
  digest: string;
  units: rollouts.UnitFactsRow[];
  leftOut: PlanTarget[];
  warnings: string[];
}

/** What a new plan is made for; `fromMs` starts its window. */
export interface PlanRequest {
  projectId: string;
  workload: { id: string; name: string };
  from: number;
  to: number | { generation: number; digest: string; spec: Record<string, unknown> };
  strategy: string;
  fromMs: number;
}

/** Makes the plan of a rollout from the store as it is now: its waves with their exact targets, and all that it rests on. */
export async function buildPlan(q: Queryable, r: PlanRequest): Promise<BuiltPlan> {
  const strategy = await rollouts.objectByName(q, r.projectId, "RolloutStrategy", r.strategy);
  if (!strategy) return refuseNow("not_found", `There is no rollout strategy “${r.strategy}” in this project.`, "Apply a RolloutStrategy of that name, or name another one.", [{ path: "spec.rollout", message: `no strategy “${r.strategy}”`, remedy: "name an existing strategy" }]);
  const spec = rolloutStrategySpec.parse(strategy.spec);
  const templates: RolloutPlan["templates"] = {};
  const names = new Set([...spec.waves.flatMap((w) => w.steps.flatMap((s) => (s.do === "analysis" ? [s.template] : []))), ...(spec.analysis ? [spec.analysis] : [])]);
  for (const name of [...names].sort()) {
    const t = await rollouts.objectByName(q, r.projectId, "AnalysisTemplate", name);
    if (!t) return refuseNow("not_found", `The strategy “${r.strategy}” judges by “${name}”, and there is no such analysis template.`, "Apply an AnalysisTemplate of that name first.");
    templates[name] = { digest: t.digest, spec: analysisTemplateSpec.parse(t.spec) };
  }
  const from = await revisionOf(q, r.workload, r.from);
  const to = typeof r.to === "number" ? await revisionOf(q, r.workload, r.to) : r.to;
  const policyName = typeof to.spec["policy"] === "string" ? to.spec["policy"] : null;
  const policy = policyName ? await rollouts.objectByName(q, r.projectId, "PlacementPolicy", policyName) : null;

  const units = await rollouts.unitsOf(q, r.workload.id);
  const compiled = (text: string | undefined) => (text === undefined ? null : compileSelector(text));
  const selectors = spec.waves.map((w) => ({ take: compiled(w.selector), leave: compiled(w.exclude) }));
  const never = compiled(spec.exclude);
  const placed = units.map((u) => {
    const subject = subjectOf(u);
    return { unit: u.unit, node: u.node, site: u.site, excluded: hits(never, subject) === true, matches: selectors.map((x) => hits(x.take, subject) !== false && hits(x.leave, subject) !== true) };
  });
  const { waves, leftOut, excluded } = assignWaves(spec, placed);
  const plan: RolloutPlan = {
    workload: r.workload.name,
    from: { generation: from.generation, digest: from.digest },
    to: { generation: to.generation, digest: to.digest },
    artifacts: artifactsOf(to.spec),
    policy: policy ? { name: policy.name, digest: policy.digest } : null,
    strategy: { name: strategy.name, digest: strategy.digest, spec },
    templates,
    waves,
    window: { fromMs: r.fromMs, toMs: r.fromMs + WINDOW_MS },
    ...(excluded.length > 0 ? { excluded } : {}),
  };
  return { plan, digest: planDigestOf(plan), units, leftOut, warnings: warningsOf(plan, leftOut) };
}

/** Whether a selector matches; null where there is none. One that does not compile matches nothing. */
const hits = (s: ReturnType<typeof compileSelector> | null, subject: ReturnType<typeof subjectOf>): boolean | null => (s === null ? null : s.ok && s.value.test(subject).matches);

async function revisionOf(q: Queryable, workload: { id: string; name: string }, generation: number): Promise<{ generation: number; digest: string; spec: Record<string, unknown> }> {
  const r = await rollouts.revision(q, workload.id, generation);
  if (!r) return refuseNow("not_found", `Workload “${workload.name}” has no revision r${generation}.`, "Choose one from its list of revisions.");
  return { generation, digest: r.digest, spec: r.manifest.spec };
}

function artifactsOf(spec: Record<string, unknown>): RolloutPlan["artifacts"] {
  const template = spec["template"] as { artifacts?: { name: string; digest: string }[] } | undefined;
  return (template?.artifacts ?? []).map((a) => ({ name: a.name, digest: a.digest }));
}

/** What a careful person would want to know before this plan starts. */
function warningsOf(plan: RolloutPlan, leftOut: readonly PlanTarget[]): string[] {
  const out: string[] = [];
  for (const w of plan.waves) if (w.targets.length === 0) out.push(`Wave ${w.name} has no target: no unit runs where its selector matches.`);
  if (leftOut.length > 0) out.push(`${leftOut.length} unit${leftOut.length === 1 ? " is" : "s are"} in no wave and would be updated last, without steps: ${leftOut.map((t) => t.unit).slice(0, 5).join(", ")}. Give the last wave no selector to include them.`);
  const steps = plan.strategy.spec.waves.flatMap((w) => w.steps);
  if (!steps.some((s) => s.do === "analysis") && plan.strategy.spec.analysis === undefined) out.push("Nothing is measured: the strategy has no analysis, so a worse revision is noticed only when it is unhealthy.");
  if (!steps.some((s) => s.do === "approval")) out.push("Nobody is asked: the strategy has no approval gate.");
  const first = plan.strategy.spec.waves[0];
  const goal = first?.steps.find((s) => s.do === "update");
  const targets = plan.waves[0]?.targets.length ?? 0;
  const total = plan.waves.reduce((n, w) => n + w.targets.length, 0);
  if (goal?.do === "update" && total > 1 && stepGoal(goal, targets) === total) out.push("The first step updates every unit at once: this is no canary.");
  return out;
}
