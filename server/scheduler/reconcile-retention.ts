import type { Clock, Logger } from "../platform";
import type { Store } from "../store";
import type { Reconciler } from "./reconciler";

/** Deletes now and then what is older than the retention settings say; one scheduler at a time. */
export function retentionReconciler(deps: { store: Store; clock: Clock; log: Logger; everyMs: number }): Reconciler {
  return {
    kind: "retention",
    liveKeys: () => Promise.resolve(["all"]),
    async reconcile() {
      const deleted = await deps.store.runRetention(deps.clock.nowMs());
      const rows = Object.values(deleted ?? {}).reduce((a, b) => a + b, 0);
      if (rows > 0) deps.log.info({ deleted }, "deleted what is older than the retention settings say");
      return { nextLookAtMs: deps.clock.nowMs() + deps.everyMs };
    },
  };
}
