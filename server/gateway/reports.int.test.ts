import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
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
const event = (message: string, atMs = 1_700_000_000_000) => ({ events: [{ atMs, kind: "unit.started" as const, assignmentId: null, unit: null, message }] });
const events = async (nodeId: string) => (await db.asOwner<{ message: string }>("select message from node_events where node_id = $1 order by id", [nodeId])).map((r) => r.message);
const storedTo = async (nodeId: string) => (await one<{ reports_stored_to: number }>("select reports_stored_to from nodes where id = $1", [nodeId]))?.reports_stored_to;
const acked = (a: TestAgent, number: number) => until(`report ${number} is acknowledged`, () => a.reportsStoredTo >= number);

beforeAll(async () => {
  gate = await startTestGateway(db);
});
afterEach(async () => {
  await Promise.all(agents.splice(0).map((a) => a.close()));
});
afterAll(() => gate.gateway.stop());

describe("reports", () => {
  // Guarantee: a report counts once, however often it is sent, and is acknowledged only once it is stored.
  it("are stored once when they are sent again, in this session or the next", async () => {
    const a = await agent("replay-1");
    await a.connect();
    a.report(event("one"));
    a.report(event("two"));
    await acked(a, 2);
    a.report(event("one again"), { number: 1 });
    a.report(event("two again"), { number: 2 });
    a.report(event("three"));
    await acked(a, 3);
    a.drop();
    const welcome = await a.connect();
    expect(welcome.reportsStoredTo).toBe(3);
    a.report(event("three again"), { number: 3 });
    a.report(event("four"));
    await acked(a, 4);
    expect(await events(a.nodeId)).toEqual(["one", "two", "three", "four"]);
    expect(await gate.metric("holdfast_gateway_reports_total", { outcome: "duplicate" })).toBe(3);
  });

  it("of a long journal arrive whole and in order, many to a transaction", async () => {
    const a = await agent("journal-1");
    await a.connect();
    const names = Array.from({ length: 300 }, (_, i) => `event ${i}`);
    for (const name of names) a.report(event(name));
    await acked(a, 300);
    expect(await events(a.nodeId)).toEqual(names);
    expect(a.all("ack").length).toBeLessThan(150);
  });

  it("keep the newest usage on the node, and samples for charts", async () => {
    const a = await agent("usage-1");
    await a.connect();
    const usage = (atMs: number, cpuShare: number) => ({ atMs, cpuShare, memoryUsedBytes: 1, diskUsedBytes: null, netRxBytesPerSecond: null, netTxBytesPerSecond: null, load1: null });
    a.report({ usage: [usage(2_000, 0.5), usage(1_000, 0.1)] });
    a.report({ usage: [usage(1_500, 0.9)] });
    await acked(a, 2);
    expect(await one("select observed_usage ->> 'cpuShare' as share from nodes where id = $1", [a.nodeId])).toEqual({ share: "0.5" });
    expect(await one("select count(*)::int as n from node_samples where node_id = $1", [a.nodeId])).toEqual({ n: 3 });
  });

  // Guarantee: one report that can never be stored does not hold up those after it for ever.
  it("that can't be stored are passed over with a log line, and those around them are kept", async () => {
    const strict = await startTestGateway(db, {
      clock: gate.clock,
      ingestReport: async (tx, node, _atMs, body) => {
        // The second statement fails as bad data does (class 22) and must undo the first.
        for (const e of body.events) await tx.client.query("insert into node_events (node_id, at, kind, message) values ($1, now(), 'unit.started', $2)", [node.id, e.message]);
        if (body.events[0]?.message === "poison") await tx.client.query("select 1 / 0");
      },
    });
    try {
      const a = await strict.agent("poison-1");
      await a.connect();
      a.report(event("before"));
      a.report(event("poison"));
      a.report(event("after"));
      await acked(a, 3);
      expect(await events(a.nodeId)).toEqual(["before", "after"]);
      expect(strict.log.some((l) => l["nodeId"] === a.nodeId && l["number"] === 2 && String(l["msg"]).includes("can't be stored"))).toBe(true);
      expect(await strict.metric("holdfast_gateway_reports_total", { outcome: "rejected" })).toBe(1);
      expect(a.connected).toBe(true);
      await a.close();
    } finally {
      await strict.gateway.stop();
    }
  });

  // Guarantee: what was not acknowledged is in the agent's journal; a database that is away loses nothing.
  it("that meet a lost database are not acknowledged, and are stored when they come again", async () => {
    let broken = true;
    const flaky = await startTestGateway(db, {
      clock: gate.clock,
      ingestReport: async (tx, node, _atMs, body) => {
        if (broken) throw Object.assign(new Error("terminating connection due to administrator command"), { code: "57P01" });
        await tx.client.query("insert into node_events (node_id, at, kind, message) values ($1, now(), 'unit.started', $2)", [node.id, body.events[0]?.message ?? ""]);
      },
    });
    try {
      const a = await flaky.agent("flaky-1");
      await a.connect();
      a.report(event("kept"));
      await until("the session is ended", () => a.closed !== null);
      expect(a.last("refused")).toMatchObject({ code: "internal", fatal: true });
      expect(a.last("refused")?.retryAfterMs).toBeGreaterThan(0);
      expect(a.reportsStoredTo).toBe(0);
      broken = false;
      await a.connect();
      a.report(event("kept"), { number: 1 });
      await acked(a, 1);
      expect(await events(a.nodeId)).toEqual(["kept"]);
      await a.close();
    } finally {
      await flaky.gateway.stop();
    }
  });
});

describe("a node that falls silent", () => {
  const spell = (nodeId: string) => one<{ from_at: Date; to_at: Date | null; reports_received: number; reports_dropped: number; corrections: number }>("select from_at, to_at, reports_received, reports_dropped, corrections from silent_spells where node_id = $1 order by from_at desc limit 1", [nodeId]);

  /** A row that is locked at one look is found at the next; the gateway looks again as its clock goes on. */
  const silent = (nodeId: string) =>
    until("the spell is open", async () => {
      gate.clock.advance(20);
      return (await spell(nodeId))?.to_at === null;
    });

  // Guarantee: silence is noticed within its limit, from the last sign of life on, and never shown as connected.
  it("gets a spell from its last sign of life, and its blackholed socket is dropped", async () => {
    const a = await agent("silent-1", { mood: "silent" });
    await a.connect();
    const lastSeenMs = gate.clock.nowMs();
    gate.clock.advance(9_000);
    await gate.gateway.tick();
    expect(await spell(a.nodeId)).toBeUndefined();
    gate.clock.advance(3_000);
    await silent(a.nodeId);
    expect((await spell(a.nodeId))?.from_at.getTime()).toBe(lastSeenMs);
    expect(await one("select connected from nodes where id = $1", [a.nodeId])).toEqual({ connected: false });
    await until("the socket is dropped", () => a.closed !== null);
  });

  // Guarantee: after a silence it is said what came late, what was lost, and what had to be corrected.
  it("closes the spell when it is back, with reports that waited, reports that were lost, and units found otherwise", async () => {
    const workload = await makeWorkload(db, "partitioned");
    const a = await agent("partition-1");
    const kept = await assign(db, { workload, node: a.nodeId, unit: "partitioned-0" });
    const removed = await assign(db, { workload, node: a.nodeId, unit: "partitioned-1" });
    await a.connect();
    a.report(event("before the partition"));
    await acked(a, 1);
    await a.waitFor("desired", (d) => d.units.length === 2);
    a.drop();
    gate.clock.advance(60_000);
    await silent(a.nodeId);
    // Meanwhile one unit should stop and another one run; the agent can't know.
    await changeAssignment(db, removed, { desired: "stop" });
    await assign(db, { workload, node: a.nodeId, unit: "partitioned-2" });
    const duringMs = gate.clock.nowMs() - 30_000;
    const before = a.desired;
    gate.clock.advance(60_000);
    // It says first what it runs, as it was before the partition, and takes the new state after that.
    a.mood = "silent";
    await a.connect();
    a.desired = before;
    a.observe();
    await until("two units are found otherwise", async () => (await spell(a.nodeId))?.corrections === 2);
    for (const [number, name] of [[2, "two"], [3, "three"], [6, "six"]] as const) a.report(event(name), { number, atMs: duringMs });
    a.report(event("after the heal"), { number: 7, atMs: gate.clock.nowMs() + 1 });
    await until("all are stored", async () => (await storedTo(a.nodeId)) === 7);
    expect(await events(a.nodeId)).toEqual(["before the partition", "two", "three", "six", "after the heal"]);
    expect(await spell(a.nodeId)).toMatchObject({ reports_received: 3, reports_dropped: 2, corrections: 2, to_at: new Date(gate.clock.nowMs()) });
    expect(await one("select phase from observations where assignment_id = $1", [kept])).toEqual({ phase: "running" });
    // What comes in a later session is still counted to the spell.
    a.drop();
    await a.connect();
    a.report(event("late"), { number: 8, atMs: duringMs });
    await until("it is counted", async () => (await spell(a.nodeId))?.reports_received === 4);
  });

  // Guarantee: a node that was heard is not left silent because its signs of life were written late.
  it("is taken back when its signs of life were only written late", async () => {
    const a = await agent("heard-1");
    await a.connect();
    gate.clock.advance(2_000);
    // As another gateway would, whose look came before this gateway could write.
    await db.asOwner("insert into silent_spells (id, node_id, site_id, project_id, from_at) select 'spell-heard', id, site_id, project_id, last_seen_at from nodes where id = $1", [a.nodeId]);
    await db.asOwner("update nodes set connected = false where id = $1", [a.nodeId]);
    a.heartbeat();
    await until("the spell is closed", async () => (await spell(a.nodeId))?.to_at?.getTime() === gate.clock.nowMs());
    expect(await one("select connected from nodes where id = $1", [a.nodeId])).toEqual({ connected: true });
  });

  it("is found once, although several gateways look", async () => {
    const others = await Promise.all([startTestGateway(db, { clock: gate.clock }), startTestGateway(db, { clock: gate.clock })]);
    try {
      const a = await agent("watched-1");
      await a.connect();
      await a.close();
      gate.clock.advance(20_000);
      await Promise.all([gate, ...others].map((g) => g.gateway.tick()));
      await silent(a.nodeId);
      expect(await one("select count(*)::int as n from silent_spells where node_id = $1", [a.nodeId])).toEqual({ n: 1 });
    } finally {
      await Promise.all(others.map((g) => g.gateway.stop()));
    }
  });
});

describe("logs on demand", () => {
  const request = async (a: TestAgent, o: { follow?: boolean } = {}) => {
    const id = `log-${a.node}-${Math.random().toString(36).slice(2)}`;
    await db.store.inTransaction(async (tx) => {
      await tx.client.query("insert into log_requests (id, project_id, node_id, assignment_id, tail_bytes, follow, state, keep_until) values ($1, 'project-default', $2, 'assignment-1', 1000, $3, 'waiting', $4)", [id, a.nodeId, o.follow ?? true, new Date(gate.clock.nowMs() + 30_000)]);
      tx.notify("holdfast_logs", id);
    });
    return id;
  };
  const chunks = (id: string) => db.asOwner<{ seq: number; offset: number; text: string }>(`select seq, "offset"::int as "offset", text from log_chunks where request_id = $1 order by seq`, [id]);

  it("are asked of the agent, stored in order, and go on after a reconnect without repeating", async () => {
    const a = await agent("logs-1");
    await a.connect();
    const id = await request(a);
    expect(await a.waitFor("logOpen", (m) => m.requestId === id)).toMatchObject({ assignmentId: "assignment-1", tailBytes: 1000, follow: true });
    a.send({ type: "log", requestId: id, offset: 100, text: "first\n", end: false, error: null });
    a.send({ type: "log", requestId: id, offset: 106, text: "second\n", end: false, error: null });
    await until("both are stored", async () => (await chunks(id)).length === 2);
    a.drop();
    await a.connect();
    await until("it is asked again", () => a.all("logOpen").filter((m) => m.requestId === id).length === 2);
    // The tail comes again, with one more line; only the line is new.
    a.send({ type: "log", requestId: id, offset: 100, text: "first\nsecond\nthird\n", end: false, error: null });
    a.send({ type: "log", requestId: id, offset: 119, text: "", end: true, error: null });
    await until("it is ended", async () => (await one("select state from log_requests where id = $1", [id]))?.["state"] === "ended");
    expect(await chunks(id)).toEqual([{ seq: 0, offset: 100, text: "first\n" }, { seq: 1, offset: 106, text: "second\n" }, { seq: 2, offset: 113, text: "third\n" }]);
  });

  it("end at the agent when nobody reads any more, and are forgotten later", async () => {
    const a = await agent("logs-2");
    await a.connect();
    const id = await request(a);
    await a.waitFor("logOpen", (m) => m.requestId === id);
    a.send({ type: "log", requestId: id, offset: 0, text: "line\n", end: false, error: null });
    await until("it is stored", async () => (await chunks(id)).length === 1);
    await db.asOwner("update log_requests set keep_until = $2 where id = $1", [id, new Date(gate.clock.nowMs() - 1)]);
    gate.clock.advance(4_000);
    await a.waitFor("logClose", (m) => m.requestId === id);
    await db.asOwner("update log_requests set keep_until = $2 where id = $1", [id, new Date(gate.clock.nowMs() - 400_000)]);
    gate.clock.advance(3_000);
    await until("it is forgotten", async () => (await chunks(id)).length === 0);
  });

  // Guarantee: an agent can write into nobody's log but one it was asked for.
  it("that were not asked for are not stored", async () => {
    const a = await agent("logs-3");
    const other = await agent("logs-4");
    await Promise.all([a.connect(), other.connect()]);
    const id = await request(a);
    await a.waitFor("logOpen", (m) => m.requestId === id);
    other.send({ type: "log", requestId: id, offset: 0, text: "forged\n", end: false, error: null });
    await other.waitFor("logClose", (m) => m.requestId === id);
    expect(await chunks(id)).toEqual([]);
  });
});
