import { HttpClient } from "./http";

/** What a program tells the agent on its node; the contract is the agent's local API (`POST /v1/telemetry`). */
export type Telemetry = {
  readonly requests: readonly { readonly latencyMs: number; readonly ok: boolean }[];
  readonly predictions: readonly { readonly id: string; readonly predicted: string; readonly confidence: number | null; readonly atMs: number }[];
  readonly labels: readonly { readonly id: string; readonly workload: string; readonly label: string; readonly atMs: number }[];
};
type Kind = keyof Telemetry;

export type ReporterOptions = {
  readonly agentUrl: string;
  readonly token: string;
  readonly client: HttpClient;
  /** How often waiting entries are sent. */
  readonly everyMs?: number;
  /** How many entries of one kind may wait while the agent is away; the oldest are dropped beyond it. */
  readonly capacity?: number;
};

/** The agent's limit for one list in one post. */
const MAX_PER_POST = 5_000;
const POST_TIMEOUT_MS = 3_000;

/**
 * Hands telemetry to the local agent in batches, so that serving never waits for it. Entries of a failed post
 * stay and are sent again; what exceeds the bound is dropped, oldest first, and counted.
 */
export class TelemetryReporter {
  readonly #o: Required<ReporterOptions>;
  readonly #waiting: { [K in Kind]: Telemetry[K][number][] } = { requests: [], predictions: [], labels: [] };
  readonly #timer: NodeJS.Timeout;
  #posting: Promise<void> | null = null;
  #dropped = 0;

  constructor(o: ReporterOptions) {
    this.#o = { everyMs: 1_000, capacity: 20_000, ...o };
    this.#timer = setInterval(() => void this.flush(), this.#o.everyMs);
  }

  /** Entries dropped since the start because too many waited. */
  get dropped(): number {
    return this.#dropped;
  }

  /** How many entries wait to be sent. */
  get waiting(): number {
    return this.#waiting.requests.length + this.#waiting.predictions.length + this.#waiting.labels.length;
  }

  add<K extends Kind>(kind: K, entry: Telemetry[K][number]): void {
    const list = this.#waiting[kind];
    list.push(entry);
    if (list.length > this.#o.capacity) {
      list.shift();
      this.#dropped += 1;
    }
  }

  /** Sends what waits, one post at a time. Never rejects: a failure leaves the entries for the next time. */
  flush(): Promise<void> {
    this.#posting ??= this.#post().finally(() => (this.#posting = null));
    return this.#posting;
  }

  /** Stops the timer and sends what is left once more. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
    if (this.waiting > 0) await this.flush();
  }

  async #post(): Promise<void> {
    if (this.waiting === 0) return;
    // The entries are taken out before the call, so that dropping the oldest meanwhile cannot confuse what was sent.
    const taken = { requests: this.#waiting.requests.splice(0, MAX_PER_POST), predictions: this.#waiting.predictions.splice(0, MAX_PER_POST), labels: this.#waiting.labels.splice(0, MAX_PER_POST) };
    const status = await this.#o.client
      .call({ method: "POST", url: `${this.#o.agentUrl}/v1/telemetry`, token: this.#o.token, body: taken, timeoutMs: POST_TIMEOUT_MS })
      .then((answer) => answer.status, () => 0);
    const accepted = status >= 200 && status < 300;
    // A body the agent calls malformed would be refused for ever, so it is counted as dropped instead of kept.
    const hopeless = status === 400 || status === 413 || status === 422;
    if (hopeless) this.#dropped += taken.requests.length + taken.predictions.length + taken.labels.length;
    if (!accepted && !hopeless) this.#putBack(taken);
  }

  #putBack(taken: { [K in Kind]: Telemetry[K][number][] }): void {
    for (const kind of ["requests", "predictions", "labels"] as const) {
      const list = this.#waiting[kind] as unknown[];
      list.unshift(...taken[kind]);
      const excess = Math.max(0, list.length - this.#o.capacity);
      list.splice(0, excess);
      this.#dropped += excess;
    }
  }
}
