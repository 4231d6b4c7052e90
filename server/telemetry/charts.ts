import type { z } from "zod";
import type { ProjectRef } from "../core/access/actor";
import { refuseNow } from "../core/base/refusal";
import { metricLabel } from "../core/analysis";
import type { AnalysisMetric } from "../core/manifest/analysis";
import { bucketsOf, nodeSeries, stepFor, withGaps } from "../core/telemetry/series";
import type { chartView, flagView, seriesView } from "../core/views/telemetry";
import { telemetryIngest, telemetryRead as read, type Queryable, type Store } from "../store";
import type { Clock } from "../platform";
import { measureRequests, RequestSum } from "./measure";

type Chart = z.input<typeof chartView>;
type Series = z.input<typeof seriesView>;
type Flag = z.input<typeof flagView>;
type Range = { fromMs: number; toMs: number };

const SAMPLE_EVERY_MS = 10_000;
const MINUTE_MS = 60_000;
const MAX_SERIES = 12;
const DEFAULT_METRICS: AnalysisMetric["metric"][] = ["requestsPerSecond", "latencyP99Ms", "errorRate", "accuracy"];
const unitOf: Record<AnalysisMetric["metric"], Series["unit"]> = { errorRate: "share", latencyP50Ms: "ms", latencyP90Ms: "ms", latencyP99Ms: "ms", accuracy: "share", requestsPerSecond: "perSecond", restarts: "count" };

/** Charts as finished view models: aligned buckets, gaps where nobody reported, flags of what happened meanwhile. */
export function chartQueries(store: Store, clock: Clock) {
  const q = store.read.client;
  return {
    async node(project: ProjectRef, input: { name: string; range: Range }): Promise<Chart[]> {
      const node = await read.nodeByName(q, project.id, input.name);
      if (!node) return refuseNow("not_found", `There is no node “${input.name}” in this project.`, "Look it up in Fleet.");
      const range = checked(input.range);
      const stepMs = stepFor(range.fromMs, range.toMs, SAMPLE_EVERY_MS);
      const rows = await read.nodeBuckets(q, node.id, range.fromMs, range.toMs, stepMs, nodeSeries.length);
      const line = (i: number): Series => plain(nodeSeries[i]?.name ?? "", nodeSeries[i]?.unit ?? "count", rows.map((r) => [r.atMs, r.values[i] ?? null]), range, stepMs);
      const chart = (title: string, indexes: number[]): Chart => finish(title, indexes.map(line), [], range, stepMs, clock.nowMs());
      return [chart("CPU", [0]), chart("Memory and disk", [1, 2]), chart("Network", [3, 4]), chart("Load", [5])];
    },

    async unit(project: ProjectRef, input: { assignmentId: string; range: Range }): Promise<Chart[]> {
      const a = await read.assignmentInProject(q, project.id, input.assignmentId);
      if (!a) return refuseNow("not_found", "There is no such unit in this project.", "It may have been removed: look in the workload's list of units.");
      const range = checked(input.range);
      const stepMs = stepFor(range.fromMs, range.toMs, SAMPLE_EVERY_MS);
      const rows = await read.unitBuckets(q, a.id, range.fromMs, range.toMs, stepMs);
      const now = clock.nowMs();
      const own = [
        finish("CPU", [plain("CPU", "cores", rows.map((r) => [r.atMs, r.values[0] == null ? null : r.values[0] / 1_000]), range, stepMs)], [], range, stepMs, now),
        finish("Memory", [plain("Memory", "bytes", rows.map((r) => [r.atMs, r.values[1] ?? null]), range, stepMs)], [], range, stepMs, now),
      ];
      const minutes = await requestCharts(q, { workloadId: a.workloadId, assignmentId: a.id }, ["requestsPerSecond", "latencyP99Ms", "errorRate"], "revision", range, now, []);
      return [...own, ...minutes.filter((c) => c.series.length > 0)];
    },

    async workload(project: ProjectRef, input: { name: string; range: Range; metric?: AnalysisMetric["metric"] | undefined; by: "revision" | "site" }): Promise<Chart[]> {
      const id = (await telemetryIngest.workloadIdsByName(q, project.id, [input.name])).get(input.name);
      if (id === undefined) return refuseNow("not_found", `There is no workload “${input.name}” in this project.`, "Look it up in Workloads.");
      const range = checked(input.range);
      const metrics = input.metric ? [input.metric] : DEFAULT_METRICS;
      const flags = (await read.workloadFlags(q, id, range.fromMs, range.toMs)).map((f): Flag => {
        const base = `/p/${project.name}`;
        if (f.kind === "rollout") return { kind: "rollout", atMs: f.atMs, toMs: f.toMs, text: `Rollout ${f.name}: ${f.detail}`, href: `${base}/rollouts/${f.name}` };
        if (f.kind === "partition") return { kind: "partition", atMs: f.atMs, toMs: f.toMs, text: `${f.name}: ${f.detail}`, href: `${base}/fleet/sites/${f.name}` };
        return { kind: "revision", atMs: f.atMs, toMs: null, text: `Revision r${f.name} by ${f.detail}`, href: `${base}/workloads/${input.name}?tab=revisions&revision=${f.name}` };
      });
      const charts = await requestCharts(q, { workloadId: id }, metrics.filter((m) => m !== "accuracy" && m !== "restarts"), input.by, range, clock.nowMs(), flags);
      if (metrics.includes("accuracy")) charts.push(await accuracyChart(q, id, input.by, range, clock.nowMs(), flags));
      return charts;
    },
  };
}

function checked(range: Range): Range {
  if (range.toMs <= range.fromMs) return refuseNow("invalid_input", "The time range ends before it begins.", "Choose an end after the start.", [{ path: "range.toMs", message: "is not after range.fromMs", remedy: "choose a later end" }]);
  return range;
}

function plain(name: string, unit: Series["unit"], rows: readonly (readonly [number, number | null])[], range: Range, stepMs: number): Series {
  const values = new Map<number, number>();
  for (const [t, v] of rows) if (v !== null) values.set(t, v);
  return { name, unit, generation: null, site: null, points: withGaps(bucketsOf(range.fromMs, range.toMs, stepMs), values), sample: values.size };
}

function finish(title: string, series: Series[], flags: Flag[], range: Range, stepMs: number, asOfMs: number): Chart {
  const shown = [...series].sort((a, b) => b.sample - a.sample).slice(0, MAX_SERIES).sort((a, b) => (a.name < b.name ? -1 : 1));
  return { title, series: shown, flags, fromMs: range.fromMs, toMs: range.toMs, stepMs, shown: shown.length, total: series.length, asOfMs };
}

async function requestCharts(q: Queryable, of: { workloadId: string; assignmentId?: string }, metrics: AnalysisMetric["metric"][], by: "revision" | "site", range: Range, nowMs: number, flags: Flag[]): Promise<Chart[]> {
  if (metrics.length === 0) return [];
  const stepMs = stepFor(range.fromMs, range.toMs, MINUTE_MS);
  const rows = await read.requestMinutes(q, of, Math.floor(range.fromMs / stepMs) * stepMs, range.toMs);
  const groups = new Map<string, { generation: number | null; site: string | null; buckets: Map<number, RequestSum>; sample: number }>();
  for (const r of rows) {
    const name = by === "revision" ? `r${r.generation}` : r.site;
    const g = groups.get(name) ?? { generation: by === "revision" ? r.generation : null, site: by === "site" ? r.site : null, buckets: new Map<number, RequestSum>(), sample: 0 };
    groups.set(name, g);
    const t = Math.floor(r.minuteMs / stepMs) * stepMs;
    const sum = g.buckets.get(t) ?? new RequestSum();
    sum.add(r);
    g.buckets.set(t, sum);
    g.sample += r.count;
  }
  const buckets = bucketsOf(range.fromMs, range.toMs, stepMs);
  return metrics.map((metric) => {
    const series = [...groups].map(([name, g]): Series => {
      const values = new Map<number, number>();
      for (const [t, sum] of g.buckets) {
        // A bucket that is still filling is divided by the time it has had, not by its whole width.
        const v = measureRequests(metric, sum, Math.max(1_000, Math.min(stepMs, nowMs - t)));
        if (v !== null) values.set(t, v);
      }
      return { name, unit: unitOf[metric], generation: g.generation, site: g.site, points: withGaps(buckets, values), sample: g.sample };
    });
    return finish(capital(metricLabel[metric]), series, flags, range, stepMs, nowMs);
  });
}

async function accuracyChart(q: Queryable, workloadId: string, by: "revision" | "site", range: Range, nowMs: number, flags: Flag[]): Promise<Chart> {
  const stepMs = stepFor(range.fromMs, range.toMs, MINUTE_MS);
  const rows = await read.qualityMinutes(q, workloadId, Math.floor(range.fromMs / stepMs) * stepMs, range.toMs);
  const groups = new Map<string, { generation: number | null; site: string | null; buckets: Map<number, { labelled: number; correct: number }>; sample: number }>();
  for (const r of rows) {
    const name = by === "revision" ? `r${r.generation}` : r.site;
    const g = groups.get(name) ?? { generation: by === "revision" ? r.generation : null, site: by === "site" ? r.site : null, buckets: new Map<number, { labelled: number; correct: number }>(), sample: 0 };
    groups.set(name, g);
    const t = Math.floor(r.minuteMs / stepMs) * stepMs;
    const b = g.buckets.get(t) ?? { labelled: 0, correct: 0 };
    g.buckets.set(t, { labelled: b.labelled + r.labelled, correct: b.correct + r.correct });
    g.sample += r.labelled;
  }
  const buckets = bucketsOf(range.fromMs, range.toMs, stepMs);
  const series = [...groups].map(([name, g]): Series => ({
    name,
    unit: "share",
    generation: g.generation,
    site: g.site,
    points: withGaps(buckets, new Map([...g.buckets].map(([t, b]) => [t, b.correct / b.labelled]))),
    sample: g.sample,
  }));
  return finish("Accuracy", series, flags, range, stepMs, nowMs);
}

const capital = (t: string): string => t.charAt(0).toUpperCase() + t.slice(1);
