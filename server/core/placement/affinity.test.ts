import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readCase, runCase } from "./case";
import type { CaseAnswer } from "./case/run";

const run = (input: object): CaseAnswer => {
  const { value, errors } = readCase(input);
  if (!value) throw new Error(JSON.stringify(errors));
  return runCase(value);
};
const node = (name: string, site: string, cpuMillis = 1_000) => ({ name, site, cpuMillis, memory: "1Gi", disk: "1Gi" });
const nodes = [node("k1", "kiel"), node("k2", "kiel"), node("l1", "lyon"), node("l2", "lyon", 2_000)];
const w = (name: string, replicas: number, o: object = {}) => ({ name, replicas, cpuMillis: 100, preemption: "never", ...o });
const on = (a: CaseAnswer, workload: string) => a.units.filter((u) => u.workload === workload).map((u) => u.node).sort();
const siteOf = new Map(nodes.map((n) => [n.name, n.site]));
const sites = (a: CaseAnswer, workload: string) => [...new Set(on(a, workload).map((n) => siteOf.get(n)))].sort();
const here = (workload: string, at: string) => ({ unit: `${workload}-1`, workload, node: at });

// Guarantee: rules apart and together hold for every unit that is placed, whichever workload comes first, and a unit that they keep waiting says why.
describe("units of several workloads", () => {
  it("keep apart from each other and from their own", () => {
    expect(on(run({ nodes, workloads: [w("a", 9, { affinity: { apart: [{ over: "node" }] } })] }), "a")).toEqual(["k1", "k2", "l1", "l2"]);
    const a = run({ nodes, workloads: [w("b", 5, { affinity: { apart: [{ from: "a", over: "site" }] } }), w("a", 1)], units: [here("a", "k1")] });
    expect(sites(a, "b")).toEqual(["lyon"]);
    const full = run({ nodes: nodes.slice(0, 2), workloads: [w("b", 1, { affinity: { apart: [{ from: "a", over: "site" }] } }), w("a", 1)], units: [here("a", "k1")] });
    expect(full.placements[0]).toMatchObject({ node: null, refused: [{ code: "apart", nodes: 2 }] });
    expect(full.placements[0]?.candidates[0]?.because).toBe("kiel has 1 unit of a, which it keeps apart from.");
  });

  it("are kept apart from who keeps apart from them", () => {
    const a = run({ nodes, workloads: [w("a", 1, { affinity: { apart: [{ from: "b", over: "node" }] } }), w("b", 4)], units: [here("a", "k1")] });
    expect(on(a, "b")).not.toContain("k1");
    const full = run({ nodes: nodes.slice(0, 1), workloads: [w("a", 1, { affinity: { apart: [{ from: "b", over: "node" }] } }), w("b", 1)], units: [here("a", "k1")] });
    expect(full.placements[0]?.candidates[0]?.because).toBe("k1 has 1 unit of a, which keeps apart from it.");
  });

  it("stay with others, and wait for the first of them", () => {
    const withCache = (over: string) => w("web", 3, { priority: 500, affinity: { together: [{ with: "cache", over }] } });
    expect(on(run({ nodes, workloads: [withCache("node"), w("cache", 1)], units: [here("cache", "l1")] }), "web")).toEqual(["l1", "l1", "l1"]);
    // The cache comes later, because it has the lower priority.
    const later = run({ nodes, workloads: [withCache("site"), w("cache", 1)] });
    expect(sites(later, "web")).toEqual(sites(later, "cache"));
    expect(on(later, "web")).toHaveLength(3);
    const never = run({ nodes: nodes.slice(0, 1), workloads: [withCache("site"), w("cache", 0)] });
    expect(never.placements[0]).toMatchObject({ node: null, refused: [{ code: "together", text: "are not where the units are that it stays with", nodes: 1 }] });
    expect(never.placements[0]?.candidates[0]?.because).toBe("k1 has no unit of cache beside it: none runs, and the unit stays with them.");
    const elsewhere = run({ nodes: [node("k1", "kiel"), node("l1", "lyon", 50)], workloads: [withCache("site"), w("cache", 1, { cpuMillis: 10 })], units: [here("cache", "l1")] });
    expect(elsewhere.placements[0]?.candidates.find((c) => c.node === "k1")?.because).toBe("k1 is at kiel, which has no unit of cache, and the unit stays at sites that have one (lyon).");
  });

  it("of one workload start where all of them find room, and follow those that run", () => {
    const close = (over: string) => ({ affinity: { together: [{ with: "a", over }] } });
    // kiel has room for 20, lyon for 30: only there do 25 find room together.
    expect(sites(run({ nodes, workloads: [w("a", 25, close("site"))] }), "a")).toEqual(["lyon"]);
    expect(on(run({ nodes, workloads: [w("a", 15, close("node"))] }), "a")).toEqual(Array<string>(15).fill("l2"));
    expect(sites(run({ nodes, workloads: [w("a", 25, close("site"))], units: [here("a", "k2")] }), "a")).toEqual(["kiel"]);
    const two = run({ nodes, workloads: [w("a", 9, { affinity: { together: [{ with: "a", over: "site" }], apart: [{ over: "node" }] } })] });
    expect(on(two, "a")).toHaveLength(2);
    expect(sites(two, "a")).toHaveLength(1);
  });

  it("make others stop for one place, and never those that they stay with", () => {
    const low = (replicas: number) => w("low", replicas, { cpuMillis: 1_000, priority: 1 });
    const filled = [{ unit: "low-1", workload: "low", node: "k1" }, { unit: "low-2", workload: "low", node: "k2" }, { unit: "low-3", workload: "low", node: "l1" }, { unit: "low-4", workload: "low", node: "l2" }];
    const gang = run({ nodes: nodes.map((n) => ({ ...n, cpuMillis: 1_000 })), workloads: [low(4), w("a", 2, { cpuMillis: 1_000, priority: 9, preemption: "lowerPriority", gang: { minMember: 2 }, affinity: { together: [{ with: "a", over: "site" }] } })], units: filled });
    expect(on(gang, "a")).toHaveLength(2);
    expect(sites(gang, "a")).toHaveLength(1);
    const kept = run({ nodes: nodes.slice(0, 1), workloads: [w("cache", 1, { cpuMillis: 1_000, priority: 1 }), w("a", 1, { priority: 9, preemption: "lowerPriority", affinity: { together: [{ with: "cache", over: "node" }] } })], units: [here("cache", "k1")] });
    expect(kept.victims).toEqual([]);
  });

  it("stand by their rules, for any of them", () => {
    const rule = fc.record({ over: fc.constantFrom("site", "node"), other: fc.constantFrom("a", "b", "c"), apart: fc.boolean() });
    let placed = 0;
    fc.assert(
      fc.property(fc.array(fc.record({ replicas: fc.integer({ min: 0, max: 6 }), cpu: fc.constantFrom(100, 300, 700), priority: fc.integer({ min: 1, max: 3 }), rules: fc.array(rule, { maxLength: 2 }) }), { minLength: 3, maxLength: 3 }), (list) => {
        const workloads = list.map((x, i) => {
          const name = ["a", "b", "c"][i] as string;
          return { ...w(name, x.replicas, { cpuMillis: x.cpu, priority: x.priority }), affinity: { apart: x.rules.filter((r) => r.apart).map((r) => ({ from: r.other, over: r.over })), together: x.rules.filter((r) => !r.apart).map((r) => ({ with: r.other, over: r.over })) } };
        });
        const read = readCase({ nodes, workloads });
        if (!read.value) return;
        const a = runCase(read.value);
        expect(a.atRest).toBe(true);
        placed += a.units.length;
        const where = (over: string, n: string) => (over === "site" ? siteOf.get(n) : n);
        for (const x of workloads) {
          for (const u of a.units.filter((y) => y.workload === x.name)) {
            for (const r of x.affinity.apart) expect(a.units.filter((y) => y !== u && y.workload === r.from && where(r.over, y.node) === where(r.over, u.node))).toEqual([]);
            for (const r of x.affinity.together) expect(a.units.some((y) => y.workload === r.with && where(r.over, y.node) === where(r.over, u.node))).toBe(true);
          }
          for (const r of x.affinity.together.filter((t) => t.with === x.name)) expect(new Set(on(a, x.name).map((n) => where(r.over, n))).size).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 150, seed: 20261124 },
    );
    expect(placed).toBeGreaterThan(100);
  });

  it("are refused rules that forbid what they ask for", () => {
    const errors = (affinity: object, o: object = {}) => readCase({ nodes, workloads: [w("a", 1, { affinity, ...o })] }).errors.map((e) => `${e.path}: ${e.message}`);
    expect(errors({ apart: [{ from: "b", over: "site" }], together: [{ with: "b", over: "node" }] })).toEqual(["workloads.0.affinity.together.0: It can't be together with b over node and apart from it over site."]);
    expect(errors({ apart: [{ over: "node" }], together: [{ with: "a", over: "node" }] })).toEqual(["workloads.0.affinity.together.0: It can't be together with a over node and apart from it over node."]);
    expect(errors({ apart: [{ over: "node" }], together: [{ with: "a", over: "site" }] })).toEqual([]);
    expect(errors({ apart: [{ over: "node" }, { from: "a", over: "node" }] })).toHaveLength(1);
    expect(errors({ apart: [{ over: "node" }], together: [{ with: "a", over: "site" }] }, { kind: "daemon" })).toHaveLength(2);
  });
});
