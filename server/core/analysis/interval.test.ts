import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { differenceOfShares, wilson } from "./interval";

describe("wilson", () => {
  // Published: Newcombe 1998, table I (method 3, z = 1.959964): 81 of 263, 15 of 148, 0 of 20, 1 of 29.
  it.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])("%i of %i", (k, n, low, high) => {
    const i = wilson(k / n, n, 1.959964);
    expect(i.low).toBeCloseTo(low, 4);
    expect(i.high).toBeCloseTo(high, 4);
  });
  it("holds the share, stays within 0..1 and narrows with the sample", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, share) => {
        const i = wilson(share, n, 3);
        expect(i.low).toBeGreaterThanOrEqual(0);
        expect(i.high).toBeLessThanOrEqual(1);
        expect(i.low).toBeLessThanOrEqual(share + 1e-12);
        expect(i.high).toBeGreaterThanOrEqual(share - 1e-12);
        const wider = wilson(share, n * 4, 3);
        expect(wider.high - wider.low).toBeLessThanOrEqual(i.high - i.low + 1e-12);
      }),
    );
  });
});

describe("differenceOfShares", () => {
  // Published: Newcombe 1998, table II (method 10, 95%): 56/70 against 48/80 is 0.0524 to 0.3339; 9/10 against 3/10 is 0.1705 to 0.8090.
  it.each([
    [56, 70, 48, 80, 0.0524, 0.3339],
    [9, 10, 3, 10, 0.1705, 0.809],
  ])("%i/%i against %i/%i", (a, m, b, n, low, high) => {
    const i = differenceOfShares({ share: a / m, n: m }, { share: b / n, n }, 1.959964);
    expect(i.low).toBeCloseTo(low, 3);
    expect(i.high).toBeCloseTo(high, 3);
  });
});
