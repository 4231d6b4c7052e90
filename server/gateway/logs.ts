import type { AgentMessage } from "../protocol/messages";
import { gatewayLogs } from "../store";
import type { Session } from "./session";

type Chunk = Extract<AgentMessage, { type: "log" }>;
type LogRequest = gatewayLogs.LogRequestRow;
/** Chunks that are kept of one request: the newest, at most 256 kB each. */
const KEEP_CHUNKS = 64;
/** What an agent may send of one log; more is dropped at its end by waiting. */
const MAX_BYTES_PER_SECOND = 131_072;

/** Logs on demand that one session delivers: who asked lies in the store, what comes goes there. */
export class SessionLogs {
  /** Per request: number of the next chunk, and, until the overlap after a reconnect is behind, where the stored text ends. */
  private readonly open = new Map<string, { nextSeq: number; resumeAt: number | null }>();

  constructor(private readonly session: Session) {}

  get requests(): string[] {
    return [...this.open.keys()];
  }

  /** Asks for everything that people still read; after a reconnect it goes on where the chunks ended. */
  async openAll(): Promise<void> {
    const { hub, nodeId } = this.session;
    const waiting = await hub.gate.run(() => gatewayLogs.liveLogRequests(hub.deps.store.read.client, nodeId, hub.deps.clock.nowMs()));
    for (const request of waiting) await this.ask(request);
  }

  /** Asks the agent for a unit's log. */
  async ask(request: LogRequest): Promise<void> {
    if (this.open.has(request.id) || this.session.ended) return;
    const { hub } = this.session;
    const at = await hub.gate.run(() => gatewayLogs.markLogOpen(hub.deps.store.read.client, request.id));
    if (this.open.has(request.id)) return;
    this.open.set(request.id, { nextSeq: at.nextSeq, resumeAt: at.nextSeq > 0 ? at.nextOffset : null });
    this.session.send({ type: "logOpen", requestId: request.id, assignmentId: request.assignmentId, tailBytes: Math.min(262_144, request.tailBytes), follow: request.follow, maxBytesPerSecond: MAX_BYTES_PER_SECOND });
  }

  async chunk(message: Chunk): Promise<void> {
    const { hub } = this.session;
    const at = this.open.get(message.requestId);
    // One that nobody reads any more, or another node's: the agent is told to stop, nothing is written.
    if (!at) return void this.session.send({ type: "logClose", requestId: message.requestId });
    const { offset, text } = unstored(message, at);
    let kept = true;
    if (text !== "") {
      const row = { requestId: message.requestId, seq: at.nextSeq, offset, text };
      kept = await hub.gate.run(() => gatewayLogs.appendLogChunk(hub.deps.store.read.client, row, KEEP_CHUNKS));
      at.nextSeq++;
    }
    if (message.end || !kept) {
      this.open.delete(message.requestId);
      if (!message.end) this.session.send({ type: "logClose", requestId: message.requestId });
      await hub.gate.run(() => gatewayLogs.endLogRequest(hub.deps.store.read.client, message.requestId, message.error));
    }
  }

  /** Stops what nobody reads any more. */
  close(requestId: string): void {
    if (this.open.delete(requestId)) this.session.send({ type: "logClose", requestId });
  }
}

/** After a reconnect the agent sends its tail again: what is stored already is cut off, until the overlap is behind. */
function unstored(message: Chunk, at: { resumeAt: number | null }): { offset: number; text: string } {
  const { offset, text } = message;
  if (at.resumeAt === null) return { offset, text };
  const bytes = Buffer.from(text, "utf8");
  const known = Math.max(0, Math.min(bytes.length, at.resumeAt - offset));
  if (offset + bytes.length >= at.resumeAt) at.resumeAt = null;
  return { offset: offset + known, text: known === 0 ? text : bytes.subarray(known).toString("utf8") };
}
