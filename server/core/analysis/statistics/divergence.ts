import { chiSquareSf } from "./distributions";

/** Counts or weights made to sum to one. */
function shares(weights: ArrayLike<number>): number[] {
  const values = Array.from(weights);
  const sum = values.reduce((s, w) => s + w, 0);
  return values.map((w) => w / sum);
}

/**
 * Population stability index Σ (a − e) · ln(a / e) of actual against expected counts by bin: the symmetrised
 * Kullback-Leibler divergence of Jeffreys. A share of zero is raised to `floor`, for the index is infinite otherwise.
 * Rule of thumb: 0.1 is a shift, 0.25 a great one.
 */
export function populationStabilityIndex(expected: ArrayLike<number>, actual: ArrayLike<number>, floor = 1e-4): number {
  const e = shares(expected).map((p) => Math.max(p, floor));
  const a = shares(actual).map((p) => Math.max(p, floor));
  return e.reduce((sum, p, i) => sum + ((a[i] ?? floor) - p) * Math.log((a[i] ?? floor) / p), 0);
}

/** Wasserstein-1 (earth mover's) distance of two weighted samples on a line, in the samples' units. */
export function wasserstein1(x: ArrayLike<number>, y: ArrayLike<number>, xWeights?: ArrayLike<number>, yWeights?: ArrayLike<number>): number {
  const points = (values: ArrayLike<number>, weights: ArrayLike<number> | undefined, sign: number): { at: number; w: number }[] => {
    const w = shares(weights ?? new Float64Array(values.length).fill(1));
    return Array.from(values, (at, i) => ({ at, w: sign * (w[i] ?? 0) }));
  };
  const all = [...points(x, xWeights, 1), ...points(y, yWeights, -1)].sort((p, q) => p.at - q.at);
  let between = 0;
  let distance = 0;
  all.forEach((p, i) => {
    if (i > 0) distance += Math.abs(between) * (p.at - (all[i - 1]?.at ?? p.at));
    between += p.w;
  });
  return distance;
}

/** Base of logarithms: with 2 the divergence lies between 0 and 1 (bits), with e between 0 and ln 2 (nats). */
export type LogBase = 2 | "e";

/** Jensen-Shannon divergence (Lin 1991): the mean Kullback-Leibler divergence of both from their midpoint. */
export function jensenShannonDivergence(p: ArrayLike<number>, q: ArrayLike<number>, base: LogBase = "e"): number {
  const a = shares(p);
  const b = shares(q);
  const term = (u: number, mid: number): number => (u > 0 ? u * Math.log(u / mid) : 0);
  const nats = a.reduce((sum, u, i) => {
    const v = b[i] ?? 0;
    return sum + term(u, (u + v) / 2) + term(v, (u + v) / 2);
  }, 0);
  return Math.max(0, nats / 2) / (base === 2 ? Math.LN2 : 1);
}

/** Jensen-Shannon distance, a metric: the square root of the divergence. SciPy's `jensenshannon` is this one. */
export const jensenShannonDistance = (p: ArrayLike<number>, q: ArrayLike<number>, base: LogBase = "e"): number => Math.sqrt(jensenShannonDivergence(p, q, base));

export interface ChiSquare {
  statistic: number;
  df: number;
  pValue: number;
}
/** Pearson's test that counts follow expected shares; without these, that all are equal. */
export function chiSquareGoodness(observed: ArrayLike<number>, expectedShares?: ArrayLike<number>): ChiSquare {
  const counts = Array.from(observed);
  const total = counts.reduce((s, c) => s + c, 0);
  const share = shares(expectedShares ?? counts.map(() => 1));
  const statistic = counts.reduce((s, c, i) => s + (c - total * (share[i] ?? 0)) ** 2 / (total * (share[i] ?? 0)), 0);
  const df = counts.length - 1;
  return { statistic, df, pValue: chiSquareSf(statistic, df) };
}

/** Pearson's test of independence in a table of counts; rows and columns without any count are left out. No continuity correction. */
export function chiSquareTable(table: readonly (readonly number[])[]): ChiSquare {
  const sumOf = (row: readonly number[]): number => row.reduce((s, c) => s + c, 0);
  const rows = table.filter((row) => sumOf(row) > 0);
  const columns = (rows[0] ?? []).map((_, j) => sumOf(rows.map((row) => row[j] ?? 0)));
  const total = sumOf(columns);
  let statistic = 0;
  for (const row of rows)
    row.forEach((c, j) => {
      const expected = (sumOf(row) * (columns[j] ?? 0)) / total;
      if (expected > 0) statistic += (c - expected) ** 2 / expected;
    });
  const df = Math.max(0, (rows.length - 1) * (columns.filter((c) => c > 0).length - 1));
  return { statistic, df, pValue: df === 0 ? 1 : chiSquareSf(statistic, df) };
}
