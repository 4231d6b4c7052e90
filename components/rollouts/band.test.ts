import { describe, expect, test } from "vitest";
import { bandOf } from "./band";

const box = { left: 50, right: 400, top: 5, bottom: 130 };
const point = (atMs: number, value: number | null, low: number | null = null, high: number | null = null) => ({ atMs, value, low, high, margin: 1.2, against: 1, notWorse: 1, canary: 10, stable: 90 });

// Guarantee: what was not measured is a gap in the line and in the band, never a value.
describe("bandOf", () => {
  test("a gap splits line and band", () => {
    const b = bandOf({ scale: "ratio", points: [point(0, 1, 0.8, 1.4), point(1, 1.05, 0.9, 1.3), point(2, null), point(3, 1.1, 1, 1.2), point(4, 1.1, 1.02, 1.19)] }, box);
    expect(b?.lines).toHaveLength(2);
    expect(b?.bands).toHaveLength(2);
  });
  test("everything stays inside the box, an unbounded start included", () => {
    const b = bandOf({ scale: "ratio", points: [point(0, 40, 0, 1e6), point(1, 2, 0.5, 9), point(2, 1.02, 0.9, 1.2), point(3, 1.01, 0.95, 1.1)] }, box);
    for (const [, x, y] of (b?.bands.join("") + (b?.lines.join("") ?? "")).matchAll(/([\d.]+) ([\d.]+)/g)) {
      expect(Number(x)).toBeGreaterThanOrEqual(50);
      expect(Number(x)).toBeLessThanOrEqual(400);
      expect(Number(y)).toBeGreaterThanOrEqual(5);
      expect(Number(y)).toBeLessThanOrEqual(130);
    }
  });
  test("nothing measured is no chart", () => {
    expect(bandOf({ scale: "ratio", points: [point(0, null)] }, box)).toBeNull();
  });
});
