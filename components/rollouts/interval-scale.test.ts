import { expect, test } from "vitest";
import { scaleOf } from "./interval-scale";

// Guarantee: whatever an interval is, it is drawn inside its bar and in its order.
test("interval, margin and estimate lie inside the bar in their order", () => {
  for (const [scale, low, value, high, margin] of [["ratio", 0.9, 1.02, 1.1, 1.2], ["ratio", 0, 4, 1e6, 1.2], ["difference", -0.9, -0.02, 0.4, -0.01], ["share", 0, 0.001, 1, 0.002], ["rank", 0.5, 0.5, 0.5, 0.5]] as const) {
    const x = scaleOf({ scale, value, low, high }, margin, 160);
    for (const v of [low, value, high, margin]) {
      expect(x(v)).toBeGreaterThanOrEqual(3);
      expect(x(v)).toBeLessThanOrEqual(157);
    }
    expect(x(low)).toBeLessThanOrEqual(x(value));
    expect(x(value)).toBeLessThanOrEqual(x(high));
  }
});
