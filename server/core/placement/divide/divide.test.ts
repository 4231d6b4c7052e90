import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { divide, largestRemainder } from "./divide";
import type { DivisionSite } from "./divide";

const site = (name: string, o: Partial<DivisionSite> = {}): DivisionSite => ({ name, weight: 1, available: 10, current: 0, ...o });
const anySites = fc.array(fc.record({ weight: fc.nat(5), available: fc.nat(12), current: fc.nat(6) }), { minLength: 1, maxLength: 6 }).map((l) => l.map((s, i) => site(`s${i}`, s)));
const sumOf = (m: ReadonlyMap<string, number>) => [...m.values()].reduce((n, x) => n + x, 0);

describe("dividing replicas over sites", () => {
  it.each([
    ["duplicated", 3, [site("a"), site("b")], { a: 3, b: 3 }, 0],
    ["static", 10, [site("a", { weight: 2 }), site("b"), site("c", { weight: 0 })], { a: 7, b: 3, c: 0 }, 0],
    ["dynamic", 4, [site("a", { available: 6 }), site("b", { available: 2 })], { a: 3, b: 1 }, 0],
    ["dynamic", 9, [site("a", { available: 6 }), site("b", { available: 2 })], { a: 6, b: 2 }, 1],
    ["aggregated", 5, [site("a", { available: 3 }), site("b", { available: 8 }), site("c", { available: 4 })], { a: 0, b: 5, c: 0 }, 0],
    ["aggregated", 5, [site("a", { available: 3, current: 2 }), site("b", { available: 8 })], { a: 5, b: 0 }, 0],
    ["aggregated", 2, [site("a", { current: 1 }), site("b", { current: 3 })], { a: 0, b: 2 }, 0],
  ] as const)("%s, %i replicas", (by, replicas, sites, units, left) => {
    const d = divide(replicas, by, sites);
    expect(Object.fromEntries(d.units)).toEqual(units);
    expect(d.left).toBe(left);
  });

  // Guarantee: whole parts first, then one each by the larger remainder, of equal ones the larger weight, then the smaller name, whatever order sites come in.
  it.each<[string, number, Record<string, number>, Record<string, number>]>([
    ["7 of 3 equal: 2 1/3 each, and one is left for the first name", 7, { a: 1, b: 1, c: 1 }, { a: 3, b: 2, c: 2 }],
    ["8 of 3 equal: two are left", 8, { a: 1, b: 1, c: 1 }, { a: 3, b: 3, c: 2 }],
    ["5 by 1:3 is 1.25 and 3.75", 5, { a: 1, b: 3 }, { a: 1, b: 4 }],
    ["3 by 1:3 is 0.75 and 2.25", 3, { a: 1, b: 3 }, { a: 1, b: 2 }],
    ["3 by 2:3 is 1.2 and 1.8", 3, { a: 2, b: 3 }, { a: 1, b: 2 }],
    ["2 by 1:3 is 0.5 and 1.5: to the larger weight", 2, { a: 1, b: 3 }, { a: 0, b: 2 }],
    ["2 by 3:1 the same, whatever the name", 2, { a: 3, b: 1 }, { a: 2, b: 0 }],
    ["6 by 2:1 leaves nothing", 6, { a: 2, b: 1 }, { a: 4, b: 2 }],
    ["no weight, nothing", 6, { a: 0, b: 0 }, { a: 0, b: 0 }],
    ["nothing to give", 0, { a: 1, b: 2 }, { a: 0, b: 0 }],
    ["a weight of 0 gets nothing", 3, { a: 0, b: 1, c: 1 }, { a: 0, b: 2, c: 1 }],
  ])("%s", (_what, total, weights, units) => {
    const shares = Object.entries(weights).map(([name, weight]) => ({ name, weight }));
    for (const list of [shares, [...shares].reverse()]) expect(Object.fromEntries(largestRemainder(total, list))).toEqual(units);
  });

  // Guarantee: "aggregated" goes on where units are, then where most room is, then by name; when it shrinks it empties the smallest, of equal ones the last by name.
  it.each<[string, "static" | "dynamic" | "aggregated", number, Record<string, [current: number, available: number]>, Record<string, number>, number]>([
    ["where units are, before where most room is", "aggregated", 4, { a: [0, 9], b: [1, 3] }, { a: 0, b: 4 }, 0],
    ["of two with units, the roomier", "aggregated", 4, { a: [1, 3], b: [1, 4] }, { a: 1, b: 3 }, 0],
    ["of three empty ones the roomiest", "aggregated", 4, { a: [0, 4], b: [0, 6], c: [0, 5] }, { a: 0, b: 4, c: 0 }, 0],
    ["of two alike the first by name", "aggregated", 4, { a: [0, 4], b: [0, 4], c: [0, 3] }, { a: 4, b: 0, c: 0 }, 0],
    ["two are needed: 5 by their room of 3:3 is 2.5 each", "aggregated", 5, { a: [0, 3], b: [0, 3], c: [0, 2] }, { a: 3, b: 2, c: 0 }, 0],
    ["more than there is room for", "aggregated", 9, { a: [1, 2], b: [0, 3], c: [0, 0] }, { a: 3, b: 3, c: 0 }, 3],
    ["shrinks to fewer sites", "aggregated", 3, { a: [2, 0], b: [3, 0] }, { a: 0, b: 3 }, 0],
    ["of two alike the last by name gives", "aggregated", 3, { a: [2, 0], b: [2, 0] }, { a: 2, b: 1 }, 0],
    ["a site that is too small gives all, the next the rest", "aggregated", 4, { a: [1, 0], b: [3, 0], c: [5, 0] }, { a: 0, b: 0, c: 4 }, 0],
    ["dynamic shrinks in proportion: 3 by 2:3 is 1.2 and 1.8", "dynamic", 3, { a: [2, 0], b: [3, 0] }, { a: 1, b: 2 }, 0],
    ["as many as there are: nothing moves", "dynamic", 5, { a: [2, 9], b: [3, 1] }, { a: 2, b: 3 }, 0],
    ["as many as there are, aggregated: nothing moves", "aggregated", 5, { a: [2, 9], b: [3, 1] }, { a: 2, b: 3 }, 0],
    ["2 more by room of 9:1 is 1.8 and 0.2", "dynamic", 7, { a: [2, 9], b: [3, 1] }, { a: 4, b: 3 }, 0],
  ])("%s", (_what, by, replicas, sites, units, left) => {
    const list = Object.freeze(Object.entries(sites).map(([name, [current, available]]) => site(name, { current, available })));
    for (const order of [list, Object.freeze([...list].reverse()), Object.freeze([...list.slice(1), ...list.slice(0, 1)])]) {
      const d = divide(replicas, by, order);
      expect([Object.fromEntries(d.units), d.left]).toEqual([units, left]);
    }
  });
  it("leaves all of them over when no site has a weight", () => {
    expect(divide(4, "static", [site("a", { weight: 0 })])).toEqual({ units: new Map([["a", 0]]), left: 4 });
  });

  // Guarantee (10): a division sums exactly, each part is its exact share rounded down or up, and no site is given what it can't take.
  it("sums exactly", () => {
    fc.assert(
      fc.property(anySites, fc.nat(40), fc.constantFrom("static" as const, "dynamic" as const, "aggregated" as const), (sites, replicas, by) => {
        const d = divide(replicas, by, sites);
        expect(sumOf(d.units) + d.left).toBe(replicas);
        for (const s of sites) {
          const n = d.units.get(s.name) ?? 0;
          expect(n).toBeGreaterThanOrEqual(0);
          if (by !== "static") expect(n).toBeLessThanOrEqual(s.current + s.available);
        }
      }),
    );
    fc.assert(
      fc.property(anySites, fc.nat(1_000), (sites, total) => {
        const sum = sites.reduce((n, s) => n + s.weight, 0);
        for (const [name, n] of largestRemainder(total, sites)) {
          const exact = sum === 0 ? 0 : (total * (sites.find((s) => s.name === name)?.weight ?? 0)) / sum;
          expect(Math.abs(n - exact)).toBeLessThan(1);
        }
      }),
    );
  });

  // Guarantee (8): scaling moves nothing: with more replicas no site loses one, with fewer no site gets one.
  it("does not churn", () => {
    fc.assert(
      fc.property(anySites, fc.nat(40), fc.constantFrom("dynamic" as const, "aggregated" as const), (sites, replicas, by) => {
        const there = sites.reduce((n, s) => n + s.current, 0);
        const d = divide(replicas, by, sites);
        for (const s of sites) {
          if (replicas >= there) expect(d.units.get(s.name)).toBeGreaterThanOrEqual(s.current);
          else expect(d.units.get(s.name)).toBeLessThanOrEqual(s.current);
        }
        expect(divide(replicas, by, [...sites].reverse()).units.size).toBe(d.units.size);
      }),
    );
  });

  // Guarantee: "aggregated" uses no more sites than are needed.
  it("aggregates", () => {
    fc.assert(
      fc.property(anySites.map((l) => l.map((s) => ({ ...s, current: 0 }))), fc.integer({ min: 1, max: 30 }), (sites, replicas) => {
        const d = divide(replicas, "aggregated", sites);
        const used = sites.filter((s) => (d.units.get(s.name) ?? 0) > 0).length;
        const largest = sites.map((s) => s.available).sort((a, b) => b - a);
        let needed = 0;
        for (let room = 0; room < replicas && needed < largest.length; needed++) room += largest[needed] ?? 0;
        expect(used).toBeLessThanOrEqual(needed);
      }),
    );
  });
});
