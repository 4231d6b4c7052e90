import { setTimeout as delay } from "node:timers/promises";
import { dial, parseAddress } from "../identity/dial";
import type { Identity } from "../identity/identity";
import type { Renewal } from "../identity/renewal";
import { textOf } from "../platform/fault";
import type { Log } from "../platform/log";
import { fullJitterMs } from "./backoff";
import type { BackoffSettings } from "./backoff";
import { Session } from "./session";
import type { Outgoing, SessionEnd, SessionHandlers } from "./session";

/** After being superseded, or told that this node is not wanted, redialling soon would only disturb. */
const UNWANTED_WAIT_MS = 60_000;
/** A session that lasted for so long was a good one. */
const LASTING_MS = 5_000;
const unwanted = new Set(["revoked", "unknown_node", "protocol_version"]);

export type LinkOptions = {
  identity: Identity;
  renewal: Renewal;
  log: Log;
  nowMs: () => number;
  random: () => number;
  backoff: BackoffSettings;
  handlers: SessionHandlers & { disconnected(): void };
};

/** Keeps a session with the gateway: dials, redials with full jitter, renews first when the certificate has expired. */
export class Link {
  readonly #o: LinkOptions;
  readonly #stop = new AbortController();
  #session: Session | null = null;
  #welcomed = false;
  #sinceMs: number;
  #done: Promise<void> = Promise.resolve();

  constructor(o: LinkOptions) {
    this.#o = o;
    this.#sinceMs = o.nowMs();
  }

  start(): void {
    this.#done = this.#run();
  }

  /** Ends the session and stops dialling. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#session?.close("the agent is stopping");
    await this.#done;
  }

  /** Connected (welcomed) or cut off, and since when. */
  get state(): { connected: boolean; sinceMs: number } {
    return { connected: this.#welcomed, sinceMs: this.#sinceMs };
  }

  get congested(): boolean {
    return this.#session?.congested ?? true;
  }

  /** Sends in the current session; false when there is none or it is full. */
  send(message: Outgoing): boolean {
    return this.#welcomed && this.#session !== null && this.#session.send(message);
  }

  async #run(): Promise<void> {
    let attempt = 0;
    while (!this.#stop.signal.aborted) {
      if (this.#o.renewal.expired && !(await this.#o.renewal.now())) {
        await this.#sleep(fullJitterMs(attempt++, this.#o.random(), this.#o.backoff));
        continue;
      }
      const end = await this.#once();
      const wasWelcomed = this.#welcomed;
      if (wasWelcomed) {
        // One that ends at once, again and again, must not be dialled as if each were the first.
        if (this.#o.nowMs() - this.#sinceMs >= LASTING_MS) attempt = 0;
        this.#welcomed = false;
        this.#sinceMs = this.#o.nowMs();
        this.#o.handlers.disconnected();
      }
      this.#session = null;
      if (this.#stop.signal.aborted) return;
      const waitMs = await this.#waitAfter(end, attempt++);
      this.#o.log.warn("session.ended", { why: end.kind === "lost" ? end.reason : end.kind, code: end.kind === "refused" ? end.refusal.code : null, againInMs: waitMs });
      await this.#sleep(waitMs);
    }
  }

  async #waitAfter(end: SessionEnd, attempt: number): Promise<number> {
    const spread = 0.75 + this.#o.random() / 2;
    if (end.kind === "superseded") return Math.round(UNWANTED_WAIT_MS * spread);
    if (end.kind === "refused") {
      if (unwanted.has(end.refusal.code)) return Math.round(UNWANTED_WAIT_MS * spread);
      if (end.refusal.code === "expired") await this.#o.renewal.now();
      if (end.refusal.retryAfterMs !== null) return Math.min(UNWANTED_WAIT_MS, Math.max(0, end.refusal.retryAfterMs));
    }
    return fullJitterMs(attempt, this.#o.random(), this.#o.backoff);
  }

  async #once(): Promise<SessionEnd> {
    const { identity, handlers, log, nowMs } = this.#o;
    const { gateway, authority, certificate } = identity.current;
    const address = parseAddress(gateway);
    if (!address) return { kind: "lost", reason: `"${gateway}" is no address` };
    try {
      const tls = await dial(address, { authority, client: { certificate, key: identity.keyPem } }, nowMs());
      if (this.#stop.signal.aborted) tls.destroy();
      this.#session = new Session(tls, gateway, {
        log,
        nowMs,
        handlers: {
          ...handlers,
          welcomed: (welcome) => {
            this.#welcomed = true;
            this.#sinceMs = nowMs();
            handlers.welcomed(welcome);
          },
        },
      });
      return await this.#session.ended;
    } catch (error) {
      return { kind: "lost", reason: textOf(error) };
    }
  }

  async #sleep(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }
}
