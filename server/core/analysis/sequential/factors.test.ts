import { describe, expect, it } from "vitest";
import { lnBinomialPmf } from "../statistics/distributions";
import { lnNotSlower, lnNotWorse, lnSlower, lnWorse } from "./factors";

/** Expectation over two independent binomials. */
function expectation(n: number, q: number, m: number, p: number, of: (x: number, y: number) => number): number {
  let sum = 0;
  for (let x = 0; x <= n; x++) for (let y = 0; y <= m; y++) sum += Math.exp(lnBinomialPmf(x, n, q) + lnBinomialPmf(y, m, p) + of(x, y));
  return sum;
}
const rates = [0.001, 0.02, 0.1, 0.3, 0.6];
const sizes: [number, number][] = [[1, 1], [1, 9], [7, 3], [10, 30], [25, 25]];

/** Every way to choose the canary's places among the pool, as mean ranks within stable. */
function allRanks(n: number, m: number, value: (place: number, isCanary: boolean) => number): number[] {
  const out: number[] = [];
  const choose = (from: number, picked: number[]): void => {
    if (picked.length === n) {
      const canary = picked.map((i) => value(i, true));
      const stable = Array.from({ length: n + m }, (_, i) => i).filter((i) => !picked.includes(i)).map((i) => value(i, false));
      let u = 0;
      for (const c of canary) for (const s of stable) u += c > s ? 1 : c === s ? 0.5 : 0;
      out.push(u / (n * m));
      return;
    }
    for (let i = from; i < n + m; i++) choose(i + 1, [...picked, i]);
  };
  choose(0, []);
  return out;
}
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

// Guarantee: whatever the rates are, a sound canary can't make money out of the bet "it is worse".
describe("lnWorse", () => {
  it("has an expectation of at most 1 at and below the margin, by enumeration", () => {
    for (const [n, m] of sizes)
      for (const p of rates)
        for (const [ratio, share] of [[1, 0], [1.2, 0], [1.5, 0.001], [1, 0.05]] as const)
          for (const times of [1.1, 2, 20])
            for (const part of [1, 0.5, 0]) {
              const q = Math.min(1, ratio * p + share) * part;
              expect(expectation(n, q, m, p, (x, y) => lnWorse({ canary: n, canaryBad: x, stable: m, stableBad: y }, ratio, share, times))).toBeLessThanOrEqual(1 + 1e-9);
            }
  });
  it("is the likelihood ratio of the conditional binomial test when no share is allowed", () => {
    const [n, m, ratio, times] = [40, 160, 1.2, 2.5];
    const p0 = (ratio * n) / (ratio * n + m);
    const p1 = (times * ratio * n) / (times * ratio * n + m);
    expect(lnWorse({ canary: n, canaryBad: 5, stable: m, stableBad: 3 }, ratio, 0, times)).toBeCloseTo(5 * Math.log(p1 / p0) + 3 * Math.log((1 - p1) / (1 - p0)), 10);
  });
  it("makes money when the canary is worse", () => {
    expect(expectation(30, 0.3, 70, 0.05, (x, y) => lnWorse({ canary: 30, canaryBad: x, stable: 70, stableBad: y }, 1.2, 0, 4))).toBeGreaterThan(5);
  });
  it("holds against a known rate as well", () => {
    for (const p of rates) {
      let sum = 0;
      for (let x = 0; x <= 20; x++) sum += Math.exp(lnBinomialPmf(x, 20, p) + lnWorse({ canary: 20, canaryBad: x, stable: Infinity, stableBad: 0 }, 0, p, 3));
      expect(sum).toBeLessThanOrEqual(1 + 1e-9);
    }
  });
  it("says nothing without one of the arms", () => {
    expect(lnWorse({ canary: 0, canaryBad: 0, stable: 9, stableBad: 3 }, 1, 0, 3)).toBe(0);
    expect(lnWorse({ canary: 9, canaryBad: 3, stable: 0, stableBad: 0 }, 1, 0, 3)).toBe(0);
  });
});

// Guarantee: a canary that is worse than the margin can't earn the proof that it is not, beyond 1 in threshold.
describe("lnNotWorse", () => {
  it("has an expectation of at most 1 at and beyond the margin, by enumeration", () => {
    for (const [n, m] of sizes)
      for (const p of rates)
        for (const [ratio, share] of [[1.5, 0], [1.5, 0.01], [1, 0.05]] as const)
          for (const h of [0.05, 0.3, 0.6])
            for (const more of [1, 1.5]) {
              const q = (ratio * p + share) * more;
              if (q <= 1) expect(expectation(n, q, m, p, (x, y) => lnNotWorse({ canary: n, canaryBad: x, stable: m, stableBad: y }, ratio, share, h))).toBeLessThanOrEqual(1 + 1e-9);
            }
  });
  it("is valid for two sites' product when the canary is beyond the margin in total, though not at each", () => {
    const [p, ratio, h] = [0.1, 1.5, 0.35];
    const at = (q: number): number => expectation(20, q, 60, p, (x, y) => lnNotWorse({ canary: 20, canaryBad: x, stable: 60, stableBad: y }, ratio, 0, h));
    expect(at(0.25) * at(0.05)).toBeLessThanOrEqual(1 + 1e-9);
  });
});

// Guarantee: without assumptions on the shape of latency, a canary that is no slower can't make money.
describe("lnSlower", () => {
  it("has a mean of at most 1 over all orders, with and without ties", () => {
    for (const [n, m] of [[1, 1], [1, 6], [3, 4], [5, 2], [4, 4]] as [number, number][])
      for (const lambda of [0.3, 1.5, 6, -3])
        for (const ties of [1, 2, 3]) expect(mean(allRanks(n, m, (i) => Math.floor(i / ties)).map((u) => Math.exp(lnSlower(u, n, m, lambda))))).toBeLessThanOrEqual(1 + 1e-9);
  });
  it("has a mean of at most 1 when the canary is faster", () => {
    for (const lambda of [0.3, 1.5, 6]) expect(mean(allRanks(3, 4, (i, isCanary) => (isCanary ? i - 1.5 : i)).map((u) => Math.exp(lnSlower(u, 3, 4, lambda))))).toBeLessThan(1);
  });
  it("makes money when it is slower", () => {
    expect(mean(allRanks(4, 4, (i, isCanary) => (isCanary ? i + 3 : i)).map((u) => Math.exp(lnSlower(u, 4, 4, 3))))).toBeGreaterThan(1.2);
  });
});

describe("lnNotSlower", () => {
  it("has a mean of at most 1 when it is slower in half of the comparisons or more", () => {
    for (const lambda of [0.05, 0.4, 1.6])
      for (const shift of [0, 1.5]) expect(mean(allRanks(3, 4, (i, isCanary) => (isCanary ? i + shift : i)).map((u) => Math.exp(lnNotSlower(u, 3, 4, lambda))))).toBeLessThanOrEqual(1 + 1e-9);
  });
  it("makes money when it is faster", () => {
    expect(lnNotSlower(0.4, 100, 900, 0.4)).toBeCloseTo(0.4 * 100 * 0.1 - (0.16 * 100) / 8, 10);
  });
});
