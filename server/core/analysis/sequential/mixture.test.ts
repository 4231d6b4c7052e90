import { describe, expect, it } from "vitest";
import { MixtureProcess, weightOfLater, weightOfStart } from "./mixture";

describe("MixtureProcess", () => {
  // Guarantee: the weights of all beginnings sum to 1, or the mixture would be no e-process.
  it("spreads a weight of exactly 1 over all beginnings", () => {
    let sum = 0;
    for (let t = 0; t < 5000; t++) {
      sum += weightOfStart(t);
      expect(sum + weightOfLater(t)).toBeCloseTo(1, 12);
    }
    expect(weightOfLater(1e9)).toBeLessThan(1e-6);
  });
  it("is the weighted sum over alternatives and beginnings", () => {
    const alternatives = [{ value: 1, weight: 0.3 }, { value: 2, weight: 0.7 }];
    const factors = [[1.5, 0.2], [0.8, 3], [2, 1], [0.5, 4], [1.1, 0.9]];
    const process = new MixtureProcess(alternatives);
    for (const [t, f] of factors.entries()) {
      process.step(f.map(Math.log));
      let expected = weightOfLater(t);
      for (let begin = 0; begin <= t; begin++) for (const [a, { weight }] of alternatives.entries()) expected += weight * weightOfStart(begin) * factors.slice(begin, t + 1).reduce((product, x) => product * (x[a] ?? 1), 1);
      expect(process.ln).toBeCloseTo(Math.log(expected), 12);
    }
  });
  it("finds a change after a long quiet time that a bet from the beginning has lost to", () => {
    const process = new MixtureProcess([{ value: 1, weight: 1 }]);
    for (let t = 0; t < 200; t++) process.step([-0.5]);
    expect(process.ln).toBeGreaterThan(Math.log(0.05));
    for (let t = 0; t < 20; t++) process.step([0.6]);
    expect(process.ln).toBeGreaterThan(Math.log(100));
  });
});
