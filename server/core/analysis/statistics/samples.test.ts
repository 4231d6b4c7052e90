import { describe, expect, test } from "vitest";
import { chiSquareGoodness, chiSquareTable, jensenShannonDistance, jensenShannonDivergence, populationStabilityIndex, wasserstein1 } from "./divergence";
import { kolmogorovSf, kolmogorovSmirnov } from "./kolmogorov-smirnov";
import { hodgesLehmann, mannWhitneyU, rankShift, uCdf } from "./mann-whitney";
import { commonLanguageEffectSize } from "./ranks";

/** Guarantee: two-sample statistics agree with published values to 1e-6. */
const near = (value: number, expected: number): void => expect(Math.abs(value - expected)).toBeLessThan(1e-6 * Math.max(1e-3, Math.abs(expected)));

// Hollander and Wolfe 1973, p. 69 f., permeability of the human chorioamnion; the example of R's wilcox.test.
const term = [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
const early = [1.15, 0.88, 0.9, 0.74, 1.21];
// Ages at diagnosis of type II diabetes; the example of SciPy's mannwhitneyu.
const males = [19, 22, 16, 29, 24];
const females = [20, 11, 17, 12];
// Ozone in New York, May and August 1973 (R's airquality); the other example of wilcox.test.
const may = [41, 36, 12, 18, 28, 23, 19, 8, 7, 16, 11, 14, 18, 14, 34, 6, 30, 11, 1, 11, 4, 32, 23, 45, 115, 37];
const august = [39, 9, 16, 78, 35, 66, 122, 89, 110, 44, 28, 65, 22, 59, 23, 31, 44, 21, 9, 45, 168, 73, 76, 118, 84, 85];

describe("Mann-Whitney U, Hodges and Lehmann's shift, CLES", () => {
  test("SciPy's documentation of mannwhitneyu: U = 17, p = 0.111… exact, 0.11134688653314041 asymptotic", () => {
    const exact = mannWhitneyU(males, females);
    expect([exact.u, exact.method]).toEqual([17, "exact"]);
    near(exact.pValue, 1 / 9);
    near(mannWhitneyU(males, females, "two-sided", "asymptotic").pValue, 0.11134688653314041);
    expect(mannWhitneyU(females, males).u).toBe(3);
  });

  test("R's wilcox.test, permeability: W = 35, p = 0.1272 (greater); shift 0.305 from −0.15 to 0.76", () => {
    const r = mannWhitneyU(term, early, "greater");
    expect(r.u).toBe(35);
    near(r.pValue, 0.12720612720612723); // 382 / 3003
    near(mannWhitneyU(term, early, "less").pValue, 0.8967698967698967);
    const shift = hodgesLehmann(term, early, 0.95);
    near(shift.estimate, 0.305);
    near(shift.low, -0.15);
    near(shift.high, 0.76);
  });

  test("R's wilcox.test, ozone in May and August, with ties: W = 127.5, p = 0.0001208", () => {
    const r = mannWhitneyU(may, august);
    expect([r.u, r.method]).toEqual([127.5, "asymptotic"]);
    expect(r.pValue.toPrecision(4)).toBe("0.0001208");
  });

  test("the exact distribution of U: 3 against 2 gives 1, 1, 2, 2, 2, 1, 1 of 10", () => {
    expect(Array.from(uCdf(3, 2), (p) => Math.round(p * 10))).toEqual([1, 2, 4, 6, 8, 9, 10]);
  });

  test("the shift by order statistics and by root finding agree as far as the root's tolerance goes", () => {
    const x = Array.from({ length: 60 }, (_, i) => Math.sin(i * 12.9898) * 10);
    const y = Array.from({ length: 55 }, (_, i) => Math.sin(i * 78.233 + 1) * 9 - 1.5);
    const exact = hodgesLehmann(x, y, 0.95);
    const root = rankShift(x, y, 0.95, { tolerance: 1e-12 });
    for (const end of ["low", "high"] as const) expect(Math.abs(exact[end] - root[end])).toBeLessThan(1e-6);
    near(mannWhitneyU(x, y).pValue, 0.1930018310659588); // SciPy 1.17
  });

  test("nothing can be said of samples that are all equal", () => {
    expect(mannWhitneyU([1, 1, 1], [1, 1]).pValue).toBe(1);
    expect(mannWhitneyU([], [1]).pValue).toBe(1);
    expect(() => rankShift([1, 1], [1, 1], 0.95)).toThrow(/tied/);
  });

  test("CLES: McGraw and Wong's proportion of pairs, ties as halves", () => {
    expect(commonLanguageEffectSize(males, females)).toBe(17 / 20);
    expect(commonLanguageEffectSize([1, 2], [1, 2])).toBe(0.5);
    expect(commonLanguageEffectSize([5, 6], [1, 2, 3])).toBe(1);
  });
});

describe("Kolmogorov-Smirnov, two samples", () => {
  const line = (n: number, shift: number): number[] => Array.from({ length: n }, (_, i) => 1 + (i * 99) / (n - 1) + shift);
  // SciPy's test suite of ks_2samp: testTwoVsThree, testTwoVsFour, test100_100, test100_110.
  test.each([
    ["2 against 3", [1.01, 2.01], [1, 2, 3], 1 / 3, 1],
    ["2 against 3, below", [0.99, 1.99], [1, 2, 3], 2 / 3, 0.6],
    ["2 against 4", [1.01, 2.01], [1, 2, 3, 4], 2 / 4, 14 / 15],
    ["2 against 4, below", [0.99, 1.99], [1, 2, 3, 4], 3 / 4, 6 / 15],
    ["100 against 100", line(100, 0), line(100, 2.1), 3 / 100, 0.9999999999962055],
    ["100 against 110", line(100, 0), line(110, 20.1), 232 / 1100, 0.015739183865607353],
  ])("exact: %s", (_name, x, y, d, p) => {
    const r = kolmogorovSmirnov(x, y, "exact");
    near(r.d, d);
    near(r.pValue, p);
  });

  test("asymptotic: Kolmogorov's distribution, Smirnov's table and SciPy's kstwobign", () => {
    near(kolmogorovSf(1.3580986393225505), 0.05);
    near(kolmogorovSf(1.6276236115189501), 0.01);
    near(kolmogorovSf(0.5), 0.9639452436648751);
    expect(kolmogorovSf(0)).toBe(1);
    const x = Array.from({ length: 60 }, (_, i) => Math.sin(i * 12.9898) * 10);
    const y = Array.from({ length: 55 }, (_, i) => Math.sin(i * 78.233 + 1) * 9 - 1.5);
    near(kolmogorovSmirnov(x, y, "asymptotic").pValue, 0.05536373209289552);
    near(kolmogorovSmirnov(x, y, "exact").pValue, 0.04469004949820042);
  });
});

describe("distances between distributions", () => {
  test("Wasserstein-1: the examples of SciPy's wasserstein_distance", () => {
    near(wasserstein1([0, 1, 3], [5, 6, 8]), 5);
    near(wasserstein1([0, 1], [0, 1], [3, 1], [2, 2]), 0.25);
    near(wasserstein1([3.4, 3.9, 7.5, 7.8], [4.5, 1.4], [1.4, 0.9, 3.1, 7.2], [3.2, 3.5]), 4.0781331438047861);
  });

  test("Jensen-Shannon distance: the examples of SciPy's jensenshannon, base 2 and e; the divergence is its square", () => {
    near(jensenShannonDistance([1, 0, 0], [0, 1, 0], 2), 1);
    near(jensenShannonDistance([1, 0], [0.5, 0.5]), 0.46450140402245893);
    expect(jensenShannonDistance([1, 0, 0], [1, 0, 0])).toBe(0);
    near(jensenShannonDivergence([1, 0], [0.5, 0.5]), 0.46450140402245893 ** 2);
    near(jensenShannonDivergence([1, 0, 0], [0, 1, 0]), Math.LN2);
  });

  test("PSI is the sum of both Kullback-Leibler divergences; those are SciPy's example of entropy([1/2, 1/2], [9/10, 1/10])", () => {
    // 0.7369655941662062 bits is printed there; the way back is 0.9 ln 1.8 + 0.1 ln 0.2.
    near(populationStabilityIndex([9, 1], [5, 5]), 0.7369655941662062 * Math.LN2 + 0.9 * Math.log(1.8) + 0.1 * Math.log(0.2));
    expect(populationStabilityIndex([10, 20, 30], [1, 2, 3])).toBeCloseTo(0, 12);
    near(populationStabilityIndex([100, 0], [99, 1]), (0.99 - 1) * Math.log(0.99) + (0.01 - 1e-4) * Math.log(0.01 / 1e-4));
  });

  test("chi-square: R's chisq.test (Agresti 2007, p. 39) and SciPy's examples", () => {
    const agresti = chiSquareTable([[762, 327, 468], [484, 239, 477]]);
    expect([agresti.statistic.toFixed(2), agresti.df, agresti.pValue.toExponential(3)]).toEqual(["30.07", 2, "2.954e-7"]);
    const table = chiSquareTable([[10, 10, 20], [20, 20, 20]]);
    near(table.statistic, 2.7777777777777777);
    near(table.pValue, 0.24935220877729619);
    const even = chiSquareGoodness([16, 18, 16, 14, 12, 12]);
    near(even.statistic, 2);
    near(even.pValue, 0.84914503608460956);
    expect(chiSquareTable([[5, 7]])).toMatchObject({ df: 0, pValue: 1 });
  });
});
