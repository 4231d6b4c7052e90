import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { reachOf, routesOf } from "./routes";

const sites = ["a", "b", "c", "d", "e"];
const link = (siteA: string, siteB: string, latencyMs: number) => ({ siteA, siteB, latencyMs });

describe("ways between sites", () => {
  it("are the shortest over any links, both ways; 0 from itself, and none where no link leads", () => {
    const way = routesOf(sites, [link("a", "b", 10), link("b", "c", 5), link("a", "c", 20), link("d", "e", 1), link("a", "nowhere", 1), link("nowhere", "e", 1)]);
    expect([way("a", "c"), way("c", "a"), way("b", "b"), way("a", "d"), way("d", "e")]).toEqual([15, 15, 0, Infinity, 1]);
    expect([way("a", "nowhere"), way("nowhere", "a"), way("nowhere", "nowhere")]).toEqual([Infinity, Infinity, Infinity]);
  });
  // Guarantee: as by trying every site in between (Floyd's method).
  it("are those that a look at all of them finds", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...sites), fc.constantFrom(...sites), fc.nat(9)), { maxLength: 9 }), (list) => {
        const links = list.map(([a, b, ms]) => link(a, b, ms));
        const plain = new Map(sites.flatMap((a) => sites.map((b) => [a + b, Math.min(a === b ? 0 : Infinity, ...links.filter((l) => (l.siteA === a && l.siteB === b) || (l.siteA === b && l.siteB === a)).map((l) => l.latencyMs))] as const)));
        const at = (a: string, b: string) => plain.get(a + b) as number;
        for (const over of sites) for (const a of sites) for (const b of sites) plain.set(a + b, Math.min(at(a, b), at(a, over) + at(over, b)));
        const way = routesOf(sites, links);
        for (const a of sites) for (const b of sites) expect(way(a, b)).toBe(at(a, b));
      }),
      { numRuns: 100, seed: 2 },
    );
  });
});

describe("how far clients are", () => {
  const way = routesOf(sites, [link("a", "b", 10), link("b", "c", 5)]);
  it.each<[string[], { meanMs: number | null; unreached: number }]>([
    [["a"], { meanMs: 8.333, unreached: 2 }],
    [["a", "c"], { meanMs: 1.667, unreached: 2 }],
    [["d"], { meanMs: 0, unreached: 4 }],
    [["a", "d", "e"], { meanMs: 5, unreached: 0 }],
    [["nowhere"], { meanMs: null, unreached: 5 }],
    [[], { meanMs: null, unreached: 5 }],
  ])("from units at %j", (serving, expected) => expect(reachOf(sites, new Set(serving), way)).toEqual(expected));
});
