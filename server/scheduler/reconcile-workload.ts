import type { Clock, Logger } from "../platform";
import { planFor } from "../placement";
import { schedulerKeys } from "../store";
import type { Store } from "../store";
import { applyPlan } from "./apply-plan";
import type { GenerationFor } from "./apply-plan";
import type { SchedulerMetrics } from "./metrics";
import type { Looked, Reconciler } from "./reconciler";

/** How often a plan is made anew within one look before the key goes back to the queue. */
const ATTEMPTS = 5;

/** Keeps one workload's units as its manifest and policy want them: see `core/placement/reconcile`. */
export function workloadReconciler(deps: { store: Store; clock: Clock; log: Logger; silentAfterMs: number; generationFor: GenerationFor; metrics?: SchedulerMetrics | undefined }): Reconciler {
  const { store, clock, log, silentAfterMs } = deps;
  return {
    kind: "workload",
    liveKeys: () => schedulerKeys.liveWorkloads(store.read.client),
    async reconcile(id): Promise<Looked> {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const planned = await planFor(store.read.client, id, { nowMs: clock.nowMs(), silentAfterMs });
        if (!planned) return { nextLookAtMs: null, gone: true };
        const outcome = await applyPlan(store, planned, deps.generationFor);
        if (outcome === "stale") {
          deps.metrics?.stale.inc({ kind: "workload" });
          continue;
        }
        const { plan, object } = planned;
        if (outcome === "applied") {
          deps.metrics?.placed.inc({ outcome: "placed" }, plan.place.length);
          deps.metrics?.placed.inc({ outcome: "unplaced" }, plan.unplaced.length);
          log.info({ workload: object.name, placed: plan.place.length, unplaced: plan.unplaced.length, stopped: plan.stop.length, ended: plan.end.length, moved: plan.move.length, because: plan.because }, "workload brought closer to its manifest");
        }
        return { nextLookAtMs: plan.wakeAtMs, changed: outcome === "applied", gone: object.removed && planned.snapshot.units.length === plan.end.length };
      }
      // Many schedulers and gateways at the same nodes: let them finish, and come back.
      return { nextLookAtMs: clock.nowMs() + 50, changed: false };
    },
  };
}
