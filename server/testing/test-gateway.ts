/** A real gateway on a real database and a free port, for integration tests; with what tests need to set it up. */
import { randomBytes } from "node:crypto";
import { Registry } from "prom-client";
import type { Actor } from "../core/access/actor";
import { createArtifacts } from "../artifacts";
import type { Artifacts } from "../artifacts";
import { gatewayDefaults, startGateway } from "../gateway";
import type { Gateway, GatewayDeps, GatewaySettings } from "../gateway";
import { createIdentity } from "../identity";
import type { Identity } from "../identity";
import { createLogger, createSealer, newId } from "../platform";
import { touchDesired } from "../store/repos/nodes";
import { ingestReport } from "../telemetry";
import type { TestDatabase } from "./database";
import { testClock } from "./clock";
import type { TestClock } from "./clock";
import { DEFAULT_PROJECT, makeSite } from "./fleet-rows";
import { TestAgent } from "./test-agent";
import type { Mood } from "./test-agent";

export const testAdmin: Actor = { kind: "person", id: "person-test", name: "Ada", strength: "password", roles: () => ["administrator"] };
/** One master key for all gateways of a run, so that they can open each other's authority. */
const masterKey = randomBytes(32);
export const testSealer = () => createSealer([masterKey]);

export interface TestGateway {
  gateway: Gateway;
  identity: Identity;
  artifacts: Artifacts;
  port: number;
  clock: TestClock;
  /** Log lines so far, parsed. */
  log: Record<string, unknown>[];
  /** Value of a counter, over all or some labels. */
  metric(name: string, labels?: Record<string, string>): Promise<number>;
  /** Enrols an agent at a site; makes the site when it is not there. */
  agent(name: string, o?: { site?: string; mood?: Mood; heartbeats?: boolean }): Promise<TestAgent>;
}

/** Starts a gateway whose clockwork beats fast. Stop it with `gateway.stop()`. */
export async function startTestGateway(db: TestDatabase, o: { settings?: Partial<GatewaySettings>; clock?: TestClock; ingestReport?: GatewayDeps["ingestReport"]; env?: { LATE_RENEWAL_DAYS?: number; CERTIFICATE_MINUTES?: number } } = {}): Promise<TestGateway> {
  const store = db.openAnother();
  const clock = o.clock ?? testClock();
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({ process: "gateway", level: "debug", destination: { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) } });
  const registry = new Registry();
  const env = { GATEWAY_PUBLIC_ADDRESS: "127.0.0.1:7443", HOLDFAST_PUBLIC_URL: "http://localhost:7070", HOLDFAST_ARTIFACT_STORE: "postgres", HOLDFAST_ARTIFACT_MAX_BYTES: 64 * 2 ** 20, ...o.env };
  const identity = createIdentity({ store, clock, log, seal: testSealer(), env });
  const artifacts = createArtifacts({ store, clock, log, env });
  const gateway = await startGateway({
    store, clock, log, registry, identity, artifacts,
    ingestReport: o.ingestReport ?? ingestReport,
    openEnvironment: ({ env: values }) => Object.fromEntries(Object.entries(values).map(([k, v]) => [k, typeof v === "string" ? v : `secret:${v.secret}`])),
    gatewayId: newId("process"),
    settings: { ...gatewayDefaults, host: "127.0.0.1", port: 0, publicAddress: "127.0.0.1:7443", tickMs: 50, heartbeatMs: 1_000, silentAfterMs: 10_000, certificateBurst: 10_000, ...o.settings },
  });
  return {
    gateway, identity, artifacts, clock, log: lines, port: gateway.port,
    async metric(name, labels = {}) {
      const found = (await registry.getMetricsAsJSON()).find((m) => m.name === name);
      return (found?.values ?? []).filter((v) => Object.entries(labels).every(([k, w]) => (v.labels as Record<string, unknown>)[k] === w)).reduce((sum, v) => sum + v.value, 0);
    },
    async agent(name, a = {}) {
      const site = a.site ?? "edge-kiel";
      const [there] = await db.asOwner("select 1 from sites where name = $1 and deleted_at is null", [site]);
      if (!there) await makeSite(store, site);
      const { token } = await identity.commands.createJoinToken(testAdmin, DEFAULT_PROJECT, { site });
      const agent = new TestAgent(gateway.port, { mood: a.mood ?? "obedient", ...(a.heartbeats === undefined ? {} : { heartbeats: a.heartbeats }) });
      const answer = await agent.enrol(token, name);
      if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
      return agent;
    },
  };
}

/** Makes a workload with one revision and gives its id; `template` is merged over a small one with a port. */
export async function makeWorkload(db: TestDatabase, name: string, o: { generation?: number; template?: Record<string, unknown> } = {}): Promise<string> {
  const [known] = await db.asOwner<{ id: string }>("select id from objects where kind = 'Workload' and name = $1", [name]);
  const id = known?.id ?? newId("workload");
  const generation = o.generation ?? 1;
  const spec = { kind: "service", replicas: 1, template: { engine: { type: "process", command: ["/bin/serve"] }, ports: [{ name: "http", env: "PORT" }], ...o.template } };
  const manifest = { apiVersion: "holdfast.dev/v1", kind: "Workload", metadata: { name, project: "default" }, spec };
  const digest = `sha256:${String(generation).padStart(64, "0")}`;
  if (known) await db.asOwner("update objects set generation = $2, digest = $3, spec = $4 where id = $1", [id, generation, digest, spec]);
  else await db.asOwner("insert into objects (id, project_id, kind, name, generation, digest, spec) values ($1, $2, 'Workload', $3, $4, $5, $6)", [id, DEFAULT_PROJECT.id, name, generation, digest, spec]);
  await db.asOwner("insert into object_revisions (object_id, generation, digest, manifest, author, author_id, changes) values ($1, $2, $3, $4, 'Ada', 'person-test', '[]')", [id, generation, digest, manifest]);
  return id;
}

let ordinal = 0;
/** Assigns a unit of a workload to a node, as the scheduler does: with a new generation of the node's desired state and a nudge. */
export async function assign(db: TestDatabase, o: { workload: string; node: string; unit?: string; generation?: number; nudge?: boolean }): Promise<string> {
  const id = newId("assignment");
  const generation = o.generation ?? 1;
  await db.store.inTransaction(async (tx) => {
    await tx.client.query(
      `insert into assignments (id, project_id, workload_id, unit, ordinal, node_id, generation, digest, desired, cause) values ($1, $2, $3, $4, $5, $6, $7, $8, 'run', 'place')`,
      [id, DEFAULT_PROJECT.id, o.workload, o.unit ?? `unit-${ordinal}`, ordinal++, o.node, generation, `sha256:${String(generation).padStart(64, "0")}`],
    );
    if (o.nudge === false) await tx.client.query("update nodes set desired_generation = desired_generation + 1 where id = $1", [o.node]);
    else await touchDesired(tx, [o.node]);
  });
  return id;
}

/** Changes assignments of a node with a nudge, such as `set desired = 'stop'`. */
export async function changeAssignment(db: TestDatabase, id: string, change: { desired?: "run" | "stop"; generation?: number; ended?: boolean }): Promise<void> {
  await db.store.inTransaction(async (tx) => {
    const { rows } = await tx.client.query<{ node_id: string }>(
      "update assignments set desired = coalesce($2, desired), generation = coalesce($3, generation), digest = coalesce($4, digest), ended_at = case when $5 then now() else ended_at end where id = $1 returning node_id",
      [id, change.desired ?? null, change.generation ?? null, change.generation ? `sha256:${String(change.generation).padStart(64, "0")}` : null, change.ended === true],
    );
    await touchDesired(tx, rows.map((r) => r.node_id));
  });
}
