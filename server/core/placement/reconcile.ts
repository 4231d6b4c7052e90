/**
 * One pass over one workload as a pure function: what it should run, what it runs, what to change next. Safe to repeat:
 * the plan for a state that is as wanted is empty.
 *
 * What is known and what is not are kept apart. A silent node's units are left alone (they very likely go on running)
 * until `lostAfter`, and never count as room for a risk: a unit that leaves is stopped only when enough others are seen
 * to serve.
 */
import { counted } from "../fleet/age";
import { isAtRest, serves } from "../fleet/states";
import { alone, amongOthers, besides } from "./affinity";
import type { Ask, PlacedAsk, PlaceOptions } from "./ask";
import { fits, noLoad, withDemand } from "./demand";
import type { Load } from "./demand";
import { misplacement, nodeReasons } from "./feasible";
import type { FleetSnapshot } from "./fleet";
import { placeRepairs, repairTurnOf } from "./repairs";
import { divided, sharesOf, sitesOfAsks } from "./sets/division";
import type { Standing } from "./sets/division";
import { placeSet } from "./sets/place-set";
import { withPlaced } from "./sets/set-plan";
import { plainRules } from "./sets/types";
import type { Shape } from "./shape";
import { heldOn, keepsDevice } from "./shares";
import type { Cause, OwnUnit, RevisionShape, WorkloadPlan, WorkloadSnapshot } from "./workload-plan";

/** Placements of one pass; more wait for the next, so that a pass stays short and others get their turn. */
export const MAX_ASKS = 1_000;
/** How long until units without a node are tried again although nothing nudged. */
const RETRY_MS = 30_000;
/** A unit asked to stop that the agent never spoke of is over when the agent has spoken of all others since. */
const NEVER_SEEN_MS = 30_000;

export function planWorkload(seen: WorkloadSnapshot): WorkloadPlan {
  // A piece that is found to be done in this very pass counts as done in it, or it would be started again.
  const done = seen.kind === "batch" && seen.goal ? { ...seen, completed: new Set([...seen.completed, ...seen.units.filter((u) => isCompleted(seen, u) && !isBehind(seen, seen.goal as RevisionShape, u)).map((u) => u.ordinal)]) } : seen;
  const s = seen.fleet && seen.askShape ? { ...done, askShape: amongOthers(seen.askShape, seen.neighbours ?? alone, seen.fleet) } : done;
  const plan: WorkloadPlan = { needsFleet: false, needsOthers: false, evict: [], dropMoves: [], reserve: [], place: [], unplaced: [], stop: [], end: [], move: [], wakeAtMs: null, because: [] };
  const live = s.units.filter((u) => !endIfOver(s, u, plan));
  if (plan.end.length) plan.because.push(`${counted(plan.end.length, "unit")} over: ${plan.end[0]?.because ?? ""}`);
  const running = live.filter((u) => u.desired === "run");
  if (s.removed || s.goal === null) {
    for (const u of running) stop(plan, u, "remove", s.removed ? "The workload was removed." : "No revision may run.");
    if (running.length) plan.because.push(`${s.removed ? "removed" : "no revision may run"}: ${counted(running.length, "unit")} to stop`);
    return plan;
  }
  const standings = divided(s, running, running.map((u) => standingOf(s, s.goal as RevisionShape, u, plan)), plan);
  if (s.kind === "daemon") planDaemon(s, s.goal, running, standings, plan);
  else planReplicas(s, s.goal, running, standings, plan);
  for (const [cause, what] of [["drain", "leave"], ["move", "move"], ["replace", "are given up"]] as const) {
    const gone = plan.stop.filter((x) => x.cause === cause);
    if (gone[0]) plan.because.push(`${gone.map((x) => x.unit).slice(0, 5).join(", ")}${gone.length > 5 ? ` and ${gone.length - 5} more` : ""} ${gone.length === 1 ? what.replace("are", "is").replace(/^(leave|move)$/, "$1s") : what}: ${gone[0].because}`);
  }
  planRevisions(s, s.goal, running.filter((u, i) => standings[i]?.stand === "stays" && !plan.stop.some((x) => x.assignmentId === u.assignmentId)), plan);
  if (plan.unplaced.length) wake(plan, s.nowMs + RETRY_MS);
  return plan;
}

const isCompleted = (s: WorkloadSnapshot, u: OwnUnit): boolean => s.kind === "batch" && u.desired === "run" && u.observed?.phase === "succeeded" && u.observed.generation === u.generation;

/** Ends what is over: confirmed as stopped, run to completion, never started, or on a node that is gone for good. */
function endIfOver(s: WorkloadSnapshot, u: OwnUnit, plan: WorkloadPlan): boolean {
  const end = (cause: Cause, because: string) => {
    plan.end.push({ assignmentId: u.assignmentId, version: u.version, unit: u.unit, nodeId: u.node.id, cause, because });
    return true;
  };
  if (u.node.desiredState === "decommissioned") return end("replace", `${u.node.name} was decommissioned.`);
  if (isCompleted(s, u)) return end("completed", "It ran to completion.");
  if (u.desired !== "stop") return false;
  if (u.observed && isAtRest(u.observed.phase)) return end("done", `${u.node.name} says it is ${u.observed.phase}.`);
  if (!u.observed && u.node.contact === "live" && (u.nodeApplied || (u.nodeObservedAtMs ?? 0) > u.updatedAtMs + NEVER_SEEN_MS)) return end("done", `${u.node.name} never started it.`);
  return false;
}

/** Whether a running unit stays where it is. */
function standingOf(s: WorkloadSnapshot, goal: RevisionShape, u: OwnUnit, plan: WorkloadPlan): Standing {
  if (u.node.contact === "silent") {
    if (s.lostAfterMs === null || s.kind === "daemon") return { stand: "stays" };
    const lostAtMs = (u.node.lastSeenMs ?? s.nowMs) + s.lostAfterMs;
    if (s.nowMs >= lostAtMs) return { stand: "lost", because: `${u.node.name} has been silent for longer than lostAfter.` };
    wake(plan, lostAtMs);
    return { stand: "stays" };
  }
  if (s.lostAfterMs !== null && u.node.lastSeenMs !== null) wake(plan, u.node.lastSeenMs + s.lostAfterMs);
  if (u.node.desiredState === "draining") return { stand: "drain", because: `${u.node.name} is being drained.` };
  // Only a node in contact is judged by its attributes: what is known of others may be old.
  if (u.node.contact === "live") {
    const wrong = misplacement(goal.shape, u.node, s.nowMs);
    if (wrong) return { stand: "misplaced", because: wrong.text };
    if (isBehind(s, goal, u) && !s.rolloutOpen && s.kind !== "batch" && !fitsInPlace(s, goal, u, u.node.load)) return { stand: "misplaced", because: `r${goal.generation} asks for more than is left on ${u.node.name}.` };
    const repair = repairTurnOf(s, u);
    if (repair) return { stand: "repair", because: repair.because };
  }
  return { stand: "stays" };
}

/** Runs something else than the goal: another unit template, whatever the number of the revision. */
const isBehind = (s: WorkloadSnapshot, goal: RevisionShape, u: OwnUnit): boolean => s.revisions.get(u.generation)?.templateDigest !== goal.templateDigest;
const isServing = (u: OwnUnit): boolean => u.node.contact === "live" && u.observed !== null && serves(u.observed.phase, u.observed.health);

function planReplicas(s: WorkloadSnapshot, goal: RevisionShape, running: readonly OwnUnit[], standings: readonly Standing[], plan: WorkloadPlan): void {
  const shares = sharesOf(s, running, standings);
  const wanted = shares ? shares.total : s.kind === "batch" ? Array.from({ length: s.replicas }, (_, i) => i + 1).filter((o) => !s.completed.has(o)).length : s.replicas;
  // A batch has numbered pieces of work: which ones run matters, not only how many.
  const superfluous = (u: OwnUnit) => s.kind === "batch" && (u.ordinal > s.replicas || s.completed.has(u.ordinal));
  for (const u of running) if (superfluous(u)) stop(plan, u, "scale", `Piece ${u.ordinal} is not asked for.`);
  const staying = running.filter((u, i) => standings[i]?.stand === "stays" && !superfluous(u));
  const leaving = running.flatMap((u, i) => {
    const st = standings[i];
    return st && st.stand !== "stays" && !superfluous(u) ? [{ u, stand: st.stand, because: st.because }] : [];
  });

  const surplus = staying.length - wanted;
  const kept = surplus > 0 ? staying.slice() : staying;
  if (surplus > 0) {
    const victims = chooseVictims(goal.shape, staying, surplus);
    for (const u of victims) stop(plan, u, "scale", `${counted(wanted, "unit")} asked for.`);
    kept.splice(0, kept.length, ...staying.filter((u) => !victims.includes(u)));
    plan.because.push(`${counted(surplus, "unit")} too many`);
  }

  const missing = Math.max(0, wanted - staying.length);
  // Lost units first: their name is free again, and goes to the replacement.
  const lost = leaving.filter((l) => l.stand === "lost");
  for (const l of lost) stop(plan, l.u, "replace", l.because);
  const repaired = placeRepairs(s, goal, running, kept, leaving.filter((l) => l.stand === "repair").map((l) => l.u), missing, plan);
  if (missing - repaired > 0) placeMissing(s, goal, running, kept, leaving.filter((l) => l.stand !== "repair"), lost.map((l) => l.u), missing - repaired, plan);

  stopLeaving(s, kept, leaving.filter((l) => l.stand !== "lost"), wanted, plan);
}

/** Who goes when there are too many: those that do not serve, then from the fullest site and node, then the highest number. */
function chooseVictims(shape: Shape, staying: readonly OwnUnit[], count: number): OwnUnit[] {
  const left = [...staying];
  const victims: OwnUnit[] = [];
  const over = shape.policy?.spread.map((x) => x.over) ?? [];
  const crowd = (u: OwnUnit) => over.reduce((n, o) => n + left.filter((v) => (o === "site" ? v.node.site === u.node.site : v.node.id === u.node.id)).length, 0);
  while (victims.length < count) {
    let worst = left[0] as OwnUnit;
    for (const u of left.slice(1)) {
      const order = Number(isServing(worst)) - Number(isServing(u)) || crowd(u) - crowd(worst) || u.ordinal - worst.ordinal;
      if (order > 0) worst = u;
    }
    victims.push(worst);
    left.splice(left.indexOf(worst), 1);
  }
  return victims;
}

function placeMissing(s: WorkloadSnapshot, goal: RevisionShape, running: readonly OwnUnit[], staying: readonly OwnUnit[], leaving: readonly { u: OwnUnit; stand: string }[], lost: readonly OwnUnit[], missing: number, plan: WorkloadPlan): void {
  // Batch restarts from the beginning elsewhere: a unit that leaves is stopped first, so that none runs twice.
  const taken = new Set([...running.filter((u) => !lost.includes(u)).map((u) => u.ordinal), ...plan.place.map((p) => p.ordinal)]);
  const ordinals: number[] = [];
  const limit = s.kind === "batch" ? s.replicas : Number.MAX_SAFE_INTEGER;
  // A gang is asked for at once, however large: a part of it would never be enough.
  const most = Math.max(MAX_ASKS, (s.sets?.minMember ?? 0) - staying.length);
  for (let o = 1; ordinals.length < Math.min(missing, most) && o <= limit; o++) if (!taken.has(o) && !s.completed.has(o)) ordinals.push(o);
  if (ordinals.length === 0) return;
  if (s.fleet === null || s.askShape === null) {
    plan.needsFleet = true;
    return;
  }
  const shape = s.askShape;
  const avoid = new Set(leaving.map((l) => l.u.node.id));
  const asks: Ask[] = ordinals.map((o) => ({ unit: `${s.name}-${o}`, shape, avoid }));
  const placements = placeAll(s, asks, { seed: `${s.name}/${goal.generation}`, own: staying.map((u) => u.node.id) }, staying, plan);
  placements?.forEach((p, i) => {
    if (p.nodeId === null) return void plan.unplaced.push(p);
    const cause: Cause = i < lost.length ? "replace" : leaving.length > 0 && i < leaving.length ? (leaving.some((l) => l.stand === "drain") ? "drain" : "move") : staying.length + leaving.length > 0 ? "scale" : "place";
    plan.place.push({ unit: p.unit, ordinal: ordinals[i] as number, nodeId: p.nodeId, generation: goal.generation, digest: goal.digest, cause, decision: p });
  });
  plan.because.push(`${counted(missing, "unit")} missing: ${plan.place.filter((p) => !p.repair).length} placed${plan.unplaced.length ? `, ${plan.unplaced.length} without a node` : ""}`);
  if (missing > ordinals.length && s.kind !== "batch") wake(plan, s.nowMs);
}

/** Places asks with regard to quota, gang, priority, division and neighbours; null when more has to be read first. */
function placeAll(s: WorkloadSnapshot, wanted: readonly Ask[], seeded: PlaceOptions, staying: readonly OwnUnit[], plan: WorkloadPlan): PlacedAsk[] | null {
  const fleet = withPlaced(s.fleet as FleetSnapshot, plan.place, (s.askShape as Shape).demand);
  const { shape, groups } = besides(s.askShape as Shape, s.neighbours ?? alone, seeded.own, fleet, { asks: wanted, seed: seeded.seed, preempts: s.sets?.preempts ?? false });
  const asks = shape === s.askShape ? wanted : wanted.map((a) => ({ ...a, shape }));
  const options = groups.size > 0 ? { ...seeded, groups } : seeded;
  const found = placeSet({ workloadId: s.workloadId, workload: s.name, fleet, asks, options, rules: s.sets ?? plainRules, others: s.others ?? null, running: staying.length, sites: sitesOfAsks(s, asks, staying) });
  if (found.needsOthers) {
    plan.needsOthers = true;
    return null;
  }
  plan.evict = found.evict.map((e) => ({ assignmentId: e.unit.id, version: e.unit.version, unit: e.unit.unit, workloadId: e.unit.workloadId, workload: e.unit.workload, nodeId: e.unit.nodeId, because: e.because }));
  plan.reserve = found.reserve;
  if (plan.evict.length) plan.because.push(`${counted(plan.evict.length, "unit")} of others asked to stop: ${plan.evict[0]?.unit ?? ""}: ${plan.evict[0]?.because ?? ""}`);
  plan.because.push(...found.because);
  for (const h of found.reserve) if (h.fromMs > s.nowMs) wake(plan, h.fromMs);
  return found.placements;
}

/**
 * Stops units that leave, but only so many that as many as wanted are still seen to serve. Units on silent nodes may
 * well serve; they neither make room for a stop nor stand in its way.
 */
function stopLeaving(s: WorkloadSnapshot, staying: readonly OwnUnit[], leaving: readonly { u: OwnUnit; stand: string; because: string }[], wanted: number, plan: WorkloadPlan): void {
  const cause = (stand: string): Cause => (stand === "drain" ? "drain" : "move");
  if (s.kind === "batch") {
    for (const l of leaving) stop(plan, l.u, cause(l.stand), l.because);
    return;
  }
  const silent = staying.filter((u) => u.node.contact !== "live").length;
  const needed = Math.max(0, wanted - silent);
  let serving = staying.filter(isServing).length + leaving.filter((l) => isServing(l.u)).length;
  for (const l of [...leaving].sort((a, b) => Number(isServing(a.u)) - Number(isServing(b.u)) || b.u.ordinal - a.u.ordinal)) {
    if (isServing(l.u)) {
      if (serving - 1 < needed) {
        plan.because.push(`${l.u.unit} stays on ${l.u.node.name} until its replacement serves`);
        continue;
      }
      serving -= 1;
    }
    stop(plan, l.u, cause(l.stand), l.because);
  }
}

function planDaemon(s: WorkloadSnapshot, goal: RevisionShape, running: readonly OwnUnit[], standings: readonly Standing[], plan: WorkloadPlan): void {
  running.forEach((u, i) => {
    const st = standings[i];
    if (st && st.stand !== "stays") stop(plan, u, st.stand === "drain" ? "drain" : "move", st.because);
  });
  if (s.fleet === null || s.askShape === null) {
    plan.needsFleet = true;
    return;
  }
  const has = new Set(s.units.map((u) => u.node.id));
  const shape = s.askShape;
  const targets = s.fleet.nodes.filter((n) => !has.has(n.id) && nodeReasons(shape, n, s.nowMs).length === 0);
  const asks: Ask[] = targets.slice(0, MAX_ASKS).map((n) => ({ unit: `${s.name}-${n.name}`, shape, only: n.id }));
  const placements = placeAll(s, asks, { seed: s.name, own: running.map((u) => u.node.id) }, running, plan);
  for (const p of placements ?? []) {
    if (p.nodeId === null) plan.unplaced.push(p);
    else plan.place.push({ unit: p.unit, ordinal: 0, nodeId: p.nodeId, generation: goal.generation, digest: goal.digest, cause: "place", decision: p });
  }
  if (plan.place.length) plan.because.push(`${counted(plan.place.length, "matching node")} without a unit`);
  if (targets.length > asks.length) wake(plan, s.nowMs);
}

/**
 * Without a rollout a new revision goes out carefully by itself: units that do not serve at once (they have nothing to
 * lose), serving ones one at a time, the next only when all are back; units on silent nodes last, since nobody can see
 * them fail. A revision that asks for more than the node has left goes elsewhere (see standingOf).
 */
function planRevisions(s: WorkloadSnapshot, goal: RevisionShape, staying: readonly OwnUnit[], plan: WorkloadPlan): void {
  if (s.rolloutOpen || s.kind === "batch") return;
  const behind = staying.filter((u) => isBehind(s, goal, u));
  if (behind.length === 0) return;
  const reachable = staying.filter((u) => u.node.contact === "live");
  const settled = (u: OwnUnit) => isServing(u) && u.observed?.generation === u.generation;
  const unsettled = reachable.filter((u) => !settled(u));
  const down = behind.filter((u) => u.node.contact === "live" && !isServing(u));
  const loads = new Map<string, Load>();
  // What this plan has just put on a node is not in the picture that the node's load comes from.
  for (const p of plan.place) loads.set(p.nodeId, withDemand(loads.get(p.nodeId) ?? loadOf(s, p.nodeId), heldOn((s.askShape ?? goal.shape).demand, p.decision.on)));
  const move = (u: OwnUnit) => {
    const load = loads.get(u.node.id) ?? u.node.load;
    // Several units of one node may move in one pass: each sees what the others took.
    if (!fitsInPlace(s, goal, u, load)) return;
    loads.set(u.node.id, withDemand(released(s, u, load), heldOn(goal.shape.demand, u.on)));
    plan.move.push({ assignmentId: u.assignmentId, version: u.version, unit: u.unit, nodeId: u.node.id, generation: goal.generation, digest: goal.digest });
  };
  for (const u of down) move(u);
  // A unit that does not serve and was just moved counts as one out of service, so nothing that serves is touched.
  if (unsettled.length === 0) {
    const next = behind.filter((u) => u.node.contact === "live").sort((a, b) => a.ordinal - b.ordinal || (a.unit < b.unit ? -1 : 1))[0];
    if (next) move(next);
    else for (const u of behind) move(u);
  }
  if (plan.move.length) plan.because.push(`${counted(plan.move.length, "unit")} of ${behind.length} behind to r${goal.generation}`);
}

function loadOf(s: WorkloadSnapshot, nodeId: string): Load {
  return (s.fleet?.nodes.find((n) => n.id === nodeId) ?? s.units.find((u) => u.node.id === nodeId)?.node)?.load ?? noLoad;
}

/** Whether a revision fits on the unit's own node once the unit's present revision has gone. */
function fitsInPlace(s: WorkloadSnapshot, goal: RevisionShape, u: OwnUnit, load: Load): boolean {
  const now = s.revisions.get(u.generation)?.shape.demand;
  // A share is of one device for as long as the unit is there: what asks for one on another goes elsewhere.
  if (now && !keepsDevice(now, goal.shape.demand, u.on)) return false;
  return fits(u.node.capacity, released(s, u, load), heldOn(goal.shape.demand, u.on));
}
function released(s: WorkloadSnapshot, u: OwnUnit, load: Load): Load {
  const now = s.revisions.get(u.generation);
  return now ? withDemand(load, heldOn(now.shape.demand, u.on), -1) : load;
}

function stop(plan: WorkloadPlan, u: OwnUnit, cause: Cause, because: string): void {
  plan.stop.push({ assignmentId: u.assignmentId, version: u.version, unit: u.unit, nodeId: u.node.id, cause, because });
}
function wake(plan: WorkloadPlan, atMs: number): void {
  plan.wakeAtMs = plan.wakeAtMs === null ? atMs : Math.min(plan.wakeAtMs, atMs);
}
