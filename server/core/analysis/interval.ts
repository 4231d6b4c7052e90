/**
 * Wilson score interval of a share: `successes / n` known from `n` trials (E. B. Wilson, "Probable inference, the law of
 * succession, and statistical inference", JASA 22, 1927). It keeps within 0..1 and is right for shares near 0 and 1.
 * Worked example: 3 of 100 with z = 3 is 0.0058 to 0.1397.
 */
export function wilson(share: number, n: number, z: number): { low: number; high: number } {
  if (n <= 0) return { low: 0, high: 1 };
  const z2 = z * z;
  const middle = (share + z2 / (2 * n)) / (1 + z2 / n);
  const half = (z / (1 + z2 / n)) * Math.sqrt((share * (1 - share)) / n + z2 / (4 * n * n));
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

/**
 * Interval of the difference a - b of two independent shares, from their Wilson intervals (R. G. Newcombe, "Interval
 * estimation for the difference between independent proportions", Statistics in Medicine 17, 1998, method 10).
 */
export function differenceOfShares(a: { share: number; n: number }, b: { share: number; n: number }, z: number): { low: number; high: number } {
  const ia = wilson(a.share, a.n, z);
  const ib = wilson(b.share, b.n, z);
  const d = a.share - b.share;
  return { low: d - Math.hypot(a.share - ia.low, ib.high - b.share), high: d + Math.hypot(ia.high - a.share, b.share - ib.low) };
}
