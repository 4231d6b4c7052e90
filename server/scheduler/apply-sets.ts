import { appendAudit } from "../audit";
import { systemActor } from "../core/access/actor";
import type { Held } from "../core/placement";
import { loadNeighbours, loadUsage, neighboursKey, usageKey } from "../placement";
import type { PlannedWorkload } from "../placement";
import { newId } from "../platform";
import { schedulerKeys, schedulerSets, schedulerSnapshot } from "../store";
import type { Tx } from "../store";

/** A reservation that ends sooner than this is written anew. */
const RENEW_MS = 300_000;

/** Whether what a plan reserves differs from what is reserved. */
export function reservesAnew(p: PlannedWorkload): boolean {
  const key = (h: Held) => `${h.unit}|${h.nodeId}|${h.cause}`;
  const had = p.snapshot.sets?.reserved ?? [];
  const { reserve } = p.plan;
  if (had.length !== reserve.length) return true;
  const by = new Map(had.map((h) => [key(h), h]));
  return reserve.some((h) => (by.get(key(h))?.expiresMs ?? 0) < p.snapshot.nowMs + RENEW_MS);
}

/** Holds the quotas that a workload counts in; false when they were used by others since they were read. */
export async function quotasAreAsSeen(tx: Tx, p: PlannedWorkload): Promise<boolean> {
  const quota = p.snapshot.sets?.quota;
  if (!quota || p.quotaSeen === null || p.plan.place.length + p.plan.reserve.length === 0) return true;
  await schedulerSets.lockQuotas(tx.client, p.object.projectId, quota.facts.map((f) => f.name));
  return usageKey(await loadUsage(tx.client, p.object.projectId)) === p.quotaSeen;
}

/** Holds the workloads that a workload keeps apart from or stays with, and who keeps apart from it, before anything else is held. */
export async function holdNeighbours(tx: Tx, { plan, object, snapshot }: PlannedWorkload): Promise<void> {
  const named = [...(snapshot.neighbours?.units.keys() ?? [])];
  if (plan.place.length > 0 && named.length > 0) await schedulerSets.lockNeighbours(tx.client, object.projectId, named);
}

/** Whether the units that matter to a workload, and the rules of others about it, are as they were when its plan was made. */
export async function neighboursAreAsSeen(tx: Tx, { plan, object, snapshot }: PlannedWorkload): Promise<boolean> {
  if (plan.place.length === 0 || !snapshot.neighbours) return true;
  return neighboursKey(await loadNeighbours(tx.client, object.projectId, object.name, snapshot.askShape)) === neighboursKey(snapshot.neighbours);
}

/**
 * Asks units of other workloads to stop, each with an entry in the audit log of its own workload, and reserves what the
 * plan reserves. False when one of them is no longer as the plan saw it.
 */
export async function applySets(tx: Tx, p: PlannedWorkload): Promise<boolean> {
  const { plan, object, snapshot } = p;
  const { nowMs } = snapshot;
  if (plan.evict.length > 0) {
    const asked = await schedulerSnapshot.askToStop(tx.client, plan.evict.map((e) => ({ id: e.assignmentId, version: e.version, cause: "preempt" })), nowMs);
    if (asked.size !== plan.evict.length) return false;
    for (const e of plan.evict) tx.changes.add("assignment", e.assignmentId, object.projectId);
    const workloads = new Map(plan.evict.map((e) => [e.workloadId, e.workload]));
    for (const [id, name] of workloads) {
      const own = plan.evict.filter((e) => e.workloadId === id);
      await appendAudit(tx, { actor: systemActor("scheduler"), action: "workload.reconcile", objectKind: "workload", objectId: id, object: name, projectId: object.projectId, outcome: "done", reason: own[0]?.because ?? null, after: { stopped: own.map((e) => ({ unit: e.unit, cause: "preempt", because: e.because })) } });
      tx.changes.add("workload", id, object.projectId);
    }
    await schedulerKeys.nudge(tx, "workload", [...workloads.keys()], nowMs);
  }
  if (reservesAnew(p)) {
    const generation = snapshot.goal?.generation ?? object.generation;
    await schedulerSets.replaceReservations(tx.client, object.projectId, object.id, plan.reserve.map((h) => ({ id: newId("reservation"), unit: h.unit, nodeId: h.nodeId, generation, priority: h.priority, cause: h.cause, because: h.because, fromMs: h.fromMs, expiresMs: h.expiresMs })));
  }
  return true;
}
