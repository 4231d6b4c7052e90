import { parseDurationMs } from "../base/duration";
import type { RolloutStep } from "../manifest/rollout";
import type { Verdict } from "../analysis/judge";
import { stepGoal, type RolloutPlan } from "./plan";
import type { RolloutCommand, RolloutPhase } from "./lifecycle";

/** A unit of the plan as it is now: what it was asked for and what its agent last said. */
export interface Target {
  unit: string;
  assignmentId: string;
  node: string;
  site: string;
  wave: number;
  desiredGeneration: number;
  observedGeneration: number | null;
  /** Runs and passes its health check on the observed generation. */
  healthy: boolean;
  /** The new revision is not coming up: what the agent says of it; null when nothing is wrong. */
  trouble: string | null;
  /** Its node is out of reach: what is known of it is old. */
  silent: boolean;
  /** When it was last asked for another revision. */
  askedAtMs: number;
}

export interface GateState {
  id: string;
  gate: string;
  state: "pending" | "approved" | "rejected" | "void" | "expired";
  planDigest: string;
  expiresAtMs: number;
  decidedBy: string | null;
  remark: string | null;
}

/** All that the decision may see. */
export interface RolloutSnapshot {
  nowMs: number;
  phase: RolloutPhase;
  waveIndex: number;
  stepIndex: number;
  stepStartedAtMs: number;
  plan: RolloutPlan;
  /** Digest of `plan`; approvals with another digest do not count. */
  planDigest: string;
  targets: readonly Target[];
  gates: readonly GateState[];
  /** Verdict of the present step's template, when the step is an analysis. */
  stepVerdict: Verdict | null;
  /** Verdict of the strategy's background template, when it has one and targets were updated. */
  backgroundVerdict: Verdict | null;
}

export type RolloutAction =
  | { do: "setGeneration"; assignmentId: string; unit: string; generation: number }
  | { do: "goTo"; wave: number; step: number; text: string }
  | { do: "transition"; command: RolloutCommand; reason: string }
  | { do: "requestApproval"; gate: string; expiresAtMs: number }
  | { do: "expireApproval"; id: string };

export interface RolloutDecision {
  actions: RolloutAction[];
  /** When to look again although nothing was heard. */
  wakeAtMs: number;
  because: string[];
}

const RECHECK_MS = 2_000;

/**
 * Decides what to do next with a rollout: `plan = f(snapshot)`. Safety: never more than `maxUnavailable` live targets
 * in flight, never past a gate whose approval is not for exactly this plan, never promoted by silence.
 */
export function planRollout(s: RolloutSnapshot): RolloutDecision {
  const d: RolloutDecision = { actions: [], wakeAtMs: s.nowMs + RECHECK_MS, because: [] };
  switch (s.phase) {
    case "succeeded":
    case "rolledBack":
      return { ...d, wakeAtMs: Number.MAX_SAFE_INTEGER };
    case "rollingBack":
      return planReturn(s, d);
    case "paused":
      return failure(s, d) ?? d;
    case "awaitingApproval":
      return failure(s, d) ?? planGate(s, d);
    case "holding":
      return failure(s, d) ?? planHold(s, d);
    case "running":
      return failure(s, d) ?? planRunning(s, d);
  }
}

/** A breach that ends the rollout in whatever phase it is, approvals and pauses included. */
function failure(s: RolloutSnapshot, d: RolloutDecision): RolloutDecision | null {
  const strategy = s.plan.strategy.spec;
  const sentence = breach(s);
  if (sentence === null) return null;
  d.because.push(sentence);
  if (strategy.automaticRollback) d.actions.push({ do: "transition", command: "fail", reason: sentence });
  else if (s.phase === "running") d.actions.push({ do: "transition", command: "hold", reason: `${sentence} Automatic rollback is off: a person has to decide.` });
  return d;
}

function breach(s: RolloutSnapshot): string | null {
  const to = s.plan.to.generation;
  const timeout = parseDurationMs(s.plan.strategy.spec.healthTimeout) ?? 0;
  for (const v of [s.stepVerdict, s.backgroundVerdict]) if (v?.verdict === "rollBack") return v.sentence;
  for (const t of s.targets) {
    if (t.desiredGeneration !== to || settledOn(t, to)) continue;
    const wave = s.plan.waves[t.wave]?.name ?? "";
    const waited = s.nowMs - t.askedAtMs;
    if (t.silent) {
      if (s.plan.strategy.spec.waves[t.wave]?.offline === "fail" && waited > timeout)
        return `Unit ${t.unit} on ${t.node} in site ${t.site} (wave ${wave}) fell silent after it was asked for r${to}, and the wave's rule for silence is to fail.`;
      continue;
    }
    if (waited > timeout) return `Unit ${t.unit} on ${t.node} in site ${t.site} (wave ${wave}) did not become healthy on r${to} within ${s.plan.strategy.spec.healthTimeout}${t.trouble ? `: ${t.trouble}` : "."}`;
  }
  return null;
}

const settledOn = (t: Target, generation: number): boolean => t.desiredGeneration === generation && t.observedGeneration === generation && t.healthy && !t.silent;

function planReturn(s: RolloutSnapshot, d: RolloutDecision): RolloutDecision {
  const back = s.plan.from.generation;
  for (const t of s.targets) if (t.desiredGeneration !== back) d.actions.push({ do: "setGeneration", assignmentId: t.assignmentId, unit: t.unit, generation: back });
  if (d.actions.length > 0) return d;
  const open = s.targets.filter((t) => !settledOn(t, back));
  const live = open.filter((t) => !t.silent);
  if (live.length > 0) {
    d.because.push(`${live.length} of ${s.targets.length} units are still on their way back to r${back}.`);
    return d;
  }
  const silent = open.length;
  d.actions.push({
    do: "transition",
    command: "settle",
    reason: silent === 0 ? `All ${s.targets.length} units run r${back} again.` : `${s.targets.length - silent} of ${s.targets.length} units run r${back} again; ${silent} silent ${silent === 1 ? "one is" : "ones are"} told and will return when back in reach.`,
  });
  return d;
}

/** The first approval gate on the way to here that no approval of exactly this plan covers. */
function openGate(s: RolloutSnapshot, includeCurrent: boolean): { gate: string; expires: string } | null {
  for (const [w, wave] of s.plan.strategy.spec.waves.entries()) {
    if (w > s.waveIndex) break;
    for (const [i, step] of wave.steps.entries()) {
      if (w === s.waveIndex && (i > s.stepIndex || (i === s.stepIndex && !includeCurrent))) break;
      if (step.do !== "approval") continue;
      const gate = gateName(wave.name, step);
      if (!s.gates.some((g) => g.gate === gate && g.state === "approved" && g.planDigest === s.planDigest)) return { gate, expires: step.expires };
    }
  }
  return null;
}

/** A gate's name for people, unique in the plan: "edge: before the edge". */
export const gateName = (wave: string, step: Extract<RolloutStep, { do: "approval" }>): string => `${wave}: ${step.name}`;

function planGate(s: RolloutSnapshot, d: RolloutDecision): RolloutDecision {
  const open = openGate(s, true);
  if (open === null) {
    const by = s.gates.filter((g) => g.state === "approved" && g.planDigest === s.planDigest).at(-1)?.decidedBy;
    d.actions.push({ do: "transition", command: "approved", reason: `Approved${by ? ` by ${by}` : ""}.` });
    return d;
  }
  const mine = s.gates.filter((g) => g.gate === open.gate && g.planDigest === s.planDigest);
  const rejected = mine.find((g) => g.state === "rejected");
  if (rejected) {
    d.actions.push({ do: "transition", command: "rejected", reason: `Rejected by ${rejected.decidedBy ?? "an approver"} at gate “${open.gate}”${rejected.remark ? `: ${rejected.remark}` : "."}` });
    return d;
  }
  const pending = mine.find((g) => g.state === "pending");
  if (pending && pending.expiresAtMs <= s.nowMs) {
    d.actions.push({ do: "expireApproval", id: pending.id });
  } else if (!pending) {
    // After an expiry the question is asked anew, so that a rollout never waits for nothing.
    d.actions.push({ do: "requestApproval", gate: open.gate, expiresAtMs: s.nowMs + (parseDurationMs(open.expires) ?? 0) });
  } else {
    d.because.push(`Waiting for an approval at gate “${open.gate}”.`);
    d.wakeAtMs = Math.min(pending.expiresAtMs, s.nowMs + 30_000);
  }
  return d;
}

function planHold(s: RolloutSnapshot, d: RolloutDecision): RolloutDecision {
  if (s.stepVerdict?.verdict === "promote") d.actions.push({ do: "transition", command: "release", reason: s.stepVerdict.sentence });
  else d.because.push(s.stepVerdict?.sentence ?? "Holding until a person decides.");
  return d;
}

function planRunning(s: RolloutSnapshot, d: RolloutDecision): RolloutDecision {
  if (s.nowMs > s.plan.window.toMs) {
    d.actions.push({ do: "transition", command: "hold", reason: "The rollout's window has closed before it was done." });
    return d;
  }
  const gate = openGate(s, false);
  if (gate) {
    d.actions.push({ do: "transition", command: "askApproval", reason: `Gate “${gate.gate}” needs an approval of the plan as it is now.` });
    return d;
  }
  const wave = s.plan.strategy.spec.waves[s.waveIndex];
  const step = wave?.steps[s.stepIndex];
  if (!wave) {
    return finish(s, d);
  }
  if (!step) {
    d.actions.push({ do: "goTo", wave: s.waveIndex + 1, step: 0, text: `Wave ${wave.name} is done.` });
    return d;
  }
  switch (step.do) {
    case "update":
      return planUpdate(s, d, step, wave.offline);
    case "pause": {
      const until = s.stepStartedAtMs + (parseDurationMs(step.for) ?? 0);
      if (s.nowMs >= until) return advance(s, d, `Waited ${step.for}.`);
      d.because.push(`Waiting ${step.for} as the strategy says.`);
      d.wakeAtMs = Math.min(until, s.nowMs + RECHECK_MS);
      return d;
    }
    case "approval": {
      if (openGate(s, true) === null) return advance(s, d, `Gate “${gateName(wave.name, step)}” is approved.`);
      d.actions.push({ do: "transition", command: "askApproval", reason: `Waiting for an approval at gate “${gateName(wave.name, step)}”.` });
      return d;
    }
    case "analysis":
      return planAnalysis(s, d, step);
  }
}

function planAnalysis(s: RolloutSnapshot, d: RolloutDecision, step: Extract<RolloutStep, { do: "analysis" }>): RolloutDecision {
  const v = s.stepVerdict;
  if (v?.verdict === "promote") return advance(s, d, v.sentence);
  const late = s.nowMs - s.stepStartedAtMs >= (parseDurationMs(step.deadline) ?? 0);
  if (v?.verdict === "hold" || late) d.actions.push({ do: "transition", command: "hold", reason: v ? v.sentence : `No evidence came within ${step.deadline}.` });
  else d.because.push(v?.sentence ?? "Waiting for the first evidence.");
  return d;
}

function planUpdate(s: RolloutSnapshot, d: RolloutDecision, step: Extract<RolloutStep, { do: "update" }>, offline: "wait" | "skip" | "fail"): RolloutDecision {
  const to = s.plan.to.generation;
  const wave = s.targets.filter((t) => t.wave === s.waveIndex);
  // Units already asked come first, then live ones before silent ones, then by name: the choice is the same each time.
  const rank = (t: Target): number => (t.desiredGeneration === to ? 0 : t.silent ? 2 : 1);
  const ordered = [...wave].sort((a, b) => rank(a) - rank(b) || (a.unit < b.unit ? -1 : 1));
  const chosen = ordered.slice(0, stepGoal(step, wave.length));
  const open = chosen.filter((t) => !settledOn(t, to));
  const inFlight = open.filter((t) => t.desiredGeneration === to && !(t.silent && offline === "skip")).length;
  let budget = Math.max(0, s.plan.strategy.spec.maxUnavailable - inFlight);
  for (const t of open) {
    if (t.desiredGeneration === to) continue;
    const free = t.silent && offline === "skip";
    if (!free && budget === 0) continue;
    if (!free) budget--;
    d.actions.push({ do: "setGeneration", assignmentId: t.assignmentId, unit: t.unit, generation: to });
  }
  const blocking = open.filter((t) => !(t.silent && offline === "skip"));
  d.because.push(`${chosen.length - open.length} of ${chosen.length} units are on r${to} and healthy, ${inFlight} in flight of at most ${s.plan.strategy.spec.maxUnavailable}.`);
  const silent = blocking.filter((t) => t.silent);
  if (silent.length > 0) d.because.push(`${silent.length} silent: ${silent.map((t) => `${t.unit} on ${t.node}`).join(", ")}; the wave waits for them.`);
  if (d.actions.length === 0 && blocking.length === 0) {
    const skipped = open.length;
    return advance(s, d, `${chosen.length - skipped} of ${wave.length} units run r${to}${skipped > 0 ? `, ${skipped} silent follow when they are back` : ""}.`);
  }
  return d;
}

function advance(s: RolloutSnapshot, d: RolloutDecision, text: string): RolloutDecision {
  const steps = s.plan.strategy.spec.waves[s.waveIndex]?.steps.length ?? 0;
  const last = s.stepIndex + 1 >= steps;
  d.actions.push({ do: "goTo", wave: last ? s.waveIndex + 1 : s.waveIndex, step: last ? 0 : s.stepIndex + 1, text });
  d.wakeAtMs = s.nowMs;
  return d;
}

/**
 * After the last wave: what the steps' percentages and counts left over is updated too, so that "done" means that
 * every target runs the new revision; silent targets of waves that skip follow when they return.
 */
function finish(s: RolloutSnapshot, d: RolloutDecision): RolloutDecision {
  const to = s.plan.to.generation;
  const skips = (t: Target): boolean => t.silent && s.plan.strategy.spec.waves[t.wave]?.offline === "skip";
  const open = s.targets.filter((t) => !settledOn(t, to));
  let budget = Math.max(0, s.plan.strategy.spec.maxUnavailable - open.filter((t) => t.desiredGeneration === to && !skips(t)).length);
  for (const t of [...open].sort((a, b) => Number(a.silent) - Number(b.silent) || (a.unit < b.unit ? -1 : 1))) {
    if (t.desiredGeneration === to) continue;
    if (!skips(t) && budget-- <= 0) continue;
    d.actions.push({ do: "setGeneration", assignmentId: t.assignmentId, unit: t.unit, generation: to });
  }
  const blocking = open.filter((t) => !skips(t));
  if (d.actions.length > 0 || blocking.length > 0) {
    d.because.push(`${s.targets.length - open.length} of ${s.targets.length} units run r${to}.`);
    return d;
  }
  const silent = open.length;
  d.actions.push({ do: "transition", command: "finish", reason: silent === 0 ? `All ${s.targets.length} units run r${to} and are healthy.` : `${s.targets.length - silent} of ${s.targets.length} units run r${to}; ${silent} silent follow when they are back.` });
  return d;
}
