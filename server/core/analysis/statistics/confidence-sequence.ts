import { betaRegularized, lnBeta } from "./special";
import { normalCdf } from "./distributions";

/**
 * Mixture supermartingales and the uniform boundaries they give: with probability at least 1 − alpha the sum S never
 * crosses the boundary at its intrinsic time V, at any time, so that one may look as often as one likes.
 * S. R. Howard, A. Ramdas, J. McAuliffe, J. Sekhon: Time-uniform, nonparametric, nonasymptotic confidence sequences,
 * Annals of Statistics 49 (2021); propositions and formulas are numbered as there.
 */

/** The rho at which the two-sided normal mixture's boundary is tightest at intrinsic time v (3.5, with the usual approximation of Lambert's W). */
export function normalMixtureBestRho(v: number, alpha: number): number {
  const twice = 2 * Math.log(1 / alpha);
  return v / (twice + Math.log1p(twice));
}

/** The same for the one-sided mixture. */
export const normalMixtureBestRhoOneSided = (v: number, alpha: number): number => normalMixtureBestRho(v, 2 * alpha);

/** Logarithm of the two-sided normal mixture at sum s and intrinsic time v (proposition 4). exp of it is an e-value. */
export const lnNormalMixture = (s: number, v: number, rho: number): number => 0.5 * Math.log(rho / (v + rho)) + (s * s) / (2 * (v + rho));

/** Boundary that |S| crosses with probability at most alpha, ever (two-sided normal mixture, in closed form). */
export const normalMixtureBound = (v: number, alpha: number, rho: number): number => Math.sqrt((v + rho) * (Math.log1p(v / rho) + 2 * Math.log(1 / alpha)));

/** Logarithm of the one-sided normal mixture (proposition 5). */
export const lnNormalMixtureOneSided = (s: number, v: number, rho: number): number => 0.5 * Math.log((4 * rho) / (v + rho)) + (s * s) / (2 * (v + rho)) + Math.log(normalCdf(s / Math.sqrt(v + rho)));

/** Boundary that S crosses with probability at most alpha, ever (one-sided normal mixture). */
export const normalMixtureBoundOneSided = (v: number, alpha: number, rho: number): number => whereReached((s) => lnNormalMixtureOneSided(s, v, rho), Math.log(1 / alpha), Infinity, v);

/** Range of the increments of a sub-Bernoulli sum: from −g to h. */
export interface SubBernoulli {
  g: number;
  h: number;
  /** Mixture parameter r; `betaBinomialR` gives the best one for a time and level. */
  r: number;
  sided: "one" | "two";
}

/** The mixture parameter that suits intrinsic time v (proposition 6 and 7, discussion). */
export function betaBinomialR(v: number, alpha: number, g: number, h: number, sided: "one" | "two"): number {
  const rho = sided === "one" ? normalMixtureBestRhoOneSided(v, alpha) : normalMixtureBestRho(v, alpha);
  return Math.max(rho - g * h, 1e-3 * g * h);
}

const lnIncompleteBeta = (a: number, b: number, x: number): number => lnBeta(a, b) + (x >= 1 ? 0 : Math.log(betaRegularized(x, a, b)));

/** Logarithm of the beta-binomial mixture: two-sided (proposition 6) or one-sided (proposition 7). */
export function lnBetaBinomialMixture(s: number, v: number, o: SubBernoulli): number {
  const { g, h, r } = o;
  const wide = g + h;
  const x = o.sided === "one" ? h / wide : 1;
  const start = lnIncompleteBeta(r / (g * wide), r / (h * wide), x);
  const now = lnIncompleteBeta((r + v - g * s) / (g * wide), (r + v + h * s) / (h * wide), x);
  return (v / (g * h)) * Math.log(wide) - ((v + h * s) / (h * wide)) * Math.log(g) - ((v - g * s) / (g * wide)) * Math.log(h) + now - start;
}

/** Boundary of the beta-binomial mixture; the sum can't pass v / g. */
export const betaBinomialBound = (v: number, alpha: number, o: SubBernoulli): number => whereReached((s) => lnBetaBinomialMixture(s, v, o), Math.log(1 / alpha), v / o.g, v);

/** Interval for a share after k successes in n, valid at all times (two-sided beta-binomial mixture, tuned for time `bestAt`). */
export function bernoulliConfidenceSequence(k: number, n: number, alpha: number, bestAt: number): { low: number; high: number } {
  if (n === 0) return { low: 0, high: 1 };
  // A null value p is kept while the mixture of S = k − np at V = np(1 − p) stays under 1 / alpha.
  const excess = (p: number): number => {
    const r = betaBinomialR(bestAt * p * (1 - p), alpha, p, 1 - p, "two");
    return lnBetaBinomialMixture(k - n * p, n * p * (1 - p), { g: p, h: 1 - p, r, sided: "two" }) - Math.log(1 / alpha);
  };
  const share = Math.min(Math.max(k / n, 1e-9), 1 - 1e-9);
  const edge = (outside: number): number => (excess(outside) <= 0 ? outside : bisect((p) => excess(p) > 0, outside, share));
  return { low: k === 0 ? 0 : edge(1e-9), high: k === n ? 1 : edge(1 - 1e-9) };
}

/** Point between `yes` and `no` at which a condition that holds at `yes` ends. */
function bisect(holds: (x: number) => boolean, yes: number, no: number): number {
  let a = yes;
  let b = no;
  for (let i = 0; i < 60; i++) {
    const mid = (a + b) / 2;
    if (holds(mid)) a = mid;
    else b = mid;
  }
  return (a + b) / 2;
}

function whereReached(ln: (s: number) => number, threshold: number, most: number, start: number): number {
  let high = most;
  if (most === Infinity) {
    high = Math.max(start, 1e-12);
    while (ln(high) < threshold) high *= 2;
  } else if (ln(most) < threshold) return most;
  return bisect((s) => ln(s) < threshold, 0, high);
}
