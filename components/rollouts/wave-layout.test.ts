import { describe, expect, test } from "vitest";
import { placeWaves } from "./wave-layout";

// Guarantee: in the drawn graph every edge runs from left to right, and no two waves share a place.
describe("placeWaves", () => {
  const waves = [
    { name: "lab", after: [] },
    { name: "edge", after: ["lab"] },
    { name: "cloud", after: ["lab"] },
    { name: "grid", after: [] },
    { name: "rest", after: ["edge", "cloud", "grid"] },
  ];
  test("columns by the longest chain, rows in the strategy's order", () => {
    const { placed, edges, columns, rows } = placeWaves(waves);
    const at = new Map(placed.map((p) => [p.wave.name, p]));
    for (const e of edges) expect(at.get(e.from)!.column).toBeLessThan(at.get(e.to)!.column);
    expect(new Set(placed.map((p) => `${p.column}/${p.row}`)).size).toBe(waves.length);
    expect([columns, rows]).toEqual([3, 2]);
    expect(at.get("rest")?.column).toBe(2);
  });
  test("unknown names draw no edge, a circle ends, nothing is nothing", () => {
    expect(placeWaves([{ name: "a", after: ["gone"] }]).edges).toEqual([]);
    expect(placeWaves([{ name: "a", after: ["b"] }, { name: "b", after: ["a"] }]).placed).toHaveLength(2);
    expect(placeWaves([])).toEqual({ placed: [], edges: [], columns: 0, rows: 0 });
  });
});
