import { describe, expect, it } from "vitest";
import { behaviours, rightClass, simulateRollout } from "./world";

describe("a rollout over silent, flapping and lying agents", () => {
  // Guarantee: it ends, and every target is classified as what it is; `npm run bench -- rollout-sim` plays 10,000 to 50,000.
  it.each([1, 2])("ends with the right class for every one of 1,000 (seed %i)", (seed) => {
    const r = simulateRollout({ agents: 1_000, seed, silent: 0.03, flapping: 0.01, lying: 0.005 });
    expect(r.phase, r.reason).toBe("succeeded");
    for (const b of behaviours) expect(Object.keys(r.classes[b]), b).toEqual([rightClass[b]]);
  });
  it("rolls back when more are lost than the strategy allows", () => {
    const r = simulateRollout({ agents: 400, seed: 3, silent: 0.4, flapping: 0, lying: 0 });
    expect(r).toMatchObject({ phase: "rolledBack" });
  });
});
