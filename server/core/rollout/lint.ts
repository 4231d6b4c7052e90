import { parseDurationMs } from "../base/duration";
import type { AnalysisTemplateSpec } from "../manifest/analysis";
import { ancestors } from "./graph";
import { stepGoal, type RolloutPlan } from "./plan";
import { nextOpening } from "./windows";

/** Something about a plan that a careful person would want to know before it starts. */
export interface LintFinding {
  code: "nothingMeasured" | "nobodyAsked" | "noCanary" | "noGateBeforeEdge" | "windowNeverOpen" | "windowBeyondPlan" | "sampleTooSmall" | "noWayBack" | "emptyWave" | "silenceUnseen";
  level: "warning" | "note";
  path: string;
  message: string;
  remedy: string;
}

export interface LintFacts {
  nowMs: number;
  /** Kind and time zone by site. */
  sites: Readonly<Record<string, { kind: string; zone: string }>>;
  /** Requests of one unit in a minute, as measured of late; null when nothing was measured. */
  requestsPerUnitMinute: number | null;
}

const DAY_MS = 86_400_000;

/** Looks a plan over: gates before the edge, windows that never open, samples that can't decide in the time given. */
export function lintPlan(plan: RolloutPlan, facts: LintFacts): LintFinding[] {
  const spec = plan.strategy.spec;
  const steps = spec.waves.flatMap((w) => w.steps);
  const out: LintFinding[] = [];
  const add = (code: LintFinding["code"], level: LintFinding["level"], path: string, message: string, remedy: string): void => void out.push({ code, level, path, message, remedy });
  if (!steps.some((s) => s.do === "analysis") && spec.analysis === undefined) add("nothingMeasured", "warning", "spec.analysis", "Nothing is measured: a worse revision is noticed only when it is unhealthy.", "Add an analysis step, or a template for the background.");
  if (!steps.some((s) => s.do === "approval")) add("nobodyAsked", "note", "spec.waves", "Nobody is asked: there is no approval gate.", "Add an approval step before the waves that matter.");
  const total = plan.waves.reduce((n, w) => n + w.targets.length, 0);
  for (const [w, wave] of spec.waves.entries()) {
    const path = `spec.waves[${w}]`;
    const targets = plan.waves[w]?.targets ?? [];
    if (targets.length === 0) add("emptyWave", "warning", path, `Wave ${wave.name} has no target: no unit runs where its selector matches.`, "Change its selector, or take the wave out.");
    const goal = wave.steps.find((s) => s.do === "update");
    if (ancestors(spec, w).size === 0 && total > 1 && goal?.do === "update" && stepGoal(goal, targets.length) === total) add("noCanary", "warning", path, "The first step updates every unit at once: this is no canary.", "Begin with a small wave or a small percentage.");
    lintEdge(plan, w, facts, add);
    lintWindows(plan, w, facts, add);
    lintSamples(plan, w, facts, add);
  }
  const edge = plan.waves.some((w) => w.targets.some((t) => facts.sites[t.site]?.kind === "edge"));
  if (edge && spec.deadMan === undefined) add("noWayBack", "note", "spec.deadMan", "Edge units that lose their link in the middle of a bad rollout stay on it until they are back.", "Add deadMan: {deadline: 30m}: they return by themselves.");
  if (edge && spec.silenceDeadline === undefined) add("silenceUnseen", "note", "spec.silenceDeadline", "Units that vanish after the update are waited for, and never count against it.", "Add silenceDeadline: 10m, and maxSilent for how many may.");
  return out;
}

type Add = (code: LintFinding["code"], level: LintFinding["level"], path: string, message: string, remedy: string) => void;

function lintEdge(plan: RolloutPlan, w: number, facts: LintFacts, add: Add): void {
  const spec = plan.strategy.spec;
  const wave = spec.waves[w];
  const edge = (plan.waves[w]?.targets ?? []).filter((t) => facts.sites[t.site]?.kind === "edge").length;
  if (!wave || edge === 0 || edge < 5) return;
  const before = [...ancestors(spec, w)].flatMap((a) => spec.waves[a]?.steps ?? []);
  const own = wave.steps.slice(0, wave.steps.findIndex((s) => s.do === "update"));
  if (![...before, ...own].some((s) => s.do === "approval" || s.do === "analysis")) add("noGateBeforeEdge", "warning", `spec.waves[${w}]`, `Wave ${wave.name} updates ${edge} edge units with no gate or analysis before it.`, "Put an approval or an analysis before it: edge sites are the hardest to bring back.");
}

function lintWindows(plan: RolloutPlan, w: number, facts: LintFacts, add: Add): void {
  const spec = plan.strategy.spec;
  const windows = spec.waves[w]?.windows ?? spec.windows;
  if (!windows) return;
  const path = spec.waves[w]?.windows ? `spec.waves[${w}].windows` : "spec.windows";
  for (const site of new Set((plan.waves[w]?.targets ?? []).map((t) => t.site))) {
    const next = nextOpening(windows, facts.sites[site]?.zone ?? "UTC", facts.nowMs);
    if (next === null) return add("windowNeverOpen", "warning", path, `The window of wave ${spec.waves[w]?.name ?? ""} never opens at ${site}.`, "Give it a day and an end behind its beginning.");
    if (next > plan.window.toMs) return add("windowBeyondPlan", "warning", path, `At ${site} the window opens only after the rollout's own ${Math.round((plan.window.toMs - plan.window.fromMs) / DAY_MS)} days are over.`, "Widen the window.");
  }
}

/** Requests needed before a template can decide at all, by the samples it asks for. */
function needed(t: AnalysisTemplateSpec): number | null {
  if (t.judge === undefined || t.judge === "thresholds") return Math.max(0, ...t.metrics.flatMap((m) => (m.metric === "accuracy" || m.metric === "restarts" ? [] : [m.minSample])));
  // A binomial mixture at alpha needs about ln(1/alpha) / KL failures to reject; of a service with 1% errors at twice the rate that is some thousands of requests.
  return t.judge === "sequential" ? Math.ceil((Math.log(1 / (t.alpha ?? 0.01)) / 0.193) * 100) : null;
}

function lintSamples(plan: RolloutPlan, w: number, facts: LintFacts, add: Add): void {
  const wave = plan.strategy.spec.waves[w];
  if (!wave || facts.requestsPerUnitMinute === null) return;
  const targets = plan.waves[w]?.targets.length ?? 0;
  let updated = 0;
  for (const [i, step] of wave.steps.entries()) {
    if (step.do === "update") updated = stepGoal(step, targets);
    if (step.do !== "analysis") continue;
    const template = plan.templates[step.template]?.spec;
    const wants = template ? needed(template) : null;
    const minutes = (parseDurationMs(step.deadline) ?? 0) / 60_000;
    const gets = Math.floor(updated * facts.requestsPerUnitMinute * minutes);
    if (wants !== null && gets < wants) add("sampleTooSmall", "warning", `spec.waves[${w}].steps[${i}].deadline`, `In ${step.deadline} the ${updated} updated unit${updated === 1 ? "" : "s"} of wave ${wave.name} serve about ${gets} requests, and ${step.template} needs about ${wants} to decide.`, "Give it more time or more units, or it holds and asks.");
  }
}
