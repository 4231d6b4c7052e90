import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fits, isOvercommitted, noLoad, withDemand } from "./demand";
import type { FleetNode, FleetSnapshot } from "./fleet";
import { evaluate } from "./naive";
import { place } from "./place";
import type { Reason } from "./reasons";
import type { Shape } from "./shape";
import { anyFleet, anyShape, demand, nodeOf, policy, selectorOf, shape } from "./testing";

const fleet = (nodes: readonly FleetNode[]): FleetSnapshot => ({ nowMs: 100_000, nodes });
const ask = (s: Shape, unit = "u-1") => ({ unit, shape: s });
const asks = (s: Shape, n: number) => Array.from({ length: n }, (_, i) => ask(s, `u-${i + 1}`));
const options = { seed: "s", own: [] };
const codeOf = (node: FleetNode, s: Shape) => evaluate(fleet([node]), ask(s), options)[0]?.reasons.map((r) => r.code);

describe("what keeps a node away", () => {
  // Guarantee: each reason has its own code, and the decisive one comes first.
  it.each<[string, FleetNode, Shape, string[]]>([
    ["cordoned", nodeOf({ name: "a", desiredState: "cordoned" }), shape(), ["not_active"]],
    ["silent", nodeOf({ name: "a", contact: "silent" }), shape(), ["silent"]],
    ["never seen: nothing else is claimed of it", nodeOf({ name: "a", contact: "never", engines: [], arch: "" }), shape({ arch: ["x64"] }), ["not_connected"]],
    ["without the engine", nodeOf({ name: "a", engines: [] }), shape(), ["engine"]],
    ["of another architecture", nodeOf({ name: "a", arch: "arm64" }), shape({ arch: ["x64"] }), ["arch"]],
    ["of another system", nodeOf({ name: "a", os: "darwin" }), shape({ os: ["linux"] }), ["os"]],
    ["trusted too little", nodeOf({ name: "a", trustTier: "none" }), shape({ policy: policy({ trustTierMin: "software" }) }), ["trust"]],
    ["abroad", nodeOf({ name: "a", jurisdiction: "FR" }), shape({ policy: policy({ residency: ["DE"] }) }), ["residency"]],
    ["in a part of an allowed country", nodeOf({ name: "a", jurisdiction: "DE-BY" }), shape({ policy: policy({ residency: ["DE"] }) }), []],
    ["in another part than the allowed one", nodeOf({ name: "a", jurisdiction: "DE-BY" }), shape({ policy: policy({ residency: ["DE-SH"] }) }), ["residency"]],
    ["tainted", nodeOf({ name: "a", taints: [{ key: "gpu", value: "yes" }] }), shape({ policy: policy({ tolerate: [{ key: "gpu", value: "no" }] }) }), ["taint"]],
    ["tainted and tolerated", nodeOf({ name: "a", taints: [{ key: "gpu", value: "yes" }] }), shape({ policy: policy({ tolerate: [{ key: "gpu" }] }) }), []],
    ["against a rule", nodeOf({ name: "a" }), shape({ policy: policy({ require: [{ selector: selectorOf('site.kind == "grid"'), because: null }] }) }), ["rule"]],
    ["not selected", nodeOf({ name: "a" }), shape({ selector: selectorOf('node.name == "b"') }), ["selector"]],
    ["short of everything", nodeOf({ name: "a", capacity: { cpuMillis: 1, memoryBytes: 1, diskBytes: 1, devices: {} } }), shape({ demand: demand({ devices: { count: 1, model: null } }) }), ["device", "cpu", "memory", "disk"]],
    ["cordoned and abroad", nodeOf({ name: "a", desiredState: "cordoned", jurisdiction: "FR" }), shape({ policy: policy({ residency: ["DE"] }) }), ["not_active", "residency"]],
  ])("%s", (_what, node, s, codes) => expect(codeOf(node, s)).toEqual(codes));

  // Guarantee: the sentence names the node, what it has and what is asked.
  it("says it in a sentence", () => {
    const r = evaluate(fleet([nodeOf({ name: "kiel-1", capacity: { cpuMillis: 50, memoryBytes: 1_000, diskBytes: 1_000, devices: {} } })]), ask(shape()), options);
    expect(r[0]?.reasons[0]?.text).toBe("kiel-1 has 50m of CPU left, and the unit asks for 100m.");
  });
});

describe("ranking", () => {
  const two = [nodeOf({ name: "a", site: "kiel" }), nodeOf({ name: "b", site: "fra" })];
  it.each<[string, FleetNode[], Shape, string[], string]>([
    ["goes to the site with the fewest units", two, shape(), ["node-a"], "b"],
    ["goes where most is left", [nodeOf({ name: "a", load: { ...noLoad, cpuMillis: 500 } }), nodeOf({ name: "b" })], shape(), [], "b"],
    ["packs when told", [nodeOf({ name: "a", load: { ...noLoad, cpuMillis: 500 } }), nodeOf({ name: "b" })], shape({ prefer: [{ by: "pack", weight: 10 }] }), [], "a"],
    ["takes the cheaper when told", [nodeOf({ name: "a", rates: { currency: "EUR", cpuHour: 2, memoryGiBHour: 0 } }), nodeOf({ name: "b", rates: { currency: "EUR", cpuHour: 1, memoryGiBHour: 0 } })], shape({ prefer: [{ by: "cost", weight: 100 }] }), ["node-b"], "b"],
    ["prefers by a rule", two, shape({ prefer: [{ by: "rule", selector: selectorOf('site.name == "kiel"'), weight: 50 }] }), ["node-a"], "a"],
    ["avoids by a negative rule", two, shape({ prefer: [{ by: "rule", selector: selectorOf('site.name == "kiel"'), weight: -50 }] }), [], "b"],
    ["goes where the artifacts are", [nodeOf({ name: "a" }), nodeOf({ name: "b", warm: new Set(["d"]) })], shape({ artifacts: ["d"], prefer: [{ by: "warm", weight: 10 }] }), [], "b"],
  ])("%s", (_what, nodes, s, own, winner) => expect(place(fleet(nodes), [ask(s)], { seed: "s", own }).placements[0]?.node).toBe(winner));
});

describe("placing, for any fleet", () => {
  // Guarantee (1): no dimension or device is over-committed, also in the middle of a plan.
  it("never overcommits", () => {
    fc.assert(
      fc.property(anyFleet, fc.array(anyShape, { maxLength: 3 }), fc.integer({ min: 1, max: 8 }), (nodes, shapes, n) => {
        const list = shapes.flatMap((s) => asks(s, n));
        const loads = new Map(nodes.map((x) => [x.id, x.load]));
        place(fleet(nodes), list, options).placements.forEach((p, i) => {
          if (p.nodeId === null) return;
          loads.set(p.nodeId, withDemand(loads.get(p.nodeId) ?? noLoad, (list[i] as { shape: Shape }).shape.demand));
          const node = nodes.find((x) => x.id === p.nodeId) as FleetNode;
          expect(isOvercommitted(node.capacity, loads.get(p.nodeId) ?? noLoad)).toBe(false);
        });
      }),
    );
  });

  // Guarantee (2): hard constraints are never violated, and relaxing one about single nodes never shrinks what is feasible.
  it("keeps to hard rules, and relaxing never shrinks", () => {
    fc.assert(
      fc.property(anyFleet, anyShape, (nodes, s) => {
        const feasible = (x: Shape) => new Set(evaluate(fleet(nodes), ask(x), options).filter((e) => e.reasons.length === 0).map((e) => e.node.id));
        const strict = { ...s, policy: s.policy && { ...s.policy, spread: [] } };
        for (const id of feasible(strict)) {
          const node = nodes.find((n) => n.id === id) as FleetNode;
          expect(node.desiredState).toBe("active");
          expect(node.contact).toBe("live");
          if (s.arch) expect(s.arch).toContain(node.arch);
          if (s.policy?.residency) expect(s.policy.residency.some((r) => node.jurisdiction === r || node.jurisdiction.startsWith(`${r}-`))).toBe(true);
          if (s.policy?.tolerate.length === 0) expect(node.taints).toEqual([]);
        }
        const relaxed: Shape[] = [{ ...strict, arch: null }, { ...strict, selector: null }, { ...strict, policy: strict.policy && { ...strict.policy, residency: null } }, { ...strict, policy: strict.policy && { ...strict.policy, trustTierMin: null } }, { ...strict, policy: strict.policy && { ...strict.policy, tolerate: [{ key: "gpu" }] } }, { ...strict, demand: { ...strict.demand, devices: null } }];
        for (const r of relaxed) for (const id of feasible(strict)) expect(feasible(r).has(id)).toBe(true);
      }),
    );
  });

  // Guarantee (3): same snapshot and seed, same plan, whatever the order of the nodes; renaming changes only tie-breaks.
  it("is deterministic", () => {
    fc.assert(
      fc.property(anyFleet, anyShape, fc.integer({ min: 1, max: 6 }), (nodes, s, n) => {
        const plan = (list: readonly FleetNode[]) => place(fleet(list), asks(s, n), options).placements.map((p) => p.nodeId);
        expect(plan(nodes)).toEqual(plan(nodes));
        expect(plan([...nodes].reverse())).toEqual(plan(nodes));
        const bestScore = (list: readonly FleetNode[]) => Math.max(...evaluate(fleet(list), ask({ ...s, selector: null }), options).map((e) => e.score ?? -Infinity));
        expect(bestScore(nodes.map((x) => ({ ...x, name: `z-${x.name}` })))).toBe(bestScore(nodes));
      }),
    );
  });

  // Guarantee (4): a unit for which there is a feasible node is placed, and on one of the highest score.
  it("is work-conserving", () => {
    fc.assert(
      fc.property(anyFleet, anyShape, (nodes, s) => {
        const judged = evaluate(fleet(nodes), ask(s), options);
        const [p] = place(fleet(nodes), [ask(s)], options).placements;
        const best = Math.max(...judged.map((j) => j.score ?? -Infinity));
        if (best === -Infinity) expect(p?.nodeId).toBeNull();
        else expect(judged.find((j) => j.node.id === p?.nodeId)?.score).toBe(best);
      }),
    );
  });

  // Guarantee (10): the hard spread holds after every single placement.
  it("keeps maxSkew at every commit", () => {
    fc.assert(
      fc.property(anyFleet, anyShape, fc.integer({ min: 1, max: 10 }), (nodes, s, n) => {
        const counts = new Map<string, number>();
        const sites = new Set(evaluate(fleet(nodes), ask({ ...s, demand: demand({ cpuMillis: 0, memoryBytes: 0, diskBytes: 0 }), policy: s.policy && { ...s.policy, spread: [] } }), options).filter((e) => e.reasons.length === 0).map((e) => (s.policy?.spread[0]?.over === "node" ? e.node.id : e.node.site)));
        for (const p of place(fleet(nodes), asks(s, n), options).placements) {
          const node = nodes.find((x) => x.id === p.nodeId);
          const limit = s.policy?.spread[0];
          if (!node || !limit) continue;
          const domain = limit.over === "node" ? node.id : node.site;
          counts.set(domain, (counts.get(domain) ?? 0) + 1);
          const all = [...sites].map((d) => counts.get(d) ?? 0);
          expect(Math.max(...all) - Math.min(...all)).toBeLessThanOrEqual(limit.maxSkew);
        }
      }),
    );
  });

  // Guarantee (12): every node is accounted for, and repairing all that is named makes it feasible.
  it("explains completely", () => {
    fc.assert(
      fc.property(anyFleet, anyShape, (nodes, s) => {
        const [p] = place(fleet(nodes), [ask(s)], options).placements;
        expect((p?.feasible ?? 0) + (p?.counts.reduce((sum, c) => sum + c.nodes, 0) ?? 0)).toBe(nodes.length);
        const plain = { ...s, policy: s.policy && { ...s.policy, spread: [] } };
        for (const e of evaluate(fleet(nodes), ask(plain), options)) {
          if (e.reasons.length === 0) continue;
          const repaired = e.reasons.reduce<{ node: FleetNode; shape: Shape }>((x, r) => repair(x, r, plain), { node: e.node, shape: plain });
          expect(evaluate(fleet([repaired.node]), ask(repaired.shape), options)[0]?.reasons).toEqual([]);
        }
      }),
    );
  });

  // Guarantee: the score that decides is the sum of the parts that explain it.
  it("decides by what it shows", () => {
    fc.assert(
      fc.property(anyFleet, anyShape, (nodes, s) => {
        for (const e of evaluate(fleet(nodes), ask(s), options)) if (e.score !== null) expect(e.parts().reduce((sum, p) => sum + p.value * p.weight, 0)).toBeCloseTo(e.score, 5);
      }),
    );
  });

  // Guarantee (13): asking what would be and doing it give the same, and asking changes nothing.
  it("previews what it does", () => {
    fc.assert(
      fc.property(anyFleet, anyShape, (nodes, s) => {
        const before = JSON.stringify(nodes, (_k, v: unknown) => (typeof v === "bigint" ? String(v) : v instanceof Set ? [...v] : v));
        const first = place(fleet(nodes), asks(s, 3), options);
        expect(JSON.stringify(nodes, (_k, v: unknown) => (typeof v === "bigint" ? String(v) : v instanceof Set ? [...v] : v))).toBe(before);
        expect(place(fleet(nodes), asks(s, 3), options)).toEqual(first);
      }),
      { numRuns: 40 },
    );
  });

  // Guarantee: demands with and without a model fit exactly when they can be dealt out (Hall's theorem), for any order.
  it("counts devices as if it dealt them out", () => {
    const wish = fc.record({ count: fc.integer({ min: 1, max: 2 }), model: fc.option(fc.constantFrom("A", "B"), { nil: null }) });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 }), fc.array(wish, { maxLength: 5 }), (a, b, wishes) => {
        const capacity = { cpuMillis: 0, memoryBytes: 0, diskBytes: 0, devices: { A: a, B: b } };
        const need = (m: string | null) => wishes.filter((w) => w.model === m).reduce((n, w) => n + w.count, 0);
        const dealable = need("A") <= a && need("B") <= b && need("A") + need("B") + need(null) <= a + b;
        let load = noLoad;
        let all = true;
        for (const devices of wishes) {
          const d = demand({ cpuMillis: 0, memoryBytes: 0, diskBytes: 0, devices });
          if (!fits(capacity, load, d)) all = false;
          load = withDemand(load, d);
        }
        expect(all).toBe(dealable);
        expect(isOvercommitted(capacity, load)).toBe(!dealable);
      }),
    );
  });
});

/** Mends exactly what a reason names. */
function repair(x: { node: FleetNode; shape: Shape }, r: Reason, s: Shape): { node: FleetNode; shape: Shape } {
  const { node } = x;
  switch (r.code) {
    case "not_active": return { ...x, node: { ...node, desiredState: "active" } };
    case "silent": return { ...x, node: { ...node, contact: "live" } };
    // Nothing is known of it yet: it is mended by connecting with what is needed.
    case "not_connected": return { ...x, node: { ...node, contact: "live", engines: [s.engine], arch: s.arch?.[0] ?? "", os: s.os?.[0] ?? "" } };
    case "engine": return { ...x, node: { ...node, engines: [s.engine] } };
    case "arch": return { ...x, node: { ...node, arch: s.arch?.[0] ?? "" } };
    case "os": return { ...x, node: { ...node, os: s.os?.[0] ?? "" } };
    case "trust": return { ...x, node: { ...node, trustTier: "tpm" } };
    case "residency": return { ...x, node: { ...node, jurisdiction: s.policy?.residency?.[0] ?? "" } };
    case "taint": return { ...x, node: { ...node, taints: [] } };
    case "selector": return { ...x, shape: { ...x.shape, selector: null } };
    case "rule": return { ...x, shape: { ...x.shape, policy: x.shape.policy && { ...x.shape.policy, require: [] } } };
    default: return { ...x, node: { ...node, capacity: { cpuMillis: 9_999, memoryBytes: 9_999, diskBytes: 9_999, devices: { A: 99, B: 99 } } } };
  }
}
