import { describe, expect, it } from "vitest";
import { reasonSummary } from "@/server/core/placement/reasons";
import { partRows, reasonLine, scoreText, signed, weightUnit } from "./score";

const part = (name: string, value: number, weight: number) => ({ name, value, weight, text: `${name} is ${value}.` });
const candidate = (node: string, parts: ReturnType<typeof part>[]) => ({ node, site: "kiel", feasible: parts.length > 0, reason: null, score: parts.length > 0 ? 1 : null, parts });

// Guarantee: bars of a score share one scale, and a part that one node lacks is a gap, not zero.
describe("the parts of a score", () => {
  it("are compared on one scale", () => {
    const rows = partRows([candidate("a", [part("rule", 1, 8), part("cost", -0.5, 4)]), candidate("b", [part("rule", 0, 8), part("cost", -0.25, 4)])]);
    expect(rows.map((r) => [r.name, r.weight, r.cells.map((c) => [c?.adds, c?.share])])).toEqual([
      ["rule", 8, [[8, 1], [0, 0]]],
      ["cost", 4, [[-2, 0.25], [-1, 0.125]]],
    ]);
  });

  it("are missing for a node that cannot take the unit", () => {
    expect(partRows([candidate("a", [part("room", 0.5, 10)]), candidate("b", [])])[0]?.cells[1]).toBeNull();
    expect(partRows([candidate("a", [])])).toEqual([]);
    expect(partRows([candidate("a", [part("rule", 0, 3)])])[0]?.cells[0]?.share).toBe(0);
  });

  it("have signs and units", () => {
    expect([signed(5), signed(-0.25), signed(0), signed(-0.0004)]).toEqual(["+5.00", "−0.25", "0.00", "0.00"]);
    expect([scoreText(1.77), scoreText(-2.234)]).toEqual(["1.77", "−2.23"]);
    expect(weightUnit({ name: "cost" })).toContain("currency");
    expect(weightUnit({ name: "spread over sites" })).toContain("site");
    expect(weightUnit({ name: "something new" })).toBe("points");
  });
});

// Guarantee: a reason reads as a sentence for one node and for many, whichever of the closed list it is.
it("says reasons of one node and of many", () => {
  expect(reasonLine(reasonSummary.trust, 14)).toBe("14 nodes are trusted too little");
  expect(reasonLine(reasonSummary.cpu, 1)).toBe("1 node has too little CPU left");
  expect(reasonLine(reasonSummary.engine, 1)).toBe("1 node doesn't offer the engine");
  for (const text of Object.values(reasonSummary)) expect(reasonLine(text, 1)).toMatch(/^1 node (is|has|doesn't|would) /);
});
