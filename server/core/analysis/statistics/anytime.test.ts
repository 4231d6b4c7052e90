import { describe, expect, test } from "vitest";
import {
  bernoulliConfidenceSequence, betaBinomialBound, betaBinomialR, lnBetaBinomialMixture, lnNormalMixture, lnNormalMixtureOneSided,
  normalMixtureBestRho, normalMixtureBestRhoOneSided, normalMixtureBound, normalMixtureBoundOneSided,
} from "./confidence-sequence";
import { hedgedCapitalInterval, lnBetaMixture, lnBinomialMixture, lnHedgedCapital, predictableBets } from "./e-process";

/**
 * Guarantee: mixtures, boundaries and betting agree with the figures that the papers' authors publish with their own
 * implementation (github.com/gostevehoward/confseq, MIT, test/uniform_boundaries_unittest.cpp: "target values are from a
 * reference implementation in R"), to every digit printed there.
 */
const printed = (value: number, expected: string): void => {
  const digits = expected.split(".")[1]?.length ?? 0;
  expect(Math.abs(value - Number(expected))).toBeLessThan(1.01 * 10 ** -digits);
};

describe("confidence sequences (Howard, Ramdas, McAuliffe, Sekhon 2021)", () => {
  const rho = normalMixtureBestRho(100, 0.05);
  const rho1 = normalMixtureBestRhoOneSided(100, 0.05);
  const sub = (sided: "one" | "two") => ({ g: 0.2, h: 0.8, r: betaBinomialR(100, 0.05, 0.2, 0.8, sided), sided });
  test.each([
    ["best rho, two-sided, v = 100, alpha = 0.05", rho, "12.60056"],
    ["two-sided normal mixture at s = 10, v = 100", lnNormalMixture(10, 100, rho), "-0.6510052"],
    ["two-sided normal boundary", normalMixtureBound(100, 0.05, rho), "30.35209"],
    ["one-sided normal mixture", lnNormalMixtureOneSided(10, 100, rho1), "-0.06502391"],
    ["one-sided normal boundary", normalMixtureBoundOneSided(100, 0.05, rho1), "27.66071"],
    ["two-sided beta-binomial mixture", lnBetaBinomialMixture(10, 100, sub("two")), "-0.6941012"],
    ["two-sided beta-binomial boundary", betaBinomialBound(100, 0.05, sub("two")), "31.4308"],
    ["one-sided beta-binomial mixture", lnBetaBinomialMixture(10, 100, sub("one")), "-0.07134019"],
    ["one-sided beta-binomial boundary", betaBinomialBound(100, 0.05, sub("one")), "28.41238"],
    ["one-sided beta-binomial boundary where the sum can't go on", betaBinomialBound(2 * 0.2 * 0.8, 0.05, sub("one")), "1.60000"],
    ["700 of 1000, low", bernoulliConfidenceSequence(700, 1000, 0.05, 100).low, "0.651629"],
    ["700 of 1000, high", bernoulliConfidenceSequence(700, 1000, 0.05, 100).high, "0.745949"],
    ["15 of 50, low", bernoulliConfidenceSequence(15, 50, 0.05, 50).low, "0.129556"],
    ["15 of 50, high", bernoulliConfidenceSequence(15, 50, 0.05, 50).high, "0.511896"],
    ["5 of 50, low", bernoulliConfidenceSequence(5, 50, 0.05, 50).low, "0.013021"],
    ["5 of 50, high", bernoulliConfidenceSequence(5, 50, 0.05, 50).high, "0.269264"],
  ])("%s", (_name, value, expected) => printed(value, expected));

  test("nothing is known of nothing, and an end that can't be excluded is kept", () => {
    expect(bernoulliConfidenceSequence(0, 0, 0.05, 100)).toEqual({ low: 0, high: 1 });
    expect(bernoulliConfidenceSequence(0, 20, 0.05, 100).low).toBe(0);
    expect(bernoulliConfidenceSequence(20, 20, 0.05, 100).high).toBe(1);
  });
});

describe("e-processes", () => {
  const x = [0.2, 0.9, 0.4, 0.7, 0.1, 0.6, 0.8, 0.35, 0.55, 0.95, 0.05, 0.5];
  // By the authors' betting.py: lambda_predmix_eb(x, alpha = 0.025) and betting_mart(x, 0.3, alpha = 0.05).
  const bets = [6.524984655851606, 4.964285498027398, 3.616320716318272, 3.31578238545672, 3.050309651194928, 2.5634043265984583, 2.452135262239794, 2.2459177371828805, 2.15511238742122, 2.10940330497184, 1.8673332938984852, 1.6460924507542452];
  const capital = [0.5357142857142857, 0.8333333333333334, 0.9722222222222223, 1.6203703703703705, 1.080246913580247, 1.6203703703703707, 2.9706790123456797, 3.2182355967078196, 4.559167095336078, 9.498264781950162, 5.540654456137594, 7.364740350634786];

  test("the predictable mixture's bets and the hedged capital (Waudby-Smith and Ramdas) are the authors'", () => {
    const mine = predictableBets(x, 0.05);
    const wealth = lnHedgedCapital(x, 0.3, mine);
    bets.forEach((b, i) => expect(mine[i]).toBeCloseTo(b, 10));
    capital.forEach((c, i) => expect(Math.exp(wealth[i] ?? NaN)).toBeCloseTo(c, 10));
  });

  test("the hedged-capital interval is the authors' grid widened by one step on each side", () => {
    // By betting.py on the same 200 values: kept from 0.385 to 0.509 on the grid of thousandths.
    const values = Array.from({ length: 200 }, (_, i) => ((i * 7) % 10) / 10);
    const interval = hedgedCapitalInterval(values, 0.05);
    expect(interval.low).toBeCloseTo(0.384, 9);
    expect(interval.high).toBeCloseTo(0.51, 9);
  });

  test("binomial mixtures: Robbins 1970, (n + 1) · C(n, k) · p^k (1 − p)^(n − k) is one over the uniform mixture", () => {
    // 60 of 100 against one half: 101 · dbinom(60, 100, 0.5) = 101 · 0.010843866711637987.
    expect(Math.exp(-lnBetaMixture(60, 100, 0.5, 1, 1))).toBeCloseTo(101 * 0.010843866711637987, 9);
    const one = lnBinomialMixture(3, 10, 0.2, [{ share: 0.4, weight: 1 }]);
    expect(Math.exp(one)).toBeCloseTo((0.4 / 0.2) ** 3 * (0.6 / 0.8) ** 7, 12);
    const mixed = lnBinomialMixture(3, 10, 0.2, [{ share: 0.4, weight: 0.5 }, { share: 0.2, weight: 0.5 }]);
    expect(Math.exp(mixed)).toBeCloseTo(0.5 * Math.exp(one) + 0.5, 12);
  });

  test("a mixture is worth one on average under the null, whatever it bets on: that is what makes it an e-value", () => {
    const choose = [1, 6, 15, 20, 15, 6, 1];
    const mean = (ln: (k: number) => number): number => choose.reduce((s, c, k) => s + c * 0.3 ** k * 0.7 ** (6 - k) * Math.exp(ln(k)), 0);
    expect(mean((k) => lnBetaMixture(k, 6, 0.3, 2, 5))).toBeCloseTo(1, 12);
    expect(mean((k) => lnBinomialMixture(k, 6, 0.3, [{ share: 0.5, weight: 0.7 }, { share: 0.9, weight: 0.3 }]))).toBeCloseTo(1, 12);
  });
});
