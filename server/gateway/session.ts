import type { WebSocket } from "ws";
import { decodeAgentMessage, encodeMessage, frameBytes } from "../protocol/codec";
import { MAX_FRAME_BYTES, OLDEST_PROTOCOL_MINOR, PROTOCOL_MINOR } from "../protocol/messages";
import type { AgentMessage, GatewayMessage } from "../protocol/messages";
import type { Peer } from "../identity";
import { newId } from "../platform";
import { Bucket } from "./bucket";
import type { Hub } from "./hub";
import { Delivery } from "./delivery";
import { Fenced, isPoison, storeReports } from "./ingest";
import type { EndedSpell, Report } from "./ingest";
import { SessionLogs } from "./logs";
import { Observer } from "./observer";

type Hello = Extract<AgentMessage, { type: "hello" }>;
type RefusedCode = Extract<GatewayMessage, { type: "refused" }>["code"];
/** Reports stored in one transaction, and messages that may wait before the socket is no longer read. */
const REPORT_RUN = 32;
const QUEUE_HIGH = 64;

/**
 * One agent's session, from its first message to its end. Messages are read in order; while the database is busy the
 * socket is not read, so that a fast agent waits and takes no memory here. Every write names the session, so that one
 * that was superseded elsewhere can write nothing.
 */
export class Session {
  readonly id = newId("session");
  readonly nodeId: string;
  readonly projectId: string;
  readonly siteId: string;
  readonly delivery: Delivery;
  readonly logs: SessionLogs;
  /** Clock time of the last message; what silence is measured from. */
  heardMs: number;
  rttMs: number | null = null;
  ended = false;
  /** True once the session is the node's. */
  open = false;
  private readonly observer: Observer;
  private readonly bucket: Bucket;
  private readonly queue: AgentMessage[] = [];
  private readonly helloTimer: NodeJS.Timeout;
  private pauseTimer: NodeJS.Timeout | undefined;
  private working = false;
  private lastSeq = -1;
  private helloSeen = false;
  private malformed = 0;
  private limitTold = false;
  private spell: EndedSpell | null = null;
  private ping: { nonce: string; sentAt: number } | null = null;

  constructor(
    readonly hub: Hub,
    private readonly ws: WebSocket,
    readonly peer: Peer,
    readonly address: string,
  ) {
    const { identity } = peer;
    const nowMs = hub.deps.clock.nowMs();
    this.nodeId = identity.nodeId;
    this.projectId = identity.projectId;
    this.siteId = identity.siteId;
    this.heardMs = nowMs;
    this.bucket = new Bucket(hub.settings.messagesPerSecond, hub.settings.messageBurst, nowMs);
    this.delivery = new Delivery(this);
    this.logs = new SessionLogs(this);
    this.observer = new Observer(this);
    this.helloTimer = setTimeout(() => this.refuse("not_first", "No hello came in time.", "Send hello first.", { fatal: true }), hub.settings.helloTimeoutMs);
    ws.on("message", (data, binary) => this.receive(data, binary));
    ws.on("close", (code) => this.end(code === 1009 ? "too_large" : "closed"));
    ws.on("error", (error) => this.socketError(error));
  }

  /** What log lines say of the session. */
  get about() {
    return { nodeId: this.nodeId, node: this.peer.identity.node, sessionId: this.id };
  }

  // ── receiving ─────────────────────────────────────────────────────────────────────────────────────────────────

  private receive(data: unknown, binary: boolean): void {
    if (this.ended) return;
    const nowMs = this.hub.deps.clock.nowMs();
    this.heardMs = nowMs;
    if (binary) return this.refuse("malformed", "The frame is binary.", "Send JSON in text frames.", { fatal: true });
    const text = Buffer.isBuffer(data) ? data.toString("utf8") : Buffer.concat(data as Buffer[]).toString("utf8");
    if (frameBytes(text) > MAX_FRAME_BYTES) return this.refuse("too_large", `The frame is larger than ${MAX_FRAME_BYTES} bytes.`, "Send less at a time.", { fatal: true });
    const decoded = decodeAgentMessage(text);
    if (!decoded.ok) return this.refuseMalformed(decoded.error);
    const { message, ignored } = decoded.value;
    if (ignored.length > 0) this.hub.deps.log.debug({ ...this.about, type: message.type, ignored: ignored.slice(0, 20) }, "the agent says more than this version knows");
    this.hub.metrics.messages.inc({ type: message.type });
    if (!this.helloSeen) {
      if (message.type !== "hello") return this.refuse("not_first", `The first message was ${message.type}.`, "Send hello first.", { fatal: true });
      this.helloSeen = true;
      clearTimeout(this.helloTimer);
    } else if (message.type === "hello") return this.refuse("out_of_order", "A second hello came in one session.", "Open a new session to say hello again.", { fatal: false });
    else if (message.seq <= this.lastSeq) return this.refuse("out_of_order", `Message ${message.seq} came after ${this.lastSeq} and is dropped.`, "Count seq up within a session.", { fatal: false });
    this.lastSeq = message.seq;
    if (message.type === "heartbeat") this.hub.alive(this, { appliedGeneration: message.appliedGeneration, journalDepth: message.journalDepth, rttMs: this.rttMs ?? message.rttMs });
    else if (message.type === "pong") this.ponged(message.nonce);
    else {
      this.queue.push(message);
      void this.work();
    }
    this.holdBack(nowMs);
  }

  /** Stops reading when too much waits or the node sends too fast; nothing is lost, the agent's own buffers fill. */
  private holdBack(nowMs: number): void {
    if (!this.bucket.take(nowMs) && !this.pauseTimer) {
      if (!this.limitTold) {
        this.limitTold = true;
        this.refuse("rate_limited", `More than ${this.hub.settings.messagesPerSecond} messages a second came; they are read more slowly.`, "Send fewer, larger reports.", { fatal: false });
      }
      this.ws.pause();
      // By the machine's clock: an injected clock may stand still.
      this.pauseTimer = setTimeout(() => {
        this.pauseTimer = undefined;
        this.readOn();
      }, Math.max(20, Math.min(1_000, this.bucket.waitMs(nowMs))));
    }
    if (this.queue.length >= QUEUE_HIGH) this.ws.pause();
  }

  private readOn(): void {
    if (!this.ended && !this.pauseTimer && this.queue.length < QUEUE_HIGH / 2) this.ws.resume();
  }

  private async work(): Promise<void> {
    if (this.working) return;
    this.working = true;
    try {
      for (let message = this.queue.shift(); message && !this.ended; message = this.queue.shift()) {
        if (message.type === "report") await this.reports(message);
        else if (message.type === "hello") await this.hello(message);
        else if (message.type === "observed") await this.observer.observed(message, this.spell);
        else if (message.type === "facts") await this.observer.facts(message.facts);
        else if (message.type === "log") await this.logs.chunk(message);
        this.readOn();
      }
    } catch (error) {
      if (error instanceof Fenced) this.supersede();
      else if (isPoison(error)) {
        this.hub.deps.log.error({ ...this.about, err: error }, "a message holds values that can't be stored");
        this.refuse("malformed", "The message holds values that can't be stored.", "Send numbers and times within their ranges.", { fatal: true });
      } else {
        this.hub.deps.log.error({ ...this.about, err: error }, "a message could not be handled; the session is closed");
        // What was not acknowledged is still in the agent's journal, and comes again in the next session.
        this.refuse("internal", "The gateway could not store what was sent.", "Nothing is lost: the agent connects again by itself.", { fatal: true, retryAfterMs: 1_000 + Math.round(Math.random() * 4_000) });
      }
    } finally {
      this.working = false;
    }
  }

  private async reports(first: Report): Promise<void> {
    const run = [first];
    while (run.length < REPORT_RUN && this.queue[0]?.type === "report") run.push(this.queue.shift() as Report);
    const { certificate, identity } = this.peer;
    const node = { id: this.nodeId, name: identity.node, projectId: this.projectId, siteId: this.siteId, spki: certificate.spki, spkiSha256: certificate.spkiSha256 };
    const storedTo = await this.hub.gate.run(() => storeReports(this.hub.deps, this.hub.metrics, { node, sessionId: this.id, reports: run, spell: this.spell }));
    this.send({ type: "ack", reportsStoredTo: storedTo });
  }

  private async hello(message: Hello): Promise<void> {
    if (message.protocolMinor < OLDEST_PROTOCOL_MINOR) return this.refuse("protocol_version", `Agent ${message.agentVersion} speaks minor version ${message.protocolMinor}; the oldest that is served is ${OLDEST_PROTOCOL_MINOR}.`, "Update the agent.", { fatal: true });
    const opened = await this.hub.take(this, message);
    if (this.ended) return;
    if (opened === "revoked") return this.refuse("revoked", "The identity of this node was revoked.", "Enrol the machine anew, under another name, with a new join token.", { fatal: true });
    if (!opened) return this.refuse("unknown_node", "This node is not known here.", "Enrol the machine with a join token.", { fatal: true });
    this.open = true;
    this.spell = opened.spell;
    const { identity } = this.peer;
    this.send({ type: "welcome", sessionId: this.id, protocolMinor: Math.min(PROTOCOL_MINOR, message.protocolMinor), node: identity.node, site: identity.site, project: identity.project, heartbeatMs: this.hub.settings.heartbeatMs, reportsStoredTo: opened.reportsStoredTo, serverTimeMs: this.hub.deps.clock.nowMs() });
    this.delivery.want("connect");
    await this.logs.openAll();
  }

  private ponged(nonce: string): void {
    if (this.ping?.nonce !== nonce) return;
    this.rttMs = Math.round((performance.now() - this.ping.sentAt) * 100) / 100;
    this.ping = null;
    this.hub.alive(this, { appliedGeneration: null, journalDepth: null, rttMs: this.rttMs });
  }

  private refuseMalformed(error: { code: "too_large" | "malformed"; message: string; remedy: string; type: string | null }): void {
    this.malformed++;
    const fatal = !this.helloSeen || this.malformed > this.hub.settings.malformedAllowed;
    if (error.type === "report") this.hub.metrics.reports.inc({ outcome: "rejected" });
    this.refuse(error.code, error.message, error.remedy, { fatal });
  }

  private socketError(error: Error & { code?: string }): void {
    if (error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH") {
      this.hub.metrics.refused.inc({ code: "too_large" });
      this.hub.deps.log.warn({ ...this.about, code: "too_large" }, "refused a message: it is far too large");
    } else this.hub.deps.log.info({ ...this.about, err: error.message }, "the socket failed");
  }

  // ── sending ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Sends a message; false when it can't go out: too large, or the session is over. A reader that does not read is dropped. */
  send(message: GatewayMessage): boolean {
    if (this.ended || this.ws.readyState !== this.ws.OPEN) return false;
    const encoded = encodeMessage(message);
    if (!encoded.ok) return false;
    this.ws.send(encoded.value);
    if (this.ws.bufferedAmount <= this.hub.settings.maxBufferedBytes) return true;
    this.hub.deps.log.warn({ ...this.about, bufferedBytes: this.ws.bufferedAmount }, "the agent does not read what it is sent; its session is dropped");
    this.drop("slow_reader");
    return false;
  }

  /** Tells the agent what was refused and why, with a log line; `fatal` closes the session. */
  refuse(code: RefusedCode, message: string, remedy: string, o: { fatal: boolean; retryAfterMs?: number }): void {
    if (this.ended) return;
    this.hub.metrics.refused.inc({ code });
    this.hub.deps.log[code === "shutting_down" ? "debug" : "warn"]({ ...this.about, code, fatal: o.fatal, detail: message }, "refused a message");
    this.send({ type: "refused", code, message, remedy, fatal: o.fatal, retryAfterMs: o.retryAfterMs ?? null });
    if (o.fatal) this.close(code === "shutting_down" ? 1012 : 1008, code);
  }

  /** Ends it because a newer session of the node is open. */
  supersede(): void {
    if (this.ended) return;
    this.hub.deps.log.info(this.about, "superseded by a newer session");
    this.send({ type: "superseded", message: "A newer session of this node is open." });
    this.close(4001, "superseded");
  }

  /** Asks for a sign of life that also measures the round trip. */
  sendPing(): void {
    this.ping = { nonce: Math.random().toString(36).slice(2, 12), sentAt: performance.now() };
    this.send({ type: "ping", nonce: this.ping.nonce });
  }

  /** Drops the socket without a word: its other end does not read, or is gone. */
  drop(why: string): void {
    this.ws.terminate();
    this.end(why);
  }

  private close(code: number, why: string): void {
    this.ws.close(code, why);
    // One that does not answer the close is cut off.
    setTimeout(() => this.ws.terminate(), 2_000).unref();
    this.end(why);
  }

  private end(why: string): void {
    if (this.ended) return;
    this.ended = true;
    clearTimeout(this.helloTimer);
    clearTimeout(this.pauseTimer);
    this.queue.length = 0;
    this.hub.forget(this, why);
  }
}
