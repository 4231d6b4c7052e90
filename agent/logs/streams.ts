import type { GatewayMessage } from "../../server/protocol/messages";
import type { Outgoing } from "../session/session";
import type { Instance } from "../units/instance";
import { streamLog } from "./stream";

type LogOpen = Extract<GatewayMessage, { type: "logOpen" }>;
const MAX_STREAMS = 32;

/** The logs that people read at present, by request. */
export class LogStreams {
  readonly #open = new Map<string, AbortController>();
  readonly #o: { find: (assignmentId: string) => Instance | null; send: (message: Outgoing) => boolean };

  constructor(o: { find: (assignmentId: string) => Instance | null; send: (message: Outgoing) => boolean }) {
    this.#o = o;
  }

  open(request: LogOpen): void {
    const refuse = (error: string): void => void this.#o.send({ type: "log", requestId: request.requestId, offset: 0, text: "", end: true, error });
    if (this.#open.has(request.requestId)) return;
    if (this.#open.size >= MAX_STREAMS) return refuse(`This node already sends ${MAX_STREAMS} logs; close one and try again.`);
    const instance = this.#o.find(request.assignmentId);
    if (!instance) return refuse("This node has no log of that unit; it was never started here, or its assignment is gone.");
    const stop = new AbortController();
    this.#open.set(request.requestId, stop);
    void streamLog(request, instance.logFile, { send: this.#o.send, signal: stop.signal }).finally(() => this.#open.delete(request.requestId));
  }

  close(requestId: string): void {
    this.#open.get(requestId)?.abort();
  }

  /** Ends all; the session they belonged to is over. */
  closeAll(): void {
    for (const stop of this.#open.values()) stop.abort();
    this.#open.clear();
  }
}
