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
