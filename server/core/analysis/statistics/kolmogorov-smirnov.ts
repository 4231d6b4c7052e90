import { sorted } from "./ranks";

export interface KolmogorovSmirnov {
  /** Greatest distance between the two empirical distribution functions. */
  d: number;
  pValue: number;
  method: "exact" | "asymptotic";
}

/** Up to this product of sizes the exact distribution is used; R draws the line at the same place. */
const EXACT_UP_TO = 10_000;

/**
 * Two-sample Kolmogorov-Smirnov test, two-sided. Exact by counting lattice paths that stay inside the band (Hodges 1958);
 * asymptotic by Kolmogorov's limiting distribution. With ties the exact value is conservative, as in SciPy.
 */
export function kolmogorovSmirnov(x: ArrayLike<number>, y: ArrayLike<number>, method: "auto" | "exact" | "asymptotic" = "auto"): KolmogorovSmirnov {
  const a = sorted(x);
  const b = sorted(y);
  const m = a.length;
  const n = b.length;
  // Distances are compared as whole numbers |i·n − j·m|, so that rounding can't move a path across the band.
  let most = 0;
  for (let i = 0, j = 0; i < m && j < n; ) {
    const value = Math.min(a[i] ?? 0, b[j] ?? 0);
    while (i < m && a[i] === value) i++;
    while (j < n && b[j] === value) j++;
    most = Math.max(most, Math.abs(i * n - j * m));
  }
  const d = m === 0 || n === 0 ? 0 : most / (m * n);
  if (method === "exact" || (method === "auto" && m * n <= EXACT_UP_TO)) return { d, pValue: exactTail(m, n, most), method: "exact" };
  return { d, pValue: kolmogorovSf(Math.sqrt((m * n) / (m + n)) * d), method: "asymptotic" };
}

/** P(D ≥ d): the probability that a random path from (0, 0) to (m, n) reaches a distance of `most` or more. */
function exactTail(m: number, n: number, most: number): number {
  if (most === 0) return 1;
  // Probability to have been outside by (i, j), row by row over j: it is summed directly, so that small tails keep their digits.
  const out = new Float64Array(n + 1);
  for (let i = 0; i <= m; i++) {
    for (let j = 0; j <= n; j++) {
      if (Math.abs(i * n - j * m) >= most) out[j] = 1;
      else if (i === 0 && j === 0) out[j] = 0;
      else out[j] = (i / (i + j)) * (i === 0 ? 0 : (out[j] ?? 0)) + (j / (i + j)) * (j === 0 ? 0 : (out[j - 1] ?? 0));
    }
  }
  return out[n] ?? 1;
}

/** Upper tail of Kolmogorov's distribution: 2 Σ (−1)^(k−1) exp(−2k²x²), and its theta-function twin for small x. */
export function kolmogorovSf(x: number): number {
  if (x <= 0) return 1;
  let sum = 0;
  if (x < 1) {
    for (let k = 1; k <= 20; k++) sum += Math.exp((-((2 * k - 1) ** 2) * Math.PI ** 2) / (8 * x * x));
    return 1 - (Math.sqrt(2 * Math.PI) / x) * sum;
  }
  for (let k = 1; k <= 20; k++) sum += (k % 2 === 1 ? 1 : -1) * Math.exp(-2 * k * k * x * x);
  return Math.min(1, 2 * sum);
}
