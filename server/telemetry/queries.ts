import type { MetricSeries, SeriesPoint } from "../core/analysis";
import type { AnalysisArgument, MetricSource } from "../core/manifest/analysis";
import { queryRange, readPrometheusSetting, type RangeSeries } from "./prometheus";

/** What queries of a template are filled with. */
export interface QueryContext {
  workload: string;
  project: string;
  canary: number;
  stable: number;
  args: readonly AnalysisArgument[];
  fromMs: number;
  toMs: number;
  stepMs: number;
}

/**
 * Values over time of a template's metrics that come from Prometheus. `setting` opens a provider's setting by name; null
 * when there is none. A metric whose server can't be asked is marked so, and nothing is decided without it.
 */
export async function querySeries(setting: (provider: string) => Promise<string | null>, metrics: readonly { name: string; source: MetricSource }[], c: QueryContext): Promise<MetricSeries[]> {
  const out: MetricSeries[] = [];
  for (const m of metrics) {
    if (m.source.from !== "prometheus") continue;
    out.push(await oneMetric(setting, m.name, m.source, c));
  }
  return out;
}

async function oneMetric(setting: (provider: string) => Promise<string | null>, metric: string, source: Extract<MetricSource, { from: "prometheus" }>, c: QueryContext): Promise<MetricSeries> {
  const unavailable = (why: string): MetricSeries => ({ metric, canary: [], stable: [], unavailable: why });
  let text: string | null;
  try {
    text = await setting(source.provider);
  } catch {
    return unavailable(`The secret "${source.provider}" can't be opened.`);
  }
  if (text === null) return unavailable(`There is no secret "${source.provider}" in the project that says where Prometheus is.`);
  const read = readPrometheusSetting(text);
  if (!read.ok) return unavailable(`${read.error.message} (secret "${source.provider}")`);
  const span = { fromMs: c.fromMs + c.stepMs, toMs: c.toMs, stepMs: c.stepMs };
  const asked = { canary: filled(source.query, c, "canary"), stable: filled(source.query, c, "stable") };
  const canary = await queryRange(read.setting, { ...span, query: asked.canary });
  if (!canary.ok) return unavailable(canary.error.message);
  const stable = asked.stable === asked.canary ? canary : await queryRange(read.setting, { ...span, query: asked.stable });
  if (!stable.ok) return unavailable(stable.error.message);
  return { metric, canary: pointsOf(canary.series), stable: pointsOf(stable.series) };
}

/** A query with its arguments for one revision; values of arguments may name the workload, project and revision themselves. */
function filled(query: string, c: QueryContext, arm: "canary" | "stable"): string {
  const builtIn: Record<string, string> = { workload: c.workload, project: c.project, revision: String(c[arm]) };
  const plain = (text: string): string => text.replace(/\{\{\s*(workload|project|revision)\s*\}\}/g, (_, name: string) => builtIn[name] ?? "");
  const values = new Map(c.args.map((a) => [a.name, plain(a.value ?? a[arm] ?? "")]));
  return plain(query.replace(/\{\{\s*args\.([A-Za-z0-9_-]+)\s*\}\}/g, (whole, name: string) => values.get(name) ?? whole));
}

/** One point for each time, with the values of all series in their order. */
function pointsOf(series: readonly RangeSeries[]): SeriesPoint[] {
  const byTime = new Map<number, RangeSeries["points"][number]["value"][]>();
  for (const s of series)
    for (const p of s.points) {
      const values = byTime.get(p.atMs);
      if (values) values.push(p.value);
      else byTime.set(p.atMs, [p.value]);
    }
  return [...byTime].sort(([a], [b]) => a - b).map(([atMs, values]) => ({ atMs, values }));
}
