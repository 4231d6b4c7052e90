import { describe, expect, test } from "vitest";
import { betaCdf, betaQuantile, binomialCdf, chiSquareSf, clopperPearson, lnBinomialPmf, normalCdf, normalQuantile, normalSf, studentTCdf } from "./distributions";
import { eBH } from "./e-bh";
import { betaRegularized, gammaRegularizedUpper, lnAddExp, lnBeta, lnChoose, lnGamma } from "./special";

/** Guarantee: special functions and distributions agree with published values; most to twelve digits. */
const near = (value: number, expected: number): void => expect(Math.abs(value - expected) / Math.max(Math.abs(expected), 1e-12)).toBeLessThan(1e-9);

describe("special functions", () => {
  test.each([
    // Abramowitz and Stegun, Handbook of Mathematical Functions, 6.1 (Γ(1/2) = √π, Γ(1/4), 9!), and SciPy 1.17 gammaln.
    ["lnGamma(1/2)", lnGamma(0.5), Math.log(Math.sqrt(Math.PI))],
    ["lnGamma(1/4)", lnGamma(0.25), Math.log(3.6256099082219083)],
    ["lnGamma(10)", lnGamma(10), Math.log(362880)],
    ["lnGamma(100000)", lnGamma(100000), 1051287.7089736569],
    ["lnBeta(2, 3)", lnBeta(2, 3), Math.log(1 / 12)],
    ["lnChoose(52, 5)", lnChoose(52, 5), Math.log(2598960)],
    // I_x(2, 3) is the polynomial 6x² − 8x³ + 3x⁴.
    ["I(0.3; 2, 3)", betaRegularized(0.3, 2, 3), 6 * 0.09 - 8 * 0.027 + 3 * 0.0081],
    ["I(0.01; 1/2, 1/2), the arc sine law", betaRegularized(0.01, 0.5, 0.5), (2 / Math.PI) * Math.asin(0.1)],
    // Q(2, x) = (1 + x) e^−x.
    ["Q(2, 3)", gammaRegularizedUpper(2, 3), 4 * Math.exp(-3)],
    ["Q(2, 0.5)", gammaRegularizedUpper(2, 0.5), 1.5 * Math.exp(-0.5)],
    ["lnAddExp far out", lnAddExp(1000, 1000), 1000 + Math.LN2],
  ])("%s", (_name, value, expected) => near(value, expected));

  test("say what they are not defined for", () => {
    expect(lnGamma(-1)).toBeNaN();
    expect(betaRegularized(0.5, 0, 1)).toBeNaN();
    expect(normalQuantile(1.1)).toBeNaN();
    expect(lnAddExp(-Infinity, -Infinity)).toBe(-Infinity);
  });
});

describe("distributions", () => {
  test.each([
    // R, "The Normal Distribution": pnorm(1.96), qnorm(0.975); tail from SciPy norm.sf(8).
    ["pnorm(1.96)", normalCdf(1.96), 0.9750021048517795],
    ["pnorm(-3)", normalCdf(-3), 0.0013498980316300945],
    ["norm.sf(8)", normalSf(8), 6.220960574271785e-16],
    ["qnorm(0.975)", normalQuantile(0.975), 1.959963984540054],
    ["qnorm(1e-20)", normalQuantile(1e-20), -9.262340089798407],
    ["qnorm(0.01), Kayenta's zQuant", normalQuantile(0.01), -2.3263478740408408],
    // Student's table: t(0.975; 10) = 2.228138852.
    ["pt(2.228138852, 10)", studentTCdf(2.2281388519649385, 10), 0.975],
    ["pt(-1, 1), Cauchy", studentTCdf(-1, 1), 0.25],
    ["pbeta(0.3, 2, 3)", betaCdf(0.3, 2, 3), 0.3483],
    ["qbeta(0.3483, 2, 3)", betaQuantile(0.3483, 2, 3), 0.3],
    ["pbinom(3, 10, 0.4)", binomialCdf(3, 10, 0.4), 0.3822806016],
    ["dbinom(4, 10, 0.4)", Math.exp(lnBinomialPmf(4, 10, 0.4)), 210 * 0.4 ** 4 * 0.6 ** 6],
    // The chi-square table: 3.841458821 cuts off 5% with one degree of freedom, 18.30703805 with ten.
    ["pchisq(3.841458821, 1)", chiSquareSf(3.841458820694124, 1), 0.05],
    ["pchisq(18.30703805, 10)", chiSquareSf(18.307038053275146, 10), 0.05],
  ])("%s", (_name, value, expected) => near(value, expected));

  test("Clopper and Pearson's interval is R's binom.test(682, 925): 0.7076683 to 0.7654066", () => {
    // Source: R documentation of binom.test (Mendelian inheritance, Conover 1971, p. 97 f.).
    const interval = clopperPearson(682, 925, 0.95);
    expect(interval.low).toBeCloseTo(0.7076683, 6);
    expect(interval.high).toBeCloseTo(0.7654066, 6);
    expect(clopperPearson(0, 500, 0.95).high).toBeCloseTo(1 - 0.025 ** (1 / 500), 12);
  });
});

describe("e-BH (Wang and Ramdas 2022)", () => {
  // With four hypotheses at 5% the limits are 80, 40, 26.7 and 20.
  test.each([
    [[100, 1, 50, 30], [0, 2, 3]],
    [[79, 1, 1, 1], []],
    [[1, 80, 1, 1], [1]],
    [[20, 20, 20, 20], [0, 1, 2, 3]],
    [[], []],
  ])("of %j it rejects %j", (e, rejected) => expect(eBH(e, 0.05)).toEqual(rejected));
});
