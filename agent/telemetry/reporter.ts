import type { NodeUsage, ReportBody } from "../../server/protocol/messages";
import type { Journal } from "../journal/journal";
import { textOf } from "../platform/fault";
import type { Log } from "../platform/log";
import type { Outgoing } from "../session/session";
import type { Instance } from "../units/instance";
import type { Collector } from "./collector";

/** Reports sent and not yet acknowledged, at most. */
const WINDOW = 16;

export type ReporterOptions = {
  journal: Journal<ReportBody>;
  collector: Collector;
  log: Log;
  nowMs: () => number;
  send: (message: Outgoing) => boolean;
  sampleNode: () => Promise<NodeUsage>;
  instances: () => readonly Instance[];
  reportEveryMs: number;
  sampleEveryMs: number;
  /** Usage of units has been measured anew. */
  measured: () => void;
};

/** Takes samples, turns what was gathered into journal entries, and sends entries in order until they are stored. */
export class Reporter {
  readonly #o: ReporterOptions;
  readonly #timers: NodeJS.Timeout[] = [];
  #connected = false;
  #sentTo = 0;
  #storedTo = 0;
  #sending: Promise<void> | null = null;
  #again = false;
  #droppedTold: number;

  constructor(o: ReporterOptions) {
    this.#o = o;
    this.#droppedTold = o.journal.range.dropped;
  }

  start(): void {
    this.#timers.push(setInterval(() => void this.sample(), this.#o.sampleEveryMs), setInterval(() => void this.flush(), this.#o.reportEveryMs));
    void this.sample();
  }

  async stop(): Promise<void> {
    for (const t of this.#timers) clearInterval(t);
    await this.flush();
    await this.#sending;
  }

  /** A session began: the gateway has stored everything up to `storedTo`; the rest is sent again. */
  async connected(storedTo: number): Promise<void> {
    await this.#o.journal.trim(storedTo);
    this.#storedTo = storedTo;
    this.#sentTo = storedTo;
    this.#connected = true;
    this.#pump();
  }

  disconnected(): void {
    this.#connected = false;
  }

  /** The gateway has stored everything up to this number. */
  async acknowledged(storedTo: number): Promise<void> {
    if (storedTo <= this.#storedTo || storedTo > this.#sentTo) return;
    this.#storedTo = storedTo;
    await this.#o.journal.trim(storedTo);
    this.#pump();
  }

  /** Measures node and units once. */
  async sample(): Promise<void> {
    try {
      this.#o.collector.usage(await this.#o.sampleNode());
      for (const i of this.#o.instances()) {
        await i.measure();
        if (i.data.state === "up") this.#o.collector.unitUsage(i.spec.assignmentId, this.#o.nowMs(), i.usage);
      }
      this.#o.measured();
    } catch (error) {
      this.#o.log.warn("usage.notMeasured", { message: textOf(error) });
    }
  }

  /** Writes one report of its own to the journal and sends it; the number of the entry. */
  async append(body: ReportBody): Promise<number> {
    const number = await this.#o.journal.append(this.#o.nowMs(), body);
    this.#pump();
    return number;
  }

  /** Writes what was gathered to the journal and sends it. */
  async flush(): Promise<void> {
    for (const body of this.#o.collector.take()) await this.#o.journal.append(this.#o.nowMs(), body);
    const dropped = this.#o.journal.range.dropped + this.#o.collector.dropped;
    if (dropped > this.#droppedTold) {
      const message = `${dropped - this.#droppedTold} reports or entries lost telemetry because the journal or the disk was full`;
      this.#droppedTold = dropped;
      this.#o.log.warn("journal.dropped", { dropped });
      this.#o.collector.event({ atMs: this.#o.nowMs(), kind: "journal.dropped", assignmentId: null, unit: null, message });
    }
    this.#pump();
  }

  #pump(): void {
    this.#again = true;
    this.#sending ??= this.#send()
      .catch((error: unknown) => this.#o.log.error("reports.notSent", { message: textOf(error) }))
      .finally(() => (this.#sending = null));
  }

  async #send(): Promise<void> {
    while (this.#again && this.#connected) {
      this.#again = false;
      const room = WINDOW - (this.#sentTo - this.#storedTo);
      if (room <= 0) return;
      for (const e of await this.#o.journal.read(this.#sentTo + 1, room)) {
        if (!this.#connected || !this.#o.send({ type: "report", number: e.number, atMs: e.atMs, body: e.body })) return;
        this.#sentTo = e.number;
        this.#again = true;
      }
    }
  }
}
