/** The three stated effects, and the fixed-sample tests that are best for them. */
import { normalQuantile } from "../../../server/core/analysis/statistics/distributions";
import { type EvidenceKind } from "../../../server/core/analysis/sequential/types";
import { type Totals, type World, alike } from "./stream";

export interface Effect {
  name: string;
  kind: EvidenceKind;
  world: World;
  /** Whether the fixed-sample test of this level rejects. */
  fixedRejects(totals: Totals, alpha: number): boolean;
}

/** One-sided test of two proportions, pooled variance: the asymptotically most powerful one, and unbiased. */
function proportions(kind: "errors" | "tail" | "accuracy"): Effect["fixedRejects"] {
  return (t, alpha) => {
    const [x, y] = t.bad[kind];
    const rate = (x + y) / (t.canary + t.stable);
    const se = Math.sqrt(rate * (1 - rate) * (1 / t.canary + 1 / t.stable));
    return se > 0 && (x / t.canary - y / t.stable) / se > normalQuantile(1 - alpha);
  };
}

/** One-sided t-test on the logarithms, which is the most powerful one for lognormal latency. */
const meansOfLogs: Effect["fixedRejects"] = (t, alpha) => {
  const mean = [t.sum[0] / t.canary, t.sum[1] / t.stable] as const;
  const variance = (t.squares[0] - t.canary * mean[0] ** 2 + t.squares[1] - t.stable * mean[1] ** 2) / (t.canary + t.stable - 2);
  return (mean[0] - mean[1]) / Math.sqrt(variance * (1 / t.canary + 1 / t.stable)) > normalQuantile(1 - alpha);
};

export const effects: readonly Effect[] = [
  { name: "errors 1% to 2%", kind: "errors", world: { ...alike, canary: { ...alike.canary, errors: 0.02 } }, fixedRejects: proportions("errors") },
  { name: "latency 6% slower", kind: "latency", world: { ...alike, shift: 3 }, fixedRejects: meansOfLogs },
  { name: "wrong answers 8% to 10.5%", kind: "accuracy", world: { ...alike, canary: { ...alike.canary, accuracy: 0.105 } }, fixedRejects: proportions("accuracy") },
];
