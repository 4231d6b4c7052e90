import { systemActor } from "../core/access/actor";
import type { PlacedAsk } from "../core/placement";
import { appendAudit } from "../audit";
import { newId } from "../platform";
import { assignments, isUniqueViolation, nodes, repairs, schedulerSnapshot } from "../store";
import type { Store, Tx } from "../store";
import type { PlannedWorkload } from "../placement";
import { applySets, holdNeighbours, neighboursAreAsSeen, quotasAreAsSeen, reservesAnew } from "./apply-sets";

export const schedulerActor = systemActor("scheduler");

/** What a plan was made from has changed: make it anew. Undoes the transaction. */
class StalePlan extends Error {
  override name = "StalePlan";
}
function current(holds: boolean): void {
  if (!holds) throw new StalePlan();
}

/** Tells which revision a new unit runs while a rollout is open; null when none is. Given by server/rollouts. */
export type GenerationFor = (tx: Tx, workloadId: string, unit: string) => Promise<number | null>;

/**
 * Applies a plan in one transaction, with its audit entry and change pointers, or not at all. Gives "stale" when the
 * workload, a unit or a node that gets one is no longer as the plan saw it. Decisions that only repeat the last one about
 * a unit are not written again.
 */
export async function applyPlan(store: Store, p: PlannedWorkload, generationFor: GenerationFor): Promise<"applied" | "nothing" | "stale"> {
  const { plan, object } = p;
  const acts = plan.place.length + plan.stop.length + plan.end.length + plan.move.length + plan.evict.length + plan.dropMoves.length + (reservesAnew(p) ? 1 : 0);
  const repeated = await schedulerSnapshot.latestDecisions(store.read.client, object.projectId, plan.unplaced.map((u) => u.unit));
  const unplaced = plan.unplaced.filter((u) => repeated.get(u.unit)?.outcome !== "unplaced" || repeated.get(u.unit)?.because !== u.because);
  if (acts === 0 && unplaced.length === 0) return "nothing";
  try {
    await store.inTransaction((tx) => write(tx, p, unplaced, generationFor));
    return "applied";
  } catch (error) {
    // Somebody placed a unit of the same name first: the same as any other change meanwhile.
    if (error instanceof StalePlan || isUniqueViolation(error, "assignments_one_running_unit_key")) return "stale";
    throw error;
  }
}

async function write(tx: Tx, p: PlannedWorkload, unplaced: readonly PlacedAsk[], generationFor: GenerationFor): Promise<void> {
  const { plan, object, snapshot } = p;
  const nowMs = snapshot.nowMs;
  const db = tx.client;
  await holdNeighbours(tx, p);
  current(await schedulerSnapshot.workloadIsAsSeen(db, object.id, object.version));
  current(await neighboursAreAsSeen(tx, p));
  // Nodes that get more: new units, by the picture of the fleet, and units whose next revision may ask for more in its place.
  const placing = new Set([...plan.place, ...(reservesAnew(p) ? plan.reserve : [])].map((u) => u.nodeId));
  const growing = new Set(plan.move.map((m) => m.nodeId));
  const seen = [...(p.fleet?.nodes ?? []).filter((n) => placing.has(n.id)), ...snapshot.units.map((u) => u.node).filter((n) => growing.has(n.id))];
  current(new Set(seen.map((n) => n.id)).size === new Set([...placing, ...growing]).size && (await schedulerSnapshot.nodesAreAsSeen(db, seen)));
  const stopping = new Set(plan.stop.map((x) => x.assignmentId));
  const silent = snapshot.units.flatMap((u) => (stopping.has(u.assignmentId) && u.node.contact === "silent" ? [u.node] : []));
  current(await schedulerSnapshot.areStillSilent(db, [...new Map(silent.map((n) => [n.id, n])).values()]));
  current(await quotasAreAsSeen(tx, p));
  current(await applySets(tx, p));

  const ended = await schedulerSnapshot.end(db, plan.end.map((e) => ({ id: e.assignmentId, version: e.version, cause: e.cause })), nowMs);
  current(ended.size === plan.end.length);
  const stopped = await schedulerSnapshot.askToStop(db, plan.stop.map((s) => ({ id: s.assignmentId, version: s.version, cause: s.cause })), nowMs);
  current(stopped.size === plan.stop.length);
  const moved = await schedulerSnapshot.setGenerations(db, plan.move.map((m) => ({ id: m.assignmentId, version: m.version, generation: m.generation, digest: m.digest })), "update", nowMs);
  current(moved.size === plan.move.length);

  const placed = [];
  const decisions: schedulerSnapshot.NewDecision[] = [];
  const decide = (ask: PlacedAsk, generation: number) => {
    const id = newId("decision");
    decisions.push({
      id, projectId: object.projectId, workloadId: object.id, unit: ask.unit, outcome: ask.nodeId === null ? "unplaced" : "placed", nodeId: ask.nodeId, because: ask.because, policyDigest: p.policy?.digest ?? "", generation,
      candidates: { policy: p.policy?.name ?? null, candidates: ask.candidates.filter((c) => c.feasible) },
      evidence: { candidates: ask.candidates.filter((c) => !c.feasible), counts: ask.counts, feasible: ask.feasible }, atMs: nowMs,
    });
    return id;
  };
  for (const u of plan.place) {
    const generation = (snapshot.rolloutOpen ? await generationFor(tx, object.id, u.unit) : null) ?? u.generation;
    const revision = snapshot.revisions.get(generation);
    current(revision !== undefined);
    const id = newId("assignment");
    if (u.repair) current(await repairs.note(db, { id: u.repair.repairId, move: u.repair.move, from: ["waiting"], to: { state: "moving", because: null, becomes: id, sinceMs: nowMs } }));
    placed.push({ id, projectId: object.projectId, workloadId: object.id, unit: u.unit, ordinal: u.ordinal, nodeId: u.nodeId, generation, digest: revision?.digest ?? u.digest, desired: "run" as const, cause: u.cause, decisionId: decide(u.decision, generation), rolloutId: null, on: u.decision.on ?? null });
  }
  for (const d of plan.dropMoves) current(await repairs.note(db, { id: d.repairId, move: d.move, from: ["waiting", "moving"], to: { state: "dropped", because: d.because, sinceMs: nowMs } }));
  for (const u of unplaced) decide(u, snapshot.goal?.generation ?? object.generation);
  await schedulerSnapshot.insertDecisions(db, decisions);
  await assignments.insertMany(db, placed);

  const touched = [...plan.place, ...plan.stop, ...plan.end, ...plan.move, ...plan.evict, ...(reservesAnew(p) ? plan.reserve : [])].map((x) => x.nodeId);
  await nodes.touchDesired(tx, touched);
  for (const id of [...ended, ...stopped, ...moved, ...placed.map((a) => a.id)]) tx.changes.add("assignment", id, object.projectId);
  for (const id of new Set(touched)) tx.changes.add("node", id, object.projectId);
  for (const d of decisions) tx.changes.add("decision", d.id, object.projectId);
  tx.changes.add("workload", object.id, object.projectId);
  if (touched.length === 0) return;
  const names = new Map([...(p.fleet?.nodes ?? []), ...p.snapshot.units.map((u) => u.node)].map((n) => [n.id, n.name]));
  const nodeName = (id: string) => names.get(id) ?? id;
  const named = (list: readonly { unit: string; nodeId: string; cause?: string; because?: string }[]) => list.map((x) => ({ unit: x.unit, node: nodeName(x.nodeId), ...(x.cause ? { cause: x.cause } : {}), ...(x.because ? { because: x.because } : {}) }));
  await appendAudit(tx, {
    actor: schedulerActor, action: "workload.reconcile", objectKind: "workload", objectId: object.id, object: object.name, projectId: object.projectId, outcome: "done", reason: plan.because.join("; ") || null,
    after: {
      ...(placed.length ? { placed: placed.map((a) => ({ unit: a.unit, node: nodeName(a.nodeId), revision: a.generation, cause: a.cause })) } : {}),
      ...(plan.stop.length ? { stopped: named(plan.stop) } : {}),
      ...(plan.evict.length ? { madeWay: named(plan.evict) } : {}),
      ...(plan.end.length ? { ended: named(plan.end) } : {}),
      ...(plan.move.length ? { updated: plan.move.map((m) => ({ unit: m.unit, node: nodeName(m.nodeId), revision: m.generation })) } : {}),
    },
  });
}
