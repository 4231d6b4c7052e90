import { describe, expect, test } from "vitest";
import type { RolloutDetail } from "@/server/core/views";
import { cohorts, previewOf } from "./rollback-preview";

const target = (site: string, observedGeneration: number | null, state = "healthy", returnAtMs: number | null = null) => ({ site, observedGeneration, state: { state }, trial: returnAtMs === null ? null : { state: "armed", returnAtMs, atMs: 1 } });
const rollout = (phase: string, final = false) =>
  ({
    phase, final, reason: "accuracy 0.86 is below 0.90", fromGeneration: 1, toGeneration: 2,
    waves: [{ targets: [target("kiel", 2), target("kiel", 2, "silent", 5_000), target("kiel", null)] }, { targets: [target("bremen", 1), target("bremen", 2)] }],
  }) as unknown as RolloutDetail;

// Guarantee: a silent unit is never counted as running anything, and never as having returned.
describe("rollback by site", () => {
  test("each target is in exactly one column", () => {
    expect(cohorts(rollout("running")).map(({ words: _, ...c }) => c)).toEqual([
      { site: "kiel", onNew: 1, onOld: 0, other: 1, silent: 1, returnAtMs: 5_000 },
      { site: "bremen", onNew: 1, onOld: 1, other: 0, silent: 0, returnAtMs: null },
    ]);
  });
  test("the sentence says what would happen, what is happening, or that it is over", () => {
    expect(previewOf(rollout("running")).sentence).toBe("A rollback now would return 2 units at 2 sites to r1 and hold r2. 1 unit is silent: what it runs is not known.");
    expect(previewOf(rollout("rollingBack")).sentence).toBe("accuracy 0.86 is below 0.90");
    expect(previewOf(rollout("succeeded", true)).sentence).toMatch(/^The rollout ended: 2 units at 2 sites run r2/);
  });
});
