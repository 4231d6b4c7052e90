/** How often each pooled value occurs beyond once enters variances as t³ − t; and how one sample stands in another. */
export interface Comparison {
  /** Mann-Whitney's U of the first sample: pairs in which x is greater, ties as one half. */
  u: number;
  /** Sum of t³ − t over groups of equal values in both samples together. */
  ties: number;
}

/** Ascending copy of a sample. */
export const sorted = (values: ArrayLike<number>): Float64Array => Float64Array.from(values).sort();

/**
 * Compares two sorted samples, the first one shifted down by `shift`, by one merge: no ranks are kept. The shifted
 * values are formed as `x − shift`, as those do who rank them, so that ties are the same to the last bit.
 */
export function compareSorted(x: Float64Array, y: Float64Array, shift = 0): Comparison {
  let i = 0;
  let j = 0;
  let u = 0;
  let ties = 0;
  while (i < x.length || j < y.length) {
    const a = i < x.length ? (x[i] ?? 0) - shift : Infinity;
    const b = j < y.length ? (y[j] ?? 0) : Infinity;
    const value = Math.min(a, b);
    const fromX = i;
    const fromY = j;
    while (i < x.length && (x[i] ?? 0) - shift === value) i++;
    while (j < y.length && y[j] === value) j++;
    if (i === fromX && j === fromY) break;
    const here = i - fromX;
    const same = j - fromY;
    u += here * (fromY + same / 2);
    const t = here + same;
    if (t > 1) ties += t * t * t - t;
  }
  return { u, ties };
}

/** Common-language effect size P(X > Y) + P(X = Y) / 2 (McGraw and Wong 1992; Vargha and Delaney 2000). */
export const commonLanguageEffectSize = (x: ArrayLike<number>, y: ArrayLike<number>): number => compareSorted(sorted(x), sorted(y)).u / (x.length * y.length);
