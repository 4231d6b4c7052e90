import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { afterCheck } from "./health";
import type { HealthState } from "./health";

const start: HealthState = { health: "starting", failures: 0, hung: false, message: "" };
const run = (checks: (string | null)[], o = { inStartPeriod: false, failureThreshold: 3 }, from = start): HealthState => checks.reduce<HealthState>((s, c) => afterCheck(s, c, o), from);

describe("health", () => {
  it("follows the thresholds", () => {
    expect(run([null])).toEqual({ health: "healthy", failures: 0, hung: false, message: "" });
    expect(run([null, "x", "x"]).health).toBe("healthy");
    expect(run([null, "x", "x", "x"])).toMatchObject({ health: "unhealthy", hung: false, message: "x" });
    expect(run([null, "x", "x", "x", null]).health).toBe("healthy");
    expect(run(Array(9).fill("x")).hung).toBe(true);
    expect(run(Array(8).fill("x")).hung).toBe(false);
  });
  it("counts no failure within the start period, unless it was healthy already", () => {
    expect(run(Array(50).fill("x"), { inStartPeriod: true, failureThreshold: 3 })).toMatchObject({ health: "starting", failures: 0, message: "x" });
    expect(run([null, "x", "x", "x"], { inStartPeriod: true, failureThreshold: 3 }).health).toBe("unhealthy");
  });
  // Guarantee: one success always makes a unit healthy, and it takes the threshold of failures in a row to undo it.
  it("never becomes unhealthy by fewer failures in a row than the threshold", () => {
    fc.assert(fc.property(fc.array(fc.boolean(), { maxLength: 60 }), fc.integer({ min: 2, max: 6 }), (story, failureThreshold) => {
      let s = afterCheck(start, null, { inStartPeriod: false, failureThreshold });
      let inARow = 0;
      for (const ok of story) {
        s = afterCheck(s, ok ? null : "x", { inStartPeriod: false, failureThreshold });
        inARow = ok ? 0 : inARow + 1;
        expect(s.health === "unhealthy").toBe(inARow >= failureThreshold);
      }
    }));
  });
});
