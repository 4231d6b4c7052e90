import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { emptySketch, mergeSketches, sketchCount, sketchFromBase64, sketchQuantile } from "../../server/core/telemetry/sketch";
import { telemetryPost } from "../../server/protocol/local-api";
import { MAX_FRAME_BYTES, reportBody } from "../../server/protocol/messages";
import { Collector } from "./collector";

const unit = { assignmentId: "a1", workload: "digits", generation: 2 };

describe("the telemetry collector", () => {
  // Guarantee: counts, errors and quantiles are the same however posts and reports fall into a minute.
  it("gives the same sums however it is emptied in between", () => {
    const posts = fc.array(fc.record({ latencyMs: fc.double({ min: 0.01, max: 5_000, noNaN: true }), ok: fc.boolean(), take: fc.boolean(), atMs: fc.integer({ min: 0, max: 200_000 }) }), { maxLength: 80 });
    fc.assert(fc.property(posts, (list) => {
      const c = new Collector();
      const reports = list.flatMap((p) => {
        c.post(unit, telemetryPost.parse({ requests: [{ latencyMs: p.latencyMs, ok: p.ok }] }), p.atMs);
        return p.take ? c.take() : [];
      });
      const minutes = [...reports, ...c.take()].flatMap((r) => r.requests);
      expect(minutes.reduce((n, m) => n + m.count, 0)).toBe(list.length);
      expect(minutes.reduce((n, m) => n + m.errors, 0)).toBe(list.filter((p) => !p.ok).length);
      expect(minutes.every((m) => m.minuteMs % 60_000 === 0)).toBe(true);
      const all = minutes.map((m) => sketchFromBase64(m.sketch) ?? emptySketch()).reduce(mergeSketches, emptySketch());
      expect(sketchCount(all)).toBe(list.length);
      const sorted = list.map((p) => p.latencyMs).sort((a, b) => a - b);
      const median = sorted[Math.floor(0.5 * (sorted.length - 1))];
      if (median !== undefined) expect(Math.abs((sketchQuantile(all, 0.5) ?? NaN) / median - 1)).toBeLessThan(0.0101);
      expect(c.empty).toBe(true);
    }));
  });

  // Guarantee: however much was gathered, each report fits the protocol and a frame.
  it("splits what would not fit", () => {
    const c = new Collector();
    const id = "x".repeat(100);
    for (let i = 0; i < 12; i++) {
      const many = Array.from({ length: 1_000 }, () => ({ id, predicted: "é".repeat(100), confidence: 0.5, atMs: 1 }));
      c.post(unit, { requests: [], predictions: many, labels: many.map((p) => ({ id, workload: "digits", label: p.predicted, atMs: 1 })) }, 0);
    }
    for (let i = 0; i < 300; i++) c.event({ atMs: 1, kind: "unit.exited", assignmentId: "a1", unit: "u", message: "\u0001é".repeat(3_000) });
    const reports = c.take();
    expect(reports.length).toBeGreaterThanOrEqual(12);
    for (const r of reports) {
      expect(reportBody.safeParse(r).success).toBe(true);
      expect(Buffer.byteLength(JSON.stringify(r))).toBeLessThan(MAX_FRAME_BYTES - 10_000);
    }
    expect(reports.flatMap((r) => r.predictions)).toHaveLength(12_000);
    expect(reports.flatMap((r) => r.events)).toHaveLength(300);
  });

  // Guarantee: memory stays bounded when nothing can be written for long, and what is lost is counted.
  it("gives up the oldest beyond its bound", () => {
    const c = new Collector();
    for (let i = 0; i < 50_100; i++) c.unitUsage("a1", i, { cpuMillis: 1, memoryBytes: 1 });
    expect(c.dropped).toBe(100);
    expect(c.take().flatMap((r) => r.unitUsage)[0]?.atMs).toBe(100);
  });
});
