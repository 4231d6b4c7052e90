import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addTo, countAtMost, decodeSketch, emptySketch, encodeSketch, mergeSketches, sketchCount, sketchFromBase64, sketchQuantile, sketchToBase64, SKETCH_ACCURACY, SKETCH_MAX_MS, SKETCH_MIN_MS } from "./sketch";
import type { Sketch } from "./sketch";

const latency = fc.oneof(fc.double({ min: SKETCH_MIN_MS, max: 1e7, noNaN: true }), fc.double({ min: 0.01, max: 50, noNaN: true }), fc.constant(0));
const latencies = fc.array(latency, { maxLength: 300 });
const share = fc.double({ min: 0, max: 1, noNaN: true });

function sketchOf(values: readonly number[]): Sketch {
  const sketch = emptySketch();
  for (const v of values) addTo(sketch, v);
  return sketch;
}
const bytes = (sketch: Sketch): number[] => [...encodeSketch(sketch)];

describe("the latency sketch", () => {
  // Guarantee: every quantile is within 1 % of the true one, for any values.
  it("answers each quantile within the stated relative accuracy", () => {
    fc.assert(
      fc.property(fc.array(latency, { minLength: 1, maxLength: 500 }), share, (values, q) => {
        const truth = [...values].sort((a, b) => a - b)[Math.floor(q * (values.length - 1))] ?? NaN;
        const answer = sketchQuantile(sketchOf(values), q) ?? NaN;
        expect(Math.abs(answer - truth)).toBeLessThanOrEqual(truth * SKETCH_ACCURACY * (1 + 1e-9));
      }),
      { numRuns: 400 },
    );
  });

  // Guarantee: sketches may be merged in any order and grouping with the same result, bit for bit.
  it("merges associatively and commutatively, and equals the sketch of all values", () => {
    fc.assert(
      fc.property(latencies, latencies, latencies, (a, b, c) => {
        const [x, y, z] = [sketchOf(a), sketchOf(b), sketchOf(c)];
        const left = bytes(mergeSketches(mergeSketches(x, y), z));
        expect(bytes(mergeSketches(x, mergeSketches(y, z)))).toEqual(left);
        expect(bytes(mergeSketches(z, mergeSketches(y, x)))).toEqual(left);
        expect(bytes(sketchOf([...c, ...a, ...b]))).toEqual(left);
      }),
    );
  });

  // Guarantee: merging leaves its inputs as they were.
  it("does not change what it merges", () => {
    const a = sketchOf([1, 2, 3]);
    const before = bytes(a);
    mergeSketches(a, sketchOf([2, 9]));
    expect(bytes(a)).toEqual(before);
  });

  // Guarantee: what is written is read back, as bytes and as base64.
  it("survives encoding", () => {
    fc.assert(
      fc.property(latencies, fc.integer({ min: 1, max: 2 ** 52 }), (values, times) => {
        const sketch = sketchOf(values);
        addTo(sketch, 7, times);
        expect(sketchFromBase64(sketchToBase64(sketch))).toEqual(sketch);
        expect(bytes(decodeSketch(encodeSketch(sketch)) ?? emptySketch())).toEqual(bytes(sketch));
      }),
    );
  });

  // Guarantee: bytes from the wire never throw and never give counts that were not written.
  it("refuses what is no sketch", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (noise) => {
      const read = decodeSketch(noise);
      if (read) expect(sketchCount(read)).toBeGreaterThanOrEqual(0);
    }));
    const whole = encodeSketch(sketchOf([1, 5, 900]));
    for (let cut = 0; cut < whole.length; cut++) expect(decodeSketch(whole.subarray(0, cut))).toBeNull();
    expect(decodeSketch(Uint8Array.from([...whole, 0]))).toBeNull();
    expect(sketchFromBase64("not base64!")).toBeNull();
    expect(sketchFromBase64("")).toBeNull();
  });

  it("counts, bounds its range and refuses what is no latency", () => {
    const sketch = emptySketch();
    for (const bad of [-1, NaN, Infinity]) expect(addTo(sketch, bad)).toBe(false);
    expect(sketchQuantile(sketch, 0.5)).toBeNull();
    addTo(sketch, 0);
    addTo(sketch, 10, 2);
    addTo(sketch, SKETCH_MAX_MS * 1_000);
    expect(sketchCount(sketch)).toBe(4);
    expect(sketchQuantile(sketch, 0)).toBe(0);
    expect(sketchQuantile(sketch, 1) ?? 0).toBeLessThanOrEqual(SKETCH_MAX_MS * 1.021);
    expect(sketchQuantile(sketch, 1.1)).toBeNull();
    expect(countAtMost(sketch, 5)).toBe(1);
    expect(countAtMost(sketch, 10.2)).toBe(3);
    expect(countAtMost(sketch, Number.MAX_VALUE)).toBe(4);
  });

  // Guarantee: a minute of a busy service stays small on the wire.
  it("is compact", () => {
    const sketch = emptySketch();
    for (let i = 1; i <= 10_000; i++) addTo(sketch, 5 + (i % 100) / 10);
    expect(encodeSketch(sketch).length).toBeLessThan(300);
  });
});
