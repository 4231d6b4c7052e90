import { normalQuantile, normalSf } from "./distributions";
import { compareSorted, sorted } from "./ranks";

export type Alternative = "two-sided" | "greater" | "less";
export interface MannWhitney {
  /** U of the first sample; R prints it as W. */
  u: number;
  pValue: number;
  method: "exact" | "asymptotic";
}

/** Below this size of both samples, and without ties, the exact distribution is used (as R's wilcox.test does). */
const EXACT_BELOW = 50;

/**
 * Mann-Whitney U test (Mann and Whitney 1947). "greater" means that the first sample tends to be greater. The asymptotic
 * form corrects the variance for ties and the statistic by one half for continuity, as R's wilcox.test and SciPy's
 * mannwhitneyu do by default.
 */
export function mannWhitneyU(x: ArrayLike<number>, y: ArrayLike<number>, alternative: Alternative = "two-sided", method: "auto" | "exact" | "asymptotic" = "auto"): MannWhitney {
  const m = x.length;
  const n = y.length;
  const { u, ties } = compareSorted(sorted(x), sorted(y));
  const exact = method === "exact" || (method === "auto" && ties === 0 && m < EXACT_BELOW && n < EXACT_BELOW);
  if (m === 0 || n === 0) return { u, pValue: 1, method: exact ? "exact" : "asymptotic" };
  if (exact) {
    const cdf = uCdf(m, n);
    const upper = (v: number): number => 1 - (v <= 0 ? 0 : (cdf[Math.ceil(v) - 1] ?? 1));
    const p = alternative === "greater" ? upper(u) : alternative === "less" ? upper(m * n - u) : Math.min(1, 2 * upper(Math.max(u, m * n - u)));
    return { u, pValue: p, method: "exact" };
  }
  const sd = uDeviation(m, n, ties);
  const z = (v: number): number => (sd === 0 ? 0 : (v - (m * n) / 2 - 0.5) / sd);
  const p = sd === 0 ? 1 : alternative === "greater" ? normalSf(z(u)) : alternative === "less" ? normalSf(z(m * n - u)) : Math.min(1, 2 * normalSf(z(Math.max(u, m * n - u))));
  return { u, pValue: p, method: "asymptotic" };
}

/** Standard deviation of U under equality, corrected for ties. */
export const uDeviation = (m: number, n: number, ties: number): number => Math.sqrt(Math.max(0, ((m * n) / 12) * (m + n + 1 - ties / ((m + n) * (m + n - 1)))));

/** Distribution function of U without ties by the recursion of Mann and Whitney: P(U ≤ u) for u from 0 to mn. */
export function uCdf(m: number, n: number): Float64Array {
  // rows[j][u]: probability that i values among i + j give U = u; filled for i = 1..m from that for i − 1.
  let rows: Float64Array[] = Array.from({ length: n + 1 }, () => Float64Array.of(1));
  for (let i = 1; i <= m; i++) {
    const next: Float64Array[] = [Float64Array.of(1)];
    for (let j = 1; j <= n; j++) {
      const row = new Float64Array(i * j + 1);
      const above = rows[j] ?? row;
      const left = next[j - 1] ?? row;
      const share = i / (i + j);
      above.forEach((p, u) => (row[u + j] = (row[u + j] ?? 0) + share * p));
      left.forEach((p, u) => (row[u] = (row[u] ?? 0) + (1 - share) * p));
      next.push(row);
    }
    rows = next;
  }
  const density = rows[n] ?? Float64Array.of(1);
  let sum = 0;
  return density.map((p) => (sum += p));
}

export interface Shift {
  estimate: number;
  low: number;
  high: number;
}

/**
 * Hodges and Lehmann's estimate of how far x lies above y (the median of all differences) with its confidence interval
 * (Hollander and Wolfe 1973, 4.3): order statistics of the differences, at exact ranks for small samples and at ranks of the
 * normal approximation otherwise. As R's wilcox.test(conf.int = TRUE) for samples without ties.
 */
export function hodgesLehmann(x: ArrayLike<number>, y: ArrayLike<number>, level: number): Shift {
  const m = x.length;
  const n = y.length;
  const differences = new Float64Array(m * n);
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) differences[i * n + j] = (x[i] ?? NaN) - (y[j] ?? NaN);
  differences.sort();
  const k = Math.min(Math.max(1, lowerRank(m, n, 1 - level)), m * n);
  const at = (rank: number): number => differences[rank - 1] ?? NaN;
  const middle = (m * n + 1) / 2;
  return { estimate: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2, low: at(k), high: at(m * n + 1 - k) };
}

/** Least q with P(U ≤ q) ≥ alpha / 2. */
function lowerRank(m: number, n: number, alpha: number): number {
  if (m < EXACT_BELOW && n < EXACT_BELOW) return uCdf(m, n).findIndex((p) => p >= alpha / 2);
  return Math.round((m * n) / 2 + normalQuantile(alpha / 2) * uDeviation(m, n, 0));
}

/**
 * The location shift at which the standardised rank statistic crosses given quantiles, by root finding: what R's
 * wilcox.test does for samples that are large or have ties, and what judges modelled on it do. The statistic is a step
 * function, so the result depends on `tolerance` (R's uniroot is called with 1e-4, absolute) and on the path of the search:
 * values in units so small that 1e-4 is much for them are not told apart. `correctEstimate` keeps the continuity
 * correction for the estimate too, which R leaves out.
 */
export function rankShift(x: ArrayLike<number>, y: ArrayLike<number>, level: number, o: { tolerance?: number; correctEstimate?: boolean } = {}): Shift {
  const a = sorted(x);
  const b = sorted(y);
  const tolerance = o.tolerance ?? 1e-4;
  const low = (a[0] ?? NaN) - (b.at(-1) ?? NaN);
  const high = (a.at(-1) ?? NaN) - (b[0] ?? NaN);
  const z = -normalQuantile((1 - level) / 2);
  const bound = (quantile: number): number => {
    const f = (shift: number): number => rankStatistic(a, b, shift, true) - quantile;
    const atLow = f(low);
    if (atLow <= 0) return low;
    const atHigh = f(high);
    return atHigh >= 0 ? high : zeroIn(f, low, high, atLow, atHigh, tolerance);
  };
  const centre = (shift: number): number => rankStatistic(a, b, shift, o.correctEstimate === true);
  return { low: bound(z), high: bound(-z), estimate: zeroIn(centre, low, high, centre(low), centre(high), tolerance) };
}

/** Standardised U of x − shift against y; throws when all pooled values are equal, for then nothing can be said. */
export function rankStatistic(x: Float64Array, y: Float64Array, shift: number, continuity: boolean): number {
  const { u, ties } = compareSorted(x, y, shift);
  const sd = uDeviation(x.length, y.length, ties);
  if (sd === 0) throw new RangeError("no confidence interval when all observations are tied");
  const d = u - (x.length * y.length) / 2;
  return (d - (continuity ? Math.sign(d) * 0.5 : 0)) / sd;
}

/**
 * Root of `f` between a and b by Brent's method (R. P. Brent, Algorithms for Minimization without Derivatives, 1973,
 * chapter 4): bisection, secant or inverse quadratic interpolation, whichever is safe, until the bracket is as small as
 * the tolerance. R's uniroot is the same method.
 */
function zeroIn(f: (x: number) => number, a: number, b: number, fa: number, fb: number, tolerance: number): number {
  if (fa === 0) return a;
  if (fb === 0) return b;
  // `best` is the latest and best point, `before` the one before it, `across` the last one on the other side of the root.
  let before = a;
  let fBefore = fa;
  let best = b;
  let fBest = fb;
  let across = a;
  let fAcross = fa;
  for (let step = 0; step <= 1000; step++) {
    const moved = best - before;
    if (Math.abs(fAcross) < Math.abs(fBest)) {
      [before, best, across] = [best, across, best];
      [fBefore, fBest, fAcross] = [fBest, fAcross, fBest];
    }
    const least = 2 * Number.EPSILON * Math.abs(best) + tolerance / 2;
    const half = (across - best) / 2;
    if (Math.abs(half) <= least || fBest === 0) return best;
    let next = half;
    if (Math.abs(moved) >= least && Math.abs(fBefore) > Math.abs(fBest)) {
      const guess = interpolated(before, best, across, fBefore, fBest, fAcross);
      const span = across - best;
      if (guess.p < 0.75 * span * guess.q - Math.abs(least * guess.q) / 2 && guess.p < Math.abs((moved * guess.q) / 2)) next = guess.p / guess.q;
    }
    if (Math.abs(next) < least) next = next > 0 ? least : -least;
    before = best;
    fBefore = fBest;
    best += next;
    fBest = f(best);
    if (fBest > 0 === fAcross > 0 && fBest !== 0 && fAcross !== 0) {
      across = before;
      fAcross = fBefore;
    }
  }
  return best;
}

/** Step p / q from `best`, p ≥ 0: linear through two points, or inverse quadratic through three. */
function interpolated(before: number, best: number, across: number, fBefore: number, fBest: number, fAcross: number): { p: number; q: number } {
  const span = across - best;
  const s = fBest / fBefore;
  let p: number;
  let q: number;
  if (before === across) {
    p = span * s;
    q = 1 - s;
  } else {
    const r = fBefore / fAcross;
    const t = fBest / fAcross;
    p = s * (span * r * (r - t) - (best - before) * (t - 1));
    q = (r - 1) * (t - 1) * (s - 1);
  }
  return p > 0 ? { p, q: -q } : { p: -p, q };
}
