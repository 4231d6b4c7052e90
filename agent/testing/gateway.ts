import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:https";
import type { Server } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";
import { decodeAgentMessage } from "../../server/protocol/codec";
import { enrolRequest, PROTOCOL, renewRequest } from "../../server/protocol/messages";
import type { AgentMessage, Endpoint, GatewayMessage, Receipt, Route, UnitSpec, UnitStatus } from "../../server/protocol/messages";
import { TestAuthority } from "./authority";

type Report = Extract<AgentMessage, { type: "report" }>;
type Hello = Extract<AgentMessage, { type: "hello" }>;
type Observed = Extract<AgentMessage, { type: "observed" }>;
type LogChunk = Extract<AgentMessage, { type: "log" }>;

/** `obedient` does as the protocol says; `silent` accepts and never says a word; `mute` welcomes, then falls silent. */
export type Manner = "obedient" | "silent" | "mute";
export type GatewayOptions = { heartbeatMs?: number; certificateMs?: number; manner?: Manner; authority?: TestAuthority; server?: { fromMs?: number; toMs?: number; names?: string[] }; clockOffsetMs?: number };

/**
 * A gateway for the agent's tests: real TLS, real WebSockets, an authority of its own, and everything it hears kept
 * for assertions. It stores nothing and knows one token.
 */
export class TestGateway {
  readonly authority: TestAuthority;
  readonly token = "test-token";
  /** Its own for each gateway: agents of tests that run side by side must not share control groups. */
  readonly nodeId = `node-${randomBytes(6).toString("hex")}`;
  readonly hellos: Hello[] = [];
  readonly observed: Observed[] = [];
  readonly heartbeats: Extract<AgentMessage, { type: "heartbeat" }>[] = [];
  readonly reports: Report[] = [];
  readonly logs: LogChunk[] = [];
  readonly malformed: string[] = [];
  readonly renewals: { expired: boolean }[] = [];
  readonly artifactRequests: { digest: string; range: string | null }[] = [];
  readonly artifacts = new Map<string, Buffer>();
  /** When set, an artifact answer stops (socket cut) after so many bytes. */
  cutArtifactAfter: number | null = null;
  /** Bytes that are sent instead of the artifact's own. */
  lieAboutArtifact: Buffer | null = null;
  manner: Manner;
  acknowledge = true;
  heartbeatMs: number;
  certificateMs: number;
  readonly #o: GatewayOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #session: WebSocket | null = null;
  #storedTo = 0;
  #lastSeq = -1;
  #desired: GatewayMessage | null = null;
  #enrolledKey: string | null = null;
  #tokenUsed = false;

  private constructor(authority: TestAuthority, server: Server, o: GatewayOptions) {
    this.authority = authority;
    this.#server = server;
    this.#o = o;
    this.manner = o.manner ?? "obedient";
    this.heartbeatMs = o.heartbeatMs ?? 500;
    this.certificateMs = o.certificateMs ?? 3_600_000;
  }

  static async start(o: GatewayOptions = {}): Promise<TestGateway> {
    const authority = o.authority ?? (await TestAuthority.create());
    const { certificate, key } = await authority.server(o.server);
    const server = createServer({ cert: `${certificate}\n${authority.pem}`, key, ca: authority.pem, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.2" });
    const gateway = new TestGateway(authority, server, o);
    gateway.#listen();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return gateway;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get connected(): boolean {
    return this.#session !== null;
  }

  /** Public key of the node that enrolled here; PEM. */
  get nodeKey(): string {
    return this.#enrolledKey ?? "";
  }

  /** Receipts in the order in which they came. */
  get receipts(): Receipt[] {
    return this.reports.flatMap((r) => r.body.receipts);
  }

  get storedTo(): number {
    return this.#storedTo;
  }

  /** Flags of an agent's first start with this gateway. */
  enrolFlags(address = this.address): string[] {
    return ["--gateway", address, "--token", this.token, "--ca-fingerprint", this.authority.fingerprint];
  }

  /** What the agent told of an assignment last. */
  statuses(assignmentId: string): UnitStatus[] {
    return this.observed.at(-1)?.units.filter((u) => u.assignmentId === assignmentId) ?? [];
  }

  /** Sets and sends the desired state. */
  desire(generation: number, units: UnitSpec[], endpoints: Endpoint[] = [], routes: Route[] = []): void {
    this.#desired = { type: "desired", generation, digest: createHash("sha256").update(JSON.stringify(units)).digest("hex"), resync: false, units, endpoints, routes };
    this.send(this.#desired);
  }

  /** Sends a message to the connected agent. */
  send(message: GatewayMessage): void {
    this.#session?.send(JSON.stringify(message));
  }

  /** Sends any text, for malformed and oversized messages. */
  sendRaw(text: string): void {
    this.#session?.send(text);
  }

  /** Cuts the agent's connection without a word. */
  cut(): void {
    for (const s of this.#sockets) s.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #now(): number {
    return Date.now() + (this.#o.clockOffsetMs ?? 0);
  }

  #listen(): void {
    const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 1_048_576, handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false) });
    this.#server.on("connection", (s: Socket) => {
      this.#sockets.add(s);
      s.on("close", () => this.#sockets.delete(s));
      s.on("error", () => undefined);
    });
    this.#server.on("tlsClientError", () => undefined);
    this.#server.on("request", (request, response) => void this.#request(request, response).catch((error: unknown) => response.destroy(error as Error)));
    this.#server.on("upgrade", (request, socket, head) => {
      const tls = socket as TLSSocket;
      if (!tls.authorized || request.url !== "/v1/session") return void socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n");
      sockets.handleUpgrade(request, socket, head, (ws) => this.#opened(ws));
    });
  }

  #opened(ws: WebSocket): void {
    this.#lastSeq = -1;
    ws.on("message", (data) => this.#heard(ws, (data as Buffer).toString("utf8")));
    ws.on("error", () => undefined);
    ws.on("close", () => {
      if (this.#session === ws) this.#session = null;
    });
  }

  #heard(ws: WebSocket, text: string): void {
    if (this.manner === "silent") return;
    const decoded = decodeAgentMessage(text);
    if (!decoded.ok) return void this.malformed.push(`${decoded.error.path}: ${decoded.error.message}`);
    const message = decoded.value.message;
    if (message.seq <= this.#lastSeq) this.malformed.push(`seq ${message.seq} after ${this.#lastSeq}`);
    this.#lastSeq = message.seq;
    if (message.type === "hello") this.#welcome(ws, message);
    else if (message.type === "observed") this.observed.push(message);
    else if (message.type === "heartbeat") this.heartbeats.push(message);
    else if (message.type === "log") this.logs.push(message);
    else if (message.type === "report") this.#report(message);
  }

  #welcome(ws: WebSocket, hello: Hello): void {
    this.hellos.push(hello);
    this.#session = ws;
    ws.send(JSON.stringify({ type: "welcome", sessionId: `s${this.hellos.length}`, protocolMinor: 1, node: "edge-1", site: "berlin", project: "default", heartbeatMs: this.heartbeatMs, reportsStoredTo: this.#storedTo, serverTimeMs: this.#now() } satisfies GatewayMessage));
    if (this.manner === "mute") ws.pause();
    else if (this.#desired) this.send(this.#desired);
  }

  #report(report: Report): void {
    if (!this.acknowledge) return;
    if (report.number > this.#storedTo) this.reports.push(report);
    this.#storedTo = Math.max(this.#storedTo, report.number);
    this.send({ type: "ack", reportsStoredTo: this.#storedTo });
  }

  async #request(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const tls = request.socket as TLSSocket;
    response.setHeader("date", new Date(this.#now()).toUTCString());
    if (request.method === "POST" && request.url === "/v1/enrol") return this.#enrol(await jsonOf(request), response);
    if (request.method === "POST" && request.url === "/v1/renew") return this.#renew(await jsonOf(request), tls, response);
    const digest = /^\/v1\/artifacts\/(.+)$/.exec(request.url ?? "")?.[1];
    if (digest !== undefined && tls.authorized) return this.#artifact(decodeURIComponent(digest), request, response);
    refuse(response, 404, "not_found", "There is no such thing.");
  }

  async #enrol(body: unknown, response: ServerResponse): Promise<void> {
    const { token, csr } = enrolRequest.parse(body);
    if (token !== this.token) return refuse(response, 403, "token_unknown", "The join token is not known.");
    if (this.#tokenUsed) return refuse(response, 409, "token_used", "The join token has been used.");
    this.#tokenUsed = true;
    await this.#grant(csr, response);
  }

  async #renew(body: unknown, tls: TLSSocket, response: ServerResponse): Promise<void> {
    const { csr } = renewRequest.parse(body);
    const reason = String(tls.authorizationError ?? "");
    if (!tls.authorized && reason !== "CERT_HAS_EXPIRED") return refuse(response, 401, "certificate", `The certificate is not accepted: ${reason}.`);
    this.renewals.push({ expired: reason === "CERT_HAS_EXPIRED" });
    await this.#grant(csr, response);
  }

  async #grant(csr: string, response: ServerResponse): Promise<void> {
    const from = this.#now() - 1_000;
    const to = this.#now() + this.certificateMs;
    const { certificate, publicKey } = await this.authority.node(csr, this.nodeId, from, to);
    if (this.#enrolledKey !== null && this.#enrolledKey !== publicKey) return refuse(response, 409, "key_changed", "The request carries another key.");
    this.#enrolledKey = publicKey;
    send(response, 200, { certificate, authority: this.authority.pem, node: "edge-1", nodeId: this.nodeId, site: "berlin", project: "default", renewAfterMs: from + (to - from) / 2, notAfterMs: to });
  }

  #artifact(digest: string, request: IncomingMessage, response: ServerResponse): void {
    const range = request.headers.range ?? null;
    this.artifactRequests.push({ digest, range });
    const content = this.lieAboutArtifact ?? this.artifacts.get(digest);
    if (!content) return refuse(response, 404, "not_found", "There is no such artifact.");
    const from = range === null ? 0 : Number(/^bytes=(\d+)-$/.exec(range)?.[1] ?? 0);
    if (from >= content.length) return void response.writeHead(416).end();
    const rest = content.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, { "content-length": String(rest.length), "content-type": "application/octet-stream" });
    if (this.cutArtifactAfter === null) return void response.end(rest);
    response.write(rest.subarray(0, this.cutArtifactAfter), () => setTimeout(() => request.socket.destroy(), 50));
    this.cutArtifactAfter = null;
  }
}

async function jsonOf(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const chunk of request as AsyncIterable<Buffer>) text += chunk.toString("utf8");
  return JSON.parse(text) as unknown;
}

function send(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  send(response, status, { error: { code, message, remedy: "See the test." } });
}
