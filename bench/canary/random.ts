import { lnGamma } from "../../server/core/analysis/statistics/special";

/**
 * A fast seeded generator: xoshiro128** of D. Blackman and S. Vigna, "Scrambled linear pseudorandom number generators",
 * ACM Transactions on Mathematical Software 47 (2021), seeded by splitmix32 as its authors advise.
 */
export class Random {
  private readonly state = new Int32Array(4);
  /** Drawn ahead, because the state is quick only while it lies in local variables. */
  private readonly ahead = new Uint32Array(2048);
  private at = 2048;
  private spare = Number.NaN;

  constructor(seed: number) {
    let mixed = seed >>> 0;
    for (let i = 0; i < 4; i++) {
      mixed = (mixed + 0x9e3779b9) >>> 0;
      let z = mixed;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      this.state[i] = z ^ (z >>> 15);
    }
  }

  private draw(): void {
    const { state, ahead } = this;
    let [a, b, c, d] = [state[0] ?? 0, state[1] ?? 0, state[2] ?? 0, state[3] ?? 0];
    for (let i = 0; i < ahead.length; i++) {
      const x = Math.imul(b, 5);
      ahead[i] = Math.imul((x << 7) | (x >>> 25), 9);
      const t = b << 9;
      c ^= a;
      d ^= b;
      b ^= c;
      a ^= d;
      c ^= t;
      d = (d << 11) | (d >>> 21);
    }
    state[0] = a;
    state[1] = b;
    state[2] = c;
    state[3] = d;
    this.at = 0;
  }

  /** A whole number below 2^32. */
  bits(): number {
    if (this.at === this.ahead.length) this.draw();
    return this.ahead[this.at++] ?? 0;
  }

  /** Above 0 and below 1. */
  uniform(): number {
    return (this.bits() + 0.5) / 4294967296;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.uniform();
  }

  /** A whole number from 0 to n - 1. */
  below(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  /** Standard normal (polar method of Marsaglia). */
  normal(): number {
    if (!Number.isNaN(this.spare)) {
      const kept = this.spare;
      this.spare = Number.NaN;
      return kept;
    }
    for (;;) {
      const u = 2 * this.uniform() - 1;
      const v = 2 * this.uniform() - 1;
      const s = u * u + v * v;
      if (s >= 1 || s === 0) continue;
      const scale = Math.sqrt((-2 * Math.log(s)) / s);
      this.spare = v * scale;
      return u * scale;
    }
  }

  /** Poisson: by multiplication for small means (Knuth), else by transformed rejection (W. Hörmann 1993, algorithm PTRS). */
  poisson(mean: number): number {
    if (!(mean > 0)) return 0;
    if (mean < 10) {
      const end = Math.exp(-mean);
      let n = 0;
      for (let p = this.uniform(); p > end; p *= this.uniform()) n++;
      return n;
    }
    const b = 0.931 + 2.53 * Math.sqrt(mean);
    const a = -0.059 + 0.02483 * b;
    for (;;) {
      const u = this.uniform() - 0.5;
      const v = this.uniform();
      const us = 0.5 - Math.abs(u);
      const k = Math.floor(((2 * a) / us + b) * u + mean + 0.43);
      if (us >= 0.07 && v <= 0.9277 - 3.6224 / (b - 2)) return k;
      if (k < 0 || (us < 0.013 && v > us)) continue;
      if (Math.log(v) + Math.log(1.1239 + 1.1328 / (b - 3.4)) - Math.log(a / (us * us) + b) <= k * Math.log(mean) - mean - lnGamma(k + 1)) return k;
    }
  }

  /** Calls `hit` with each of the places 0 to n - 1 that independently succeeds with probability p; returns how many did. */
  successes(n: number, p: number, hit?: (place: number) => void): number {
    if (p <= 0) return 0;
    const scale = p >= 1 ? 0 : 1 / Math.log1p(-p);
    let count = 0;
    for (let at = p >= 1 ? 0 : Math.floor(Math.log(this.uniform()) * scale); at < n; at += 1 + (p >= 1 ? 0 : Math.floor(Math.log(this.uniform()) * scale))) {
      count++;
      hit?.(at);
    }
    return count;
  }

  /** `count` different ones of the values, in random order. */
  pick<T>(values: readonly T[], count: number): T[] {
    const left = [...values];
    const out: T[] = [];
    while (out.length < count && left.length > 0) out.push(...left.splice(this.below(left.length), 1));
    return out;
  }
}
