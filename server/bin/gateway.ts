/**
 * The gateway process: agents dial in here. Starts in order (database, features, sweeps, listening, ready) and stops in
 * the reverse one: agents are told to come back a little later, each at a time of its own.
 */
import { createArtifacts } from "../artifacts";
import { gatewayDefaults, startGateway } from "../gateway";
import { createIdentity } from "../identity";
import { createLogger, createMetrics, createShutdown, gatewayEnv, HOLDFAST_VERSION, readEnvOrExit, sealerFrom, serveOps, systemClock } from "../platform";
import { announceProcess, openStore } from "../store";
import { ingestReport } from "../telemetry";
import { createEnvironmentOpener } from "../workloads";

const SWEEP_EVERY_MS = 3_600_000;

const env = readEnvOrExit(gatewayEnv);
const log = createLogger({ process: "gateway", level: env.LOG_LEVEL });
const shutdown = createShutdown({ log });
shutdown.bindSignals();

const clock = systemClock;
const seal = sealerFrom(env);
const registry = createMetrics("gateway");
const store = openStore({ url: env.DATABASE_URL, log, max: env.DATABASE_POOL_MAX, name: "holdfast gateway" });
shutdown.onStop("database", () => store.close());
const { migration } = await store.reachable();

const self = await announceProcess(store, { name: "gateway", version: HOLDFAST_VERSION, clock, log, details: { migration, publicAddress: env.GATEWAY_PUBLIC_ADDRESS } });
shutdown.onStop("announcement", () => self.end());

const identity = createIdentity({ store, clock, log, seal, env });
const artifacts = createArtifacts({ store, clock, log, env });
const sweep = () => void artifacts.sweep().then((count) => count > 0 && log.info({ count }, "removed what uploads that never ended had left"), (error: unknown) => log.warn({ err: error }, "artifacts could not be swept; it is tried again"));
sweep();
const sweeping = setInterval(sweep, SWEEP_EVERY_MS);
shutdown.onStop("sweeps", () => clearInterval(sweeping));

const gateway = await startGateway({
  store,
  clock,
  log,
  registry,
  identity,
  artifacts,
  ingestReport,
  openEnvironment: createEnvironmentOpener(seal),
  gatewayId: self.id,
  // A few connections stay free for what is not queued: renewals, artifacts, announcing.
  concurrency: Math.max(1, env.DATABASE_POOL_MAX - 3),
  settings: {
    ...gatewayDefaults,
    host: env.GATEWAY_HOST,
    port: env.GATEWAY_PORT,
    publicAddress: env.GATEWAY_PUBLIC_ADDRESS,
    heartbeatMs: env.AGENT_HEARTBEAT_MS,
    silentAfterMs: env.AGENT_SILENT_AFTER_MS,
    resyncMs: env.GATEWAY_RESYNC_MS,
  },
});
shutdown.onStop("gateway", () => gateway.stop());

if (env.OPS_PORT > 0) {
  const ops = await serveOps({
    port: env.OPS_PORT,
    host: env.OPS_HOST,
    registry,
    log,
    health: async () => {
      if (shutdown.stopping) return { ready: false, details: { stopping: true } };
      const check = await store.check();
      return { ready: check.migration !== null, details: { sessions: gateway.sessions, databaseMs: Math.round(check.latencyMs), migration: check.migration } };
    },
  });
  shutdown.onStop("metrics and health", () => ops.close());
}
shutdown.onStop("readiness", () => self.set("stopping"));
await self.set("ready", { port: gateway.port });
log.info({ port: gateway.port }, "ready");
