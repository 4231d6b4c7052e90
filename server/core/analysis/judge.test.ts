import { describe, expect, it } from "vitest";
import type { AnalysisMetric } from "../manifest/rollout";
import { judge, type Evidence, type JudgeInput } from "./judge";

const metric = (m: Partial<AnalysisMetric>): AnalysisMetric => ({ name: "accuracy", metric: "accuracy", minSample: 50, onMissing: "hold", ...m });
const evidence = (canary: number | null, sample: number, stable: number | null = 0.95, bySite: Evidence["bySite"] = []): Evidence => ({ canary: { value: canary, sample }, stable: { value: stable, sample: 500 }, bySite });
const run = (m: AnalysisMetric, e: Evidence | null, more: Partial<JudgeInput> = {}) =>
  judge({ template: { metrics: [m], window: "5m" }, evidence: new Map(e ? [[m.metric, e]] : []), canaryGeneration: 3, stableGeneration: 2, wave: "canary", fromMs: 0, toMs: 1, deadlinePassed: false, silentTargets: 0, ...more });

describe("judge", () => {
  it.each([
    ["min kept", { min: 0.9 }, 0.9, "promote"],
    ["min broken", { min: 0.9 }, 0.899, "rollBack"],
    ["max kept", { max: 0.9 }, 0.9, "promote"],
    ["max broken", { max: 0.9 }, 0.901, "rollBack"],
    ["decrease kept", { maxDecrease: 0.1 }, 0.86, "promote"],
    ["decrease broken", { maxDecrease: 0.05 }, 0.86, "rollBack"],
    ["increase kept", { maxIncrease: 0.02 }, 0.96, "promote"],
    ["increase broken", { maxIncrease: 0.005 }, 0.96, "rollBack"],
  ] as const)("%s", (_, limits, value, verdict) => expect(run(metric(limits), evidence(value, 100)).verdict).toBe(verdict));

  // Guarantee: the sentence names metric, value, limit, wave and the sites that broke it.
  it("says which sites broke which limit in which wave", () => {
    const v = run(
      metric({ min: 0.92 }),
      evidence(0.87, 412, 0.95, [
        { site: "edge-kiel", canary: { value: 0.85, sample: 200 }, stable: { value: 0.95, sample: 10 } },
        { site: "edge-lyon", canary: { value: 0.93, sample: 12 }, stable: { value: 0.95, sample: 10 } },
        { site: "cloud-fra", canary: { value: 0.88, sample: 200 }, stable: { value: 0.95, sample: 10 } },
      ]),
    );
    expect(v.sentence).toBe("Accuracy of r3 was 0.870 (412 labels) at edge-kiel and cloud-fra in wave canary, below the limit 0.920.");
  });

  // Guarantee: nobody is promoted by silence.
  it("has not enough evidence below the sample, and holds at the deadline", () => {
    expect(run(metric({ min: 0.9 }), evidence(0.99, 49)).verdict).toBe("notEnoughEvidence");
    expect(run(metric({ min: 0.9 }), null).verdict).toBe("notEnoughEvidence");
    expect(run(metric({ min: 0.9 }), null, { deadlinePassed: true }).verdict).toBe("hold");
    expect(run(metric({ maxDecrease: 0.1 }), { ...evidence(0.95, 100), stable: { value: null, sample: 0 } }).verdict).toBe("notEnoughEvidence");
  });
  it("fails on missing data only where the metric says so, and only at the deadline", () => {
    const m = metric({ min: 0.9, onMissing: "rollBack" });
    expect(run(m, null).verdict).toBe("notEnoughEvidence");
    expect(run(m, null, { deadlinePassed: true }).verdict).toBe("rollBack");
  });
  it("lets one failed metric outweigh others that lack evidence", () => {
    const v = judge({
      template: { metrics: [metric({ min: 0.9 }), metric({ name: "errors", metric: "errorRate", max: 0.01 })], window: "5m" },
      evidence: new Map([["errorRate", evidence(0.05, 100, 0)] as const]),
      canaryGeneration: 3, stableGeneration: 2, wave: "w", fromMs: 0, toMs: 1, deadlinePassed: false, silentTargets: 0,
    });
    expect(v.verdict).toBe("rollBack");
  });
});
