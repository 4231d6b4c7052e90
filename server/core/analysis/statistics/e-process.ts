import { lnAddExp, lnBeta } from "./special";

/**
 * Logarithm of the e-value of a mixture of binomial likelihood ratios against "the share is p0": the average, over
 * alternative shares with weights, of (p/p0)^k · ((1 − p)/(1 − p0))^(n − k). A martingale in the observations, so it may
 * be looked at whenever one likes (Ville 1939; Robbins 1970).
 */
export function lnBinomialMixture(k: number, n: number, p0: number, alternatives: readonly { share: number; weight: number }[]): number {
  return alternatives.reduce((sum, a) => lnAddExp(sum, Math.log(a.weight) + k * Math.log(a.share / p0) + (n - k) * Math.log((1 - a.share) / (1 - p0))), -Infinity);
}

/** The same with a Beta(a, b) mixture, in closed form: B(a + k, b + n − k) / (B(a, b) · p0^k · (1 − p0)^(n − k)). */
export const lnBetaMixture = (k: number, n: number, p0: number, a: number, b: number): number => lnBeta(a + k, b + n - k) - lnBeta(a, b) - k * Math.log(p0) - (n - k) * Math.log1p(-p0);

/**
 * Bets of the predictable mixture (empirical Bernstein) of I. Waudby-Smith and A. Ramdas, "Estimating means of bounded
 * random variables by betting", JRSS B 86 (2024), section 3: sqrt(2 ln(2/alpha) / (σ²_(t−1) · t · ln(1 + t))), the mean
 * and variance so far shrunk by one imagined observation of 1/2 with variance 1/4. `alpha` is the whole error budget of
 * a two-sided sequence.
 */
export function predictableBets(x: ArrayLike<number>, alpha: number): Float64Array {
  const bets = new Float64Array(x.length);
  let sum = 0.5;
  let squares = 0.25;
  for (let i = 0; i < x.length; i++) {
    const t = i + 1;
    bets[i] = Math.sqrt((2 * Math.log(2 / alpha)) / ((squares / t) * t * Math.log(1 + t)));
    sum += x[i] ?? 0;
    squares += ((x[i] ?? 0) - sum / (t + 1)) ** 2;
  }
  return bets;
}

/**
 * Logarithm of the hedged capital at null mean m after each observation: the greater of half the wealth of a better on
 * "more than m" and half that of one on "less" (theorem 3), each bet cut to `cut` of what could ruin it. At or above
 * ln(1 / alpha) the mean m is rejected.
 */
export function lnHedgedCapital(x: ArrayLike<number>, m: number, bets: Float64Array, cut = 0.5): Float64Array {
  const out = new Float64Array(x.length);
  let up = Math.log(0.5);
  let down = Math.log(0.5);
  for (let i = 0; i < x.length; i++) {
    const d = (x[i] ?? 0) - m;
    up += Math.log1p(Math.min(bets[i] ?? 0, cut / m) * d);
    down += Math.log1p(-Math.min(bets[i] ?? 0, cut / (1 - m)) * d);
    out[i] = Math.max(up, down);
  }
  return out;
}

/** Confidence interval for the mean of values in [0, 1] after all of them, valid at all times: the grid means that the hedged capital doesn't reject. */
export function hedgedCapitalInterval(x: ArrayLike<number>, alpha: number, o: { breaks?: number; cut?: number } = {}): { low: number; high: number } {
  const breaks = o.breaks ?? 1000;
  const bets = predictableBets(x, alpha);
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i <= breaks; i++) {
    const m = Math.min(Math.max(i / breaks, 1e-12), 1 - 1e-12);
    if ((lnHedgedCapital(x, m, bets, o.cut).at(-1) ?? 0) >= Math.log(1 / alpha)) continue;
    low = Math.min(low, i / breaks);
    high = Math.max(high, i / breaks);
  }
  return low > high ? { low: NaN, high: NaN } : { low: Math.max(0, low - 1 / breaks), high: Math.min(1, high + 1 / breaks) };
}
