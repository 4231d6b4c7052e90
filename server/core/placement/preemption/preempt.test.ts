import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fits, noLoad, withDemand } from "../demand";
import { anyDemand, demand, nodeOf } from "../testing";
import { preempt } from "./preempt";
import type { PreemptionSite, RunningUnit } from "./preempt";

const unit = (id: string, o: Partial<RunningUnit> = {}): RunningUnit => ({ id, version: 1, unit: id, workloadId: "w", workload: "w", nodeId: "node-a", priority: 10, demand: demand({ cpuMillis: 400 }), startedAtMs: 0, ...o });
const siteOf = (name: string, units: readonly RunningUnit[], cpuMillis = 1_000): PreemptionSite => ({ node: nodeOf({ name, capacity: { cpuMillis, memoryBytes: 1_500, diskBytes: 1_500, devices: { A: 2, B: 1 } } }), load: units.reduce((l, u) => withDemand(l, u.demand), noLoad) });
const run = (priority: number, cpu: number, here: Record<string, RunningUnit[]>, budgets: [string, number][] = []) =>
  preempt({ priority, demand: demand({ cpuMillis: cpu }) }, Object.entries(here).map(([n, l]) => siteOf(n, l)), new Map(Object.entries(here).map(([n, l]) => [`node-${n}`, l])), new Map(budgets));

describe("preemption", () => {
  it.each([
    ["takes the least important on a node", 50, 400, { a: [unit("x", { priority: 20 }), unit("y", { priority: 5 })] }, ["y"]],
    ["leaves equal priority alone", 10, 400, { a: [unit("x"), unit("y")] }, null],
    ["takes nothing when it would not do", 50, 1_200, { a: [unit("x"), unit("y")] }, null],
    ["chooses the node whose victims matter least", 50, 700, { a: [unit("x", { priority: 30 }), unit("y")], b: [unit("v", { priority: 12 }), unit("w")] }, ["v", "w"]],
    ["of equals takes what started last", 50, 400, { a: [unit("old"), unit("new", { startedAtMs: 9 })] }, ["new"]],
  ] as const)("%s", (_what, priority, cpu, here, victims) => expect(run(priority, cpu, here as unknown as Record<string, RunningUnit[]>)?.victims.map((v) => v.id) ?? null).toEqual(victims));

  it("keeps to budgets", () => {
    const here = { a: [unit("x"), unit("y")] };
    expect(run(50, 900, here, [["w", 2]])?.victims).toHaveLength(2);
    expect(run(50, 900, here, [["w", 1]])).toBeNull();
    expect(run(50, 400, here, [["w", 0]])).toBeNull();
  });

  // Guarantee (5): victims have strictly lower priority, are minimal by inclusion, within budgets, and the unit then fits.
  it("does the least harm, for any fleet", () => {
    let found = 0;
    const anyUnits = fc.array(fc.record({ demand: anyDemand, priority: fc.nat(4), workloadId: fc.constantFrom("v", "w"), startedAtMs: fc.nat(9), node: fc.constantFrom("a", "b") }), { maxLength: 10 });
    fc.assert(
      fc.property(anyUnits, anyDemand, fc.nat(5), fc.option(fc.nat(3), { nil: null }), (list, wanted, priority, budget) => {
        const units = new Map<string, RunningUnit[]>();
        for (const name of ["a", "b"]) {
          const here: RunningUnit[] = [];
          const empty = siteOf(name, []);
          list.forEach((u, i) => {
            if (u.node === name && fits(empty.node.capacity, here.reduce((l, x) => withDemand(l, x.demand), noLoad), u.demand)) here.push(unit(`u${i}`, { ...u, nodeId: `node-${name}` }));
          });
          units.set(`node-${name}`, here);
        }
        const sites = ["a", "b"].map((n) => siteOf(n, units.get(`node-${n}`) ?? []));
        const p = preempt({ priority, demand: wanted }, sites, units, new Map(budget === null ? [] : [["v", budget]]));
        const lower = (id: string) => (units.get(id) ?? []).filter((u) => u.priority < priority);
        const after = (id: string, gone: readonly RunningUnit[]) => gone.reduce((l, u) => withDemand(l, u.demand, -1), (sites.find((s) => s.node.id === id) as PreemptionSite).load);
        if (p === null) {
          // Without budgets nothing is overlooked: with all of lower priority gone it fits nowhere.
          if (budget === null) for (const s of sites) expect(fits(s.node.capacity, after(s.node.id, lower(s.node.id)), wanted)).toBe(false);
          return;
        }
        found++;
        const capacity = (sites.find((s) => s.node.id === p.nodeId) as PreemptionSite).node.capacity;
        for (const v of p.victims) expect(v.priority).toBeLessThan(priority);
        expect(fits(capacity, after(p.nodeId, p.victims), wanted)).toBe(true);
        for (const v of p.victims) expect(fits(capacity, after(p.nodeId, p.victims.filter((x) => x !== v)), wanted)).toBe(false);
        if (budget !== null) expect(p.victims.filter((v) => v.workloadId === "v").length).toBeLessThanOrEqual(budget);
      }),
      { numRuns: 500, seed: 11 },
    );
    expect(found).toBeGreaterThan(8);
  });
});
