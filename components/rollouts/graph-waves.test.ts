import { describe, expect, test } from "vitest";
import type { RolloutDetail } from "@/server/core/views";
import { wavesOfPreview, wavesOfRollout, whereItIs, type RolloutPreview } from "./graph-waves";

const step = (index: number, text: string, state: string, gate: unknown = null) => ({ index, text, state, gate });
const target = (observedGeneration: number, state = "healthy") => ({ observedGeneration, state: { state } });
const rollout = {
  final: false, toGeneration: 2,
  waves: [
    { index: 0, name: "lab", after: [], state: "current", window: null, steps: [step(0, "Update every unit", "done"), step(1, "Approval: Go", "current", { name: "lab: Go", at: "after" })], targets: [target(2), target(2, "silent"), target(1, "failing")] },
    { index: 1, name: "edge", after: ["lab"], state: "waiting", window: null, steps: [step(0, "Update every unit", "waiting")], targets: [] },
    { index: 2, name: "cloud", after: ["lab"], state: "waiting", window: null, steps: [step(0, "Update every unit", "waiting")], targets: [] },
  ],
} as unknown as RolloutDetail;

// Guarantee: the graph counts a silent unit as silent only, whatever it last said, and names each gate where it stands.
describe("waves for the graph", () => {
  test("of a rollout under way", () => {
    const [lab] = wavesOfRollout(rollout);
    expect(lab?.progress).toEqual({ updated: 1, failing: 1, silent: 1 });
    expect(lab?.gates).toEqual([{ name: "Go", at: "after", state: "current" }]);
  });
  test("of a plan: gates before, between and after the updates", () => {
    const preview = { graph: [], waves: [{ name: "a", targets: [], steps: ["Approval: First (1 of Ops)", "Update 10% of the wave", "Approval: Second", "Update every unit of the wave", "Approval: Third"] }, { name: "b", targets: [], steps: [] }] } as unknown as RolloutPreview;
    expect(wavesOfPreview(preview).map((w) => [w.after, w.gates.map((g) => `${g.at} ${g.name}`)])).toEqual([[[], ["before First", "between Second", "after Third"]], [["a"], []]]);
  });
  test("where it is and what is next, along the graph", () => {
    expect(whereItIs(rollout)).toEqual({ now: "in wave lab: Approval: Go", next: "wave edge; wave cloud" });
    expect(whereItIs({ ...rollout, final: true })).toBeNull();
  });
});
