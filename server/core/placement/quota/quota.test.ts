import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { queueOrder } from "./order";
import { reclaim } from "./reclaim";
import type { QuotaUnit } from "./reclaim";
import { QuotaTree } from "./tree";
import type { QuotaFacts } from "./tree";

const quota = (name: string, o: Partial<QuotaFacts> = {}): QuotaFacts => ({ name, parent: "all", nominal: { cpuMillis: 10 }, borrowingLimit: null, lendingLimit: null, weight: 1, reclaim: "lowerPriority", ...o });
const root: QuotaFacts = quota("all", { parent: null, nominal: {} });
const cpu = (n: number) => ({ cpuMillis: n });

const anyTree = fc
  .record({
    leaves: fc.array(fc.record({ nominal: fc.integer({ min: 0, max: 20 }), borrow: fc.option(fc.integer({ min: 0, max: 20 }), { nil: null }), lend: fc.option(fc.integer({ min: 0, max: 20 }), { nil: null }), weight: fc.integer({ min: 1, max: 4 }), under: fc.constantFrom("all", "team") }), { minLength: 1, maxLength: 5 }),
    spare: fc.integer({ min: 0, max: 10 }),
  })
  .map((t) => [
    quota("all", { parent: null, nominal: cpu(t.spare) }),
    quota("team", { nominal: {} }),
    ...t.leaves.map((l, i) => quota(`q${i}`, { parent: l.under, nominal: cpu(l.nominal), borrowingLimit: l.borrow === null ? null : cpu(l.borrow), lendingLimit: l.lend === null ? null : cpu(l.lend), weight: l.weight })),
  ]);
const requests = fc.array(fc.record({ quota: fc.nat(4), amount: fc.integer({ min: 1, max: 8 }), priority: fc.integer({ min: 0, max: 3 }) }), { maxLength: 25 });

/** Takes what fits, in the order given: what a series of placements does. */
function fillUp(facts: readonly QuotaFacts[], list: readonly { quota: number; amount: number; priority: number }[]) {
  const leaves = facts.filter((f) => f.name.startsWith("q"));
  const tree = new QuotaTree(facts);
  const units: QuotaUnit[] = [];
  list.forEach((r, i) => {
    const name = leaves[r.quota % leaves.length]?.name ?? "";
    if (tree.shortages(name, cpu(r.amount)).length > 0) return;
    tree.add(name, cpu(r.amount));
    units.push({ id: `u${i}`, quota: name, amounts: cpu(r.amount), priority: r.priority, startedAtMs: i });
  });
  return { tree, units, leaves };
}

describe("quotas", () => {
  it("lends what is not used, and takes no more than what is left of the cohort", () => {
    const tree = new QuotaTree([root, quota("a"), quota("b")], new Map([["a", cpu(4)]]));
    expect(tree.available("b", "cpuMillis")).toBe(16);
    tree.add("b", cpu(16));
    expect(tree.borrowed("b")).toEqual(cpu(6));
    expect(tree.shortages("a", cpu(1))).toEqual([{ resource: "cpuMillis", wanted: 1, available: 0, nominal: 10, used: 4 }]);
  });
  it("keeps to limits of borrowing and of lending", () => {
    const tree = new QuotaTree([root, quota("a", { lendingLimit: cpu(3) }), quota("b", { borrowingLimit: cpu(2) })]);
    expect(tree.available("b", "cpuMillis")).toBe(12);
    tree.add("b", cpu(12));
    expect(tree.available("a", "cpuMillis")).toBe(8);
    expect(new QuotaTree([root, quota("a", { lendingLimit: cpu(3) }), quota("b")]).available("b", "cpuMillis")).toBe(13);
  });
  it("limits what some quota of the tree names, and nothing else", () => {
    const tree = new QuotaTree([root, quota("a"), quota("b", { nominal: { "devices/A": 2 } })]);
    expect(tree.shortages("a", { cpuMillis: 1, diskBytes: 1e12, "devices/A": 3 }).map((s) => s.resource)).toEqual(["devices/A"]);
  });
  it("takes a parent that is not there, or a circle, for none", () => {
    expect(new QuotaTree([quota("a", { parent: "gone" })]).available("a", "cpuMillis")).toBe(10);
    const circle = new QuotaTree([quota("a", { parent: "b" }), quota("b", { parent: "a" })]);
    expect(circle.walk()).toHaveLength(2);
  });

  // Guarantee (7): usage never exceeds nominal plus what may be borrowed, of any quota, and never the whole of the tree.
  it("never lets usage exceed nominal and borrowing", () => {
    fc.assert(
      fc.property(anyTree, requests, (facts, list) => {
        const { tree, leaves } = fillUp(facts, list);
        const total = facts.reduce((n, f) => n + (f.nominal["cpuMillis"] ?? 0), 0);
        const used = (name: string) => tree.used(name)["cpuMillis"] ?? 0;
        expect(leaves.reduce((n, l) => n + used(l.name), 0)).toBeLessThanOrEqual(total);
        for (const l of leaves) {
          if (l.borrowingLimit) expect(used(l.name)).toBeLessThanOrEqual((l.nominal["cpuMillis"] ?? 0) + (l.borrowingLimit["cpuMillis"] ?? 0));
          // What others keep for themselves is never used by this one.
          const keptByOthers = leaves.filter((x) => x !== l).reduce((n, x) => n + (x.lendingLimit ? Math.max(0, (x.nominal["cpuMillis"] ?? 0) - (x.lendingLimit["cpuMillis"] ?? 0)) : 0), 0);
          expect(used(l.name)).toBeLessThanOrEqual(total - keptByOthers);
        }
      }),
    );
  });

  it("gives back exactly what was taken", () => {
    fc.assert(
      fc.property(anyTree, requests, (facts, list) => {
        const { tree, units, leaves } = fillUp(facts, list);
        for (const u of units) tree.add(u.quota, u.amounts, -1);
        const fresh = new QuotaTree(facts);
        for (const l of leaves) expect(tree.available(l.name, "cpuMillis")).toBe(fresh.available(l.name, "cpuMillis"));
      }),
    );
  });

  // Guarantee (7): reclaim takes only what is borrowed, only of lower priority, only if the claim then fits, and no unit too many.
  it("reclaims the least, and pushes nobody below nominal", () => {
    let reclaimed = 0;
    fc.assert(
      fc.property(anyTree, fc.array(fc.record({ quota: fc.nat(4), amount: fc.integer({ min: 1, max: 4 }), priority: fc.integer({ min: 0, max: 3 }) }), { minLength: 20, maxLength: 40 }), fc.nat(4), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 6 }), (facts, list, q, amount, priority) => {
        const { tree, units, leaves } = fillUp(facts, list);
        const name = leaves[q % leaves.length]?.name ?? "";
        const before = leaves.map((l) => tree.used(l.name)["cpuMillis"] ?? 0);
        const victims = reclaim(tree, { quota: name, amounts: cpu(amount), priority }, units);
        expect(leaves.map((l) => tree.used(l.name)["cpuMillis"] ?? 0)).toEqual(before);
        if (victims === null) return;
        if (victims.length > 0) reclaimed++;
        expect((tree.used(name)["cpuMillis"] ?? 0) + amount).toBeLessThanOrEqual(tree.nominal(name)["cpuMillis"] ?? 0);
        for (const v of victims) {
          expect(v.priority).toBeLessThan(priority);
          tree.add(v.quota, v.amounts, -1);
        }
        for (const v of victims) expect(tree.used(v.quota)["cpuMillis"]).toBeGreaterThanOrEqual(tree.nominal(v.quota)["cpuMillis"] ?? 0);
        expect(tree.shortages(name, cpu(amount))).toEqual([]);
        for (const v of victims) {
          tree.add(v.quota, v.amounts);
          expect(tree.shortages(name, cpu(amount))).not.toEqual([]);
          tree.add(v.quota, v.amounts, -1);
        }
      }),
      { numRuns: 400, seed: 7 },
    );
    expect(reclaimed).toBeGreaterThan(1);
  });

  // Guarantee: what is due sums to no more than there is, nobody is due less than the smaller of nominal and need, and nothing is left while somebody who may borrow wants more.
  it("deserves by max-min fairness", () => {
    fc.assert(
      fc.property(anyTree, fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 5, maxLength: 5 }), (facts, wants) => {
        const tree = new QuotaTree(facts);
        const leaves = facts.filter((f) => f.name.startsWith("q"));
        const wanted = new Map(leaves.map((l, i) => [l.name, wants[i] ?? 0]));
        const due = tree.deserved("cpuMillis", wanted);
        const total = facts.reduce((n, f) => n + (f.nominal["cpuMillis"] ?? 0), 0);
        expect(leaves.reduce((n, l) => n + (due.get(l.name) ?? 0), 0)).toBeLessThanOrEqual(total + 1e-6);
        for (const l of leaves) {
          expect(due.get(l.name) ?? 0).toBeGreaterThanOrEqual(Math.min(wanted.get(l.name) ?? 0, l.nominal["cpuMillis"] ?? 0) - 1e-6);
          expect(due.get(l.name) ?? 0).toBeLessThanOrEqual((wanted.get(l.name) ?? 0) + 1e-6);
        }
      }),
    );
    const due = new QuotaTree([root, quota("a"), quota("b", { weight: 2 }), quota("c", { weight: 1 })]).deserved("cpuMillis", new Map([["a", 1], ["b", 99], ["c", 99]]));
    expect([due.get("a"), due.get("b"), due.get("c")]).toEqual([1, 16, 13]);
  });

  // Guarantee: a higher priority goes first, then who would stay within nominal, then the smaller dominant share.
  it("orders the queue", () => {
    const tree = new QuotaTree([root, quota("a"), quota("b"), quota("idle")], new Map([["a", cpu(12)], ["b", cpu(9)]]));
    const w = (id: string, q: string | null, priority: number, sinceMs: number, n = 2) => ({ id, quota: q, priority, sinceMs, amounts: cpu(n) });
    expect(queueOrder([w("borrows-most", "a", 1, 0), w("borrows", "b", 1, 0), w("urgent", "a", 2, 9), w("within", "b", 1, 5, 1), w("older", null, 1, 1)], tree).map((x) => x.id)).toEqual(["urgent", "older", "within", "borrows", "borrows-most"]);
  });
});
