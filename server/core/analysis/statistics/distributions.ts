import { betaRegularized, gammaRegularizedUpper, lnChoose } from "./special";

/** Standard normal distribution function P(Z ≤ x). */
export function normalCdf(x: number): number {
  if (Number.isNaN(x)) return NaN;
  const tail = 0.5 * gammaRegularizedUpper(0.5, (x * x) / 2);
  return x <= 0 ? tail : 1 - tail;
}

/** Upper tail P(Z > x), exact where 1 − cdf would round to nothing. */
export const normalSf = (x: number): number => normalCdf(-x);

const rational = (r: number, top: readonly number[], bottom: readonly number[]): number => top.reduceRight((s, c) => s * r + c, 0) / bottom.reduceRight((s, c) => s * r + c, 0);
const CENTRE = [
  [3.3871328727963666, 133.14166789178438, 1971.5909503065514, 13731.693765509461, 45921.953931549871, 67265.770927008700, 33430.575583588128, 2509.0809287301227],
  [1, 42.313330701600911, 687.18700749205790, 5394.1960214247511, 21213.794301586596, 39307.895800092710, 28729.085735721942, 5226.4952788528545],
] as const;
const MIDDLE = [
  [1.4234371107496836, 4.6303378461565453, 5.7694972214606914, 3.6478483247632046, 1.2704582524523684, 0.24178072517745061, 0.022723844989269185, 7.7454501427834141e-4],
  [1, 2.0531916266377588, 1.6763848301838038, 0.68976733498510000, 0.14810397642748008, 0.015198666563616457, 5.4759380849953448e-4, 1.0507500716444168e-9],
] as const;
const FAR = [
  [6.6579046435011038, 5.4637849111641144, 1.7848265399172913, 0.29656057182850489, 0.026532189526576123, 0.0012426609473880784, 2.7115555687434876e-5, 2.0103343992922881e-7],
  [1, 0.59983220655588794, 0.13692988092273581, 0.014875361290850615, 7.8686913114561329e-4, 1.8463183175100547e-5, 1.4215117583164459e-7, 2.0442631033899397e-15],
] as const;

/** Quantile of the standard normal distribution (Wichura 1988, algorithm AS 241, PPND16). */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) return NaN;
  if (p === 0) return -Infinity;
  if (p === 1) return Infinity;
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) return q * rational(0.180625 - q * q, CENTRE[0], CENTRE[1]);
  const r = Math.sqrt(-Math.log(q < 0 ? p : 1 - p));
  const x = r <= 5 ? rational(r - 1.6, MIDDLE[0], MIDDLE[1]) : rational(r - 5, FAR[0], FAR[1]);
  return q < 0 ? -x : x;
}

/** Student's t distribution function with `df` degrees of freedom. */
export function studentTCdf(t: number, df: number): number {
  const tail = 0.5 * betaRegularized(df / (df + t * t), df / 2, 0.5);
  return t <= 0 ? tail : 1 - tail;
}

/** Beta distribution function. */
export const betaCdf = (x: number, a: number, b: number): number => betaRegularized(x, a, b);

/** Quantile of the beta distribution by bisection, to the last bit that the distribution function can tell apart. */
export function betaQuantile(p: number, a: number, b: number): number {
  if (!(p >= 0 && p <= 1)) return NaN;
  let low = 0;
  let high = 1;
  for (let i = 0; i < 200 && high - low > 1e-16 * (low + high); i++) {
    const mid = (low + high) / 2;
    if (betaRegularized(mid, a, b) < p) low = mid;
    else high = mid;
  }
  return (low + high) / 2;
}

/** ln P(X = k) of Binomial(n, p). */
export function lnBinomialPmf(k: number, n: number, p: number): number {
  if (k < 0 || k > n) return -Infinity;
  const hit = k === 0 ? 0 : k * Math.log(p);
  const miss = k === n ? 0 : (n - k) * Math.log1p(-p);
  return lnChoose(n, k) + hit + miss;
}

/** P(X ≤ k) of Binomial(n, p). */
export function binomialCdf(k: number, n: number, p: number): number {
  if (k < 0) return 0;
  if (k >= n) return 1;
  return betaRegularized(1 - p, n - Math.floor(k), Math.floor(k) + 1);
}

/** Exact interval for a share (Clopper and Pearson 1934). */
export function clopperPearson(successes: number, n: number, level: number): { low: number; high: number } {
  const tail = (1 - level) / 2;
  return {
    low: successes <= 0 ? 0 : betaQuantile(tail, successes, n - successes + 1),
    high: successes >= n ? 1 : betaQuantile(1 - tail, successes + 1, n - successes),
  };
}

/** Upper tail of the chi-square distribution with `df` degrees of freedom. */
export const chiSquareSf = (x: number, df: number): number => gammaRegularizedUpper(df / 2, x / 2);
