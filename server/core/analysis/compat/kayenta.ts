import { normalQuantile } from "../statistics/distributions";
import { rankShift } from "../statistics/mann-whitney";
import { commonLanguageEffectSize } from "../statistics/ranks";

/**
 * Kayenta's judge, NetflixACAJudge-v1.0: the same classes and the same score from the same values. Its traps are kept,
 * because whoever brings a configuration relies on them; docs/bring-your-analysis.md names them.
 */
export type Classification = "Pass" | "High" | "Low" | "Nodata" | "NodataFailMetric" | "Error";

export interface KayentaSettings {
  direction: "increase" | "decrease" | "either";
  nanStrategy: "remove" | "replace";
  critical: boolean;
  mustHaveData: boolean;
  outliers?: { strategy: "keep" | "remove"; factor: number } | undefined;
  effectSize?: { measure: "meanRatio" | "cles"; allowedIncrease?: number | undefined; allowedDecrease?: number | undefined; criticalIncrease?: number | undefined; criticalDecrease?: number | undefined } | undefined;
}
/** What the product's judge fixes and its tests vary. */
export interface MannWhitneyOptions {
  /** Part of the estimated shift that the interval has to clear. */
  tolerance: number;
  confidence: number;
}
const JUDGE: MannWhitneyOptions = { tolerance: 0.25, confidence: 0.98 };

export interface MetricClass {
  classification: Classification;
  /** Whether the result counts as a critical failure. */
  critical: boolean;
  /** Mean of the canary over mean of the control; NaN when either is 0. */
  deviation: number;
  reason: string | null;
}

/** Classifies a metric by its values in both arms; NaN is a missing value. */
export function classifyMetric(control: ArrayLike<number>, experiment: ArrayLike<number>, s: KayentaSettings, o: MannWhitneyOptions = JUDGE): MetricClass {
  const x = prepared(experiment, s);
  const y = prepared(control, s);
  if (x.length === 0 || y.length === 0) return withoutData(s);
  const pass = (reason: string | null): MetricClass => ({ classification: "Pass", critical: false, deviation: 1, reason });
  if (x.length === y.length && [...x].sort(byValue).join() === [...y].sort(byValue).join()) return pass("canary and control have the same values");
  if (new Set([...x, ...y]).size === 1) return pass(null);
  try {
    return compared(x, y, s, o);
  } catch (e) {
    if (e instanceof RangeError) return { classification: "Error", critical: false, deviation: NaN, reason: e.message };
    throw e;
  }
}

const byValue = (a: number, b: number): number => a - b;
const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;

/** An empty side: with values replaced that passes (even if data is a must); with values removed it is "no data". */
function withoutData(s: KayentaSettings): MetricClass {
  if (s.nanStrategy === "replace") return { classification: "Pass", critical: false, deviation: 1, reason: null };
  if (s.mustHaveData && !s.critical) return { classification: "NodataFailMetric", critical: false, deviation: 1, reason: "data is missing" };
  return { classification: "Nodata", critical: s.critical, deviation: 1, reason: "data is missing" };
}

function prepared(values: ArrayLike<number>, s: KayentaSettings): number[] {
  const list = Array.from(values);
  const known = s.nanStrategy === "remove" ? list.filter((v) => !Number.isNaN(v)) : list.map((v) => (Number.isNaN(v) ? 0 : v));
  return s.outliers?.strategy === "remove" ? withoutOutliers(known, s.outliers.factor, true) : known;
}

/**
 * Values within Tukey's fences at `factor` interquartile ranges; `gentle` widens the fences to the 1st and 99th
 * percentile where these lie farther out, as the judge does.
 */
export function withoutOutliers(values: readonly number[], factor: number, gentle: boolean): number[] {
  if (values.length === 0) return [];
  const order = [...values].sort(byValue);
  const [q1, q3] = [percentile(order, 25), percentile(order, 75)];
  const low = q1 - factor * (q3 - q1);
  const high = q3 + factor * (q3 - q1);
  const from = gentle ? Math.min(low, percentile(order, 1)) : low;
  const to = gentle ? Math.max(high, percentile(order, 99)) : high;
  return values.filter((v) => v >= from && v <= to);
}

/** Percentile of sorted values by linear interpolation (type 7 of Hyndman and Fan, R's default). */
function percentile(order: readonly number[], p: number): number {
  const at = ((order.length - 1) * p) / 100;
  const below = order[Math.floor(at)] ?? NaN;
  return below + (at - Math.floor(at)) * ((order[Math.ceil(at)] ?? below) - below);
}

function compared(x: readonly number[], y: readonly number[], s: KayentaSettings, o: MannWhitneyOptions): MetricClass {
  // Two different constants have no interval: a trace of noise, 1e-5 of the value, gives them one. Kayenta draws it at
  // random; here it is the normal distribution's quantiles, so that the same values always give the same class.
  const constant = new Set(x).size === 1 && new Set(y).size === 1;
  const canary = constant ? trembling(x) : x;
  const control = constant ? trembling(y) : y;
  const shift = rankShift(canary, control, o.confidence, { correctEstimate: true });
  const ratio = mean(control) === 0 || mean(canary) === 0 ? NaN : mean(canary) / mean(control);
  const cles = s.effectSize?.measure === "cles";
  const effect = cles ? commonLanguageEffectSize(canary, control) : ratio;
  const still = cles ? 0.5 : 1;
  const bound = o.tolerance * Math.abs(shift.estimate);
  // An effect that can't be computed never stands in the way.
  const above = (limit: number | undefined): boolean => Number.isNaN(effect) || effect >= (limit ?? still);
  const below = (limit: number | undefined): boolean => Number.isNaN(effect) || effect <= (limit ?? still);
  if (s.direction !== "decrease" && shift.low > bound && above(s.effectSize?.allowedIncrease)) {
    return { classification: "High", critical: s.critical && above(s.effectSize?.criticalIncrease), deviation: ratio, reason: "the canary is higher than the control" };
  }
  if (s.direction !== "increase" && shift.high < -bound && below(s.effectSize?.allowedDecrease)) {
    return { classification: "Low", critical: s.critical && below(s.effectSize?.criticalDecrease), deviation: ratio, reason: "the canary is lower than the control" };
  }
  return { classification: "Pass", critical: false, deviation: ratio, reason: null };
}

function trembling(values: readonly number[]): number[] {
  const scale = (values[0] ?? 0) * 1e-5;
  return values.map((v, i) => v + scale * normalQuantile((i + 0.5) / values.length));
}

export interface ScoredMetric {
  classification: Classification;
  critical: boolean;
  groups: readonly string[];
}
export interface Score {
  /** 0 to 100, rounded to two decimals. */
  score: number;
  /** Null where no metric of the group has a result; such a group counts as 100. */
  groups: { name: string; score: number | null; weight: number }[];
  reason: "critical" | "nodata" | null;
}

/** The weighted score of classified metrics. Groups without a weight share what is left of 100. */
export function scoreMetrics(metrics: readonly ScoredMetric[], groupWeights: Readonly<Record<string, number>>): Score {
  const names = [...new Set(metrics.flatMap((m) => m.groups))];
  const unweighted = names.filter((n) => !Object.hasOwn(groupWeights, n)).length;
  const rest = unweighted === 0 ? 0 : (100 - Object.values(groupWeights).reduce((s, w) => s + w, 0)) / unweighted;
  const groups = names.map((name) => {
    const classes = metrics.flatMap((m) => m.groups.filter((g) => g === name).map(() => m.classification));
    const counted = classes.filter((c) => c !== "Nodata" && c !== "Error");
    const score = counted.length === 0 ? null : (counted.filter((c) => c === "Pass").length / counted.length) * 100;
    return { name, score, weight: groupWeights[name] ?? rest };
  });
  if (metrics.some((m) => m.critical && m.classification !== "Pass")) return { score: 0, groups, reason: "critical" };
  // No metric at all is no majority without data: 0 of 0 is not a number, and passes.
  if (metrics.length > 0 && metrics.filter((m) => m.classification === "Nodata").length / metrics.length >= 0.5) return { score: 0, groups, reason: "nodata" };
  const sum = groups.reduce((s, g) => s + (g.score ?? 100) * (g.weight / 100), 0);
  return { score: Math.round((sum + Number.EPSILON) * 100) / 100, groups, reason: null };
}

/** The class of a score. */
export const classifyScore = (score: number, limits: { pass: number; marginal: number }): "Pass" | "Marginal" | "Fail" => (score >= limits.pass ? "Pass" : score >= limits.marginal ? "Marginal" : "Fail");
