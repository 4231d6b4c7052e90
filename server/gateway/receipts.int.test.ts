import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AgentProcess, bundleAgent, Scratch, webServer } from "../../agent/testing/harness";
import type { Receipt } from "../protocol/messages";
import { assignments, receipts } from "../store";
import { runningClock } from "../testing/clock";
import { testDatabase } from "../testing/database";
import { DEFAULT_PROJECT, makeSite } from "../testing/fleet-rows";
import type { TestAgent } from "../testing/test-agent";
import { assign, changeAssignment, makeWorkload, startTestGateway, testAdmin } from "../testing/test-gateway";
import type { TestGateway } from "../testing/test-gateway";
import { until } from "../testing/until";

const db = testDatabase();
const scratch = new Scratch();
const within = 40_000;
let gate: TestGateway;
const settings = { heartbeatMs: 500, silentAfterMs: 60_000 };
const stored = (rollout: string) => receipts.ofRollout(db.store.read.client, rollout);
beforeAll(async () => {
  gate = await startTestGateway(db, { clock: runningClock(), settings });
});
afterAll(async () => {
  await gate.gateway.stop();
  scratch.remove();
});

describe("receipts of units on trial", () => {
  let honest: TestAgent;
  let other: TestAgent;
  let own = "";
  let foreign = "";
  beforeAll(async () => {
    honest = await gate.agent("honest-1");
    other = await gate.agent("other-1");
    await honest.connect();
    await other.connect();
    const workload = await makeWorkload(db, "proven");
    own = await assign(db, { workload, node: honest.nodeId });
    foreign = await assign(db, { workload, node: other.nodeId });
  });
  afterAll(async () => {
    await honest.close();
    await other.close();
  });
  const bring = async (agent: TestAgent, list: Receipt[]): Promise<void> => {
    const number = agent.report({ receipts: list });
    await until("the report is stored", () => agent.reportsStoredTo >= number);
  };

  // Guarantee: a receipt that its node signed is stored once, however often it is brought.
  it("are stored once", async () => {
    const receipt = honest.receipt({ number: 7, rollout: "ro-once", assignmentId: own, generation: 3, artifacts: ["sha256:m"] });
    const stays = await gate.metric("holdfast_gateway_receipts_total", { outcome: "stored" });
    await bring(honest, [receipt, receipt]);
    await bring(honest, [receipt]);
    expect(await stored("ro-once")).toMatchObject([{ number: 7, nodeId: honest.nodeId, node: "honest-1", assignmentId: own, generation: 3, artifacts: ["sha256:m"], what: "returned", cause: "deadline", atMs: 1, signature: receipt.signature }]);
    expect(await gate.metric("holdfast_gateway_receipts_total", { outcome: "stored" })).toBe(stays + 1);
    expect(await gate.metric("holdfast_gateway_receipts_total", { outcome: "duplicate" })).toBe(2);
  });

  // Guarantee: what does not prove itself is counted, logged and never stored, and the rest of its report is.
  it.each<[string, string, () => Receipt]>([
    ["a changed one", "bad_signature", () => ({ ...honest.receipt({ number: 20, rollout: "ro-forged", assignmentId: own }), generation: 9 })],
    ["one without a signature", "bad_signature", () => ({ ...honest.receipt({ number: 21, rollout: "ro-forged", assignmentId: own }), signature: "" })],
    ["one signed by another node's key", "bad_signature", () => other.receipt({ number: 22, rollout: "ro-forged", assignmentId: own, node: "honest-1" })],
    ["another node's own", "wrong_node", () => other.receipt({ number: 23, rollout: "ro-forged", assignmentId: foreign })],
    ["one about another node's unit", "foreign_unit", () => honest.receipt({ number: 24, rollout: "ro-forged", assignmentId: foreign })],
    ["another one under a number that was used", "number_reused", () => honest.receipt({ number: 7, rollout: "ro-forged", assignmentId: own })],
  ])("%s is refused as %s", async (_name, code, forged) => {
    const before = await gate.metric("holdfast_gateway_receipts_total", { outcome: code });
    const from = gate.log.length;
    await bring(honest, [forged(), honest.receipt({ number: 100 + honest.nextReport, rollout: `ro-beside-${code}`, assignmentId: own })]);
    expect(await stored("ro-forged")).toEqual([]);
    expect((await stored(`ro-beside-${code}`)).length).toBeGreaterThan(0);
    expect(await gate.metric("holdfast_gateway_receipts_total", { outcome: code })).toBe(before + 1);
    expect(gate.log.slice(from).some((l) => l["code"] === code && l["level"] === "warn")).toBe(true);
  });

  // Guarantee: agents of the minor version before are served: what they do not say counts as nothing said.
  it("are not asked of an older agent", async () => {
    // Silent but for what is sent by hand: its own numbering would come between.
    const old = await gate.agent("old-1", { mood: "silent" });
    await old.open();
    old.send({ type: "hello", protocolMinor: 1, agentVersion: "0.0.9", facts: old.facts, appliedGeneration: 0, journal: { from: 1, to: 0, dropped: 0 }, fresh: true });
    await until("it is welcomed", () => old.last("welcome")?.protocolMinor === 1);
    old.sendRaw(JSON.stringify({ type: "report", seq: 1, number: 1, atMs: 1, body: { usage: [], unitUsage: [], requests: [], predictions: [], labels: [], events: [] } }));
    await until("its report is stored", () => old.reportsStoredTo === 1);
    await old.close();
  });
});

describe("the dead-man switch with the shipped agent", () => {
  // Guarantee: with the gateway dead the unit is back on the old revision by the deadline, and proves it by digest once a gateway is there again.
  it("goes back while the gateway is dead, and the proof is stored afterwards", async () => {
    const bundle = await bundleAgent(scratch.folder);
    await makeSite(db.store, "edge-oslo");
    const issued = await gate.identity.commands.createJoinToken(testAdmin, DEFAULT_PROJECT, { site: "edge-oslo" });
    const data = `${scratch.folder}/data`;
    const agent = new AgentProcess(bundle, ["--gateway", `127.0.0.1:${gate.port}`, "--token", issued.token, "--ca-fingerprint", issued.authorityFingerprint, "--name", "deadman-1", "--data", data, "--report-every", "300ms", "--reconnect-max", "500ms", "--stop-units-on-exit"]);
    try {
      let node = "";
      await until("it is connected", async () => {
        node = (await db.asOwner<{ id: string }>("select id from nodes where name = 'deadman-1' and connected"))[0]?.id ?? "";
        return node !== "";
      }, within);
      const template = (text: string) => ({ engine: { type: "process", command: ["${node}", "-e", webServer(text)] }, env: { KEY: { secret: "api-key" } }, health: { probe: { type: "http", path: "/", port: "http" }, interval: "200ms", timeout: "1s", failureThreshold: 3, startPeriod: "10s" }, stop: { signal: "SIGTERM", grace: "2s" } });
      const workload = await makeWorkload(db, "switched", { template: template("old") });
      const id = await assign(db, { workload, node, unit: "switched-0" });
      const observed = async () => (await db.asOwner<{ generation: number; health: string; digest: string; trial: { state: string } | null; incoming: unknown }>("select generation, health, digest, trial, incoming from observations where assignment_id = $1", [id]))[0];
      const serves = (generation: number, trial: string | null) => until(`generation ${generation} serves, ${trial ?? "not on trial"}`, async () => {
        const o = await observed();
        return o?.generation === generation && o.health === "healthy" && o.incoming === null && (o.trial?.state ?? null) === trial;
      }, within);
      await serves(1, null);
      await makeWorkload(db, "switched", { generation: 2, template: template("new") });
      await changeAssignment(db, id, { generation: 2 });
      const trial = (inMs: number) => db.store.inTransaction((tx) => assignments.setTrial(tx, id, { rollout: "ro-dead", returnAtMs: Date.now() + inMs, previousGeneration: 1 }));
      expect(await trial(600_000)).toBe(true);
      await serves(2, "armed");
      await until("the switch is proven", async () => (await stored("ro-dead")).some((r) => r.what === "switched" && r.generation === 2), within);
      expect(await assignments.trialsOfRollout(db.store.read.client, "ro-dead")).toMatchObject([{ assignmentId: id, trial: { previousGeneration: 1 }, said: { state: "armed" } }]);
      // The controller moves the deadline near, and dies before it says another word.
      const before = agent.events("desired.received").length;
      await trial(3_000);
      await until("the agent knows", () => agent.events("desired.received").length > before, within);
      const { port } = gate;
      await gate.gateway.stop();
      await until("it went back by itself", () => agent.events("trial.returned").length === 1 && agent.events("unit.healthy").filter((e) => e.generation === 1).length > 1, within);
      gate = await startTestGateway(db, { clock: runningClock(), settings: { ...settings, port } });
      await until("the proof is stored", async () => (await stored("ro-dead")).some((r) => r.what === "returned" && r.cause === "deadline"), within);
      expect((await stored("ro-dead")).at(-1)).toMatchObject({ node: "deadman-1", unit: "switched-0", generation: 1, digest: (await observed())?.digest });
      await serves(1, "returned");
      // Having heard of the return, the controller lets it try again.
      await trial(600_000);
      await serves(2, "armed");
      await until("that is proven", async () => (await stored("ro-dead")).map((r) => r.what).join() === "switched,returned,switched", within);
      // A deadline that only moves changes nothing else.
      await trial(700_000);
      expect(await assignments.trialsOfRollout(db.store.read.client, "ro-dead")).toMatchObject([{ trial: { attempt: 2 } }]);
      await db.store.inTransaction((tx) => assignments.setTrial(tx, id, null));
      await serves(2, null);
      await until("that is proven too", async () => (await stored("ro-dead")).map((r) => r.what).join() === "switched,returned,switched,kept", within);
    } finally {
      await agent.end("SIGTERM");
    }
  }, 120_000);
});
