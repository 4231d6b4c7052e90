import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { PROTOCOL_MINOR } from "../protocol/messages";
import { testDatabase } from "../testing/database";
import type { TestAgent } from "../testing/test-agent";
import { assign, changeAssignment, makeWorkload, startTestGateway } from "../testing/test-gateway";
import type { TestGateway } from "../testing/test-gateway";
import { until } from "../testing/until";

const db = testDatabase();
let gate: TestGateway;
const agents: TestAgent[] = [];
const agent = async (...args: Parameters<TestGateway["agent"]>) => {
  const made = await gate.agent(...args);
  agents.push(made);
  return made;
};
const one = async <R = Record<string, unknown>>(text: string, values: unknown[] = []) => (await db.asOwner<R>(text, values))[0];
const observation = (id: string) => one("select * from observations where assignment_id = $1", [id]);

beforeAll(async () => {
  gate = await startTestGateway(db);
});
afterEach(async () => {
  await Promise.all(agents.splice(0).map((a) => a.close()));
});
afterAll(() => gate.gateway.stop());

describe("a session", () => {
  it("opens with hello, is told who it is, and is in the store with the node's facts", async () => {
    const a = await agent("hello-1");
    expect(await a.connect()).toMatchObject({ node: "hello-1", site: "edge-kiel", project: "default", protocolMinor: PROTOCOL_MINOR, reportsStoredTo: 0, heartbeatMs: 1_000 });
    expect(await one("select connected, observed_version, cpu_millis, address from nodes where id = $1", [a.nodeId])).toEqual({ connected: true, observed_version: "test", cpu_millis: 2000, address: "127.0.0.1" });
    await a.close();
    await until("the store knows that it ended", async () => (await one("select connected from nodes where id = $1", [a.nodeId]))?.["connected"] === false);
    expect(await one("select close_reason from agent_sessions where node_id = $1", [a.nodeId])).toEqual({ close_reason: "closed" });
  });

  it("keeps the node's last sign of life, round trip and journal fresh without a write per beat", async () => {
    const a = await agent("beat-1");
    await a.connect();
    gate.clock.advance(1_000);
    a.nextReport = 5;
    a.heartbeat();
    await until("the beat is written", async () => (await one("select journal_depth from nodes where id = $1", [a.nodeId]))?.["journal_depth"] === 4);
    expect(Number((await one("select extract(epoch from last_seen_at) * 1000 as t from nodes where id = $1", [a.nodeId]))?.["t"])).toBe(gate.clock.nowMs());
    await until("the round trip is measured", async () => {
      gate.clock.advance(500);
      return (await one("select rtt_ms from nodes where id = $1", [a.nodeId]))?.["rtt_ms"] !== null;
    });
  });
});

describe("the desired state", () => {
  // Guarantee: an agent is always told the whole of what should run, at connect and at each change.
  it("comes whole at connect and at each change, and what the agent says comes back", async () => {
    const workload = await makeWorkload(db, "digits", { template: { env: { PLAIN: "value", KEY: { secret: "api-key" } } } });
    const a = await agent("obedient-1");
    const first = await assign(db, { workload, node: a.nodeId, unit: "digits-0" });
    await a.connect();
    const told = await a.waitFor("desired", (d) => d.units.length === 1);
    expect(told.units[0]).toMatchObject({ assignmentId: first, unit: "digits-0", workload: "digits", project: "default", generation: 1, action: "run", workloadKind: "service", environment: { PLAIN: "value", KEY: "secret:api-key" } });
    expect(told.units[0]?.template.env).toEqual({});
    await until("it is observed", async () => (await observation(first))?.["health"] === "healthy");
    const second = await assign(db, { workload, node: a.nodeId, unit: "digits-1" });
    await a.waitFor("desired", (d) => d.units.length === 2);
    await until("the second is observed too", async () => (await observation(second))?.["phase"] === "running");
    await changeAssignment(db, first, { desired: "stop" });
    await until("the first is stopped", async () => (await observation(first))?.["phase"] === "stopped");
    await changeAssignment(db, first, { ended: true });
    await a.waitFor("desired", (d) => d.units.length === 1 && d.units[0]?.assignmentId === second);
    const node = await one<{ desired_generation: number; observed_generation: number }>("select desired_generation, observed_generation from nodes where id = $1", [a.nodeId]);
    await until("it is fully applied", async () => (await one("select observed_generation from nodes where id = $1", [a.nodeId]))?.["observed_generation"] === node?.desired_generation);
  });

  it("holds the endpoints of the site's healthy units, and follows their health", async () => {
    const workload = await makeWorkload(db, "echo");
    const server = await agent("server-1", { site: "edge-rom" });
    const client = await agent("client-1", { site: "edge-rom" });
    const elsewhere = await agent("elsewhere-1", { site: "edge-oslo" });
    await assign(db, { workload, node: server.nodeId, unit: "echo-0" });
    await Promise.all([server, client, elsewhere].map((a) => a.connect()));
    const told = await client.waitFor("desired", (d) => d.endpoints.length === 1);
    expect(told.endpoints[0]).toMatchObject({ service: "echo", unit: "echo-0", node: "server-1", site: "edge-rom", address: "127.0.0.1", portName: "http" });
    server.setHealth("echo-0", false);
    await until("the endpoint is gone", () => client.last("desired")?.endpoints.length === 0);
    server.setHealth("echo-0", true);
    await until("the endpoint is back", () => client.last("desired")?.endpoints.length === 1);
    expect(elsewhere.last("desired")?.endpoints).toEqual([]);
  });

  it("keeps the revision that serves and the one that is starting beside it apart", async () => {
    const workload = await makeWorkload(db, "update");
    await makeWorkload(db, "update", { generation: 2 });
    const a = await agent("update-1");
    const id = await assign(db, { workload, node: a.nodeId, unit: "update-0" });
    await a.connect();
    await until("it runs", async () => (await observation(id))?.["health"] === "healthy");
    // From here on it says what it is told to say: what it would say of itself when the site's endpoints change would come between.
    a.mood = "silent";
    const old = { assignmentId: id, unit: "update-0", generation: 1, revisionDigest: "d1", phase: "running", health: "healthy", pid: 1, startedAtMs: 1, restarts: 0, exitCode: null, exitSignal: null, message: "", ports: { http: 1 }, limits: "none", cpuMillisUsed: null, memoryBytesUsed: null, sinceMs: 1, trial: null } as const;
    const fresh = { ...old, generation: 2, revisionDigest: "d2", phase: "starting", health: "starting", pid: 2, ports: { http: 2 } } as const;
    a.observe([fresh, old]);
    await until("both are kept", async () => (await observation(id))?.["incoming"] !== null);
    expect(await observation(id)).toMatchObject({ generation: 1, health: "healthy", incoming: { generation: 2, health: "starting" } });
    a.observe([{ ...old, phase: "stopping" }, { ...fresh, phase: "running", health: "healthy" }]);
    await until("the new one serves", async () => (await observation(id))?.["generation"] === 2);
    expect(await observation(id)).toMatchObject({ health: "healthy", incoming: null, ports: { http: 2 } });
  });

  // Guarantee: a nudge that is lost delays a change until the next resync and no longer, and the correction is counted.
  it("is sent anew by the resync, which finds what no nudge told, and counts it", async () => {
    const often = await startTestGateway(db, { clock: gate.clock, settings: { resyncMs: 4_000 } });
    try {
      const workload = await makeWorkload(db, "unnudged");
      const a = await often.agent("resync-1");
      await a.connect();
      await a.waitFor("desired");
      const id = await assign(db, { workload, node: a.nodeId, nudge: false });
      expect(a.last("desired")?.units).toEqual([]);
      // Past the longest pause before a resync, and still within the time in which the agent counts as heard.
      gate.clock.advance(6_001);
      const told = await a.waitFor("desired", (d) => d.units.some((u) => u.assignmentId === id));
      expect(told.resync).toBe(true);
      expect(await often.metric("holdfast_gateway_resync_corrections_total", { kind: "lost_nudge" })).toBe(1);
      await a.close();
    } finally {
      await often.gateway.stop();
    }
  });

  it("that is too large to send is a typed event of the node, and the agent keeps the one before", async () => {
    const workload = await makeWorkload(db, "huge", { template: { engine: { type: "process", command: Array.from({ length: 60 }, () => "x".repeat(20_000)) } } });
    const small = await makeWorkload(db, "small");
    const a = await agent("too-large-1");
    const first = await assign(db, { workload: small, node: a.nodeId });
    await a.connect();
    await a.waitFor("desired", (d) => d.units.length === 1);
    await assign(db, { workload, node: a.nodeId });
    await until("the event is there", async () => (await one("select message from node_events where node_id = $1 and kind = 'desired.tooLarge'", [a.nodeId])) !== undefined);
    expect(a.last("desired")?.units.map((u) => u.assignmentId)).toEqual([first]);
    expect(a.connected).toBe(true);
  });
});

describe("what agents observe", () => {
  // Guarantee: an agent can write nothing of another node's units, whatever it says.
  it("of another node's assignments is ignored, with a log line", async () => {
    const workload = await makeWorkload(db, "victim");
    const victim = await agent("victim-1");
    const liar = await agent("liar-1", { mood: "lying" });
    const id = await assign(db, { workload, node: victim.nodeId, unit: "victim-0" });
    const own = await assign(db, { workload, node: liar.nodeId, unit: "victim-1" });
    await Promise.all([victim.connect(), liar.connect()]);
    await until("the victim's unit is observed", async () => (await observation(id))?.["health"] === "healthy");
    liar.observe([{ assignmentId: id, unit: "victim-0", generation: 99, revisionDigest: "x", phase: "failed", health: "unhealthy", pid: null, startedAtMs: null, restarts: 9, exitCode: 1, exitSignal: null, message: "lie", ports: {}, limits: "none", cpuMillisUsed: null, memoryBytesUsed: null, sinceMs: 1, trial: null }]);
    await until("the log says so", () => gate.log.some((l) => l["code"] === "foreign_assignment" && l["node"] === "liar-1"));
    expect(await observation(id)).toMatchObject({ generation: 1, health: "healthy", node_id: victim.nodeId });
    // And what it lies about its own unit is stored as what it says: observed is never shown as desired.
    liar.observe();
    await until("its own is stored", async () => (await observation(own))?.["generation"] === 2);
  });

  it("is written only when it changed; a unit that is no longer reported does not run", async () => {
    const workload = await makeWorkload(db, "quiet");
    const a = await agent("quiet-1");
    const id = await assign(db, { workload, node: a.nodeId });
    await a.connect();
    await until("it runs", async () => (await observation(id))?.["health"] === "healthy");
    const version = () => one("select xmin::text as v from observations where assignment_id = $1", [id]);
    const before = await version();
    gate.clock.advance(10);
    a.observe();
    await until("the observation was taken", async () => Number((await one("select extract(epoch from observed_at) * 1000 as t from nodes where id = $1", [a.nodeId]))?.["t"]) === gate.clock.nowMs());
    expect(await version()).toEqual(before);
    a.observe([]);
    await until("it is said not to run", async () => (await observation(id))?.["phase"] === "pending");
    expect(await observation(id)).toMatchObject({ health: "unknown", pid: null, ports: {} });
  });

  it("confirms a stop also of a unit that never ran there", async () => {
    const workload = await makeWorkload(db, "never");
    const a = await agent("never-1");
    const id = await assign(db, { workload, node: a.nodeId, nudge: false });
    await changeAssignment(db, id, { desired: "stop" });
    await a.connect();
    const told = await a.waitFor("desired", (d) => d.units.some((u) => u.assignmentId === id && u.action === "stop"));
    a.desired = told;
    a.observe([]);
    await until("it counts as stopped", async () => (await observation(id))?.["phase"] === "stopped");
  });
});

describe("a newer session", () => {
  // Guarantee: one node, one session: the newer wins, on the same gateway or on another, and the older writes nothing more.
  it("supersedes the older one on the same gateway", async () => {
    const a = await agent("twice-1");
    await a.connect();
    const twin = await agent("unused-1");
    Object.assign(twin, { credentials: a.credentials, nodeId: a.nodeId });
    await twin.connect();
    await until("the older is told", () => a.all("superseded").length === 1 && a.closed !== null);
    expect(a.closed?.code).toBe(4001);
    expect(twin.connected).toBe(true);
  });

  it("supersedes the older one on another gateway", async () => {
    const second = await startTestGateway(db, { clock: gate.clock });
    try {
      const a = await agent("roaming-1");
      await a.connect();
      const twin = await agent("unused-2");
      Object.assign(twin, { credentials: a.credentials, nodeId: a.nodeId });
      await twin.connect({ port: second.port });
      await until("the older is told", () => a.all("superseded").length === 1 && a.closed !== null);
      expect(twin.connected).toBe(true);
      expect(await one("select connected from nodes where id = $1", [a.nodeId])).toEqual({ connected: true });
      await twin.close();
    } finally {
      await second.gateway.stop();
    }
  });

  it("fences off an older one that was not told: what it reports and observes changes nothing, and it learns why", async () => {
    const a = await agent("fenced-1");
    await a.connect();
    // As if another gateway had taken the session and its nudge were lost.
    await db.asOwner("update nodes set session_id = 'session-elsewhere' where id = $1", [a.nodeId]);
    a.report();
    await until("it is told", () => a.all("superseded").length === 1);
    expect(await one("select reports_stored_to, connected, session_id from nodes where id = $1", [a.nodeId])).toEqual({ reports_stored_to: 0, connected: true, session_id: "session-elsewhere" });
  });
});

describe("a database that was away", () => {
  // Guarantee: losing the database costs no session; nudges work again, and what was missed meanwhile is delivered.
  it("leaves sessions open, and everything goes on when it is back", async () => {
    const workload = await makeWorkload(db, "interrupted");
    const a = await agent("interrupted-1");
    await a.connect();
    await a.waitFor("desired");
    const missed = await assign(db, { workload, node: a.nodeId, unit: "interrupted-0", nudge: false });
    // Every connection of every store in this file, the listening ones included.
    expect(await db.cutConnections()).toBeGreaterThan(1);
    await a.waitFor("desired", (d) => d.units.some((u) => u.assignmentId === missed));
    await until("it is observed", async () => (await observation(missed))?.["health"] === "healthy");
    expect(a.closed).toBeNull();
    const nudged = await assign(db, { workload, node: a.nodeId, unit: "interrupted-1" });
    await a.waitFor("desired", (d) => d.units.some((u) => u.assignmentId === nudged));
  });
});

describe("agents of every mood", () => {
  it("slow: a unit that starts is not healthy, and the generation not applied, until it says so", async () => {
    const workload = await makeWorkload(db, "slowly");
    const a = await agent("slow-1", { mood: "slow" });
    const id = await assign(db, { workload, node: a.nodeId });
    await a.connect();
    await until("it is starting", async () => (await observation(id))?.["health"] === "starting");
    const applied = async () => Number((await one("select desired_generation - observed_generation as behind from nodes where id = $1", [a.nodeId]))?.["behind"]);
    expect(await applied()).toBe(1);
    a.settle();
    await until("it is healthy and applied", async () => (await observation(id))?.["health"] === "healthy" && (await applied()) === 0);
  });

  it("flapping: each turn is stored with its restarts, and kept in history", async () => {
    const workload = await makeWorkload(db, "flapping");
    const a = await agent("flapping-1", { mood: "flapping" });
    const id = await assign(db, { workload, node: a.nodeId });
    await a.connect();
    await until("it is healthy", async () => (await observation(id))?.["health"] === "healthy");
    for (const health of ["unhealthy", "healthy", "unhealthy"]) {
      a.flap();
      await until(`it is ${health}`, async () => (await observation(id))?.["health"] === health);
    }
    expect(await observation(id)).toMatchObject({ restarts: 2 });
    const turns = await db.asOwner<{ health: string }>("select doc ->> 'health' as health from history where kind = 'observation' and key = $1 order by valid_from", [id]);
    expect(turns.map((t) => t.health).slice(-4)).toEqual(["healthy", "unhealthy", "healthy", "unhealthy"]);
  });
});

describe("stopping", () => {
  it("tells agents to come back after a while of their own, and counts them as not connected", async () => {
    const second = await startTestGateway(db, { clock: gate.clock });
    const a = await second.agent("stopping-1");
    await a.connect();
    await second.gateway.stop();
    await until("the agent is told", () => a.last("refused") !== undefined);
    expect(a.last("refused")).toMatchObject({ code: "shutting_down", fatal: true });
    expect(a.last("refused")?.retryAfterMs).toBeGreaterThanOrEqual(0);
    expect(await one("select connected from nodes where id = $1", [a.nodeId])).toEqual({ connected: false });
    expect(await one("select close_reason from agent_sessions where node_id = $1", [a.nodeId])).toEqual({ close_reason: "shutting_down" });
  });
});
