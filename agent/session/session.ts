import { randomBytes } from "node:crypto";
import WebSocket from "ws";
import type { TLSSocket } from "node:tls";
import { decodeGatewayMessage, encodeMessage } from "../../server/protocol/codec";
import { MAX_FRAME_BYTES, PROTOCOL } from "../../server/protocol/messages";
import type { AgentMessage, GatewayMessage } from "../../server/protocol/messages";
import { textOf } from "../platform/fault";
import type { Log } from "../platform/log";

export type Welcome = Extract<GatewayMessage, { type: "welcome" }>;
export type Refused = Extract<GatewayMessage, { type: "refused" }>;
/** A message without `seq`, which the session numbers. */
export type Outgoing = AgentMessage extends infer M ? (M extends AgentMessage ? Omit<M, "seq"> : never) : never;
export type SessionEnd = { kind: "superseded" } | { kind: "refused"; refusal: Refused } | { kind: "lost"; reason: string };

export type SessionHandlers = {
  /** The first message; asked for when the socket is open. */
  hello(): Outgoing;
  welcomed(welcome: Welcome): void;
  message(message: GatewayMessage): void;
  /** Body of the next heartbeat. */
  heartbeat(rttMs: number | null): Outgoing;
};

/** How long the gateway may take to answer `hello`. */
const WELCOME_TIMEOUT_MS = 15_000;
/** Silence of this many heartbeats means that the peer is gone, although the socket looks open (a black hole). */
const SILENT_HEARTBEATS = 3;
/** More than this waiting in the socket means the peer does not read; the sender holds back. */
const BUFFER_LIMIT_BYTES = 4_194_304;

/**
 * One WebSocket session with the gateway, from `hello` to its end. It numbers what it sends, answers pings, beats at
 * the interval it was told, measures the round trip, and gives up on a peer that has gone silent.
 */
export class Session {
  readonly #socket: WebSocket;
  readonly #o: { handlers: SessionHandlers; log: Log; nowMs: () => number };
  readonly #ended: Promise<SessionEnd>;
  #end: (end: SessionEnd) => void = () => undefined;
  #seq = 0;
  #welcomed = false;
  #lastTrafficMs: number;
  #rttMs: number | null = null;
  #pingSentMs = 0;
  #pingNonce = "";
  #beat: NodeJS.Timeout | null = null;
  #watch: NodeJS.Timeout | null = null;

  /** Opens the session on a verified TLS connection. */
  constructor(tls: TLSSocket, host: string, o: { handlers: SessionHandlers; log: Log; nowMs: () => number }) {
    this.#o = o;
    this.#lastTrafficMs = o.nowMs();
    this.#ended = new Promise((resolve) => (this.#end = resolve));
    // The scheme only chooses the default port: the connection handed over is the verified TLS one.
    this.#socket = new WebSocket(`ws://${host}/v1/session`, PROTOCOL, { createConnection: () => tls, perMessageDeflate: false, maxPayload: MAX_FRAME_BYTES, handshakeTimeout: WELCOME_TIMEOUT_MS, followRedirects: false });
    this.#socket.on("open", () => this.#opened());
    this.#socket.on("message", (data, binary) => this.#received(data, binary));
    this.#socket.on("ping", () => (this.#lastTrafficMs = o.nowMs()));
    this.#socket.on("pong", (data) => this.#ponged(data));
    this.#socket.on("unexpected-response", (_request, answer) => this.#finish({ kind: "lost", reason: `the gateway answered ${answer.statusCode ?? 0} to the upgrade` }));
    this.#socket.on("error", (error) => this.#finish({ kind: "lost", reason: textOf(error) }));
    this.#socket.on("close", (code) => this.#finish({ kind: "lost", reason: `closed with code ${code}` }));
    this.#watch = setTimeout(() => this.#finish({ kind: "lost", reason: "the gateway did not answer hello in time" }), WELCOME_TIMEOUT_MS);
  }

  /** Resolves when the session is over, with why. */
  get ended(): Promise<SessionEnd> {
    return this.#ended;
  }

  /** Last measured round trip in ms. */
  get rttMs(): number | null {
    return this.#rttMs;
  }

  /** True while so much waits to be sent that only what is essential should be added. */
  get congested(): boolean {
    return this.#socket.bufferedAmount > BUFFER_LIMIT_BYTES / 4;
  }

  /** Sends a message under the next number; false when the session is over, not welcomed yet, or the peer does not read. */
  send(message: Outgoing): boolean {
    if (!this.#welcomed || this.#socket.bufferedAmount > BUFFER_LIMIT_BYTES) return false;
    return this.#write(message);
  }

  /** Ends the session from this side. */
  close(reason: string): void {
    this.#finish({ kind: "lost", reason });
  }

  #write(message: Outgoing): boolean {
    if (this.#socket.readyState !== WebSocket.OPEN) return false;
    const encoded = encodeMessage({ ...message, seq: this.#seq } as AgentMessage);
    if (!encoded.ok) {
      this.#o.log.error("session.tooLargeToSend", { type: message.type, message: encoded.error.message });
      return false;
    }
    this.#seq += 1;
    this.#socket.send(encoded.value);
    return true;
  }

  #opened(): void {
    if (this.#socket.protocol !== PROTOCOL) return this.#finish({ kind: "lost", reason: "the gateway does not speak holdfast.v1" });
    this.#write(this.#o.handlers.hello());
  }

  #received(data: WebSocket.RawData, binary: boolean): void {
    this.#lastTrafficMs = this.#o.nowMs();
    if (binary) return this.#o.log.warn("session.binaryIgnored", {});
    const decoded = decodeGatewayMessage(Buffer.isBuffer(data) ? data.toString("utf8") : Buffer.concat(data as Buffer[]).toString("utf8"));
    if (!decoded.ok) {
      this.#o.log.error("session.messageRefused", { code: decoded.error.code, type: decoded.error.type, path: decoded.error.path, message: decoded.error.message });
      return;
    }
    const message = decoded.value.message;
    if (decoded.value.ignored.length > 0) this.#o.log.debug("session.fieldsIgnored", { type: message.type, fields: decoded.value.ignored.slice(0, 20) });
    if (message.type === "ping") this.#write({ type: "pong", nonce: message.nonce });
    else if (message.type === "superseded") this.#finish({ kind: "superseded" });
    else if (message.type === "refused") this.#refused(message);
    else if (message.type === "welcome") this.#welcome(message);
    else if (this.#welcomed) this.#o.handlers.message(message);
    else this.#o.log.warn("session.beforeWelcome", { type: message.type });
  }

  #welcome(welcome: Welcome): void {
    if (this.#welcomed) return this.#o.log.warn("session.secondWelcomeIgnored", {});
    this.#welcomed = true;
    if (this.#watch) clearTimeout(this.#watch);
    const everyMs = Math.min(300_000, Math.max(200, welcome.heartbeatMs));
    this.#beat = setInterval(() => this.#heartbeat(everyMs), everyMs);
    this.#o.handlers.welcomed(welcome);
    this.#ping();
  }

  #refused(refusal: Refused): void {
    this.#o.log.error("session.refused", { code: refusal.code, message: refusal.message, remedy: refusal.remedy, fatal: refusal.fatal });
    if (refusal.fatal) this.#finish({ kind: "refused", refusal });
  }

  #heartbeat(everyMs: number): void {
    const silentMs = this.#o.nowMs() - this.#lastTrafficMs;
    if (silentMs > everyMs * SILENT_HEARTBEATS) return this.#finish({ kind: "lost", reason: `nothing was heard for ${silentMs} ms` });
    // A clock set back would make the silence negative for long; hearing starts anew then.
    if (silentMs < 0) this.#lastTrafficMs = this.#o.nowMs();
    this.#write(this.#o.handlers.heartbeat(this.#rttMs));
    this.#ping();
  }

  #ping(): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#pingNonce = randomBytes(6).toString("hex");
    this.#pingSentMs = performance.now();
    this.#socket.ping(this.#pingNonce);
  }

  #ponged(data: Buffer): void {
    this.#lastTrafficMs = this.#o.nowMs();
    if (data.toString("utf8") === this.#pingNonce) this.#rttMs = Math.round((performance.now() - this.#pingSentMs) * 100) / 100;
  }

  #finish(end: SessionEnd): void {
    if (this.#watch) clearTimeout(this.#watch);
    if (this.#beat) clearInterval(this.#beat);
    this.#welcomed = false;
    this.#end(end);
    // A polite close would wait for an answer that a black hole never gives.
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(1000);
    setTimeout(() => this.#socket.terminate(), 250).unref();
  }
}
