import { describe, expect, it } from "vitest";
import type { Ask } from "./ask";
import type { FleetNode } from "./fleet";
import { applied, flipAmong, flipOf, oneLess } from "./flip";
import type { Change, Problem } from "./flip";
import { evaluate } from "./naive";
import type { Shape } from "./shape";
import { demand, nodeOf, policy, selectorOf, shape } from "./testing";

const MIB = 1_048_576;
const big = { cpuMillis: 1_000, memoryBytes: 100 * MIB, diskBytes: 100 * MIB, devices: { A: 1 } };
const problem = (nodes: FleetNode[], s: Partial<Shape>, o: { own?: string[]; groups?: [string, string[]][]; ask?: Partial<Ask> } = {}): Problem => ({ snapshot: { nowMs: 100_000, nodes }, ask: { unit: "u-1", shape: shape(s), ...o.ask }, options: { seed: "s", own: o.own ?? [], ...(o.groups ? { groups: new Map(o.groups) } : {}) } });
const said = (p: Problem, to?: string) => flipOf(p, to)?.text ?? null;

const wanted = demand({ cpuMillis: 100, memoryBytes: 10 * MIB, diskBytes: 20 * MIB, devices: { count: 3, model: "A", shareMillis: 400 }, extra: { licence: 4, seat: 1 } });
const rules = ["a", "b", "c"].map((x) => ({ selector: selectorOf(`node.name == "${x}"`), because: null }));
const full = shape({
  demand: wanted, arch: ["x64"], os: ["linux"], selector: selectorOf("true"), prefer: [{ by: "cost", weight: 1 }, { by: "pack", weight: 2 }, { by: "warm", weight: 3 }],
  policy: policy({ require: rules, residency: ["DE"], trustTierMin: "tpm", tolerate: [{ key: "gpu" }], spread: [{ over: "site", maxSkew: 1 }, { over: "node", maxSkew: 2 }] }),
  apart: [{ from: "x", over: "node" }, { from: "y", over: "site" }], together: [{ with: "x", over: "node" }, { with: "y", over: "site" }],
});
const two = [nodeOf({ name: "a", desiredState: "cordoned", contact: "silent", engines: ["docker"] }), nodeOf({ name: "b", engines: [] })];
const whole = (o: Partial<Shape> = {}, ask: Partial<Ask> = {}) => problem(two, { ...full, ...o }, { ask: { avoid: new Set(["node-a", "node-b"]), ...ask } });

// Guarantee: a change changes what it names, and nothing else, of a copy.
describe("a change that is made", () => {
  const asks = (o: Partial<Shape["demand"]>): Partial<Shape> => ({ demand: { ...wanted, ...o } });
  const policed = (o: Partial<NonNullable<Shape["policy"]>>): Partial<Shape> => ({ policy: { ...(full.policy as NonNullable<Shape["policy"]>), ...o } });
  it.each<[Change, Partial<Shape>]>([
    [{ on: "demand", of: "cpu", steps: 30 }, asks({ cpuMillis: 70 })],
    [{ on: "demand", of: "memory", steps: 3 }, asks({ memoryBytes: 7 * MIB })],
    [{ on: "demand", of: "disk", steps: 5 }, asks({ diskBytes: 15 * MIB })],
    [{ on: "demand", of: "device", steps: 1 }, asks({ devices: { count: 2, model: "A", shareMillis: 400 } })],
    [{ on: "demand", of: "share", steps: 150 }, asks({ devices: { count: 3, model: "A", shareMillis: 250 } })],
    [{ on: "demand", of: "resource", name: "licence", steps: 3 }, asks({ extra: { licence: 1, seat: 1 } })],
    [{ on: "demand", of: "cpu", steps: 300 }, asks({ cpuMillis: 0 })],
    [{ on: "demand", of: "memory", steps: 300 }, asks({ memoryBytes: 0 })],
    [{ on: "demand", of: "disk", steps: 300 }, asks({ diskBytes: 0 })],
    [{ on: "demand", of: "resource", name: "licence", steps: 9 }, asks({ extra: { licence: 0, seat: 1 } })],
    [{ on: "model" }, asks({ devices: { count: 3, model: null, shareMillis: 400 } })],
    [{ on: "selector" }, { selector: null }],
    [{ on: "tolerate", key: "edge", value: "x" }, policed({ tolerate: [{ key: "gpu" }, { key: "edge", value: "x" }] })],
    [{ on: "residency", add: "FR" }, policed({ residency: ["DE", "FR"] })],
    [{ on: "arch", add: "arm64" }, { arch: ["x64", "arm64"] }],
    [{ on: "os", add: "darwin" }, { os: ["linux", "darwin"] }],
    [{ on: "trust", to: "none" }, policed({ trustTierMin: "none" })],
    [{ on: "rule", index: 1 }, policed({ require: rules.filter((_, i) => i !== 1) })],
    [{ on: "together", index: 0 }, { together: [{ with: "y", over: "site" }] }],
    [{ on: "apart", index: 1 }, { apart: [{ from: "x", over: "node" }] }],
    [{ on: "spread", index: 1, steps: 2 }, policed({ spread: [{ over: "site", maxSkew: 1 }, { over: "node", maxSkew: 4 }] })],
    [{ on: "weight", index: 1, from: 2_000, steps: -500 }, { prefer: [{ by: "cost", weight: 1 }, { by: "pack", weight: 1.5 }, { by: "warm", weight: 3 }] }],
  ])("%j", (change, part) => {
    const p = whole();
    expect(applied(p, change)).toEqual({ ...p, ask: { ...p.ask, shape: { ...full, ...part } } });
    expect(p).toEqual(whole());
  });

  it.each<[Change, Partial<FleetNode>]>([
    [{ on: "node", node: "node-a", to: "active" }, { desiredState: "active" }],
    [{ on: "node", node: "node-a", to: "live" }, { contact: "live" }],
    [{ on: "engine", node: "node-a" }, { engines: ["docker", "process"] }],
  ])("%j", (change, part) => expect(applied(whole(), change)).toEqual({ ...whole(), snapshot: { nowMs: 100_000, nodes: [{ ...two[0], ...part }, two[1]] } }));

  it("lets it stay on one node, and leave the others", () => expect(applied(whole(), { on: "leaving", node: "node-a" }).ask.avoid).toEqual(new Set(["node-b"])));
  it("makes a policy for a taint where there is none", () => expect(applied(whole({ policy: null }), { on: "tolerate", key: "gpu", value: undefined }).ask.shape.policy).toEqual({ ...policy({ tolerate: [{ key: "gpu", value: undefined }] }), name: "" }));
  it("is one unit less by its sign, down to one", () => {
    expect(oneLess({ on: "spread", index: 0, steps: 3 })).toEqual({ on: "spread", index: 0, steps: 2 });
    expect(oneLess({ on: "weight", index: 0, from: 1, steps: -3 })).toEqual({ on: "weight", index: 0, from: 1, steps: -2 });
    expect([oneLess({ on: "spread", index: 0, steps: 1 }), oneLess({ on: "weight", index: 0, from: 1, steps: -1 }), oneLess({ on: "selector" })]).toEqual([null, null, null]);
  });
});

// Guarantee: the change that is proposed is the smallest of those that a node with one reason against it offers.
describe("which change", () => {
  const tight = (o: Partial<typeof big> & { extra?: Record<string, number> }) => nodeOf({ name: "a", capacity: { ...big, ...o } });
  it.each<[string, Problem, string | null]>([
    ["asks for the least less, wherever that is", problem([nodeOf({ name: "a", capacity: { ...big, cpuMillis: 60 } }), nodeOf({ name: "b", capacity: { ...big, cpuMillis: 90 } }), nodeOf({ name: "c", capacity: { ...big, cpuMillis: 70 } })], {}), "Ask for 10m less CPU (90m): then it goes to b."],
    ["asks for less rather than make a node active", problem([nodeOf({ name: "a", desiredState: "cordoned" }), nodeOf({ name: "b", capacity: { ...big, cpuMillis: 50 } })], {}), "Ask for 50m less CPU (50m): then it goes to b."],
    ["does not ask for nothing", problem([tight({ cpuMillis: 0 })], {}), null],
    ["does not ask for less where less than none is left", problem([nodeOf({ name: "a", capacity: { ...big, cpuMillis: 50 }, load: { cpuMillis: 60, memoryBytes: 0, diskBytes: 0, devices: {} } })], {}), null],
    ["does not round down to nothing", problem([tight({ memoryBytes: 0.5 * MIB })], { demand: demand({ memoryBytes: MIB }) }), null],
    ["any model when that is enough", problem([tight({ devices: { A: 1 } })], { demand: demand({ devices: { count: 1, model: "B" } }) }), "Ask for devices of any model instead of B: then it goes to a."],
    ["any model of a share", problem([tight({})], { demand: demand({ devices: { count: 1, model: "B", shareMillis: 300 } }) }), "Ask for devices of any model instead of B: then it goes to a."],
    ["not any model where there are too few of any", problem([tight({ devices: { A: 1 } })], { demand: demand({ devices: { count: 2, model: "B" } }) }), null],
    ["fewer, where any model is no wish", problem([tight({ devices: { A: 1 } })], { demand: demand({ devices: { count: 3, model: null } }) }), "Ask for 2 devices fewer (1): then it goes to a."],
    ["a smaller share", problem([nodeOf({ name: "a", capacity: big, load: { cpuMillis: 0, memoryBytes: 0, diskBytes: 0, devices: { A: 1 }, shared: [{ slot: 1, model: "A", millis: 600 }] } })], { demand: demand({ devices: { count: 1, model: "A", shareMillis: 500 } }) }), "Ask for 100 thousandths less of a device (400): then it goes to a."],
    ["less of what is named", problem([tight({ extra: { licence: 1, seat: 1 } })], { demand: demand({ extra: { seat: 1, licence: 2 } }) }), "Ask for 1 less of licence: then it goes to a."],
    ["nothing where two amounts are short", problem([tight({ cpuMillis: 50, memoryBytes: 5 })], {}), null],
    ["tolerates the one taint that is left", problem([nodeOf({ name: "a", taints: [{ key: "gpu", value: "x" }, { key: "edge" }] })], { policy: policy({ tolerate: [{ key: "gpu", value: "x" }] }) }), "Tolerate the taint edge: then it goes to a."],
    ["tolerates a value beside another", problem([nodeOf({ name: "a", taints: [{ key: "gpu", value: "x" }] })], { policy: policy({ tolerate: [{ key: "gpu", value: "y" }] }) }), "Tolerate the taint gpu=x: then it goes to a."],
    ["tolerates where every value of another key is", problem([nodeOf({ name: "a", taints: [{ key: "gpu", value: "x" }, { key: "edge", value: "x" }] })], { policy: policy({ tolerate: [{ key: "gpu" }] }) }), "Tolerate the taint edge=x: then it goes to a."],
    ["not two taints at once", problem([nodeOf({ name: "a", taints: [{ key: "gpu" }, { key: "edge" }] })], {}), null],
    ["the rule that is broken, by its text", problem([nodeOf({ name: "a" })], { policy: policy({ require: [{ selector: selectorOf('node.name == "a"'), because: null }, { selector: selectorOf('node.name == "b"'), because: null }] }) }), 'Leave out the rule node.name == "b": then it goes to a.'],
    ["no rule where two are broken", problem([nodeOf({ name: "a" })], { policy: policy({ require: [{ selector: selectorOf('node.name == "b"'), because: null }, { selector: selectorOf('node.name == "c"'), because: null }] }) }), null],
    ["a rule of others", problem([nodeOf({ name: "a" })], { apart: [{ from: "db", over: "site", theirs: true }] }, { groups: [["db", ["node-a"]]] }), "Drop the rule of db that keeps its units apart from these over sites: then it goes to a."],
    ["the one of several rules that is in the way", problem([nodeOf({ name: "a" })], { apart: [{ from: "web", over: "site" }, { from: "db", over: "node" }] }, { groups: [["db", ["node-a"]]] }), "Drop the rule apart from db over nodes: then it goes to a."],
    ["none of two that both are", problem([nodeOf({ name: "a" })], { apart: [{ from: "web", over: "site" }, { from: "db", over: "node" }] }, { groups: [["db", ["node-a"]], ["web", ["node-a"]]] }), null],
    ["together with its own", problem([nodeOf({ name: "a" })], { together: [{ with: "db", over: "site", at: new Set(["kiel"]) }, { with: null, over: "node", at: new Set(["node-b"]) }] }), "Drop the rule together with its own units over nodes: then it goes to a."],
    ["the highest tier that a node has, for less", problem([nodeOf({ name: "a", trustTier: "none" })], { policy: policy({ trustTierMin: "software" }) }), "Ask for trust tier none only: then it goes to a."],
  ])("%s", (_what, p, text) => expect(said(p)).toBe(text));

  const costs: [Problem, number][] = [
    [problem([tight({ cpuMillis: 75 })], {}), 0.25],
    [problem([tight({ memoryBytes: 6 * MIB })], { demand: demand({ memoryBytes: 8 * MIB }) }), 0.25],
    [problem([tight({ memoryBytes: 1.5 * MIB })], { demand: demand({ memoryBytes: 1.9 * MIB }) }), 1 / 1.9],
    [problem([nodeOf({ name: "a", trustTier: "none" })], { policy: policy({ trustTierMin: "tpm" }) }), 1.2],
    [problem([nodeOf({ name: "a", trustTier: "software" })], { policy: policy({ trustTierMin: "tpm" }) }), 1.1],
    [problem([nodeOf({ name: "a" }), nodeOf({ name: "b", site: "fra", capacity: { ...big, cpuMillis: 0 } })], { policy: policy({ spread: [{ over: "site", maxSkew: 2 }] }) }, { own: ["node-a", "node-a"] }), 0.5],
  ];
  it.each(costs)("costs a share of what was asked (%#)", (p, cost) => expect(flipOf(p)?.cost).toBeCloseTo(cost, 9));

  it("keeps to the only node that it may go to", () => {
    const p = problem([nodeOf({ name: "a", capacity: { ...big, cpuMillis: 90 } }), nodeOf({ name: "b", capacity: { ...big, cpuMillis: 60 } })], {}, { ask: { only: "node-b" } });
    expect(said(p)).toBe("Ask for 40m less CPU (60m): then it goes to b.");
    expect(said(p, "node-b")).toBe("Ask for 40m less CPU (60m): then it goes to b.");
    expect([said(p, "node-a"), said(p, "nobody")]).toEqual([null, null]);
    const judged = evaluate(p.snapshot, p.ask, p.options);
    expect([flipAmong(p, judged, "node-a"), flipAmong(p, judged, "nobody"), flipAmong(p, judged, "node-b")?.to]).toEqual([null, null, "b"]);
  });

  it("has none for what is there already", () => {
    const p = problem([nodeOf({ name: "a" }), nodeOf({ name: "b", desiredState: "cordoned" })], {});
    expect([said(p), said(p, "node-a")]).toEqual([null, null]);
  });

  it("goes to the asked node only where that scores highest afterwards", () => {
    const dear = (name: string, cpuHour: number, o: object = {}) => nodeOf({ name, rates: { currency: "EUR", cpuHour, memoryGiBHour: 0 }, ...o });
    const s = { prefer: [{ by: "cost" as const, weight: 10 }] };
    expect(said(problem([dear("a", 2), dear("b", 1, { desiredState: "cordoned" })], s), "node-b")).toBe("Make b active again: then it goes to b.");
    expect(said(problem([dear("a", 1), dear("b", 2, { desiredState: "cordoned" })], s), "node-b")).toBeNull();
  });
});

// Guarantee: a spread is loosened by what is missing: the count there and one more, above the lowest of where it could be.
describe("how far a spread is loosened", () => {
  const site = (name: string, at: string, o: object = {}) => nodeOf({ name, site: at, ...o });
  const over = (...spread: { over: "site" | "node"; maxSkew: number }[]) => ({ policy: policy({ spread }) });
  it.each<[string, Problem, string | null]>([
    ["of nodes", problem([site("a", "kiel"), site("b", "kiel", { capacity: { ...big, cpuMillis: 0 } })], over({ over: "node", maxSkew: 1 }), { own: ["node-a", "node-a"] }), "Raise maxSkew over nodes from 1 to 3: then it goes to a."],
    ["above the lowest count", problem([site("a", "kiel"), site("b", "fra", { capacity: { ...big, cpuMillis: 0 } })], over({ over: "site", maxSkew: 1 }), { own: ["node-a", "node-a", "node-a", "node-b"] }), "Raise maxSkew over sites from 1 to 3: then it goes to a."],
    ["of its own group", problem([site("a", "kiel"), site("b", "fra", { capacity: { ...big, cpuMillis: 0 } })], over({ over: "site", maxSkew: 1 }), { ask: { group: "g" }, own: ["node-b"], groups: [["g", ["node-a"]]] }), "Raise maxSkew over sites from 1 to 2: then it goes to a."],
    ["units on nodes that are not there do not count", problem([site("a", "kiel"), site("b", "fra", { capacity: { ...big, cpuMillis: 0 } })], over({ over: "site", maxSkew: 1 }), { own: ["node-a", "node-gone"] }), "Raise maxSkew over sites from 1 to 2: then it goes to a."],
    ["a site where it can never be does not count", problem([site("a", "kiel"), site("b", "fra", { arch: "arm64" }), site("c", "lyon", { capacity: { ...big, memoryBytes: 0 } })], { ...over({ over: "site", maxSkew: 1 }), arch: ["x64"] }, { own: ["node-a", "node-a", "node-c"] }), "Raise maxSkew over sites from 1 to 2: then it goes to a."],
    ["only the one that is in the way", problem([site("a", "kiel"), site("b", "fra", { capacity: { ...big, diskBytes: 0 } })], over({ over: "node", maxSkew: 5 }, { over: "site", maxSkew: 1 }), { own: ["node-a"] }), "Raise maxSkew over sites from 1 to 2: then it goes to a."],
    ["not two", problem([site("a", "kiel"), site("b", "fra", { capacity: { ...big, cpuMillis: 0 } })], over({ over: "node", maxSkew: 1 }, { over: "site", maxSkew: 1 }), { own: ["node-a"] }), null],
  ])("%s", (_what, p, text) => expect(said(p)).toBe(text));

  // A node that has no room, or that the unit leaves or is kept apart from, could have it another time: it counts.
  it.each<[string, Partial<FleetNode>, Partial<Shape>, Partial<Ask>]>([
    ["CPU", { capacity: { ...big, cpuMillis: 0 } }, {}, {}],
    ["memory", { capacity: { ...big, memoryBytes: 0 } }, {}, {}],
    ["disk", { capacity: { ...big, diskBytes: 0 } }, {}, {}],
    ["devices", { capacity: { ...big, devices: {} } }, { demand: demand({ devices: { count: 1, model: null } }) }, {}],
    ["other things", { capacity: { ...big, extra: {} } }, { demand: demand({ extra: { licence: 1 } }) }, {}],
    ["leaving", {}, {}, { avoid: new Set(["node-b"]) }],
    ["apart", {}, { apart: [{ from: "db", over: "node" }] }, {}],
  ])("a site counts that lacks it for %s", (_what, o, s, ask) => {
    const capacity = { ...big, extra: { licence: 1 } };
    const p = problem([site("a", "kiel", { capacity }), site("b", "fra", { capacity, ...o })], { ...s, ...over({ over: "site", maxSkew: 1 }) }, { own: ["node-a", "node-a"], groups: [["db", ["node-b"]]], ask });
    expect(said(p, "node-a")).toBe("Raise maxSkew over sites from 1 to 3: then it goes to a.");
  });
});
