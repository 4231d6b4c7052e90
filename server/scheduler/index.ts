/**
 * The scheduler's door: reconcilers that bring the world closer to what was asked, by key. Time drives it; people and
 * agents have other doors. Several may run: keys are claimed, plans are compared-and-set, and a scheduler that dies loses
 * its claims after their lease.
 */
import type { Clock, Logger } from "../platform";
import type { Registry } from "prom-client";
import { schedulerKeys } from "../store";
import type { Store } from "../store";
import type { GenerationFor } from "./apply-plan";
import { ReconcileLoop } from "./loop";
import { schedulerMetrics } from "./metrics";
import { startNudges } from "./nudges";
import { repairReconciler } from "./reconcile-repair";
import { workloadReconciler } from "./reconcile-workload";
import type { Reconciler } from "./reconciler";

export interface SchedulerDeps {
  store: Store;
  clock: Clock;
  log: Logger;
  env: { AGENT_SILENT_AFTER_MS: number; SCHEDULER_RESYNC_MS: number };
  generationFor: GenerationFor;
  /** Reconcilers of other features, such as rollouts. */
  others?: readonly Reconciler[];
  registry?: Registry;
  leaseMs?: number;
  concurrency?: number;
  pollMs?: number;
}

export function createScheduler(deps: SchedulerDeps) {
  const { store, clock, log, env } = deps;
  const metrics = deps.registry && schedulerMetrics(deps.registry);
  const workloads = workloadReconciler({ store, clock, log, silentAfterMs: env.AGENT_SILENT_AFTER_MS, generationFor: deps.generationFor, metrics });
  const reconcilers: Reconciler[] = [workloads, repairReconciler({ store, clock, log }), ...(deps.others ?? [])];
  const loop = new ReconcileLoop({ store, clock, log, reconcilers, ...(metrics ? { metrics } : {}), ...(deps.leaseMs ? { leaseMs: deps.leaseMs } : {}), ...(deps.concurrency ? { concurrency: deps.concurrency } : {}), ...(deps.pollMs ? { pollMs: deps.pollMs } : {}) });
  let stopNudges: (() => Promise<void>) | undefined;
  let timer: NodeJS.Timeout | undefined;
  const resync = () => loop.resync().catch((error: unknown) => log.error({ err: error }, "the resync failed; the next one tries again"));
  return {
    loop,
    async start(): Promise<void> {
      stopNudges = await startNudges({ store, clock, log, loop });
      loop.start();
      void resync();
      timer = setInterval(() => {
        void resync();
        if (metrics) void schedulerKeys.backlog(store.read.client, clock.nowMs()).then((rows) => rows.forEach((r) => (metrics.due.set({ kind: r.kind }, r.due), metrics.failing.set({ kind: r.kind }, r.failing))), () => undefined);
      }, env.SCHEDULER_RESYNC_MS);
      timer.unref();
    },
    /** Stops taking keys, finishes the looks in hand. */
    async stop(): Promise<void> {
      clearInterval(timer);
      await stopNudges?.();
      await loop.stop();
    },
  };
}

export type { Looked, Reconciler } from "./reconciler";
export { retentionReconciler } from "./reconcile-retention";
