import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Ask } from "./ask";
import type { FleetNode } from "./fleet";
import { applied, flipOf, oneLess } from "./flip";
import type { Problem } from "./flip";
import { place } from "./place";
import type { Shape } from "./shape";
import { anyFleet, anyShape, demand, nodeOf, policy, selectorOf, shape } from "./testing";

const problem = (nodes: FleetNode[], s: Shape, o: { own?: string[]; ask?: Partial<Ask> } = {}): Problem => ({ snapshot: { nowMs: 100_000, nodes }, ask: { unit: "u-1", shape: s, ...o.ask }, options: { seed: "s", own: o.own ?? [] } });
const verdict = (p: Problem) => place(p.snapshot, [p.ask], p.options).placements[0]?.nodeId ?? null;
const MIB = 1_048_576;
const big = { cpuMillis: 1_000, memoryBytes: 100 * MIB, diskBytes: 100 * MIB, devices: { A: 1 } };

describe("the flip of a verdict", () => {
  it.each<[string, Problem, string]>([
    ["asks for less CPU", problem([nodeOf({ name: "a", capacity: { ...big, cpuMillis: 50 } }), nodeOf({ name: "b", capacity: { ...big, cpuMillis: 80 } })], shape()), "Ask for 20m less CPU (80m): then it goes to b."],
    ["asks for less memory", problem([nodeOf({ name: "a", capacity: big })], shape({ demand: demand({ memoryBytes: 101.5 * MIB }) })), "Ask for 2 MiB less memory: then it goes to a."],
    ["asks for less disk", problem([nodeOf({ name: "a", capacity: big })], shape({ demand: demand({ diskBytes: 104 * MIB }) })), "Ask for 4 MiB less disk: then it goes to a."],
    ["asks for fewer devices", problem([nodeOf({ name: "a", capacity: big })], shape({ demand: demand({ devices: { count: 2, model: "A" } }) })), "Ask for 1 device fewer (1): then it goes to a."],
    ["asks for any model", problem([nodeOf({ name: "a", capacity: big })], shape({ demand: demand({ devices: { count: 1, model: "B" } }) })), "Ask for devices of any model instead of B: then it goes to a."],
    ["asks for less of another resource", problem([nodeOf({ name: "a", capacity: { ...big, extra: { "mig-1g.10gb": 1 } } })], shape({ demand: demand({ extra: { "mig-1g.10gb": 3 } }) })), "Ask for 2 less of mig-1g.10gb: then it goes to a."],
    ["tolerates a taint", problem([nodeOf({ name: "a", taints: [{ key: "gpu", value: "x" }] })], shape()), "Tolerate the taint gpu=x: then it goes to a."],
    ["allows a jurisdiction", problem([nodeOf({ name: "a", jurisdiction: "FR" })], shape({ policy: policy({ residency: ["DE"] }) })), "Allow the jurisdiction FR: then it goes to a."],
    ["asks for less trust, by the fewest tiers", problem([nodeOf({ name: "a", trustTier: "none" }), nodeOf({ name: "b", trustTier: "software" })], shape({ policy: policy({ trustTierMin: "tpm" }) })), "Ask for trust tier software only: then it goes to b."],
    ["is offered for another architecture", problem([nodeOf({ name: "a", arch: "arm64" })], shape({ arch: ["x64"] })), "Offer it for arm64: then it goes to a."],
    ["is offered for another system", problem([nodeOf({ name: "a", os: "darwin" })], shape({ os: ["linux"] })), "Offer it for darwin: then it goes to a."],
    ["gives up a rule", problem([nodeOf({ name: "a" })], shape({ policy: policy({ require: [{ selector: selectorOf('site.kind == "grid"'), because: "grids only" }] }) })), 'Leave out the rule "grids only": then it goes to a.'],
    ["gives up the selector", problem([nodeOf({ name: "a" })], shape({ selector: selectorOf('node.name == "b"') })), "Leave out the workload's selector: then it goes to a."],
    ["makes a node active", problem([nodeOf({ name: "a", desiredState: "cordoned" })], shape()), "Make a active again: then it goes to a."],
    ["brings a node back", problem([nodeOf({ name: "a", contact: "silent" })], shape()), "Bring a back into contact: then it goes to a."],
    ["offers the engine", problem([nodeOf({ name: "a", engines: [] })], shape()), "Offer the engine process on a: then it goes to a."],
    ["lets it stay", problem([nodeOf({ name: "a" })], shape(), { ask: { avoid: new Set(["node-a"]) } }), "Let it stay on a: then it goes to a."],
    ["spreads less evenly", problem([nodeOf({ name: "a" }), nodeOf({ name: "b", site: "fra", capacity: { ...big, cpuMillis: 0 } })], shape({ policy: policy({ spread: [{ over: "site", maxSkew: 1 }] }) }), { own: ["node-a", "node-a"] }), "Raise maxSkew over sites from 1 to 3: then it goes to a."],
    ["shares", problem([nodeOf({ name: "a" })], shape({ apart: [{ from: null, over: "node" }] }), { own: ["node-a"] }), "Drop the rule apart from its own units over nodes: then it goes to a."],
    ["joins others no more", problem([nodeOf({ name: "a" })], shape({ together: [{ with: "cache", over: "site", at: new Set(["lyon"]) }] })), "Drop the rule together with cache over sites: then it goes to a."],
  ])("%s", (_what, p, text) => expect(flipOf(p)?.text).toBe(text));

  it("has none where two things are in the way, or nothing is", () => {
    expect(flipOf(problem([nodeOf({ name: "a", desiredState: "cordoned", jurisdiction: "FR" })], shape({ policy: policy({ residency: ["DE"] }) })))).toBeNull();
    expect(flipOf(problem([nodeOf({ name: "a" })], shape()))).toBeNull();
    expect(flipOf(problem([], shape()))).toBeNull();
  });

  it("says which weight would send it elsewhere", () => {
    const cheap = nodeOf({ name: "a", rates: { currency: "EUR", cpuHour: 1, memoryGiBHour: 0 } });
    const near = nodeOf({ name: "b", rates: { currency: "EUR", cpuHour: 2, memoryGiBHour: 0 } });
    const s = shape({ prefer: [{ by: "cost", weight: 100 }, { by: "rule", selector: selectorOf('node.name == "b"'), weight: 4 }] });
    const flip = flipOf(problem([cheap, near], s), "node-b");
    expect(flip?.text).toBe('Change the weight of the preference node.name == "b" from 4 to 10: then it goes to b.');
  });

  // Guarantee: applying the flip turns the verdict round, and one unit of it less does not.
  it("is enough, and no more than enough, for any fleet and shape", () => {
    let flips = 0;
    let steps = 0;
    fc.assert(
      fc.property(anyFleet, anyShape, fc.array(fc.nat(9), { maxLength: 6 }), (nodes, s, standing) => {
        const p = problem(nodes, { ...s, demand: { ...s.demand, cpuMillis: s.demand.cpuMillis * 4, memoryBytes: s.demand.memoryBytes * 3 * MIB, diskBytes: s.demand.diskBytes } }, { own: standing.flatMap((i) => nodes[i]?.id ?? []) });
        const wide = { ...p, snapshot: { ...p.snapshot, nodes: nodes.map((n) => ({ ...n, capacity: { ...n.capacity, memoryBytes: n.capacity.memoryBytes * MIB } })) } };
        if (verdict(wide) !== null) return;
        const flip = flipOf(wide);
        if (!flip) return;
        flips++;
        expect(verdict(applied(wide, flip.change))).not.toBeNull();
        const less = oneLess(flip.change);
        if (!less) return;
        steps++;
        expect(verdict(applied(wide, less))).toBeNull();
      }),
      { numRuns: 300, seed: 5 },
    );
    expect(flips).toBeGreaterThan(3);
    expect(steps).toBeGreaterThan(2);
  }, 60_000);

  // Guarantee: where one reason alone keeps a unit from every node it could go to, a flip is found.
  it("finds one wherever a node has a single reason that can be mended", () => {
    fc.assert(
      fc.property(anyFleet, anyShape, (nodes, s) => {
        const p = problem(nodes, { ...s, selector: selectorOf('node.name == "nowhere"') });
        const without = problem(nodes, { ...s, selector: null });
        if (verdict(without) !== null) expect(flipOf(p)).not.toBeNull();
      }),
      { numRuns: 100, seed: 6 },
    );
  });

  // Guarantee: "why not there" is answered by a change after which it is there, and one step less leaves it elsewhere.
  it("sends it to the node that was asked about", () => {
    let flips = 0;
    fc.assert(
      fc.property(anyFleet, anyShape, fc.nat(9), fc.array(fc.constantFrom("a", "b"), { minLength: 1, maxLength: 2 }), (nodes, s, pick, racks) => {
        const target = nodes[pick % Math.max(1, nodes.length)];
        if (!target) return;
        const p = problem(nodes, { ...s, prefer: [...s.prefer, ...racks.map((r) => ({ by: "rule" as const, selector: selectorOf(`node.labels["rack"] == "${r}"`), weight: 7 }))] });
        if (verdict(p) === target.id) return;
        const flip = flipOf(p, target.id);
        if (!flip) return;
        flips++;
        expect(verdict(applied(p, flip.change))).toBe(target.id);
        const less = oneLess(flip.change);
        if (less) expect(verdict(applied(p, less))).not.toBe(target.id);
      }),
      { numRuns: 250, seed: 7 },
    );
    expect(flips).toBeGreaterThan(1);
  }, 60_000);
});
