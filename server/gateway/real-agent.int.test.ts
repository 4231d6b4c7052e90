import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AgentProcess, alive, answerOf, bundleAgent, Scratch } from "../../agent/testing/harness";
import { DEFAULT_PROJECT, makeSite } from "../testing/fleet-rows";
import { runningClock } from "../testing/clock";
import { testDatabase } from "../testing/database";
import { assign, changeAssignment, makeWorkload, startTestGateway, testAdmin } from "../testing/test-gateway";
import type { TestGateway } from "../testing/test-gateway";
import { until } from "../testing/until";

/**
 * The agent that is shipped, bundled, as a process of its own, against the real gateway and database.
 */
const db = testDatabase();
const scratch = new Scratch();
const settings = { heartbeatMs: 500, silentAfterMs: 4_000 };
const env = { CERTIFICATE_MINUTES: 0.2 };
let bundle = "";
let gate: TestGateway;
let agent: AgentProcess;
let nodeId = "";
let pid = 0;
const one = async <R = Record<string, unknown>>(text: string, values: unknown[] = []) => (await db.asOwner<R>(text, values))[0];
const observation = (id: string) => one<{ phase: string; health: string; generation: number; pid: number; ports: Record<string, number>; message: string; incoming: unknown }>("select * from observations where assignment_id = $1", [id]);
const nodeRow = async () => (await one("select * from nodes where id = $1", [nodeId])) ?? {};
const within = 30_000;

beforeAll(async () => {
  bundle = await bundleAgent(scratch.folder);
  gate = await startTestGateway(db, { clock: runningClock(), settings, env });
  await makeSite(db.store, "edge-kiel");
});
afterAll(async () => {
  await agent?.end();
  if (pid && alive(pid)) process.kill(pid, "SIGKILL");
  await gate.gateway.stop();
  scratch.remove();
});

// The model is what the unit serves: the digest of the artifact that reached it.
const script = `const fs=require("fs"),c=require("crypto");console.log("serving "+process.env.GREETING);require("http").createServer((q,r)=>r.end(process.env.HOLDFAST_REVISION+" "+process.env.GREETING+" "+c.createHash("sha256").update(fs.readFileSync(process.env.HOLDFAST_ARTIFACT_MODEL)).digest("hex"))).listen(+process.env.PORT,"127.0.0.1");process.on("SIGTERM",()=>process.exit(0));`;

describe("the shipped agent", () => {
  const model = randomBytes(2_500_000);
  const digest = `sha256:${createHash("sha256").update(model).digest("hex")}`;
  const template = (greeting: string) => ({
    engine: { type: "process", command: ["${node}", "-e", script] },
    artifacts: [{ name: "model", digest, unpack: "none" }],
    env: { GREETING: greeting },
    ports: [{ name: "http", env: "PORT" }],
    health: { probe: { type: "http", path: "/", port: "http" }, interval: "200ms", timeout: "1s", failureThreshold: 3, startPeriod: "10s" },
    stop: { signal: "SIGTERM", grace: "2s" },
  });
  let id = "";

  it("enrols with the fingerprint of the join command, and connects", async () => {
    const issued = await gate.identity.commands.createJoinToken(testAdmin, DEFAULT_PROJECT, { site: "edge-kiel" });
    agent = new AgentProcess(bundle, ["--gateway", `127.0.0.1:${gate.port}`, "--token", issued.token, "--ca-fingerprint", issued.authorityFingerprint, "--name", "real-1", "--data", `${scratch.folder}/data`, "--report-every", "300ms", "--sample-every", "300ms", "--reconnect-max", "500ms", "--slice", "cpu=500m,memory=256Mi,disk=1Gi", "--devices", "X100=1"]);
    await until("it is connected", async () => {
      nodeId = (await one<{ id: string }>("select id from nodes where name = 'real-1' and connected", []))?.id ?? "";
      return nodeId !== "";
    }, within);
    expect(await nodeRow()).toMatchObject({ cpu_millis: 500, memory_bytes: "268435456", trust_tier: "software" });
  });

  it("fetches an artifact through the gateway, runs a unit with its environment, and says that it is healthy", async () => {
    await gate.artifacts.commands.put(testAdmin, DEFAULT_PROJECT, { digest, name: "model.bin", mediaType: "application/octet-stream", sizeBytes: model.length, body: (async function* () { yield model; })() });
    const workload = await makeWorkload(db, "greeter", { template: template("hello") });
    id = await assign(db, { workload, node: nodeId, unit: "greeter-0" });
    await until("it is healthy", async () => (await observation(id))?.health === "healthy", within);
    const seen = await observation(id);
    expect(await answerOf(seen?.ports["http"] ?? 0)).toBe(`1 hello ${digest.slice(7)}`);
    pid = seen?.pid ?? 0;
    expect(alive(pid)).toBe(true);
  });

  // Guarantee: a share reaches the unit as the device that the scheduler chose; the agent says which one that is.
  it("hands a unit its share of a device", async () => {
    const says = `require("http").createServer((q,r)=>r.end(process.env.HOLDFAST_DEVICES+" "+process.env.HOLDFAST_DEVICE_SHARE)).listen(+process.env.PORT,"127.0.0.1");process.on("SIGTERM",()=>process.exit(0))`;
    const workload = await makeWorkload(db, "sharer", { template: { ...template("x"), engine: { type: "process", command: ["${node}", "-e", says] }, artifacts: [], resources: { devices: { shareMillis: 250 } } } });
    const shares = await assign(db, { workload, node: nodeId, unit: "sharer-0", nudge: false });
    await db.asOwner("update assignments set shared_slot = 1, shared_model = 'X100' where id = $1", [shares]);
    await changeAssignment(db, shares, {});
    await until("it is healthy", async () => (await observation(shares))?.health === "healthy", within);
    expect(await answerOf((await observation(shares))?.ports["http"] ?? 0)).toBe("X100-1 250");
    expect(await one("select observed_facts #>> '{devices,0,model}' as model from nodes where id = $1", [nodeId])).toEqual({ model: "X100" });
    await changeAssignment(db, shares, { ended: true });
    await until("it is gone", async () => (await nodeRow())["observed_generation"] === (await nodeRow())["desired_generation"], within);
  });

  it("reports usage, events and generation, and its round trip is measured", async () => {
    await until("usage and samples are stored", async () => (await nodeRow())["observed_usage"] !== null && ((await one<{ n: number }>("select count(*)::int as n from unit_samples where assignment_id = $1", [id]))?.n ?? 0) > 0, within);
    await until("an event of the start is stored", async () => (await one("select 1 from node_events where node_id = $1 and kind = 'unit.started'", [nodeId])) !== undefined, within);
    await until("the state is applied and the round trip known", async () => (await nodeRow())["observed_generation"] === (await nodeRow())["desired_generation"] && (await nodeRow())["rtt_ms"] !== null, within);
  });

  it("sends the unit's log on demand", async () => {
    await db.store.inTransaction(async (tx) => {
      await tx.client.query("insert into log_requests (id, project_id, node_id, assignment_id, tail_bytes, follow, state, keep_until) values ('log-1', 'project-default', $1, $2, 1000, true, 'waiting', now() + interval '1 minute')", [nodeId, id]);
      tx.notify("holdfast_logs", "log-1");
    });
    await until("the line is there", async () => (await db.asOwner<{ text: string }>("select text from log_chunks where request_id = 'log-1'")).some((c) => c.text.includes("serving hello")), within);
  });

  it("keeps the unit through a restart of the gateway, renews its certificate meanwhile, and takes a new revision after it", async () => {
    const { port } = gate;
    await gate.gateway.stop();
    gate = await startTestGateway(db, { clock: runningClock(), settings: { ...settings, port }, env });
    await until("it is back", async () => (await nodeRow())["connected"] === true, within);
    expect(alive(pid)).toBe(true);
    await until("it has renewed", async () => ((await one<{ n: number }>("select count(*)::int as n from node_certificates where node_id = $1 and cause = 'renew'", [nodeId]))?.n ?? 0) > 0, within);
    await makeWorkload(db, "greeter", { generation: 2, template: template("good day") });
    await changeAssignment(db, id, { generation: 2 });
    await until("the new revision serves alone", async () => {
      const seen = await observation(id);
      return seen?.generation === 2 && seen.health === "healthy" && seen.incoming === null;
    }, within);
    const seen = await observation(id);
    expect(await answerOf(seen?.ports["http"] ?? 0)).toBe(`2 good day ${digest.slice(7)}`);
    await until("the old one is drained", () => !alive(pid), within);
    pid = seen?.pid ?? 0;
  });

  it("stops a unit that should stop, and the stop is confirmed", async () => {
    await changeAssignment(db, id, { desired: "stop" });
    await until("it is stopped", async () => (await observation(id))?.phase === "stopped" && !alive(pid), within);
  });

  // Guarantee: a revocation closes the live socket at once, and the agent stays out.
  it("is thrown out when its identity is revoked, and stays out", async () => {
    await gate.identity.commands.revokeNode(testAdmin, DEFAULT_PROJECT, { name: "real-1", reason: "the machine was sold" });
    await until("it is out", async () => (await nodeRow())["connected"] === false, within);
    expect(await one("select close_reason from agent_sessions where node_id = $1 order by opened_at desc limit 1", [nodeId])).toEqual({ close_reason: "revoked" });
    await until("it knows why", () => agent.events("session.refused").some((e) => e["code"] === "revoked"), within);
    expect(await nodeRow()).toMatchObject({ connected: false });
  });
});
