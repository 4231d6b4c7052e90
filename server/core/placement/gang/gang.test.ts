import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PlacedAsk } from "../ask";
import { place } from "../place";
import { anyFleet, anyShape, shape } from "../testing";
import { gangOf } from "./gang";

const told = (list: readonly PlacedAsk[]) => list.map((p) => [p.unit, p.nodeId, p.because]);

describe("gangs", () => {
  // Guarantee (6): none of a gang is placed, or at least minMember; the rest of the fleet is as if it had not been tried.
  it("is all or nothing, for any fleet", () => {
    const seen = { none: 0, whole: 0 };
    fc.assert(
      fc.property(anyFleet, anyShape, fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 }), (nodes, s, n, minMember) => {
        const fleet = { nowMs: 0, nodes };
        const asks = Array.from({ length: n }, (_, i) => ({ unit: `g-${i}`, shape: s }));
        const { placements } = place(fleet, asks, { seed: "s", own: [] });
        const gang = gangOf(placements, { minMember, running: 0, asked: n });
        const placed = gang.placements.filter((p) => p.nodeId !== null).length;
        expect(placed === 0 || placed >= Math.min(minMember, n)).toBe(true);
        // All that could be placed is placed when it is enough: a gang never gets less than it could have.
        const could = placements.filter((p) => p.nodeId !== null).length;
        if (could >= Math.min(minMember, n)) expect(placed).toBe(could);
        seen[placed === 0 ? "none" : "whole"]++;
        expect(gang.placements.map((p) => p.unit)).toEqual(placements.map((p) => p.unit));
        // Nothing stays reserved: what another asks for next is answered as if the gang had not been tried.
        const other = [{ unit: "o-1", shape: shape() }];
        if (placed === 0) expect(told(place(fleet, other, { seed: "o", own: [] }).placements)).toEqual(told(place({ nowMs: 0, nodes: nodes.map((x) => ({ ...x })) }, other, { seed: "o", own: [] }).placements));
      }),
      { numRuns: 200, seed: 5 },
    );
    expect(Math.min(seen.none, seen.whole)).toBeGreaterThan(1);
  });

  it("counts what runs, and says what it waits for", () => {
    const placed = (nodeId: string | null) => ({ unit: "u", nodeId, node: nodeId, because: "", candidates: [], counts: [], feasible: 0, margin: null });
    expect(gangOf([placed("a"), placed(null)], { minMember: 3, running: 2, asked: 2 }).waiting).toBeNull();
    const waits = gangOf([placed("a"), placed(null)], { minMember: 3, running: 1, asked: 2 });
    expect(waits.waiting).toBe("waits for its gang: 2 of the 3 units that must run together find a node");
    expect(waits.placements.every((p) => p.nodeId === null)).toBe(true);
  });
});
