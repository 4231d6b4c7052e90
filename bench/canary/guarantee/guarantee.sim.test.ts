import { describe, expect, it } from "vitest";
import { lnSlower, lnWorse } from "../../../server/core/analysis/sequential/factors";
import { MixtureProcess, weightOfLater, weightOfStart } from "../../../server/core/analysis/sequential/mixture";
import { Random } from "../random";
import { measureNull, measurePower } from "./measure";
import { PlainMixture, alike, makeTables, runStream } from "./stream";

describe("guarantee", () => {
  // Guarantee: looking after every request, a sound canary is rejected in at most alpha of the streams. A sample of the
  // bench "guarantee", with alpha 0.1, so that a broken bound would show: 120 streams, 99.9% of sound ones stay at or under 23.
  it("rejects at most alpha of A/A streams, each kind alone and all combined", () => {
    const rejected = measureNull(0, 120, 4000, 0.1);
    for (const [kind, count] of Object.entries(rejected)) expect(count, kind).toBeLessThanOrEqual(23);
    // Bets that never come near would keep any promise.
    expect(rejected.errors + rejected.latency + rejected.accuracy).toBeGreaterThan(3);
  });
  it("has the power of the best fixed-sample test with 40% fewer requests, within 20%", () => {
    for (const [name, p] of Object.entries(measurePower(60, 10_000, 6_000, 0.01))) expect(p.sequential / p.fixed, name).toBeGreaterThan(0.8);
  });
  it("finds a large effect at once", () => {
    const world = { ...alike, canary: { errors: 0.3, tail: 0.3, accuracy: 0.6, reporting: 0.5 }, shift: 30 };
    const { reached } = runStream(world, makeTables(2000, new Random(7)), 0.01, new Random(1), 0);
    for (const at of Object.values(reached)) expect(at).toBeGreaterThan(0);
    expect(reached.combined).toBeLessThan(500);
  });
  // The simulation's plain numbers are the judge's logarithms.
  it("computes what the judge computes", () => {
    const alternatives = [{ value: 1.3, weight: 0.4 }, { value: 4, weight: 0.6 }];
    const plain = new PlainMixture(alternatives.map((a) => a.weight));
    const judge = new MixtureProcess(alternatives);
    const random = new Random(5);
    for (let t = 0; t < 300; t++) {
      const isCanary = random.uniform() < 0.3;
      const bad = random.uniform() < 0.2;
      const ln = alternatives.map((a) => lnWorse({ canary: isCanary ? 1 : 0, canaryBad: isCanary && bad ? 1 : 0, stable: isCanary ? 0 : 1, stableBad: !isCanary && bad ? 1 : 0 }, 1, 0, a.value, 3 / 7));
      judge.step(ln);
      if (bad) expect(Math.log(plain.step(weightOfStart(t), weightOfLater(t), ln.map(Math.exp)))).toBeCloseTo(judge.ln, 9);
      else plain.rest(weightOfStart(t));
    }
    // A request's rank among 9 before it, of which 7 are below it.
    expect(lnSlower(7 / 9, 1, 9, 1.5)).toBeCloseTo((1.5 * (7 - 4.5)) / 10 - Math.log(Array.from({ length: 10 }, (_, i) => Math.exp(1.5 * ((i + 0.5) / 10 - 0.5))).reduce((a, b) => a + b, 0) / 10), 10);
  });
});
