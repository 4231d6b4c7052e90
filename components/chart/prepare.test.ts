import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { prepareChart, type ChartInput } from "./prepare";
import { bytesText, shareText, valueText } from "./units";

const base: ChartInput = { title: "t", series: [], flags: [], fromMs: 0, toMs: 60_000, stepMs: 10_000, shown: 0, total: 0, asOfMs: 55_000 };
const line = (name: string, points: [number, number | null][], generation: number | null = null) => ({ name, unit: "ms" as const, generation, points, sample: points.length });

describe("charts", () => {
  // Guarantee: a bucket nobody reported is a gap, never zero and never bridged.
  it("keeps gaps", () => {
    const model = prepareChart({ ...base, series: [line("a", [[0, 1], [30_000, 4]])] });
    expect(model.lines[0]?.values).toEqual([1, null, null, 4, null, null]);
    expect(model.times).toEqual([0, 10, 20, 30, 40, 50]);
  });

  // Guarantee: the bucket that is still filling is known as such.
  it("marks the unfinished bucket", () => {
    expect(prepareChart(base).unfinishedFromMs).toBe(50_000);
    expect(prepareChart({ ...base, asOfMs: 300_000 }).unfinishedFromMs).toBeNull();
  });

  // Guarantee: a series keeps its colour whatever order the series come in, and no two of up to eight share one.
  it("colours by identity", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 8 }), (names) => {
        const colors = (list: string[]) =>
          Object.fromEntries(prepareChart({ ...base, series: list.map((name) => line(name, [])) }).lines.map((l) => [`k${l.name}`, l.color]));
        const forward = colors(names);
        expect(colors([...names].reverse())).toEqual(forward);
        expect(new Set(Object.values(forward)).size).toBe(names.length);
      }),
    );
  });

  // Guarantee: a partition that began before the range and has not ended is drawn.
  it("shows what overlaps the range", () => {
    const flag = (atMs: number, toMs: number | null, kind: "partition" | "rollout") => ({ atMs, toMs, kind, text: "", href: "" });
    const model = prepareChart({ ...base, fromMs: 20_000, flags: [flag(70_000, null, "rollout"), flag(5_000, null, "partition"), flag(1_000, 2_000, "partition"), flag(5_000, null, "rollout")] });
    expect(model.flags).toEqual([flag(5_000, null, "partition")]);
  });

  it("writes values", () => {
    expect([bytesText(1536), shareText(0.9312), shareText(0.99954), valueText("ms", 0.854), valueText("ms", 1234), valueText("perSecond", null)]).toEqual([
      "1.5 KiB", "93.1 %", "99.95 %", "0.85 ms", "1.23 s", "no data",
    ]);
  });
});
