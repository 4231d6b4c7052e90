import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bucketsOf, MAX_POINTS, stepFor, withGaps } from "./series";

describe("chart buckets", () => {
  // Guarantee: a chart never has more points than it can show, whatever the range.
  it("keeps to the number of points for any range", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2e12 }), fc.integer({ min: 1_000, max: 4e11 }), (from, width) => {
        const step = stepFor(from, from + width, 10_000);
        const buckets = bucketsOf(from, from + width, step);
        expect(buckets.length).toBeLessThanOrEqual(MAX_POINTS + 1);
        expect(buckets[0]).toBeLessThanOrEqual(from);
        expect((buckets.at(-1) ?? 0) + step).toBeGreaterThanOrEqual(from + width);
      }),
    );
  });
  // Guarantee: nobody reported is a gap, not zero.
  it("shows missing buckets as gaps", () => {
    expect(withGaps([0, 10, 20], new Map([[10, 0]]))).toEqual([[0, null], [10, 0], [20, null]]);
  });
});
