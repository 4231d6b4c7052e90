import { formatDurationMs, parseDurationMs } from "../../base/duration";
import type { ArgoTemplate, FlaggerTemplate, KayentaTemplate, MetricSource } from "../../manifest/analysis";
import { formatMetric, type MetricOutcome, type MetricVerdict, type Verdict } from "../judge";
import { runArgo, type ArgoPhase, type Measured } from "./argo";
import { passes, runFlagger, type FlaggerValue } from "./flagger";
import { classifyMetric, scoreMetrics, type MetricClass } from "./kayenta";

/** A value as Prometheus writes it: JSON has no other name for what is not finite. */
export type SeriesValue = number | "NaN" | "+Inf" | "-Inf";
/** What a query gave at a time: one value for each series it found (none: no data), or why it failed. */
export type SeriesPoint = { atMs: number; values: readonly SeriesValue[] } | { atMs: number; error: string };
/** One metric of a template over time, oldest first, by revision. */
export interface MetricSeries {
  metric: string;
  canary: readonly SeriesPoint[];
  stable: readonly SeriesPoint[];
  /** Why its source could not be asked, in a sentence; then nothing is known of it, and nothing is decided. */
  unavailable?: string;
}
/** What these judges need besides the template. */
export interface SeriesEvidence {
  fromMs: number;
  toMs: number;
  deadlinePassed: boolean;
  silentTargets: number;
  series: readonly MetricSeries[];
}

const ms = (text: string | undefined, otherwise: number): number => (text === undefined ? otherwise : (parseDurationMs(text) ?? otherwise));
const numeric = (v: SeriesValue): number => (typeof v === "number" ? v : v === "NaN" ? NaN : v === "+Inf" ? Infinity : -Infinity);
const listed = (names: readonly string[]): string => (names.length <= 1 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`);

/** The latest point at or before a time, no older than `reachMs`. */
function pointAt(points: readonly SeriesPoint[], atMs: number, reachMs: number): SeriesPoint | null {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if ((points[mid]?.atMs ?? Infinity) <= atMs) low = mid + 1;
    else high = mid;
  }
  const point = points[low - 1];
  return point && point.atMs > atMs - reachMs ? point : null;
}

const seriesOf = (e: SeriesEvidence, metric: string): MetricSeries => e.series.find((s) => s.metric === metric) ?? { metric, canary: [], stable: [] };

/** The first series' values on a grid from one time to another; a gap is NaN. */
function gridOf(points: readonly SeriesPoint[], fromMs: number, toMs: number, stepMs: number): number[] {
  const out: number[] = [];
  for (let at = fromMs + stepMs; at <= toMs; at += stepMs) {
    const p = pointAt(points, at, stepMs);
    const first = p && "values" in p ? p.values[0] : undefined;
    out.push(first === undefined ? NaN : numeric(first));
  }
  return out;
}

function view(m: { name: string; source: MetricSource }, e: SeriesEvidence, limit: string, outcome: MetricOutcome, sentence: string): MetricVerdict {
  const s = seriesOf(e, m.name);
  const lastOf = (points: readonly SeriesPoint[]): { value: number | null; sample: number } => {
    const known = points.flatMap((p) => ("values" in p && typeof p.values[0] === "number" ? [p.values[0]] : []));
    return { value: known.at(-1) ?? null, sample: known.length };
  };
  return { name: m.name, metric: m.source.from === "measured" ? m.source.metric : "query", limit, outcome, sentence, canary: lastOf(s.canary), stable: lastOf(s.stable), bySite: [] };
}

/**
 * The verdict while a metric's source can't be asked: none. That differs from the originals, which count errors of their
 * metric server against the canary; here a monitoring that is down holds a rollout and does not undo it.
 */
export function withoutSource(e: SeriesEvidence): Verdict | null {
  const away = e.series.filter((s) => s.unavailable !== undefined);
  if (away.length === 0) return null;
  const metrics = away.map((s): MetricVerdict => ({ name: s.metric, metric: "query", limit: "", outcome: "missing", sentence: `${s.metric} could not be asked for. ${s.unavailable ?? ""}`, canary: { value: null, sample: 0 }, stable: { value: null, sample: 0 }, bySite: [] }));
  return verdictOf(e, open(e), `${metrics.map((m) => m.sentence).join(" ")} Nothing is decided without it.`, metrics);
}

const verdictOf = (e: SeriesEvidence, verdict: Verdict["verdict"], sentence: string, metrics: MetricVerdict[], atMs = e.toMs): Verdict => ({ verdict, sentence, fromMs: e.fromMs, toMs: e.toMs, atMs, silentTargets: e.silentTargets, metrics });
/** What goes on is waited for until the deadline, and held from then on. */
const open = (e: SeriesEvidence): "hold" | "notEnoughEvidence" => (e.deadlinePassed ? "hold" : "notEnoughEvidence");

/**
 * Looks at every interval at all values so far (or at a lookback), as Kayenta's analysis stage does: at the marginal
 * score and below it is rolled back at once, and with the deadline the last score has to pass.
 */
export function kayentaVerdict(t: KayentaTemplate, e: SeriesEvidence): Verdict {
  const stepMs = ms(t.step, 60_000);
  const intervalMs = Math.max(stepMs, ms(t.interval, 3_600_000));
  const lookbackMs = ms(t.lookback, Infinity);
  const looks: number[] = [];
  for (let at = e.fromMs + intervalMs; at <= e.toMs; at += intervalMs) looks.push(at);
  if (e.deadlinePassed && looks.at(-1) !== e.toMs) looks.push(e.toMs);
  const at = (look: number) => scoreAt(t, e, Math.max(e.fromMs, look - lookbackMs), look, stepMs);
  for (const [i, look] of looks.entries()) {
    const seen = at(look);
    const last = e.deadlinePassed && i === looks.length - 1;
    if (seen.score <= t.marginal) return verdictOf(e, "rollBack", `The score was ${seen.score} of 100 after ${formatDurationMs(look - e.fromMs)}, not above the limit ${t.marginal}: ${seen.why}.`, seen.metrics, look);
    if (last) {
      if (seen.score >= t.pass) return verdictOf(e, "promote", `The score is ${seen.score} of 100, where ${t.pass} passes.`, seen.metrics);
      return verdictOf(e, "rollBack", `The last score is ${seen.score} of 100, below the ${t.pass} that pass: ${seen.why}.`, seen.metrics);
    }
    if (i === looks.length - 1) return verdictOf(e, "notEnoughEvidence", `The score was ${seen.score} of 100 after ${formatDurationMs(look - e.fromMs)}; the last look decides.`, seen.metrics);
  }
  return verdictOf(e, open(e), `The first look is ${formatDurationMs(intervalMs)} after the beginning.`, []);
}

function scoreAt(t: KayentaTemplate, e: SeriesEvidence, fromMs: number, toMs: number, stepMs: number) {
  const judged = t.metrics.map((m) => {
    const s = seriesOf(e, m.name);
    return { m, c: classifyMetric(gridOf(s.stable, fromMs, toMs, stepMs), gridOf(s.canary, fromMs, toMs, stepMs), m) };
  });
  const counting = judged.filter((j) => !j.m.muted);
  const score = scoreMetrics(counting.map((j) => ({ classification: j.c.classification, critical: j.c.critical, groups: j.m.groups })), t.groupWeights);
  const bad = counting.filter((j) => j.c.classification !== "Pass").map((j) => `${j.m.name} is ${classWords[j.c.classification]}${j.c.critical ? " and critical" : ""}`);
  const metrics = judged.map((j) => view(j.m, e, `${j.m.direction === "either" ? "no change" : `no ${j.m.direction}`} against stable`, outcomeOf[j.c.classification], `${j.m.name} is ${classWords[j.c.classification]}${Number.isFinite(j.c.deviation) ? ` (${j.c.deviation.toFixed(3)} times stable)` : ""}${j.m.muted ? "; it is muted" : ""}.`));
  return { score: score.score, why: score.reason === "nodata" ? "half of the metrics or more have no data" : bad.length > 0 ? listed(bad) : "no metric failed", metrics };
}
const classWords: Record<MetricClass["classification"], string> = { Pass: "as stable", High: "higher than stable", Low: "lower than stable", Nodata: "without data", NodataFailMetric: "without the data it must have", Error: "not to be compared" };
const outcomeOf: Record<MetricClass["classification"], MetricOutcome> = { Pass: "pass", High: "fail", Low: "fail", Nodata: "missing", NodataFailMetric: "fail", Error: "notEnough" };

/**
 * Runs the analysis from the beginning until now: failed and erroneous runs are rolled back, inconclusive ones held. The
 * first measurement is taken when the first minute is over, because nothing from before the beginning counts here.
 */
export function argoVerdict(t: ArgoTemplate, e: SeriesEvidence): Verdict {
  const metrics = t.metrics.map((m) => ({ ...m, intervalMs: m.interval === undefined ? null : ms(m.interval, 60_000), initialDelayMs: ms(m.initialDelay, 0) }));
  const measure = (i: number, atMs: number): Measured => {
    const m = metrics[i];
    const p = m ? pointAt(seriesOf(e, m.name).canary, atMs, Math.max(60_000, m.intervalMs ?? 300_000)) : null;
    if (p && "error" in p) return { error: p.error };
    return { result: p ? p.values.map(numeric) : [] };
  };
  const run = runArgo(metrics, measure, { fromMs: e.fromMs + 60_000, toMs: e.toMs });
  const views = t.metrics.map((m, i) => {
    const r = run.metrics[i];
    const c = r?.counts;
    const said = c ? `${c.successful} successful, ${c.failed} failed, ${c.inconclusive} inconclusive, ${c.errors} in error` : "not measured";
    return view(m, e, m.successCondition ?? (m.failureCondition ? `not ${m.failureCondition}` : "none"), phaseOutcome[r?.phase ?? "Pending"], `${m.name} is ${(r?.phase ?? "Pending").toLowerCase()}: ${said}${r?.message ? `; ${r.message}` : ""}${m.dryRun ? "; it is a dry run" : ""}.`);
  });
  const telling = views.filter((_, i) => t.metrics[i]?.dryRun !== true && (run.phase === "Running" || run.metrics[i]?.phase === run.phase)).map((v) => v.sentence).join(" ");
  const kind = run.phase === "Successful" ? "promote" : run.phase === "Failed" || run.phase === "Error" ? "rollBack" : run.phase === "Inconclusive" ? "hold" : open(e);
  return verdictOf(e, kind, telling || "Every metric is a dry run.", views, kind === "rollBack" ? (run.atMs ?? e.toMs) : e.toMs);
}
const phaseOutcome: Record<ArgoPhase, MetricOutcome> = { Successful: "pass", Failed: "fail", Error: "fail", Inconclusive: "notEnough", Running: "notEnough", Pending: "missing" };

/** Follows the checks from the beginning until now. */
export function flaggerVerdict(t: FlaggerTemplate, e: SeriesEvidence): Verdict {
  const intervalMs = Math.max(1_000, ms(t.interval, 60_000));
  const ticks: boolean[] = [];
  const failures = t.metrics.map(() => ({ failed: 0, missing: 0 }));
  for (let at = e.fromMs + intervalMs; at <= e.toMs; at += intervalMs) {
    const results = t.metrics.map((m, i) => {
      const p = pointAt(seriesOf(e, m.name).canary, at, intervalMs);
      const first = p && "values" in p ? p.values[0] : undefined;
      const value: FlaggerValue = p && "error" in p ? { error: p.error } : first === undefined ? null : numeric(first);
      const good = passes(value, m);
      const f = failures[i];
      if (!good && f) {
        f.failed++;
        if (typeof value !== "number" || Number.isNaN(value)) f.missing++;
      }
      return good;
    });
    ticks.push(results.every(Boolean));
  }
  const run = runFlagger(ticks, t);
  const metrics = t.metrics.map((m, i) => {
    const kind = m.source.from === "measured" ? m.source.metric : ("query" as const);
    const limit = [m.min !== undefined ? `at least ${formatMetric(kind, m.min)}` : "", m.max !== undefined ? `at most ${formatMetric(kind, m.max)}` : ""].filter(Boolean).join(", ");
    const f = failures[i] ?? { failed: 0, missing: 0 };
    return view(m, e, limit, f.failed === 0 ? "pass" : "fail", `${m.name} failed ${f.failed} of ${ticks.length} checks${f.missing > 0 ? `, ${f.missing} of them for want of a value` : ""}.`);
  });
  const count = `${run.failedChecks} failed checks, where ${t.threshold} roll back`;
  if (run.outcome === "failed") return verdictOf(e, "rollBack", `There were ${count}. ${metrics.filter((m) => m.outcome === "fail").map((m) => m.sentence).join(" ")}`, metrics, e.fromMs + ((run.tick ?? 0) + 1) * intervalMs);
  if (run.outcome === "promoted") return verdictOf(e, "promote", `${t.iterations} checks were good, with ${count}.`, metrics);
  return verdictOf(e, open(e), `${ticks.length - run.failedChecks} of ${t.iterations} good checks so far, with ${count}.`, metrics);
}
