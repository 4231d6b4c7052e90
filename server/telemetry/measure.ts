import type { AnalysisMetric } from "../core/manifest/analysis";
import { decodeSketch, emptySketch, mergeSketches, sketchQuantile, type Sketch } from "../core/telemetry/sketch";
import type { Evidence, Measured } from "../core/analysis";
import { telemetryRead, type Queryable } from "../store";

/** Requests added up: how many, how many failed, and the merged sketch of their latencies. */
export class RequestSum {
  count = 0;
  errors = 0;
  sketch: Sketch = emptySketch();
  add(m: { count: number; errors: number; sketch: Uint8Array }): void {
    this.count += m.count;
    this.errors += m.errors;
    const s = decodeSketch(m.sketch);
    if (s) this.sketch = mergeSketches(this.sketch, s);
  }
  /** Quantile 0..1 in ms; null when there were no requests. */
  quantile(q: number): number | null {
    return sketchQuantile(this.sketch, q);
  }
}

const quantileOf: Partial<Record<AnalysisMetric["metric"], number>> = { latencyP50Ms: 0.5, latencyP90Ms: 0.9, latencyP99Ms: 0.99 };

/** One metric of a sum of requests over a span of time. Null where there is nothing to measure. */
export function measureRequests(metric: AnalysisMetric["metric"], sum: RequestSum, spanMs: number): number | null {
  if (metric === "requestsPerSecond") return spanMs > 0 ? (sum.count * 1_000) / spanMs : null;
  if (sum.count === 0) return null;
  if (metric === "errorRate") return sum.errors / sum.count;
  const q = quantileOf[metric];
  return q === undefined ? null : sum.quantile(q);
}

/**
 * What was measured of two revisions of a workload in a window, pooled and by site: what a canary is judged by.
 * Requests are kept by the minute, so only whole minutes after `fromMs` count: nothing from before a step began.
 */
export async function gatherEvidence(q: Queryable, w: { workloadId: string; canary: number; stable: number; fromMs: number; toMs: number; metrics: readonly AnalysisMetric["metric"][] }): Promise<Map<AnalysisMetric["metric"], Evidence>> {
  const out = new Map<AnalysisMetric["metric"], Evidence>();
  const wanted = new Set(w.metrics);
  if ([...wanted].some((m) => m !== "accuracy" && m !== "restarts")) {
    const from = Math.ceil(w.fromMs / 60_000) * 60_000;
    const minutes = await telemetryRead.requestMinutes(q, { workloadId: w.workloadId }, from, w.toMs);
    const sites = [...new Set(minutes.map((m) => m.site))].sort();
    const sumOf = (generation: number, site: string | null): RequestSum => {
      const sum = new RequestSum();
      for (const m of minutes) if (m.generation === generation && (site === null || m.site === site)) sum.add(m);
      return sum;
    };
    const measured = (metric: AnalysisMetric["metric"], generation: number, site: string | null): Measured => {
      const sum = sumOf(generation, site);
      return { value: sum.count === 0 ? null : measureRequests(metric, sum, w.toMs - from), sample: sum.count };
    };
    for (const metric of wanted) {
      if (metric === "accuracy" || metric === "restarts") continue;
      out.set(metric, { canary: measured(metric, w.canary, null), stable: measured(metric, w.stable, null), bySite: sites.map((site) => ({ site, canary: measured(metric, w.canary, site), stable: measured(metric, w.stable, site) })) });
    }
  }
  if (wanted.has("accuracy")) {
    const rows = await telemetryRead.labelledBySite(q, w.workloadId, [w.canary, w.stable], w.fromMs, w.toMs);
    out.set("accuracy", fromCounts(w, rows.map((r) => ({ generation: r.generation, site: r.site, part: r.correct, whole: r.labelled })), (part, whole) => part / whole));
  }
  if (wanted.has("restarts")) {
    const rows = await telemetryRead.exitsBySite(q, w.workloadId, w.fromMs, w.toMs);
    out.set("restarts", fromCounts(w, rows.map((r) => ({ generation: r.generation, site: r.site, part: r.exits, whole: r.units })), (part) => part));
  }
  return out;
}

function fromCounts(w: { canary: number; stable: number }, rows: readonly { generation: number; site: string; part: number; whole: number }[], value: (part: number, whole: number) => number): Evidence {
  const measured = (generation: number, site: string | null): Measured => {
    let part = 0;
    let whole = 0;
    for (const r of rows) {
      if (r.generation !== generation || (site !== null && r.site !== site)) continue;
      part += r.part;
      whole += r.whole;
    }
    return { value: whole === 0 ? null : value(part, whole), sample: whole };
  };
  const sites = [...new Set(rows.map((r) => r.site))].sort();
  return { canary: measured(w.canary, null), stable: measured(w.stable, null), bySite: sites.map((site) => ({ site, canary: measured(w.canary, site), stable: measured(w.stable, site) })) };
}
