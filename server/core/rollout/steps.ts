import { parseDurationMs } from "../base/duration";
import type { RolloutStep } from "../manifest/rollout";
import { askUnits, Budget, movable, skipped, tendTrials } from "./asks";
import { breaches } from "./breach";
import { gateName, openGates, tendGates } from "./gates";
import { activeWaves } from "./graph";
import { stepGoal } from "./plan";
import { settledOn, type RolloutDecision, type RolloutSnapshot, type Target } from "./snapshot";

const RECHECK_MS = 2_000;
const ASK_FOR_MS = 30 * 60_000;
/** The key of a hold that no breach caused. */
const WINDOW_KEY = "window";

/**
 * Decides what to do next with a rollout: `plan = f(snapshot)`. Safety: never more than `maxUnavailable` live targets of a
 * wave in flight, never past a gate whose approval is not for exactly this plan, never into a freeze or outside a window,
 * never promoted by silence.
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
      return failure(s, d) ?? waiting(s, d);
    case "awaitingApproval":
      return failure(s, d) ?? planGate(s, waiting(s, d));
    case "holding":
      return failure(s, d) ?? planHold(s, waiting(s, d));
    case "running":
      return failure(s, d) ?? planRunning(s, waiting(s, d));
  }
}

/** What goes on in every open phase: sites that were sent back return, and dead-man switches are tended. */
function waiting(s: RolloutSnapshot, d: RolloutDecision): RolloutDecision {
  const back = s.plan.from.generation;
  for (const t of s.targets) {
    if (t.excluded || movable(s, t) || t.desiredGeneration === back) continue;
    d.actions.push({ do: "setGeneration", assignmentId: t.assignmentId, unit: t.unit, generation: back, returnAtMs: null });
  }
  d.actions.push(...tendTrials(s));
  return d;
}

/** A breach that ends the rollout in whatever phase it is, approvals and pauses included; or one site's part of it. */
function failure(s: RolloutSnapshot, d: RolloutDecision): RolloutDecision | null {
  const strategy = s.plan.strategy.spec;
  const found = breaches(s);
  const broken = found.find((b) => !sendBack(s, b.sites)) ?? found[0];
  if (!broken) return null;
  d.because.push(broken.sentence);
  const then = strategy.onBreach ?? (strategy.automaticRollback ? "rollBack" : "hold");
  if (then === "rollBack") {
    const sites = sendBack(s, broken.sites);
    if (sites) d.actions.push({ do: "sendSitesBack", sites, reason: broken.sentence });
    else d.actions.push({ do: "transition", command: "fail", reason: broken.sentence });
    return d;
  }
  const held = s.progress.held;
  if (then === "ask" && s.phase === "holding" && held !== null) {
    const until = held.sinceMs + (parseDurationMs(strategy.askFor ?? "") ?? ASK_FOR_MS);
    if (s.nowMs >= until) d.actions.push({ do: "transition", command: "fail", reason: `${broken.sentence} Nobody answered within ${strategy.askFor ?? "30m"}.` });
    d.wakeAtMs = Math.min(d.wakeAtMs, until);
  } else if (s.phase === "running") {
    const why = then === "ask" ? `Without an answer within ${strategy.askFor ?? "30m"} it is rolled back.` : "Automatic rollback is off: a person has to decide.";
    d.actions.push({ do: "transition", command: "hold", reason: `${broken.sentence} ${why}`, holdKey: broken.key });
  }
  return d;
}

/** The sites to send back for a breach that names some, when the rollout may go on without them; null when all goes back. */
function sendBack(s: RolloutSnapshot, named: readonly string[]): string[] | null {
  if (s.plan.strategy.spec.scope !== "site" || named.length === 0) return null;
  const canary = new Set(s.targets.filter((t) => t.desiredGeneration === s.plan.to.generation && movable(s, t)).map((t) => t.site));
  const guilty = [...new Set(named)].filter((site) => canary.has(site)).sort();
  return guilty.length > 0 && guilty.length < canary.size ? guilty : null;
}

function planReturn(s: RolloutSnapshot, d: RolloutDecision): RolloutDecision {
  const back = s.plan.from.generation;
  const mine = s.targets.filter((t) => t.excluded !== true);
  for (const t of mine) if (t.desiredGeneration !== back) d.actions.push({ do: "setGeneration", assignmentId: t.assignmentId, unit: t.unit, generation: back, returnAtMs: null });
  if (d.actions.length > 0) return d;
  const open = mine.filter((t) => !settledOn(t, back));
  const live = open.filter((t) => !t.silent);
  if (live.length > 0) {
    d.because.push(`${live.length} of ${mine.length} units are still on their way back to r${back}.`);
    return d;
  }
  const silent = open.length;
  d.actions.push({
    do: "transition",
    command: "settle",
    reason: silent === 0 ? `All ${mine.length} units run r${back} again.` : `${mine.length - silent} of ${mine.length} units run r${back} again; ${silent} silent ${silent === 1 ? "one is" : "ones are"} told and will return when back in reach.`,
  });
  return d;
}

function planGate(s: RolloutSnapshot, d: RolloutDecision): RolloutDecision {
  const passed = openGates(s, "passed");
  const reached = openGates(s, "reached");
  // One wave's gate is open again while others still wait, or all are: the rollout goes on where it may.
  if (passed.length === 0 && reached.length < activeWaves(s.plan.strategy.spec, s.progress.waves).length) {
    const by = s.breakGlass ? null : s.gates.filter((g) => g.state === "approved" && g.planDigest === s.planDigest).at(-1)?.decidedBy;
    d.actions.push({ do: "transition", command: "approved", reason: s.breakGlass ? "The glass was broken: gates do not stop it." : `Approved${by ? ` by ${by}` : ""}.` });
    return d;
  }
  const rejected = tendGates(s, d, passed.length > 0 ? passed : reached);
  if (rejected !== null) d.actions.push({ do: "transition", command: "rejected", reason: rejected });
  return d;
}

function planHold(s: RolloutSnapshot, d: RolloutDecision): RolloutDecision {
  const judged = activeWaves(s.plan.strategy.spec, s.progress.waves).flatMap((w) => (stepOf(s, w)?.do === "analysis" ? [s.stepVerdicts[w] ?? null] : []));
  const good = judged.length > 0 && judged.every((v) => v?.verdict === "promote");
  if (good && s.progress.held?.key.startsWith("analysis") !== false) d.actions.push({ do: "transition", command: "release", reason: judged[0]?.sentence ?? "" });
  else d.because.push(judged.find((v) => v !== null)?.sentence ?? "Holding until a person decides.");
  return d;
}

const stepOf = (s: RolloutSnapshot, wave: number): RolloutStep | undefined => s.plan.strategy.spec.waves[wave]?.steps[s.progress.waves[wave]?.step ?? 0];

function planRunning(s: RolloutSnapshot, d: RolloutDecision): RolloutDecision {
  if (s.nowMs > s.plan.window.toMs && !s.breakGlass && !s.progress.accepted.includes(WINDOW_KEY)) {
    d.actions.push({ do: "transition", command: "hold", reason: "The rollout's window has closed before it was done.", holdKey: WINDOW_KEY });
    return d;
  }
  const void_ = openGates(s, "passed")[0];
  if (void_) {
    d.actions.push({ do: "transition", command: "askApproval", reason: `Gate “${void_.gate}” needs an approval of the plan as it is now.` });
    return d;
  }
  const active = activeWaves(s.plan.strategy.spec, s.progress.waves);
  if (active.length === 0) return finish(s, d);
  const budget = new Budget(s);
  let atGate = 0;
  for (const w of active) atGate += Number(planWave(s, d, w, budget));
  const reached = openGates(s, "reached");
  if (atGate === active.length && reached[0]) d.actions.push({ do: "transition", command: "askApproval", reason: `Waiting for an approval at gate “${reached[0].gate}”.` });
  else if (reached.length > 0) {
    const rejected = tendGates(s, d, reached);
    if (rejected !== null) d.actions = [{ do: "transition", command: "fail", reason: rejected }];
  }
  // A hold stops every wave: what others would have asked for is decided anew when it is lifted.
  const hold = d.actions.find((a) => a.do === "transition" && a.command === "hold");
  if (hold) d.actions = [hold];
  return d;
}

/** The next of one wave at work; true when it stands at a gate that nobody approved yet. */
function planWave(s: RolloutSnapshot, d: RolloutDecision, w: number, budget: Budget): boolean {
  const wave = s.plan.strategy.spec.waves[w];
  const step = stepOf(s, w);
  const startedAtMs = s.progress.waves[w]?.startedAtMs ?? null;
  if (!wave || !step) return false;
  if (startedAtMs === null) {
    d.actions.push({ do: "goTo", wave: w, step: 0, text: `Wave ${wave.name} begins.` });
    d.wakeAtMs = s.nowMs;
    return false;
  }
  switch (step.do) {
    case "update":
      planUpdate(s, d, w, step, budget);
      return false;
    case "traffic":
      d.actions.push({ do: "setTraffic", wave: w, weight: step.weight });
      advance(s, d, w, `Units on r${s.plan.to.generation} serve ${step.weight}% of wave ${wave.name}.`);
      return false;
    case "pause": {
      const until = startedAtMs + (parseDurationMs(step.for) ?? 0);
      if (s.nowMs >= until) advance(s, d, w, `Waited ${step.for}.`);
      else {
        d.because.push(`Waiting ${step.for} as the strategy says.`);
        d.wakeAtMs = Math.min(until, d.wakeAtMs);
      }
      return false;
    }
    case "approval":
      if (openGates(s, "reached").some((g) => g.gate === gateName(wave.name, step))) return true;
      advance(s, d, w, s.breakGlass ? `Gate “${gateName(wave.name, step)}” was passed: the glass was broken.` : `Gate “${gateName(wave.name, step)}” is approved.`);
      return false;
    case "analysis":
      planAnalysis(s, d, w, step, startedAtMs);
      return false;
  }
}

function planAnalysis(s: RolloutSnapshot, d: RolloutDecision, w: number, step: Extract<RolloutStep, { do: "analysis" }>, startedAtMs: number): void {
  const v = s.stepVerdicts[w] ?? null;
  if (v?.verdict === "promote") return advance(s, d, w, v.sentence, true);
  const late = s.nowMs - startedAtMs >= (parseDurationMs(step.deadline) ?? 0);
  if (v?.verdict === "hold" || late) d.actions.push({ do: "transition", command: "hold", reason: v ? v.sentence : `No evidence came within ${step.deadline}.`, holdKey: `analysis ${w}` });
  else d.because.push(v?.sentence ?? "Waiting for the first evidence.");
}

function planUpdate(s: RolloutSnapshot, d: RolloutDecision, w: number, step: Extract<RolloutStep, { do: "update" }>, budget: Budget): void {
  const to = s.plan.to.generation;
  const wave = s.targets.filter((t) => t.wave === w && movable(s, t));
  // Units already asked come first, then live ones before silent ones, then by name: the choice is the same each time.
  const rank = (t: Target): number => (t.desiredGeneration === to ? 0 : t.silent ? 2 : 1);
  const ordered = [...wave].sort((a, b) => rank(a) - rank(b) || (a.unit < b.unit ? -1 : 1));
  const chosen = ordered.slice(0, stepGoal(step, wave.length));
  const open = chosen.filter((t) => !settledOn(t, to));
  const inFlight = budget.inFlight(w);
  const before = d.actions.length;
  askUnits(s, d, open, budget);
  const blocking = open.filter((t) => !skipped(s, t));
  d.because.push(`${chosen.length - open.length} of ${chosen.length} units are on r${to} and healthy, ${inFlight} in flight of at most ${s.plan.strategy.spec.maxUnavailable}.`);
  const silent = blocking.filter((t) => t.silent);
  if (silent.length > 0) d.because.push(`${silent.length} silent: ${named(silent)}; the wave waits for them.`);
  // Silent units of a wave that skips may still be held back by a freeze or a window: they are asked when it ends.
  const unasked = open.filter((t) => skipped(s, t) && t.desiredGeneration !== to).length;
  if (d.actions.length === before && blocking.length === 0) {
    const left = open.length;
    advance(s, d, w, `${chosen.length - left} of ${wave.length} units run r${to}${left > 0 ? `, ${left} ${left === open.filter((t) => t.silent).length ? "silent" : "silent or contradicted"} follow when they are back` : ""}${unasked > 0 ? ` (${unasked} not asked yet)` : ""}.`);
  }
}
const named = (list: readonly Target[]): string => `${list.slice(0, 10).map((t) => `${t.unit} on ${t.node}`).join(", ")}${list.length > 10 ? ` and ${list.length - 10} more` : ""}`;

function advance(s: RolloutSnapshot, d: RolloutDecision, w: number, text: string, evidence = false): void {
  d.actions.push({ do: "goTo", wave: w, step: (s.progress.waves[w]?.step ?? 0) + 1, text, ...(evidence ? { evidence } : {}) });
  d.wakeAtMs = s.nowMs;
}

/**
 * After the last wave: what the steps' percentages and counts left over is updated too, so that "done" means that
 * every target runs the new revision; silent targets of waves that skip follow when they return. Sites that were sent
 * back stay back, and the rollout holds for a person: it has no success to report of them.
 */
function finish(s: RolloutSnapshot, d: RolloutDecision): RolloutDecision {
  const to = s.plan.to.generation;
  const mine = s.targets.filter((t) => movable(s, t));
  const open = mine.filter((t) => !settledOn(t, to));
  const before = d.actions.length;
  askUnits(s, d, [...open].sort((a, b) => Number(a.silent) - Number(b.silent) || (a.unit < b.unit ? -1 : 1)), new Budget(s), true);
  const blocking = open.filter((t) => !skipped(s, t) || t.desiredGeneration !== to);
  if (d.actions.length > before || blocking.length > 0) {
    d.because.push(`${mine.length - open.length} of ${mine.length} units run r${to}.`);
    return d;
  }
  const back = s.progress.sitesBack;
  if (back.length > 0) {
    const units = s.targets.filter((t) => t.excluded !== true).length - mine.length;
    d.actions.push({ do: "transition", command: "hold", holdKey: "sites back", reason: `${mine.length} units run r${to}; ${units} at ${back.map((b) => b.site).join(", ")} were sent back to r${s.plan.from.generation}. Promote tries these sites again; abort returns every unit.` });
    return d;
  }
  const silent = open.length;
  d.actions.push({ do: "transition", command: "finish", reason: silent === 0 ? `All ${mine.length} units run r${to} and are healthy.` : `${mine.length - silent} of ${mine.length} units run r${to}; ${silent} silent follow when they are back.` });
  return d;
}
