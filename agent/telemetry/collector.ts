import { addTo, emptySketch, sketchToBase64 } from "../../server/core/telemetry/sketch";
import type { Sketch } from "../../server/core/telemetry/sketch";
import type { TelemetryPost } from "../../server/protocol/local-api";
import type { NodeUsage, ReportBody, UnitSpec } from "../../server/protocol/messages";

type Event = ReportBody["events"][number];
type Minute = { assignmentId: string; workload: string; generation: number; minuteMs: number; count: number; errors: number; sketch: Sketch };

const MINUTE_MS = 60_000;
/** Bounds of one report, well inside those of the protocol; and of its bytes, so that it fits a frame. */
const MAX_REPORT_BYTES = 524_288;
const PER_REPORT = { usage: 100, unitUsage: 1_000, requests: 500, predictions: 1_000, labels: 1_000, events: 100, receipts: 100 } as const;
/** What may wait for the next report; beyond it the oldest go and are counted. */
const MAX_WAITING = 50_000;

/** A report that holds nothing. */
export const emptyBody = (): ReportBody => ({ usage: [], unitUsage: [], requests: [], predictions: [], labels: [], events: [], receipts: [] });
/** What is left of a report when the journal must give up telemetry: its events, and receipts, which are proof. */
export const eventsOnly = (body: ReportBody): ReportBody => ({ ...emptyBody(), events: body.events, receipts: body.receipts });

/**
 * Gathers telemetry between two reports: requests as latency sketches per unit and minute, the rest as it comes.
 * A minute may appear in several reports, each time with what was added since: sketches and counts are to be summed.
 */
export class Collector {
  #minutes = new Map<string, Minute>();
  #body = emptyBody();
  #dropped = 0;
  /** Units that tell of their requests themselves: what a router sees of them would count twice. */
  readonly #tellThemselves = new Set<string>();

  /** Entries given up because too many waited. */
  get dropped(): number {
    return this.#dropped;
  }

  get empty(): boolean {
    return this.#minutes.size === 0 && Object.values(this.#body).every((list) => list.length === 0);
  }

  usage(usage: NodeUsage): void {
    this.#add("usage", usage);
  }

  unitUsage(assignmentId: string, atMs: number, usage: { cpuMillis: number | null; memoryBytes: number | null }): void {
    if (usage.cpuMillis !== null || usage.memoryBytes !== null) this.#add("unitUsage", { assignmentId, atMs, ...usage });
  }

  event(event: Event): void {
    this.#add("events", { ...event, message: event.message.slice(0, 2_000) });
  }

  /** What a unit told of itself; it is booked under the unit whose token it came with. */
  post(spec: Pick<UnitSpec, "assignmentId" | "workload" | "generation">, post: TelemetryPost, nowMs: number): void {
    const { assignmentId, workload, generation } = spec;
    if (post.requests.length > 0) this.#tellThemselves.add(assignmentId);
    for (const request of post.requests) this.#request(assignmentId, workload, generation, request, nowMs);
    for (const p of post.predictions) this.#add("predictions", { id: p.id, assignmentId, workload, generation, atMs: p.atMs, predicted: p.predicted, confidence: p.confidence });
    for (const l of post.labels) this.#add("labels", { id: l.id, workload: l.workload, atMs: l.atMs, label: l.label });
  }

  /** A request that the router saw a unit of this node answer; not counted for a unit that tells of its own. */
  routed(spec: Pick<UnitSpec, "assignmentId" | "workload" | "generation">, request: { latencyMs: number; ok: boolean }, nowMs: number): void {
    if (!this.#tellThemselves.has(spec.assignmentId)) this.#request(spec.assignmentId, spec.workload, spec.generation, request, nowMs);
  }

  /** Everything gathered, as one or several reports of bounded size; the collector is empty afterwards. */
  take(): ReportBody[] {
    const requests = [...this.#minutes.values()].map(({ sketch, ...m }) => ({ ...m, sketch: sketchToBase64(sketch) }));
    this.#minutes = new Map();
    const all: ReportBody = { ...this.#body, requests };
    this.#body = emptyBody();
    const reports: ReportBody[] = [];
    while (Object.values(all).some((list) => list.length > 0)) {
      reports.push(...fitting({
        usage: all.usage.splice(0, PER_REPORT.usage),
        unitUsage: all.unitUsage.splice(0, PER_REPORT.unitUsage),
        requests: all.requests.splice(0, PER_REPORT.requests),
        predictions: all.predictions.splice(0, PER_REPORT.predictions),
        labels: all.labels.splice(0, PER_REPORT.labels),
        events: all.events.splice(0, PER_REPORT.events),
        receipts: all.receipts.splice(0, PER_REPORT.receipts),
      }));
    }
    return reports;
  }

  #request(assignmentId: string, workload: string, generation: number, request: { latencyMs: number; ok: boolean }, nowMs: number): void {
    const minuteMs = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS;
    const key = `${assignmentId} ${generation} ${minuteMs}`;
    let minute = this.#minutes.get(key);
    if (!minute) this.#minutes.set(key, (minute = { assignmentId, workload, generation, minuteMs, count: 0, errors: 0, sketch: emptySketch() }));
    minute.count += 1;
    if (!request.ok) minute.errors += 1;
    addTo(minute.sketch, request.latencyMs);
  }

  #add<K extends keyof ReportBody>(kind: K, entry: ReportBody[K][number]): void {
    const list = this.#body[kind] as ReportBody[K][number][];
    list.push(entry);
    if (list.length <= MAX_WAITING) return;
    list.shift();
    this.#dropped += 1;
  }
}

/** The report, or its halves, and theirs, until each is small enough. */
function fitting(report: ReportBody): ReportBody[] {
  const sizes = Object.values(report).map((list) => list.length);
  if (Math.max(...sizes) <= 1 || Buffer.byteLength(JSON.stringify(report)) <= MAX_REPORT_BYTES) return [report];
  const half = (first: boolean): ReportBody => {
    const part = <T>(list: readonly T[]): T[] => (first ? list.slice(0, Math.ceil(list.length / 2)) : list.slice(Math.ceil(list.length / 2)));
    return { usage: part(report.usage), unitUsage: part(report.unitUsage), requests: part(report.requests), predictions: part(report.predictions), labels: part(report.labels), events: part(report.events), receipts: part(report.receipts) };
  };
  return [...fitting(half(true)), ...fitting(half(false))];
}
