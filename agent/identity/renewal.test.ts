import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseAddress } from "./dial";
import { renewAtMs } from "./renewal";

describe("renewal", () => {
  // Guarantee: every certificate is renewed between 40 % and 60 % of its life, and a fleet is spread over that.
  it("comes at half-life, give or take a tenth of the life", () => {
    fc.assert(fc.property(fc.nat(), fc.integer({ min: 1_000, max: 1e9 }), fc.double({ min: 0, max: 1, noNaN: true }), (fromMs, life, random) => {
      const share = (renewAtMs({ fromMs, toMs: fromMs + life }, random) - fromMs) / life;
      expect(share).toBeGreaterThanOrEqual(0.399);
      expect(share).toBeLessThanOrEqual(0.601);
    }));
    const hour = { fromMs: 0, toMs: 3_600_000 };
    expect([0, 0.5, 1].map((r) => renewAtMs(hour, r))).toEqual([1_440_000, 1_800_000, 2_160_000]);
  });
});

describe("gateway addresses", () => {
  it("are host and port", () => {
    expect(parseAddress("a.example.org:7071")).toEqual({ host: "a.example.org", port: 7_071 });
    expect(parseAddress("[fd00::1]:1")).toEqual({ host: "fd00::1", port: 1 });
    for (const bad of ["", "a", "a:", "a:0", "a:65536", "http://a:1", "::1:5", "a b:1"]) expect(parseAddress(bad), bad).toBeNull();
  });
});
