import { describe, expect, it } from "vitest";
import { ageText, durationText, nextTickMs } from "./time";

describe("ages and lengths of time", () => {
  // Guarantee: an age is written in one unit and never claims a future.
  it.each([
    [-5_000, "now"],
    [0, "now"],
    [999, "now"],
    [1_000, "1 s"],
    [59_999, "59 s"],
    [60_000, "1 min"],
    [3_599_999, "59 min"],
    [3_600_000, "1 h"],
    [47 * 3_600_000, "47 h"],
    [48 * 3_600_000, "2 d"],
    [731 * 86_400_000, "2 y"],
  ])("%d ms is %s old", (ms, text) => expect(ageText(ms)).toBe(text));

  it.each([
    [850, "850 ms"],
    [12_000, "12 s"],
    [270_000, "4 min 30 s"],
    [3_600_000, "1 h"],
    [7_500_000, "2 h 5 min"],
    [76 * 3_600_000, "3 d 4 h"],
  ])("%d ms lasts %s", (ms, text) => expect(durationText(ms)).toBe(text));

  // Guarantee: a shown age is never older than its unit, for every age below an hour.
  it("wakes when the text changes", () => {
    for (let age = 0; age < 3_600_000; age += 977) {
      const next = age + nextTickMs(age);
      expect(ageText(next - 1)).toBe(ageText(age));
      expect(ageText(next)).not.toBe(ageText(age));
    }
  });
});
