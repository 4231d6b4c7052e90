/**
 * The factors that e-processes are products of. Each is non-negative and has an expectation of at most 1 under its null
 * hypothesis, given the past, whatever the nuisance parameters (the stable error rate, the shape of latency) are.
 */

/** Failures among trials of either arm in one minute. */
export interface Counts {
  canaryBad: number;
  canary: number;
  stableBad: number;
  stable: number;
}

/**
 * Logarithm of the factor against "the canary's rate is at most `ratio` times stable's plus `share`", betting on a rate
 * `times` as high as that.
 *
 * It is (1 + g)^X (1 - ratio g n/m)^Y exp(-n share g) for X bad of n in the canary and Y bad of m in stable. With rates
 * q <= ratio p + share, E[(1+g)^X] <= exp(n q g) and E[(1 - ratio g n/m)^Y] <= exp(-ratio g n p), so the product's
 * expectation is at most exp(n g (q - ratio p - share)) <= 1. For share = 0 it is the likelihood ratio of X among X + Y
 * (conditional binomial test of two Poisson rates); g is chosen as that test has it, which keeps the second base positive.
 * A stable count of Infinity stands for a known stable rate, which is then part of `share`.
 *
 * n/m is taken from the counts, or given as `odds`: the router's odds of the canary, with which the bet is valid for each
 * single request as it comes.
 */
export function lnWorse(c: Counts, ratio: number, share: number, times: number, odds = oddsOf(c)): number {
  if (odds === null) return 0;
  const g = (times - 1) / (times * ratio * odds + 1);
  const ofStable = c.stableBad === 0 ? 0 : c.stableBad * Math.log1p(-ratio * g * odds);
  return c.canaryBad * Math.log1p(g) + ofStable - c.canary * share * g;
}

const oddsOf = (c: Counts): number | null => (c.canary <= 0 || c.stable <= 0 ? null : c.canary / c.stable);

/**
 * Logarithm of the factor against "the canary's rate is at least `ratio` times stable's plus `share`", staking the part
 * h: (1 - h)^X (1 + h ratio n/m)^Y exp(n share h). With one h at all sites the product over sites is valid for the
 * canary's traffic as a whole: its expectation is at most exp(h (sum n (ratio p + share) - sum n q)).
 */
export function lnNotWorse(c: Counts, ratio: number, share: number, h: number): number {
  const { canary: n, stable: m } = c;
  if (n <= 0 || m <= 0) return 0;
  const ofStable = m === Infinity || c.stableBad === 0 ? 0 : c.stableBad * Math.log1p((h * ratio * n) / m);
  return c.canaryBad * Math.log1p(-h) + ofStable + n * share * h;
}

/** Logarithm of E exp(lambda (R - 1/2)) for R uniform on the middles of N equal parts of 0..1. */
export function lnUniform(lambda: number, parts: number): number {
  const half = Math.abs(lambda) / 2;
  if (half < 1e-9) return 0;
  // sinh(half) / (N sinh(half / N)), without overflow.
  const sinh = (x: number): number => (x < 20 ? Math.log(Math.sinh(x)) : x - Math.LN2);
  return sinh(half) - Math.log(parts) - sinh(half / parts);
}

/**
 * Logarithm of the factor against "no canary request of this minute is slower than if it were stable's" (the canary is
 * stochastically at most stable), from the mean rank U (ties half) of n canary requests within m stable ones.
 *
 * The canary's ranks within the pool of N = n + m are, if both arms are alike, a sample without replacement from the
 * ranks; by Hoeffding (1963, theorem 4) E exp(lambda sum(R - 1/2)) is at most that with replacement to the power n, and
 * the same holds for the other arm with the sign changed, so the smaller arm's power is taken. sum(R - 1/2) is
 * n m (U - 1/2) / N. Faster canaries only make it smaller. n = 1 against all requests before it is the sequential rank.
 */
export function lnSlower(u: number, n: number, m: number, lambda: number): number {
  if (n <= 0 || m <= 0) return 0;
  const pool = n + m;
  return (lambda * n * m * (u - 0.5)) / pool - Math.min(n, m) * lnUniform(lambda, pool);
}

/**
 * Logarithm of the factor against "a canary request is slower than a stable one with probability of at least 1/2", from
 * U. With k the smaller of n and m, E exp(-lambda k (U - theta)) is at most exp(lambda² k / 8) (Hoeffding 1963, section
 * 5, two-sample U-statistics), so shapes may differ, and with one lambda at all sites the product holds for the mean of
 * theta over sites, weighted by k.
 */
export function lnNotSlower(u: number, n: number, m: number, lambda: number): number {
  const k = Math.min(n, m);
  return k <= 0 ? 0 : -lambda * k * (u - 0.5) - (lambda * lambda * k) / 8;
}
