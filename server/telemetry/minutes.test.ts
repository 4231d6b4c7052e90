import { describe, expect, it } from "vitest";
import { addTo, emptySketch, encodeSketch } from "../core/telemetry/sketch";
import { minutesOf } from "./minutes";

const MINUTE = 60_000;
const sketch = emptySketch();
addTo(sketch, 10, 4);
const request = (minute: number, generation: number) => ({ minuteMs: minute * MINUTE, generation, site: "edge-1", assignmentId: "a1", count: 4, errors: 1, sketch: encodeSketch(sketch) });
const quality = (minute: number, generation: number, site = "edge-1") => ({ minuteMs: minute * MINUTE, generation, site, labelled: 10, correct: 9 });

describe("evidence at a site where every unit runs the canary", () => {
  // Guarantee: the stable revision's time before on the same hosts stands in, labels included, and of no other revision or site.
  it("is held against what the stable revision did there before", () => {
    const input = minutesOf({
      w: { workloadId: "w", canary: 2, stable: 1, units: [{ assignmentId: "a1", nodeId: "n1", site: "edge-1", canarySinceMs: 100 * MINUTE }], startedAtMs: 100 * MINUTE, fromMs: 100 * MINUTE, toMs: 110 * MINUTE, silentAfterMs: 30_000 },
      from: 100, to: 103, rows: [100, 101, 102].map((m) => request(m, 2)), quality: [quality(101, 2)], spells: [],
      past: [90, 91].map((m) => request(m, 1)), pastQuality: [quality(90, 1), quality(91, 1), quality(91, 7), quality(91, 1, "edge-2")],
    });
    expect(input.sites[0]?.baseline).toMatchObject({ minutes: 2, requests: 8, errors: 2, labelled: 20, correct: 18 });
    expect(input.minutes.map((m) => [m.minute, m.canary.requests, m.canary.labelled, m.stable.unitsExpected])).toEqual([[100, 4, 0, 0], [101, 4, 10, 0], [102, 4, 0, 0]]);
  });
});
