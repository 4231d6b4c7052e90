import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../server/core/base/seed";
import { unitOf } from "../testing/harness";
import { choose, keyOf, place } from "./balance";
import type { Backend } from "./balance";
import { Outliers, RetryBudget } from "./guard";

const backend = (id: string, generation: number, own = false): Backend => ({ id, generation, host: "h", port: 1, own: own ? unitOf(id, "") : null });
const fleet = [backend("a", 1), backend("b", 1), backend("c", 1), backend("d", 2), backend("e", 2)];
const route = (weights: [number, number][], spread: "site" | "local" = "site") => ({ weights: weights.map(([generation, weight]) => ({ generation, weight })), spread });
const keys = Array.from({ length: 4_000 }, (_, i) => `user-${i}`);

describe("choosing an endpoint", () => {
  // Guarantee: requests are divided by the weights of revisions, however many endpoints each has.
  it.each([[90, 10], [50, 50], [0, 100], [1, 99], [30, 60]] as const)("divides %i to %i", (old, next) => {
    const random = seededRandom(7);
    const n = 20_000;
    let toNext = 0;
    for (let i = 0; i < n; i++) if (choose(route([[1, old], [2, next]]), { backends: fleet, key: null, random })?.generation === 2) toNext++;
    const share = next / (old + next);
    expect(Math.abs(toNext / n - share)).toBeLessThan(4 * Math.sqrt((share * (1 - share)) / n) + 1e-9);
  });

  // Guarantee: a key goes to one revision and one endpoint; raising the new revision's weight takes keys to it and none back.
  it("keeps a key where it is, and moves keys one way", () => {
    const generationOf = (key: string, next: number) => choose(route([[1, 100 - next], [2, next]]), { backends: fleet, key, random: () => 0 })?.generation;
    for (const key of keys) {
      const path = [0, 5, 10, 25, 50, 100].map((next) => generationOf(key, next) ?? 0);
      expect(path).toEqual([...path].sort((a, b) => a - b));
    }
    expect(keys.filter((k) => generationOf(k, 10) === 2).length / keys.length).toBeCloseTo(0.1, 1);
  });
  it("moves only the keys of an endpoint that goes", () => {
    const at = (key: string, backends: readonly Backend[]) => choose(route([[1, 100]]), { backends, key, random: () => 0 })?.id;
    const without = fleet.filter((b) => b.id !== "b");
    for (const key of keys) if (at(key, fleet) !== "b") expect(at(key, without)).toBe(at(key, fleet));
  });

  // Guarantee: whoever answers is better than nobody: weights give way where no weighted revision has an endpoint.
  it("always finds an endpoint when there is one, and never one of a weightless revision beside a weighted one", () => {
    const any = fc.record({ generations: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 6 }), weights: fc.dictionary(fc.constantFrom("1", "2", "3", "4"), fc.constantFrom(0, 1, 50, 100)), key: fc.option(fc.string()), random: fc.double({ min: 0, max: 0.999_999, noNaN: true }), spread: fc.constantFrom("site" as const, "local" as const) });
    fc.assert(fc.property(any, ({ generations, weights, key, random, spread }) => {
      const backends = generations.map((g, i) => backend(`x${i}`, g, i % 2 === 0));
      const chosen = choose(route(Object.entries(weights).map(([g, w]) => [Number(g), w]), spread), { backends, key, random: () => random });
      expect(chosen === null).toBe(backends.length === 0);
      const weightOf = (b: Backend) => weights[String(b.generation)] ?? 0;
      if (chosen && backends.some((b) => weightOf(b) > 0)) expect(weightOf(chosen)).toBeGreaterThan(0);
      if (chosen && spread === "local" && backends.some((b) => b.own && b.generation === chosen.generation)) expect(chosen.own).not.toBeNull();
    }));
  });

  it("reads the key of a header or a cookie", () => {
    expect(keyOf(null, { "x-user": "u" })).toBeNull();
    expect(keyOf({ by: "header", name: "X-User" }, { "x-user": "u" })).toBe("u");
    expect(keyOf({ by: "cookie", name: "session" }, { cookie: "a=1; session=x=y; b=2" })).toBe("x=y");
    expect(keyOf({ by: "cookie", name: "session" }, { cookie: "mysession=1" })).toBeNull();
    expect(place("a")).toBe(place("a"));
  });
});

describe("guards", () => {
  // Guarantee: an endpoint that fails five times in a row is left out and comes back; never more than half are left out.
  it("leaves out what keeps failing, for a while", () => {
    const o = new Outliers();
    const ids = (nowMs: number): string => o.usable(fleet, nowMs).map((b) => b.id).join("");
    for (let i = 0; i < 4; i++) o.note("a", false, 0);
    expect(ids(0)).toBe("abcde");
    o.note("a", false, 0);
    expect(ids(9_999)).toBe("bcde");
    expect(ids(10_000)).toBe("abcde");
    // The second time it takes longer.
    for (let i = 0; i < 5; i++) o.note("a", false, 10_000);
    expect(ids(29_999)).toBe("bcde");
    for (const id of ["b", "c", "d", "e"]) for (let i = 0; i < 5; i++) o.note(id, false, 11_000);
    expect(o.usable(fleet, 12_000)).toHaveLength(3);
    o.note("a", true, 13_000);
    expect(ids(60_000)).toBe("abcde");
  });

  // Guarantee: retries never add more than their share of requests, but for the few that are always allowed.
  it("bounds retries by a share of requests", () => {
    fc.assert(fc.property(fc.array(fc.boolean(), { maxLength: 2_000 }), fc.constantFrom(0, 5, 20, 100), (wants, percent) => {
      const budget = new RetryBudget();
      let retries = 0;
      wants.forEach((want) => {
        budget.earn(percent);
        if (want && budget.spend()) retries++;
      });
      expect(retries).toBeLessThanOrEqual(3 + (wants.length * percent) / 100 + 1e-6);
    }));
  });
});
