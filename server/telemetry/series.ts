import type { MetricSeries, SeriesPoint } from "../core/analysis";
import type { AnalysisMetric, MetricSource } from "../core/manifest/analysis";
import { telemetryRead, type Queryable } from "../store";
import { measureRequests, RequestSum } from "./measure";

const MINUTE_MS = 60_000;

/**
 * Values by the minute of a template's metrics that are measured here, for the judges that look at series; those from
 * elsewhere are the caller's. A minute without a request has no value, and one in which the system was away neither.
 */
export async function gatherSeries(q: Queryable, w: { workloadId: string; canary: number; stable: number; fromMs: number; toMs: number }, metrics: readonly { name: string; source: MetricSource }[]): Promise<MetricSeries[]> {
  const measured = metrics.flatMap((m) => (m.source.from === "measured" ? [{ name: m.name, metric: m.source.metric }] : []));
  if (measured.length === 0) return [];
  const from = Math.ceil(w.fromMs / MINUTE_MS) * MINUTE_MS;
  const rows = await telemetryRead.requestMinutes(q, { workloadId: w.workloadId }, from, w.toMs);
  const quality = measured.some((m) => m.metric === "accuracy") ? await telemetryRead.qualityMinutes(q, w.workloadId, from, w.toMs) : [];
  return measured.map(({ name, metric }) => {
    const points = (generation: number): SeriesPoint[] => (metric === "accuracy" ? accuracyPoints(quality.filter((x) => x.generation === generation)) : requestPoints(rows.filter((x) => x.generation === generation), metric));
    return { metric: name, canary: points(w.canary), stable: points(w.stable) };
  });
}

function requestPoints(rows: readonly telemetryRead.RequestMinuteView[], metric: AnalysisMetric["metric"]): SeriesPoint[] {
  const sums = new Map<number, RequestSum>();
  for (const r of rows) {
    const sum = sums.get(r.minuteMs) ?? new RequestSum();
    sum.add(r);
    sums.set(r.minuteMs, sum);
  }
  return [...sums].sort(([a], [b]) => a - b).map(([minuteMs, sum]) => {
    const value = measureRequests(metric, sum, MINUTE_MS);
    // A minute's value is known at its end.
    return { atMs: minuteMs + MINUTE_MS, values: value === null ? [] : [value] };
  });
}

function accuracyPoints(rows: readonly telemetryRead.QualityMinuteView[]): SeriesPoint[] {
  const sums = new Map<number, { labelled: number; correct: number }>();
  for (const r of rows) {
    const s = sums.get(r.minuteMs) ?? { labelled: 0, correct: 0 };
    sums.set(r.minuteMs, { labelled: s.labelled + r.labelled, correct: s.correct + r.correct });
  }
  return [...sums].sort(([a], [b]) => a - b).map(([minuteMs, s]) => ({ atMs: minuteMs + MINUTE_MS, values: s.labelled === 0 ? [] : [s.correct / s.labelled] }));
}
