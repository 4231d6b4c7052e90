import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exponentialMs, fullJitterMs } from "./backoff";

describe("back-off", () => {
  // Guarantee: a wait never exceeds the cap nor the exponential bound, at any attempt.
  it("stays within its bounds", () => {
    fc.assert(fc.property(fc.nat({ max: 10_000 }), fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 1, max: 60_000 }), (attempt, random, baseMs, capMs) => {
      const wait = fullJitterMs(attempt, random, { baseMs, capMs });
      expect(wait).toBeGreaterThanOrEqual(0);
      expect(wait).toBeLessThanOrEqual(Math.min(capMs, baseMs * 2 ** Math.min(attempt, 40)) + 1);
      expect(exponentialMs(attempt, baseMs, capMs)).toBeLessThanOrEqual(capMs);
    }));
  });
  it("doubles until the cap", () => {
    expect([0, 1, 2, 3, 9].map((n) => exponentialMs(n, 1_000, 60_000))).toEqual([1_000, 2_000, 4_000, 8_000, 60_000]);
    expect([0, 1, 2, 20].map((n) => fullJitterMs(n, 1, { baseMs: 500, capMs: 30_000 }))).toEqual([500, 1_000, 2_000, 30_000]);
  });
});
