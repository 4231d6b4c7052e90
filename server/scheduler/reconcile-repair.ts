import { appendAudit } from "../audit";
import { systemActor } from "../core/access/actor";
import { repairStep } from "../core/placement/fragmentation";
import type { Clock, Logger } from "../platform";
import { repairs, schedulerKeys } from "../store";
import type { Store } from "../store";
import type { Looked, Reconciler } from "./reconciler";

/** Takes a repair from move to move until it is over: see `core/placement/fragmentation/repair/step`. The moves themselves are made by the workloads. */
export function repairReconciler(deps: { store: Store; clock: Clock; log: Logger }): Reconciler {
  const { store, clock, log } = deps;
  return {
    kind: "repair",
    liveKeys: () => repairs.openIds(store.read.client),
    async reconcile(id): Promise<Looked> {
      const db = store.read.client;
      const nowMs = clock.nowMs();
      const r = await repairs.byId(db, id);
      if (!r || r.endedAtMs !== null) return { nextLookAtMs: null, gone: true };
      const stand = await repairs.standOf(db, r.moves.flatMap((m) => (m.becomes === null ? [m.assignmentId] : [m.assignmentId, m.becomes])));
      const running = r.workloadId === null ? 0 : await repairs.runningOf(db, r.workloadId);
      const step = repairStep({ nowMs, startedMs: r.atMs, moves: r.moves, stand: new Map(stand.map((s) => [s.id, s])), waiting: r.workloadId === null ? null : { running, wanted: r.plan.runningBefore + r.plan.units } });
      if (!step.changed && !step.end) return { nextLookAtMs: step.wakeAtMs };
      const written = await store.inTransaction(async (tx) => {
        if (!(await repairs.advance(tx.client, { id, version: r.version, moves: step.moves, end: step.end, nowMs }))) return false;
        // Whoever's turn it was or is, and whoever waits, looks anew.
        const workloads = [...new Set([...r.moves.map((m) => m.workloadId), ...(r.workloadId === null ? [] : [r.workloadId])])];
        for (const w of workloads) tx.changes.add("workload", w, r.projectId);
        await schedulerKeys.nudge(tx, "workload", workloads, nowMs);
        if (step.end) await appendAudit(tx, { actor: systemActor("scheduler"), action: "repair.end", objectKind: "repair", objectId: id, object: r.object, projectId: r.projectId, outcome: "done", reason: step.end.because, after: { outcome: step.end.outcome, moves: step.moves.map((m) => ({ unit: m.unit, from: m.from, to: m.to, state: m.state, ...(m.because === null ? {} : { because: m.because }) })) } });
        return true;
      });
      if (written && step.end) log.info({ repair: id, outcome: step.end.outcome, because: step.end.because }, "a repair is over");
      return { nextLookAtMs: written ? step.wakeAtMs : nowMs, changed: written, gone: written && step.end !== null };
    },
  };
}
