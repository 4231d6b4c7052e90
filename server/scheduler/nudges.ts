import type { Clock, Logger } from "../platform";
import { schedulerKeys } from "../store";
import type { Store } from "../store";
import type { ReconcileLoop } from "./loop";

/**
 * Turns nudges and change pointers into keys. Nothing depends on it: what is lost here is made good by the resync.
 * Pointers are read from the moment of starting; every scheduler reads them, and touching a key twice is touching it once.
 */
export async function startNudges(o: { store: Store; clock: Clock; log: Logger; loop: ReconcileLoop }): Promise<() => Promise<void>> {
  const { store, clock, log, loop } = o;
  const db = store.read.client;
  const offChanges = await store.followChanges({
    onBatch: async (batch) => {
      if (batch.gap) await loop.resync();
      if (batch.items.length === 0) return;
      const workloads = await schedulerKeys.workloadsTouchedBy(db, batch.items);
      await schedulerKeys.touch(db, "workload", workloads, clock.nowMs());
      await schedulerKeys.touch(db, "rollout", await schedulerKeys.rolloutsTouchedBy(db, batch.items, workloads), clock.nowMs());
      loop.nudge();
    },
  });
  const take = async (payload: string | null) => {
    const cut = payload?.indexOf(":") ?? -1;
    // Without a payload the connection was lost and is back: anything may have happened.
    if (payload === null || cut < 1) return loop.resync();
    await schedulerKeys.touch(db, payload.slice(0, cut), [payload.slice(cut + 1)], clock.nowMs());
    loop.nudge();
  };
  const offKeys = await store.listen("holdfast_keys", (payload) => {
    take(payload).catch((error: unknown) => log.warn({ err: error, payload }, "could not take a nudge; the resync will"));
  });
  return async () => {
    await offChanges();
    await offKeys();
  };
}
