import type { AnalysisMetric, ThresholdTemplate } from "../manifest/analysis";
import { differenceOfShares, wilson } from "./interval";

/** A measured value and on how much it rests (requests, or labels for accuracy). Null when nothing was measured. */
export interface Measured {
  value: number | null;
  sample: number;
}
/** One metric of both revisions in the same window: pooled, and by site. */
export interface Evidence {
  canary: Measured;
  stable: Measured;
  bySite: readonly { site: string; canary: Measured; stable: Measured }[];
}

export interface JudgeInput {
  template: ThresholdTemplate;
  /** By metric kind; a metric that is absent was not measured at all. */
  evidence: ReadonlyMap<AnalysisMetric["metric"], Evidence>;
  canaryGeneration: number;
  stableGeneration: number;
  wave: string;
  fromMs: number;
  toMs: number;
  /** True when no more evidence will be waited for. */
  deadlinePassed: boolean;
  silentTargets: number;
}

export type MetricOutcome = "pass" | "fail" | "notEnough" | "missing";
export interface MetricVerdict {
  name: string;
  /** What was measured; `query` for what a Prometheus answered, in the query's own unit. */
  metric: AnalysisMetric["metric"] | "query";
  limit: string;
  outcome: MetricOutcome;
  sentence: string;
  canary: Measured;
  stable: Measured;
  bySite: { site: string; canary: number | null; canarySample: number; stable: number | null; stableSample: number }[];
}
export interface Verdict {
  verdict: "promote" | "hold" | "rollBack" | "notEnoughEvidence";
  sentence: string;
  fromMs: number;
  toMs: number;
  atMs: number;
  silentTargets: number;
  metrics: MetricVerdict[];
}

/**
 * How sure a verdict on a share (accuracy, error rate) has to be: three standard errors on either side. A limit that the
 * sampling error could still carry to the other side is neither kept nor broken yet. It is this wide because a rollout
 * looks again and again while labels come in.
 */
export const SHARE_Z = 3;

/**
 * Judges a canary by the template's limits. A failed metric rolls back; without enough evidence it is never promoted:
 * silence counts for nothing, unless the metric's own rule says that missing data is a failure.
 */
export function judge(input: JudgeInput): Verdict {
  const metrics = input.template.metrics.map((m) => judgeMetric(m, input));
  const failed = metrics.filter((m) => m.outcome === "fail");
  const open = metrics.filter((m) => m.outcome === "notEnough" || m.outcome === "missing");
  const common = { fromMs: input.fromMs, toMs: input.toMs, atMs: input.toMs, silentTargets: input.silentTargets, metrics };
  if (failed.length > 0) return { ...common, verdict: "rollBack", sentence: failed.map((m) => m.sentence).join(" ") };
  if (open.length > 0) {
    const sentence = open.map((m) => m.sentence).join(" ");
    return { ...common, verdict: input.deadlinePassed ? "hold" : "notEnoughEvidence", sentence };
  }
  return { ...common, verdict: "promote", sentence: metrics.map((m) => m.sentence).join(" ") };
}

function judgeMetric(m: AnalysisMetric, input: JudgeInput): MetricVerdict {
  const e = input.evidence.get(m.metric) ?? { canary: { value: null, sample: 0 }, stable: { value: null, sample: 0 }, bySite: [] };
  const view = {
    name: m.name,
    metric: m.metric,
    limit: limitText(m),
    canary: e.canary,
    stable: e.stable,
    bySite: e.bySite.map((b) => ({ site: b.site, canary: b.canary.value, canarySample: b.canary.sample, stable: b.stable.value, stableSample: b.stable.sample })),
  };
  const what = `${metricLabel[m.metric]} of r${input.canaryGeneration}`;
  const value = e.canary.value;
  if (value === null || e.canary.sample < m.minSample) {
    const sample = `${e.canary.sample} of the ${m.minSample} ${sampleWord(m.metric)} needed`;
    if (m.onMissing === "rollBack" && input.deadlinePassed) return { ...view, outcome: "fail", sentence: `${capital(what)} could not be measured in wave ${input.wave} (${sample}), and missing data counts as a failure here.` };
    return { ...view, outcome: value === null ? "missing" : "notEnough", sentence: `${capital(what)} is not known well enough yet in wave ${input.wave}: ${sample}.` };
  }
  const needsStable = m.maxIncrease !== undefined || m.maxDecrease !== undefined;
  if (needsStable && (e.stable.value === null || e.stable.sample < m.minSample)) {
    return { ...view, outcome: "notEnough", sentence: `${capital(metricLabel[m.metric])} of r${input.stableGeneration}, to compare with, rests on ${e.stable.sample} of the ${m.minSample} ${sampleWord(m.metric)} needed.` };
  }
  const shown = `${formatMetric(m.metric, value)} (${e.canary.sample} ${sampleWord(m.metric)})`;
  const stands = limitsOf(m, e.canary, e.stable).map((l) => standing(l));
  if (stands.every((x) => x === "kept")) return { ...view, outcome: "pass", sentence: `${capital(what)} is ${shown}: ${limitText(m)}.` };
  if (!stands.includes("broken")) return { ...view, outcome: "notEnough", sentence: `${capital(what)} is ${shown} in wave ${input.wave}: too few to tell on which side of the limit it is (${limitText(m)}).` };
  const breached = limitsOf(m, e.canary, e.stable).filter((l) => standing(l) === "broken").map((l) => l.text);
  const guilty = e.bySite.filter((b) => b.canary.value !== null && limitsOf(m, b.canary, b.stable).some((l) => l.value > l.limit)).map((b) => b.site);
  const sites = guilty.length > 0 ? guilty : e.bySite.filter((b) => b.canary.sample > 0).map((b) => b.site);
  return { ...view, outcome: "fail", sentence: `${capital(what)} was ${shown}${sites.length > 0 ? ` at ${listed(sites)}` : ""} in wave ${input.wave}, ${breached.join(" and ")}.` };
}

/** One limit as "value must not be above limit", with the range in which the value lies beyond doubt. */
interface Limit {
  value: number;
  low: number;
  high: number;
  limit: number;
  /** What to say when it is broken. */
  text: string;
}
const standing = (l: Limit): "kept" | "broken" | "open" => (l.low > l.limit ? "broken" : l.high <= l.limit ? "kept" : "open");

/** A metric's limits against what was measured. Lower limits are mirrored, so that all read alike. */
function limitsOf(m: AnalysisMetric, canary: Measured, stable: Measured): Limit[] {
  const out: Limit[] = [];
  const value = canary.value;
  if (value === null) return out;
  const isShare = m.metric === "accuracy" || m.metric === "errorRate";
  const own = isShare ? wilson(value, canary.sample, SHARE_Z) : { low: value, high: value };
  const f = (v: number): string => formatMetric(m.metric, v);
  if (m.max !== undefined) out.push({ value, ...own, limit: m.max, text: `above the limit ${f(m.max)}` });
  if (m.min !== undefined) out.push({ value: -value, low: -own.high, high: -own.low, limit: -m.min, text: `below the limit ${f(m.min)}` });
  if (stable.value === null) return out;
  const d = value - stable.value;
  const range = isShare ? differenceOfShares({ share: value, n: canary.sample }, { share: stable.value, n: stable.sample }, SHARE_Z) : { low: d, high: d };
  if (m.maxIncrease !== undefined) out.push({ value: d, ...range, limit: m.maxIncrease, text: `${f(d)} above the stable ${f(stable.value)} where ${f(m.maxIncrease)} is allowed` });
  if (m.maxDecrease !== undefined) out.push({ value: -d, low: -range.high, high: -range.low, limit: m.maxDecrease, text: `${f(-d)} below the stable ${f(stable.value)} where ${f(m.maxDecrease)} is allowed` });
  return out;
}

/** The limits of a metric in words, such as "at least 0.920, at most 0.020 below stable". */
export function limitText(m: AnalysisMetric): string {
  const f = (v: number): string => formatMetric(m.metric, v);
  const parts: string[] = [];
  if (m.min !== undefined) parts.push(`at least ${f(m.min)}`);
  if (m.max !== undefined) parts.push(`at most ${f(m.max)}`);
  if (m.maxDecrease !== undefined) parts.push(`at most ${f(m.maxDecrease)} below stable`);
  if (m.maxIncrease !== undefined) parts.push(`at most ${f(m.maxIncrease)} above stable`);
  return parts.join(", ");
}

export const metricLabel: Record<AnalysisMetric["metric"], string> = {
  errorRate: "error rate",
  latencyP50Ms: "median latency",
  latencyP90Ms: "p90 latency",
  latencyP99Ms: "p99 latency",
  accuracy: "accuracy",
  requestsPerSecond: "requests per second",
  restarts: "restarts",
};

/** A metric's value with its unit. Shares keep three decimals, so that 0.924 and 0.92 stay apart. */
export function formatMetric(metric: MetricVerdict["metric"], value: number): string {
  if (metric === "query") return String(Number(value.toPrecision(4)));
  if (metric.startsWith("latency")) return `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`;
  if (metric === "errorRate") return `${(value * 100).toFixed(2)}%`;
  if (metric === "accuracy") return value.toFixed(3);
  return value.toFixed(value < 10 ? 2 : 0);
}

const sampleWord = (metric: AnalysisMetric["metric"]): string => (metric === "accuracy" ? "labels" : metric === "restarts" ? "units" : "requests");
const capital = (t: string): string => t.charAt(0).toUpperCase() + t.slice(1);
const listed = (names: readonly string[]): string => (names.length <= 1 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`);
