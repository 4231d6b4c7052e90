/**
 * An agent in the test's own process that speaks the real protocol over real TLS, and pretends to run units. It comes in
 * moods: *obedient* does at once what it is told; *slow* starts units and waits for `settle()`; *silent* connects and
 * says nothing more; *flapping* turns its units unhealthy and healthy again at each `flap()`; *lying* says it runs
 * another revision than it was told to, and speaks of other nodes' units.
 */
import { sign } from "node:crypto";
import { request } from "node:https";
import WebSocket from "ws";
import type { NodeFacts } from "../core/fleet/facts";
import { decodeGatewayMessage } from "../protocol/codec";
import { PROTOCOL, PROTOCOL_MINOR } from "../protocol/messages";
import type { AgentMessage, Desired, GatewayMessage, Receipt, ReportBody, UnitSpec, UnitStatus } from "../protocol/messages";
import { signedText } from "../protocol/receipt";
import { makeRequest } from "./certificate-request";
import { until } from "./until";

export type Mood = "obedient" | "slow" | "silent" | "flapping" | "lying";
type Outgoing = AgentMessage extends infer M ? (M extends AgentMessage ? Omit<M, "seq"> : never) : never;
type Of<T extends GatewayMessage["type"]> = Extract<GatewayMessage, { type: T }>;
export type Answer = { status: number; body: { error?: { code: string; message: string; remedy: string; field?: string } } & Record<string, unknown>; headers: Record<string, unknown>; bytes: Buffer };
export type Credentials = { key: string; certificate: string };

/** One HTTPS request to a gateway, with or without a client certificate. */
export function ask(port: number, method: string, path: string, o: { body?: unknown; raw?: string; credentials?: Credentials | undefined; headers?: Record<string, string> } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const text = o.raw ?? (o.body === undefined ? undefined : JSON.stringify(o.body));
    const outgoing = request(
      { host: "127.0.0.1", port, method, path, rejectUnauthorized: false, agent: false, headers: { ...(text === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }), ...o.headers }, ...(o.credentials ? { key: o.credentials.key, cert: o.credentials.certificate } : {}) },
      (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("error", reject);
        response.on("end", () => {
          const bytes = Buffer.concat(parts);
          let body: Answer["body"] = {};
          try {
            body = JSON.parse(bytes.toString("utf8")) as Answer["body"];
          } catch {
            // Artifacts are no JSON.
          }
          resolve({ status: response.statusCode ?? 0, body, headers: response.headers, bytes });
        });
      },
    );
    outgoing.on("error", reject);
    outgoing.end(text);
  });
}

/** Facts of a small machine; `offered` is what the scheduler may use. */
export function testFacts(o: Partial<NodeFacts> = {}): NodeFacts {
  return {
    hostname: "test", os: "Debian GNU/Linux 12", kernel: "6.1.0", arch: "x64", cpuModel: null, cpuCount: 2, memoryBytes: 8 * 2 ** 30, diskBytes: null, networks: [], devices: [], bootId: "boot-1",
    offered: { cpuMillis: 2_000, memoryBytes: 4 * 2 ** 30, diskBytes: 10 * 2 ** 30 }, sliced: true, engines: [{ type: "process", version: "1", limits: "none", limitsProven: false, limitsNote: "a test's agent" }], ...o,
  };
}
export const emptyReport: ReportBody = { usage: [], unitUsage: [], requests: [], predictions: [], labels: [], events: [], receipts: [] };

export class TestAgent {
  mood: Mood;
  readonly received: GatewayMessage[] = [];
  /** Newest desired state; kept over reconnects, as a real agent keeps it on disk. */
  desired: Desired | null = null;
  facts: NodeFacts;
  nodeId = "";
  node = "";
  credentials: Credentials | undefined;
  /** Why and how the last session ended. */
  closed: { code: number; reason: string } | null = null;
  /** Status of the HTTP answer that refused the upgrade, with its typed error. */
  refusedUpgrade: Answer | null = null;
  reportsStoredTo = 0;
  nextReport = 1;
  private socket: WebSocket | null = null;
  private seq = 0;
  private beat: NodeJS.Timeout | undefined;
  private readonly units = new Map<string, { spec: UnitSpec; healthy: boolean; port: number; startedAtMs: number; restarts: number }>();
  private keys: CryptoKeyPair | undefined;
  private nextPort = 20_000;

  constructor(
    readonly port: number,
    o: { mood?: Mood; facts?: NodeFacts; heartbeats?: boolean } = {},
  ) {
    this.mood = o.mood ?? "obedient";
    this.facts = o.facts ?? testFacts();
    this.heartbeats = o.heartbeats ?? true;
  }
  private readonly heartbeats: boolean;

  /** Enrols with a join token; gives the gateway's answer, and keeps the certificate when it is good. */
  async enrol(token: string, name?: string): Promise<Answer> {
    const made = await makeRequest("P-256", this.keys);
    this.keys = made.keys;
    const answer = await ask(this.port, "POST", "/v1/enrol", { body: { token, csr: made.csr, ...(name ? { nodeName: name } : {}) } });
    this.take(answer, made.key);
    return answer;
  }

  /** Renews the certificate with the same key. */
  async renew(): Promise<Answer> {
    const made = await makeRequest("P-256", this.keys);
    const answer = await ask(this.port, "POST", "/v1/renew", { body: { csr: made.csr }, credentials: this.credentials });
    this.take(answer, made.key);
    return answer;
  }

  private take(answer: Answer, key: string): void {
    if (answer.status !== 200) return;
    this.credentials = { key, certificate: String(answer.body["certificate"]) };
    this.nodeId = String(answer.body["nodeId"]);
    this.node = String(answer.body["node"]);
  }

  get connected(): boolean {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  /** Opens the socket only; for tests that speak by hand. Resolves when it is open or refused. */
  async open(o: { protocol?: string; credentials?: Credentials | null; port?: number } = {}): Promise<void> {
    const credentials = o.credentials === undefined ? this.credentials : (o.credentials ?? undefined);
    const socket = new WebSocket(`wss://127.0.0.1:${o.port ?? this.port}/v1/session`, o.protocol ?? PROTOCOL, { rejectUnauthorized: false, perMessageDeflate: false, ...(credentials ? { key: credentials.key, cert: credentials.certificate } : {}) });
    this.socket = socket;
    this.seq = 0;
    this.closed = null;
    this.refusedUpgrade = null;
    socket.on("message", (data) => this.receive(String(data)));
    await new Promise<void>((resolve) => {
      socket.on("open", () => resolve());
      socket.on("unexpected-response", (_request, response) => {
        let text = "";
        response.on("data", (part: Buffer) => (text += part.toString()));
        response.on("end", () => {
          this.refusedUpgrade = { status: response.statusCode ?? 0, body: JSON.parse(text || "{}") as Answer["body"], headers: response.headers, bytes: Buffer.from(text) };
          socket.terminate();
          resolve();
        });
      });
      socket.on("error", () => resolve());
      socket.on("close", (code, reason) => {
        if (this.socket === socket) {
          clearInterval(this.beat);
          this.closed = { code, reason: reason.toString() };
        }
        resolve();
      });
    });
  }

  /** Opens a session: says hello and waits for welcome. Throws when it is refused. */
  async connect(o: { port?: number; fresh?: boolean } = {}): Promise<Of<"welcome">> {
    const before = this.received.length;
    await this.open(o);
    this.hello(o);
    await until("welcomed or refused", () => this.received.slice(before).some((m) => m.type === "welcome" || (m.type === "refused" && m.fatal)) || this.refusedUpgrade !== null || this.closed !== null);
    const welcome = this.received.slice(before).find((m): m is Of<"welcome"> => m.type === "welcome");
    if (!welcome) throw new Error(`not welcomed: ${JSON.stringify(this.received.slice(before).at(-1) ?? this.refusedUpgrade?.body ?? this.closed)}`);
    return welcome;
  }

  hello(o: { fresh?: boolean } = {}): void {
    this.send({ type: "hello", protocolMinor: PROTOCOL_MINOR, agentVersion: "test", facts: this.facts, appliedGeneration: this.desired?.generation ?? 0, journal: { from: this.reportsStoredTo + 1, to: this.nextReport - 1, dropped: 0 }, fresh: o.fresh ?? this.desired === null });
  }

  /** Sends a message under the next number. */
  send(message: Outgoing): void {
    this.sendRaw(JSON.stringify({ ...message, seq: this.seq++ }));
  }
  sendRaw(text: string | Buffer): void {
    this.socket?.send(text);
  }
  /** Numbers the next message as told: for messages out of order. */
  setSeq(seq: number): void {
    this.seq = seq;
  }
  /** Stops reading what the gateway sends, as a stuck process does. */
  stopReading(): void {
    this.socket?.pause();
  }

  heartbeat(): void {
    this.send({ type: "heartbeat", atMs: Date.now(), appliedGeneration: this.applied, journalDepth: Math.max(0, this.nextReport - 1 - this.reportsStoredTo), rttMs: null });
  }

  /** Sends a report; without a number the next one. */
  report(body: Partial<ReportBody> = {}, o: { number?: number; atMs?: number } = {}): number {
    const number = o.number ?? this.nextReport++;
    this.send({ type: "report", number, atMs: o.atMs ?? Date.now(), body: { ...emptyReport, ...body } });
    return number;
  }

  /** A receipt of this node about one of its units, signed with its own key. */
  receipt(o: Pick<Receipt, "number" | "rollout" | "assignmentId"> & Partial<Receipt>): Receipt {
    const { signature: _none, ...unsigned }: Receipt = { unit: "unit", node: this.node, generation: 1, revisionDigest: "sha256:1", artifacts: [], what: "returned", cause: "deadline", atMs: 1, signature: "", ...o };
    return { ...unsigned, signature: sign("sha256", Buffer.from(signedText(unsigned), "utf8"), { key: this.credentials?.key ?? "", dsaEncoding: "ieee-p1363" }).toString("base64") };
  }

  /** Sends the whole observation: what it pretends to run, or what it is given. */
  observe(units: UnitStatus[] = this.statuses()): void {
    this.send({ type: "observed", atMs: Date.now(), appliedGeneration: this.applied, receivedGeneration: this.desired?.generation ?? 0, units });
  }

  /** Ends the session in order. */
  async close(): Promise<void> {
    clearInterval(this.beat);
    const socket = this.socket;
    if (!socket || socket.readyState === WebSocket.CLOSED) return;
    const done = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    socket.close(1000);
    await done;
  }
  /** Drops the connection without a word. */
  drop(): void {
    clearInterval(this.beat);
    this.socket?.terminate();
  }

  /** Messages of one type that have come. */
  all<T extends GatewayMessage["type"]>(type: T): Of<T>[] {
    return this.received.filter((m): m is Of<T> => m.type === type);
  }
  last<T extends GatewayMessage["type"]>(type: T): Of<T> | undefined {
    return this.all(type).at(-1);
  }
  /** Waits for a message that fits. */
  async waitFor<T extends GatewayMessage["type"]>(type: T, fits: (m: Of<T>) => boolean = () => true, timeoutMs = 10_000): Promise<Of<T>> {
    await until(`a message ${type} that fits`, () => this.all(type).some(fits), timeoutMs);
    return this.all(type).find(fits) as Of<T>;
  }

  // ── pretending ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Makes units of a slow agent healthy. */
  settle(): void {
    for (const unit of this.units.values()) unit.healthy = true;
    this.observe();
  }
  /** Turns the health of every unit round. */
  flap(): void {
    for (const unit of this.units.values()) {
      unit.healthy = !unit.healthy;
      if (!unit.healthy) unit.restarts++;
    }
    this.observe();
  }
  /** Sets the health of one unit by its name. */
  setHealth(unitName: string, healthy: boolean): void {
    for (const unit of this.units.values()) if (unit.spec.unit === unitName) unit.healthy = healthy;
    this.observe();
  }

  private get applied(): number {
    if (!this.desired) return 0;
    return this.mood === "slow" && [...this.units.values()].some((u) => !u.healthy) ? this.desired.generation - 1 : this.desired.generation;
  }

  private statuses(): UnitStatus[] {
    return [...this.units.values()].map(({ spec, healthy, port, startedAtMs, restarts }): UnitStatus => {
      const runs = spec.action === "run";
      const lie = this.mood === "lying";
      return {
        assignmentId: spec.assignmentId, unit: spec.unit, generation: lie ? spec.generation + 1 : spec.generation, revisionDigest: spec.revisionDigest,
        phase: runs ? (healthy || this.mood === "flapping" ? "running" : "starting") : "stopped", health: runs ? (healthy ? "healthy" : this.mood === "slow" ? "starting" : "unhealthy") : "unknown",
        pid: runs ? 1_000 + port : null, startedAtMs: runs ? startedAtMs : null, restarts, exitCode: null, exitSignal: null, message: "", ports: runs ? Object.fromEntries(spec.template.ports.map((p, i) => [p.name, port + i])) : {},
        limits: "none", cpuMillisUsed: null, memoryBytesUsed: null, sinceMs: startedAtMs,
        trial: spec.trial && runs ? { rollout: spec.trial.rollout, attempt: spec.trial.attempt, state: "armed", returnAtMs: spec.trial.returnAtMs, atMs: startedAtMs, refusal: null } : null,
      };
    });
  }

  private receive(text: string): void {
    const decoded = decodeGatewayMessage(text);
    if (!decoded.ok) throw new Error(`the gateway sent what does not fit: ${decoded.error.message}`);
    const { message } = decoded.value;
    this.received.push(message);
    if (message.type === "welcome") {
      this.reportsStoredTo = message.reportsStoredTo;
      this.nextReport = Math.max(this.nextReport, message.reportsStoredTo + 1);
      if (this.mood !== "silent" && this.heartbeats) this.beat = setInterval(() => this.connected && this.heartbeat(), message.heartbeatMs);
    }
    if (message.type === "ack") this.reportsStoredTo = message.reportsStoredTo;
    if (this.mood === "silent") return;
    if (message.type === "ping") this.send({ type: "pong", nonce: message.nonce });
    if (message.type === "desired") this.obey(message);
  }

  private obey(desired: Desired): void {
    this.desired = desired;
    for (const id of this.units.keys()) if (!desired.units.some((u) => u.assignmentId === id)) this.units.delete(id);
    for (const spec of desired.units) {
      const before = this.units.get(spec.assignmentId);
      const same = before?.spec.generation === spec.generation;
      this.units.set(spec.assignmentId, { spec, healthy: same ? before.healthy : this.mood !== "slow", port: before?.port ?? (this.nextPort += 10), startedAtMs: same ? before.startedAtMs : Date.now(), restarts: before?.restarts ?? 0 });
    }
    this.observe();
  }
}
