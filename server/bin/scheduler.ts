/** The scheduler process: placement and every reconciler. Several may run on one database. */
import { HOLDFAST_VERSION, createLogger, createMetrics, createShutdown, readEnvOrExit, schedulerEnv, sealerFrom, serveOps, systemClock } from "../platform";
import { createHookReconciler } from "../hooks";
import { createRolloutReconciler, generationFor } from "../rollouts";
import { createScheduler, retentionReconciler } from "../scheduler";

import { announceProcess, openStore, secrets } from "../store";
import { secretPurpose } from "../workloads";

const env = readEnvOrExit(schedulerEnv);
const log = createLogger({ process: "scheduler", level: env.LOG_LEVEL });
const clock = systemClock;
const shutdown = createShutdown({ log });
shutdown.bindSignals();

const store = openStore({ url: env.DATABASE_URL, log, max: env.DATABASE_POOL_MAX, name: "scheduler" });
shutdown.onStop("database", () => store.close());
const check = await store.reachable();
if (!check.auditProtected) log.warn("this login could change the audit log: connect as a member of holdfast_app that owns nothing");

const registry = createMetrics("scheduler");
const process_ = await announceProcess(store, { name: "scheduler", version: HOLDFAST_VERSION, clock, log, details: { migration: check.migration } });
shutdown.onStop("process row", () => process_.end());

const seal = sealerFrom(env);
const openSecret = async (projectId: string, name: string): Promise<string | null> => {
  const sealed = await secrets.sealedOf(store.read.client, projectId, name);
  return sealed === null ? null : seal.open(sealed, secretPurpose(projectId, name));
};
const rollouts = createRolloutReconciler({ store, clock, log, silentAfterMs: env.AGENT_SILENT_AFTER_MS, openSecret });
const hooks = createHookReconciler({ store, clock, log, seal, env, publicUrl: env.HOLDFAST_PUBLIC_URL });
const scheduler = createScheduler({
  store, clock, log, env, registry, generationFor,
  others: [rollouts, hooks, retentionReconciler({ store, clock, log, everyMs: env.RETENTION_EVERY_MS })],
});
await scheduler.start();
shutdown.onStop("reconcilers", () => scheduler.stop());

if (env.OPS_PORT > 0) {
  const ops = await serveOps({
    port: env.OPS_PORT, host: env.OPS_HOST, registry, log,
    health: async () => {
      const { latencyMs, migration } = await store.check();
      return { ready: !shutdown.stopping, details: { database: "reachable", latencyMs: Math.round(latencyMs), migration } };
    },
  });
  shutdown.onStop("operations", () => ops.close());
}
await process_.set("ready");
log.info({ resyncMs: env.SCHEDULER_RESYNC_MS, owner: scheduler.loop.owner }, "scheduler ready");
