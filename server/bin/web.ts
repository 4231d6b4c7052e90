/**
 * The web process: tRPC, the event stream and the plain paths on a bare Node server, the screens (Next) behind them.
 * Starts in order (database, features, loops, screens, listening, ready) and stops in the reverse one.
 */
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Counter, Gauge, Histogram } from "prom-client";
import { createLogger, createMetrics, createShutdown, HOLDFAST_VERSION, newId, readEnvOrExit, runAsProduction, sealerFrom, systemClock, webEnv } from "../platform";
import { announceProcess, openStore, processes } from "../store";
import { recordRefusal } from "../audit";
import type { AuditSubject } from "../audit";
import { publishContainer } from "../trpc/container";
import type { Context } from "../trpc";
import { EventHub } from "../trpc/http/events";
import { sessionCookieName } from "../trpc/http/origin";
import type { Site } from "../trpc/http/origin";
import { agentDigests, plainPaths } from "../trpc/http/plain";
import { callers, createWebServer } from "../trpc/http/server";
import { createFeatures } from "./web-features";
import { openScreens } from "./web-screens";

runAsProduction();
const env = readEnvOrExit(webEnv);
const log = createLogger({ process: "web", level: env.LOG_LEVEL });
const shutdown = createShutdown({ log });
shutdown.bindSignals();

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const publicUrl = new URL(env.HOLDFAST_PUBLIC_URL);
const site: Site = { publicOrigin: publicUrl.origin, secure: publicUrl.protocol === "https:", trustProxy: env.HOLDFAST_TRUST_PROXY };
const seal = sealerFrom(env);
const clock = systemClock;
const store = openStore({ url: env.DATABASE_URL, log, max: env.DATABASE_POOL_MAX, name: "holdfast web" });
shutdown.onStop("database", () => store.close());
const { migration, auditProtected } = await store.reachable();
if (!auditProtected) log.warn("this login may change audit entries; connect as a member of holdfast_app that does not own the tables");

const self = await announceProcess(store, { name: "web", version: HOLDFAST_VERSION, clock, log, details: { migration, auditProtected } });
shutdown.onStop("announcement", () => self.end());

const agentFile = env.AGENT_BUNDLE_FILE ?? path.join(root, "dist/agent/holdfast-agent.cjs");
const agentDigest = agentDigests(agentFile);
let agentSha256 = await agentDigest();
const { features, access, audit, artifacts } = createFeatures({ store, clock, log, seal, env, agentSha256: () => agentSha256 });

const registry = createMetrics("web");
const requests = new Histogram({ name: "holdfast_http_request_seconds", help: "Requests answered, by path and status.", labelNames: ["path", "status"], buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10], registers: [registry] });
const faults = new Counter({ name: "holdfast_faults_total", help: "Errors that were no refusals.", labelNames: ["path"], registers: [registry] });

const fault = (error: unknown, at: string, requestId: string | null): void => {
  faults.inc({ path: at.slice(0, 60) });
  log.error({ err: error, at, requestId }, "a request failed");
};

const events = new EventHub({
  changesSince: (cursor, limit) => store.changesSince(cursor, limit),
  latestCursor: () => store.changesNow(),
  recheck: async (token) => (await access.authenticate(token))?.actor ?? null,
  fault: (error) => fault(error, "/api/events", null),
});
new Gauge({ name: "holdfast_event_streams", help: "Browsers that listen for changes.", registers: [registry], collect() { this.set(events.size); } });
new Gauge({ name: "holdfast_event_streams_dropped", help: "Streams dropped because their reader was too slow.", registers: [registry], collect() { this.set(events.dropped); } });

const newRequestId = (): string => newId("req");
const recordRefused: Context["recordRefusal"] = (actor, e) => {
  // Codes of procedures are codes of the audit log; the router's test holds them to it.
  const subject: AuditSubject = { action: e.action as AuditSubject["action"], objectKind: e.objectKind, objectId: e.object, object: e.object, projectId: e.project?.id ?? null };
  return recordRefusal(store, actor, subject, e.refusal);
};
const isReady = async (): Promise<{ ready: boolean; details: Record<string, unknown> }> => {
  if (shutdown.stopping) return { ready: false, details: { stopping: true } };
  const check = await store.check();
  return { ready: check.migration !== null, details: { migration: check.migration, auditProtected: check.auditProtected } };
};

const screens = await openScreens({ enabled: env.HOLDFAST_SCREENS, dir: root, host: env.HOST, port: env.PORT });
shutdown.onStop("screens", () => screens.close());

const callerOf = callers({ site, authenticate: access.authenticate });
const server = createWebServer({
  site,
  features,
  events,
  authenticate: access.authenticate,
  recordRefusal: recordRefused,
  newRequestId,
  fault,
  observe: ({ path: label, status, seconds }) => requests.observe({ path: label, status: String(status) }, seconds),
  plain: plainPaths({
    site,
    version: HOLDFAST_VERSION,
    callerOf,
    project: features.access.queries.project,
    processes: () => processes.livingProcesses(store.read.client),
    ready: isReady,
    metrics: async () => ({ type: registry.contentType, text: await registry.metrics() }),
    agentFile,
    schema: features.workloads.queries.schema,
    exportAudit: (actor, project, input) => audit.commands.export(actor, project, input),
    uploadArtifact: artifacts.upload,
  }),
  screens: screens.handle,
  ...(env.HOLDFAST_TLS_CERT && env.HOLDFAST_TLS_KEY ? { tls: { cert: readFileSync(env.HOLDFAST_TLS_CERT, "utf8"), key: readFileSync(env.HOLDFAST_TLS_KEY, "utf8") } } : {}),
});
screens.attach(server);

publishContainer({
  publicOrigin: site.publicOrigin,
  secure: site.secure,
  sessionCookie: sessionCookieName(site.secure),
  sessionSeconds: Math.round(env.SESSION_HOURS * 3_600),
  authSecret: seal.derive("next-auth").toString("base64"),
  authenticate: (token) => access.authenticate(token),
  me: features.access.queries.me,
  signInWithPassword: (input, from) => access.commands.signInWithPassword(input, "browser", from),
  signInWithIdentity: (proven, from) => access.commands.signInWithIdentity(proven, from),
  endSession: (actor) => access.commands.endSession(actor),
  identityProvider: () => access.identityProvider(),
  signInOptions: features.access.queries.signInOptions,
  newRequestId,
  logSignIn: (level, message, fields) => log[level](fields ?? {}, message),
});

await events.start();
const stopListening = await store.listen("holdfast_changes", () => events.nudge());
shutdown.onStop("change nudges", stopListening);
const digestTimer = setInterval(() => void agentDigest().then((hex) => (agentSha256 = hex)), 30_000);
digestTimer.unref();

await new Promise<void>((resolve, reject) => {
  server.once("error", reject);
  server.listen(env.PORT, env.HOST, resolve);
});
shutdown.onStop("intake", () => {
  clearInterval(digestTimer);
  return new Promise<void>((resolve) => {
    server.close(() => resolve());
    events.close();
    server.closeIdleConnections();
    // Requests in hand get a moment; whoever is slower than that is cut off.
    setTimeout(() => server.closeAllConnections(), 3_000).unref();
  });
});
shutdown.onStop("readiness", () => self.set("stopping"));
await self.set("ready");
const { port } = server.address() as AddressInfo;
log.info({ port, host: env.HOST, url: env.HOLDFAST_PUBLIC_URL, tls: env.HOLDFAST_TLS_CERT !== undefined, screens: env.HOLDFAST_SCREENS }, "web is ready");
