import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import type { TLSSocket } from "node:tls";
import WebSocket from "ws";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createIdentity } from "../identity";
import { makeAuthority, openAuthority, issueNodeCertificate, readCertificateRequest } from "../identity/x509";
import { MAX_FRAME_BYTES, PROTOCOL } from "../protocol/messages";
import { makeRequest } from "../testing/certificate-request";
import { testDatabase } from "../testing/database";
import { DEFAULT_PROJECT } from "../testing/fleet-rows";
import { ask, TestAgent } from "../testing/test-agent";
import { assign, makeWorkload, startTestGateway, testAdmin, testSealer } from "../testing/test-gateway";
import type { TestGateway } from "../testing/test-gateway";
import { until } from "../testing/until";
import { nodes } from "../store";

const db = testDatabase();
let gate: TestGateway;
let witness: TestAgent;
const agents: TestAgent[] = [];
const agent = async (...args: Parameters<TestGateway["agent"]>) => {
  const made = await gate.agent(...args);
  agents.push(made);
  return made;
};
const logged = (code: string, from: number) => gate.log.slice(from).some((l) => l["code"] === code && l["level"] === "warn");
const newToken = async () => (await gate.identity.commands.createJoinToken(testAdmin, DEFAULT_PROJECT, { site: "edge-kiel" })).token;

beforeAll(async () => {
  gate = await startTestGateway(db, { settings: { headersTimeoutMs: 1_000, handshakeTimeoutMs: 1_000, helloTimeoutMs: 300, maxBufferedBytes: 300_000, messagesPerSecond: 200, messageBurst: 400 } });
  witness = await gate.agent("witness-1");
  await witness.connect();
});
// Guarantee: whatever one peer does, the gateway serves the others meanwhile.
afterEach(async () => {
  const number = witness.report();
  await until("the witness is served", () => witness.reportsStoredTo >= number, 5_000);
  await Promise.all(agents.splice(0).map((a) => a.close()));
});
afterAll(async () => {
  await witness.close();
  await gate.gateway.stop();
});

describe("an upgrade", () => {
  // Guarantee: no session without a certificate of ours that is good now; each refusal is typed and logged.
  it("without a certificate, or with a foreign one, gets no socket", async () => {
    const a = new TestAgent(gate.port);
    await a.open({ credentials: null });
    expect(a.refusedUpgrade).toMatchObject({ status: 401, body: { error: { code: "unauthenticated" } } });
    const foreign = await openAuthority({ id: "foreign", ...(await makeAuthority({ id: "foreign", nowMs: gate.clock.nowMs() })) });
    const made = await makeRequest();
    const request = await readCertificateRequest(made.csr);
    if (!request.ok) throw new Error(request.error);
    const forged = await issueNodeCertificate(foreign, { request: request.value, project: "default", nodeId: witness.nodeId, nowMs: gate.clock.nowMs(), lifeMs: 3_600_000 });
    const from = gate.log.length;
    await a.open({ credentials: { key: made.key, certificate: forged.certificate } });
    expect(a.refusedUpgrade).toMatchObject({ status: 401, body: { error: { code: "unauthenticated" } } });
    expect(logged("unauthenticated", from)).toBe(true);
  });

  it("on another path, or of another protocol, is refused", async () => {
    const a = await agent("paths-1");
    await a.open({ protocol: "holdfast.v9" });
    expect(a.refusedUpgrade).toMatchObject({ status: 400, body: { error: { code: "invalid_input" } } });
    const socket = new WebSocket(`wss://127.0.0.1:${gate.port}/v2/session`, PROTOCOL, { rejectUnauthorized: false });
    const status = await new Promise((resolve) => socket.on("unexpected-response", (_r, response) => resolve(response.statusCode)).on("error", () => undefined));
    socket.terminate();
    expect(status).toBe(404);
  });

  // Guarantee: no compression, so a small message can't unfold into a large one.
  it("never negotiates compression", async () => {
    const a = await agent("deflate-1");
    const socket = new WebSocket(`wss://127.0.0.1:${gate.port}/v1/session`, PROTOCOL, { rejectUnauthorized: false, perMessageDeflate: true, key: a.credentials?.key, cert: a.credentials?.certificate });
    await new Promise((resolve) => socket.on("open", resolve));
    expect(socket.extensions).toBe("");
    socket.terminate();
  });

  it("with a revoked or an ended certificate is told so in the protocol, and nothing else", async () => {
    const late = await startTestGateway(db, { settings: { silentAfterMs: 86_400_000 } });
    try {
      const a = await late.agent("ended-1");
      late.clock.advance(2 * 3_600_000);
      await a.open();
      expect(await a.waitFor("refused")).toMatchObject({ code: "expired", fatal: true });
      const b = await late.agent("revoked-1");
      await late.identity.commands.revokeNode(testAdmin, DEFAULT_PROJECT, { name: "revoked-1", reason: "stolen" });
      await b.open();
      b.hello();
      expect(await b.waitFor("refused")).toMatchObject({ code: "revoked", fatal: true });
      await until("both are closed", () => a.closed !== null && b.closed !== null);
      expect([a.all("welcome"), b.all("welcome")]).toEqual([[], []]);
    } finally {
      await late.gateway.stop();
    }
  });
});

describe("enrolment over the wire", () => {
  it("answers every kind of bad request with a code, a message, a remedy and the field", async () => {
    const { csr } = await makeRequest();
    const enrol = (body: unknown) => ask(gate.port, "POST", "/v1/enrol", { body });
    expect(await enrol({ token: "hfj_unknown", csr })).toMatchObject({ status: 404, body: { error: { code: "not_found", field: "token" } } });
    expect(await enrol({ token: await newToken(), nodeName: "witness-1", csr })).toMatchObject({ status: 409, body: { error: { code: "already_exists", field: "nodeName" } } });
    expect(await enrol({ token: await newToken(), csr: "none" })).toMatchObject({ status: 400, body: { error: { code: "invalid_input", field: "csr" } } });
    expect(await enrol({ csr })).toMatchObject({ status: 400, body: { error: { code: "invalid_input", field: "token" } } });
    expect(await ask(gate.port, "POST", "/v1/enrol", { raw: "{" })).toMatchObject({ status: 400, body: { error: { code: "invalid_input" } } });
    expect(await ask(gate.port, "POST", "/v1/enrol", { raw: `"${"x".repeat(70_000)}"` })).toMatchObject({ status: 413, body: { error: { code: "too_large" } } });
    expect(await ask(gate.port, "GET", "/v1/enrol")).toMatchObject({ status: 405 });
    expect(await ask(gate.port, "GET", "/etc/passwd")).toMatchObject({ status: 404, body: { error: { code: "not_found" } } });
    expect(gate.log.some((l) => l["code"] === "not_found" && l["level"] === "warn")).toBe(true);
  });

  // Guarantee: two machines that bring one token at the same moment become one node.
  it("gives one node for two simultaneous uses of one token", async () => {
    const token = await newToken();
    const answers = await Promise.all([0, 1, 2, 3].map((i) => new TestAgent(gate.port).enrol(token, `double-${i}`)));
    expect(answers.map((a) => a.status).sort()).toEqual([200, 409, 409, 409]);
    expect(answers.filter((a) => a.status === 409).map((a) => a.body.error?.code)).toEqual(["already_used", "already_used", "already_used"]);
    expect(await db.asOwner("select name from nodes where name like 'double-%'")).toHaveLength(1);
  });

  it("is throttled by address", async () => {
    const strict = await startTestGateway(db, { clock: gate.clock, settings: { certificateBurst: 3, certificatesPerMinute: 60 } });
    try {
      const once = () => ask(strict.port, "POST", "/v1/enrol", { body: { token: "x", csr: "x" } });
      const statuses = [];
      for (let i = 0; i < 5; i++) statuses.push((await once()).status);
      expect(statuses).toEqual([400, 400, 400, 429, 429]);
      strict.clock.advance(1_001);
      expect((await once()).status).toBe(400);
    } finally {
      await strict.gateway.stop();
    }
  });
});

describe("certificates and the clock", () => {
  // Guarantee: a night off or a long partition strands nobody, and an ended certificate may do nothing but renew.
  it("an ended certificate may renew and nothing else; after 31 days not even that", async () => {
    const late = await startTestGateway(db, { settings: { silentAfterMs: 86_400_000 * 90 } });
    try {
      const a = await late.agent("night-off-1");
      late.clock.advance(10 * 3_600_000);
      await a.open();
      expect(await a.waitFor("refused")).toMatchObject({ code: "expired" });
      expect(await ask(late.port, "GET", `/v1/artifacts/sha256:${"0".repeat(64)}`, { credentials: a.credentials })).toMatchObject({ status: 403, body: { error: { code: "expired" } } });
      expect((await a.renew()).status).toBe(200);
      await a.connect();
      await a.close();
      late.clock.advance(32 * 86_400_000);
      expect(await a.renew()).toMatchObject({ status: 403, body: { error: { code: "expired" } } });
    } finally {
      await late.gateway.stop();
    }
  });

  it("renewal needs the certificate, an unrevoked node, and the node's own key", async () => {
    const a = await agent("renew-1");
    const other = await makeRequest();
    expect(await ask(gate.port, "POST", "/v1/renew", { body: { csr: other.csr } })).toMatchObject({ status: 401, body: { error: { code: "unauthenticated" } } });
    expect(await ask(gate.port, "POST", "/v1/renew", { body: { csr: other.csr }, credentials: a.credentials })).toMatchObject({ status: 403, body: { error: { code: "forbidden", field: "csr" } } });
    await gate.identity.commands.revokeNode(testAdmin, DEFAULT_PROJECT, { name: "renew-1", reason: "test" });
    expect(await a.renew()).toMatchObject({ status: 403, body: { error: { code: "revoked" } } });
  });

  // Guarantee: a session does not outlive the right to it: revocation closes it at once, at every gateway.
  it("a revocation made by another process closes the live socket", async () => {
    const a = await agent("revoked-live-1");
    await a.connect();
    const elsewhere = createIdentity({ store: db.store, clock: gate.clock, log: (await import("../platform")).silentLogger, seal: testSealer(), env: { GATEWAY_PUBLIC_ADDRESS: "a:1", HOLDFAST_PUBLIC_URL: "http://a" } });
    await elsewhere.commands.revokeNode(testAdmin, DEFAULT_PROJECT, { name: "revoked-live-1", reason: "stolen" });
    await until("the socket is closed", () => a.closed !== null);
    expect(a.last("refused")).toMatchObject({ code: "revoked", fatal: true });
  });

  it("a session whose certificate ended is closed, one that renewed goes on", async () => {
    const late = await startTestGateway(db, { settings: { silentAfterMs: 86_400_000 } });
    try {
      const a = await late.agent("lapsed-1");
      const b = await late.agent("renewed-1");
      await Promise.all([a.connect(), b.connect()]);
      late.clock.advance(40 * 60_000);
      expect((await b.renew()).status).toBe(200);
      late.clock.advance(40 * 60_000);
      await until("the lapsed one is closed", () => a.closed !== null);
      expect(a.last("refused")).toMatchObject({ code: "expired", fatal: true });
      expect(b.connected).toBe(true);
      await b.close();
    } finally {
      await late.gateway.stop();
    }
  });

  // Guarantee: after an authority is dropped because its key got out, no session stands on it.
  it("sessions that stand on a dropped authority are closed", async () => {
    const own = await startTestGateway(db, {});
    try {
      const a = await own.agent("dropped-1");
      await a.connect();
      await own.identity.authorities.rotate(testAdmin, { reason: "the key got out", retireOthers: true });
      await until("it is closed", () => a.closed !== null);
      expect(a.last("refused")).toMatchObject({ code: "revoked" });
      // The witness stood on it as well: it enrols anew.
      const again = await gate.agent("witness-2");
      await again.connect();
      await witness.close();
      witness = again;
    } finally {
      await own.gateway.stop();
    }
  });
});

describe("messages that break the rules", () => {
  it("a first message that is no hello, and no message at all, end the session", async () => {
    const a = await agent("first-1");
    await a.open();
    a.heartbeat();
    expect(await a.waitFor("refused")).toMatchObject({ code: "not_first", fatal: true });
    const b = await agent("first-2");
    await b.open();
    expect(await b.waitFor("refused")).toMatchObject({ code: "not_first", fatal: true });
  });

  it("a malformed message is refused with its field, and the session goes on; many end it", async () => {
    const a = await agent("malformed-1");
    await a.connect();
    const from = gate.log.length;
    a.sendRaw(JSON.stringify({ type: "heartbeat", seq: 1, atMs: "soon", appliedGeneration: 0, journalDepth: 0 }));
    expect(await a.waitFor("refused")).toMatchObject({ code: "malformed", fatal: false, message: expect.stringContaining("atMs") as string });
    expect(logged("malformed", from)).toBe(true);
    a.sendRaw("no JSON");
    a.setSeq(10);
    const number = a.report();
    await until("it is still served", () => a.reportsStoredTo === number);
    for (let i = 0; i < 25; i++) a.sendRaw("{");
    await until("it is closed", () => a.closed !== null);
    expect(a.last("refused")).toMatchObject({ code: "malformed", fatal: true });
  });

  it("a binary frame ends the session", async () => {
    const a = await agent("binary-1");
    await a.connect();
    a.sendRaw(Buffer.from("{}"));
    expect(await a.waitFor("refused")).toMatchObject({ code: "malformed", fatal: true });
  });

  it("an oversized message is refused as too large; a far larger one never reaches memory", async () => {
    const a = await agent("oversized-1");
    await a.connect();
    a.sendRaw(`"${"x".repeat(MAX_FRAME_BYTES)}"`);
    expect(await a.waitFor("refused")).toMatchObject({ code: "too_large", fatal: true });
    const b = await agent("oversized-2");
    await b.connect();
    const from = gate.log.length;
    b.sendRaw(`"${"x".repeat(MAX_FRAME_BYTES * 3)}"`);
    await until("it is closed", () => b.closed !== null);
    expect(b.closed?.code).toBe(1009);
    expect(logged("too_large", from)).toBe(true);
  });

  // Guarantee: a message that comes out of order, or again, changes nothing.
  it("messages out of order and replayed ones are dropped, with a typed refusal", async () => {
    const a = await agent("order-1");
    await a.connect();
    a.setSeq(20);
    a.report();
    await until("it is stored", () => a.reportsStoredTo === 1);
    a.setSeq(20);
    a.report();
    expect(await a.waitFor("refused")).toMatchObject({ code: "out_of_order", fatal: false });
    a.setSeq(5);
    a.hello();
    await until("a second hello is refused too", () => a.all("refused").length === 2);
    a.setSeq(100);
    a.report({}, { number: 2 });
    await until("the next in order is stored", () => a.reportsStoredTo === 2);
  });

  it("an agent of an unknown minor version is turned away with the remedy", async () => {
    const a = await agent("version-1");
    await a.open();
    a.sendRaw(JSON.stringify({ type: "hello", seq: 0, protocolMinor: -1, agentVersion: "0.0.1", facts: a.facts, appliedGeneration: 0, journal: { from: 1, to: 0, dropped: 0 } }));
    expect(await a.waitFor("refused")).toMatchObject({ code: "protocol_version", fatal: true, remedy: "Update the agent." });
  });

  it("values that can't be stored end the session, not the gateway", async () => {
    const a = await agent("overflow-1");
    await a.connect();
    a.report({}, { number: 4_000_000_000 });
    expect(await a.waitFor("refused")).toMatchObject({ code: "malformed", fatal: true });
  });
});

describe("peers that hold things up", () => {
  it("a flood of messages is read at the agreed pace; nothing is lost", async () => {
    const a = await agent("flood-1");
    await a.connect();
    for (let i = 0; i < 600; i++) a.report({ events: [{ atMs: 1, kind: "unit.started", assignmentId: null, unit: null, message: String(i) }] });
    const number = witness.report();
    await until("the witness is served meanwhile", () => witness.reportsStoredTo >= number);
    expect(await a.waitFor("refused")).toMatchObject({ code: "rate_limited", fatal: false });
    // The bucket fills with the clock.
    await until("all are stored", () => {
      gate.clock.advance(50);
      return a.reportsStoredTo === 600;
    }, 20_000);
    expect(await db.asOwner("select count(*)::int as n from node_events where node_id = $1", [a.nodeId])).toEqual([{ n: 600 }]);
  });

  // Guarantee: a peer that never reads costs bounded memory.
  let stuck = 0;
  it("a session that never reads is dropped when too much waits for it", async () => {
    // A name is never used twice, by a second try neither.
    const name = `stuck-${++stuck}`;
    const a = await agent(name);
    const workload = await makeWorkload(db, `bulky-${stuck}`, { template: { engine: { type: "process", command: Array.from({ length: 30 }, () => "x".repeat(20_000)) } } });
    await assign(db, { workload, node: a.nodeId });
    await a.connect();
    a.stopReading();
    const from = gate.log.length;
    await until("it is dropped", async () => {
      await db.store.inTransaction((tx) => nodes.touchDesired(tx, [a.nodeId]));
      const ended = gate.log.slice(from).find((l) => l["node"] === name && l["why"] !== undefined);
      if (ended) expect(ended["why"]).toBe("slow_reader");
      return ended !== undefined;
    }, 20_000);
    a.drop();
  });

  it("a flood of headers is refused, and slow headers run out of time", async () => {
    const raw = (text: string) =>
      new Promise<string>((resolve) => {
        const socket: TLSSocket = connectTls({ host: "127.0.0.1", port: gate.port, rejectUnauthorized: false }, () => socket.write(text));
        let answer = "";
        socket.on("data", (part: Buffer) => (answer += part.toString()));
        socket.on("close", () => resolve(answer));
        socket.on("error", () => resolve(answer));
      });
    expect(await raw(`GET /v1/session HTTP/1.1\r\nhost: x\r\n${Array.from({ length: 400 }, (_, i) => `x-${i}: ${"y".repeat(100)}\r\n`).join("")}\r\n`)).toMatch(/^HTTP\/1.1 431 /);
    expect(await raw("GET /v1/session HTTP/1.1\r\nhost: x\r\nx-slow: 1\r\n")).toMatch(/^HTTP\/1.1 408 /);
    expect(await raw("this is no HTTP\r\n\r\n")).toMatch(/^HTTP\/1.1 400 /);
  });

  it("a connection without a TLS handshake is closed after a while", async () => {
    const socket = connectTcp(gate.port, "127.0.0.1");
    const started = performance.now();
    await new Promise((resolve) => socket.on("close", resolve).on("error", () => undefined));
    expect(performance.now() - started).toBeLessThan(8_000);
  });

  it("a TLS version below 1.2 is not spoken", async () => {
    const failed = await new Promise<boolean>((resolve) => {
      const socket = connectTls({ host: "127.0.0.1", port: gate.port, rejectUnauthorized: false, minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" }, () => resolve(false));
      socket.on("error", () => resolve(true));
    });
    expect(failed).toBe(true);
  });
});
