import { describe, expect, it } from "vitest";
import { noLoad, withDemand } from "../demand";
import type { FleetNode } from "../fleet";
import { plainRules } from "../sets/types";
import type { Held, SetRules } from "../sets/types";
import { demand, nodeOf, shape } from "../testing";
import type { OwnUnit, RevisionShape, WorkloadSnapshot } from "../workload-plan";
import { settle, turnOrder } from "./settle";
import type { FleetWorkload, FleetWorld } from "./settle";

const NOW = 1_000_000;
type Spec = Partial<WorkloadSnapshot> & { rules?: Partial<SetRules>; quota?: string; maxUnavailable?: number; on?: [node: string, o?: Partial<OwnUnit>][]; cpu?: number; was?: number };

/** Nodes of so many millicores, and workloads with the units that they have on them; loads are what the units take. */
function world(cpus: Record<string, number | Partial<FleetNode>>, specs: Record<string, Spec>, o: Partial<FleetWorld> = {}): FleetWorld {
  const loads = new Map<string, FleetNode["load"]>();
  const revisions = new Map(Object.entries(specs).map(([name, s]) => {
    const revision = (generation: number, cpuMillis: number): RevisionShape => ({ generation, digest: `d${generation}`, templateDigest: `t${generation}`, shape: shape({ demand: demand({ cpuMillis, memoryBytes: 0, diskBytes: 0 }) }) });
    return [name, [revision(1, s.was ?? s.cpu ?? 100), revision(2, s.cpu ?? 100)] as const];
  }));
  for (const [name, s] of Object.entries(specs)) for (const [at, u] of s.on ?? []) loads.set(at, withDemand(loads.get(at) ?? noLoad, ((revisions.get(name) ?? [])[(u?.generation ?? 2) - 1] as RevisionShape).shape.demand));
  const nodes = new Map(Object.entries(cpus).map(([name, c]) => [name, nodeOf({ name, lastSeenMs: NOW, capacity: { cpuMillis: typeof c === "number" ? c : 1_000, memoryBytes: 0, diskBytes: 0, devices: {} }, load: loads.get(name) ?? noLoad, ...(typeof c === "number" ? {} : c) })]));
  const workloads = Object.entries(specs).map(([name, { rules, quota, maxUnavailable, on = [], cpu: _, was: __, ...rest }]): FleetWorkload => {
    const [first, goal] = revisions.get(name) as readonly [RevisionShape, RevisionShape];
    const units = on.map(([at, u], i): OwnUnit => ({ assignmentId: `${name}@${i}`, version: 1, unit: `${name}-${i + 1}`, ordinal: i + 1, node: nodes.get(at) as FleetNode, generation: 2, desired: "run", updatedAtMs: NOW - 1_000, nodeObservedAtMs: NOW, nodeApplied: true, observed: { generation: u?.generation ?? 2, phase: "running", health: "healthy", restarts: 0, exitCode: null, message: "", sinceMs: 0 }, ...u }));
    return { quota: quota ?? null, maxUnavailable: maxUnavailable ?? null, snapshot: { nowMs: NOW, workloadId: name, name, kind: "service", removed: false, replicas: 1, lostAfterMs: null, goal, revisions: new Map([[1, first], [2, goal]]), rolloutOpen: false, askShape: goal.shape, units, completed: new Set(), fleet: null, others: null, ...(rules ? { sets: { ...plainRules, ...rules } } : {}), ...rest } };
  });
  return { nowMs: NOW, nodes: [...nodes.values()].filter((n) => n.desiredState !== "decommissioned"), workloads, held: [], quotas: [], ...o };
}
const told = (w: FleetWorld, o: { due?: string[]; rounds?: number } = {}) => settle(w, o.due ?? w.workloads.map((x) => x.snapshot.workloadId), o.rounds === undefined ? {} : { rounds: o.rounds });
const events = (w: FleetWorld, o: Parameters<typeof told>[1] = {}) => told(w, o).events.map((e) => `${e.kind} ${e.unit} ${e.nodeId.slice(5)}`);
const end = (w: FleetWorld, o: Parameters<typeof told>[1] = {}) => told(w, o).units.map((u) => `${u.unit}@${u.at.name}`).sort();
const load = (w: FleetWorld) => Object.fromEntries(told(w).nodes.map((n) => [n.name, n.load.cpuMillis]));

describe("turns", () => {
  // Guarantee: of any two workloads one is first, and it is the same whichever way they are asked about.
  it("go to the higher priority, then by name", () => {
    const list = [{ id: "b", priority: 1 }, { id: "a", priority: 1 }, { id: "c", priority: 5 }];
    expect([...list].sort(turnOrder).map((x) => x.id)).toEqual(["c", "a", "b"]);
    for (const x of list) for (const y of list) expect(Math.sign(turnOrder(x, y))).toBe(x === y ? 0 : -Math.sign(turnOrder(y, x)));
    expect(turnOrder({ id: "a", priority: 1 }, { id: "a", priority: 1 })).toBe(0);
  });
  it("decide who gets the last room, whatever the order of the file", () => {
    const specs: Record<string, Spec> = { low: { cpu: 800, rules: { priority: 1 } }, high: { cpu: 800, rules: { priority: 9 } } };
    expect(end(world({ a: 1_000 }, specs))).toEqual(["high-1@a"]);
    expect(end(world({ a: 1_000 }, { plain: { cpu: 800 }, almost: { cpu: 800, rules: { priority: 99 } } }))).toEqual(["plain-1@a"]);
    expect(end(world({ a: 1_000 }, specs), { due: ["low", "nobody"] })).toEqual(["low-1@a"]);
  });
});

describe("a fleet that comes to rest", () => {
  it("has loads that are those of its units", () => {
    expect(load(world({ a: 1_000, b: 500 }, { w: { replicas: 3, cpu: 400, on: [["a"]] } }))).toEqual({ a: 800, b: 400 });
    expect(load(world({ a: 1_000 }, { w: { replicas: 1, on: [["a"], ["a"], ["a"]] } }))).toEqual({ a: 100 });
    expect(load(world({ a: 1_000 }, { w: { was: 300, cpu: 100, on: [["a", { generation: 1 }]] } }))).toEqual({ a: 100 });
  });
  it("gives room that came free to who waits", () => {
    const w = world({ a: 1_000 }, { wide: { cpu: 900 }, narrow: { cpu: 300, replicas: 0, on: [["a"]] } });
    expect(events(w)).toEqual(["stop narrow-1 a", "end narrow-1 a", "place wide-1 a"]);
    // Also what a smaller revision leaves.
    expect(events(world({ a: 1_000 }, { wide: { cpu: 800 }, narrow: { was: 300, cpu: 200, on: [["a", { generation: 1 }]] } }))).toEqual(["update narrow-1 a", "place wide-1 a"]);
    expect(told(w).atRest).toBe(true);
  });
  it("leaves on silent nodes what nobody there can do", () => {
    const silent = { contact: "silent" as const, lastSeenMs: NOW - 60_000 };
    const w = world({ a: silent, b: 1_000 }, { w: { replicas: 0, on: [["a"], ["b"]] } });
    expect(events(w)).toEqual(["stop w-1 a", "stop w-2 b", "end w-2 b"]);
    expect([end(w), load(w)]).toEqual([[], { a: 100, b: 0 }]);
  });
  it("writes off what ran on a node that is no longer of the fleet", () => {
    const w = world({ a: { desiredState: "decommissioned" }, b: 1_000 }, { w: { on: [["a"]] } });
    expect([events(w), end(w), load(w)]).toEqual([["end w-1 a", "place w-1 b"], ["w-1@b"], { b: 100 }]);
  });
  it("says who has no node, and why", () => {
    const { unplaced, atRest } = told(world({ a: 100 }, { w: { cpu: 200 } }));
    expect(unplaced).toMatchObject([{ workloadId: "w", workload: "w", unit: "w-1" }]);
    expect([unplaced[0]?.because === unplaced[0]?.decision.because, unplaced[0]?.decision.counts[0]?.code, atRest]).toEqual([true, "cpu", true]);
  });
  it("stops after the rounds that it is given, and says what is left", () => {
    const w = world({ a: 1_000 }, { w: { replicas: 4, on: [1, 2, 3, 4].map(() => ["a", { generation: 1 }] as [string, Partial<OwnUnit>]) } });
    const two = told(w, { rounds: 2 });
    expect([two.rounds, two.atRest, two.behind]).toEqual([2, false, [{ workload: "w", units: 2 }]]);
    expect(told(w)).toMatchObject({ rounds: 5, atRest: true, behind: [] });
  });
  // Guarantee: a preview of a large fleet ends although an update goes on for long, and says how many units are behind.
  it("does not follow a long update to its end", () => {
    const names = Array.from({ length: 10 }, (_, i) => `w${i}`);
    const many = (n: number) => world({ a: 1_000_000 }, Object.fromEntries(names.map((name) => [name, { replicas: n, on: Array.from({ length: n }, () => ["a", { generation: 1 }] as [string, Partial<OwnUnit>]) }])));
    expect(told(many(45))).toMatchObject({ rounds: 40, atRest: false, behind: names.map((workload) => ({ workload, units: 5 })) });
    expect(told(many(38))).toMatchObject({ rounds: 39, atRest: true, behind: [] });
  });
});

describe("units that make way", () => {
  const rules = { preempts: true, priority: 500 };
  it("go when they are less important, and their workload looks for another place", () => {
    const w = world({ a: 1_000, b: 400 }, { low: { cpu: 400, rules: { priority: 1 }, replicas: 2, on: [["a"], ["a"]] }, high: { cpu: 800, rules } });
    expect(end(w)).toEqual(["high-1@a", "low-1@b"]);
    expect(told(w).events.filter((e) => e.kind === "reserve")).toMatchObject([{ unit: "high-1", workloadId: "high", nodeId: "node-a" }]);
    expect(told(w).held).toEqual([]);
  });
  it.each<[string, Spec, Spec, string[]]>([
    ["not equal ones", { rules: { priority: 500 } }, { rules }, ["low-1@a"]],
    ["not for who may not", {}, { rules: { priority: 500 } }, ["low-1@a"]],
    ["not those that their workload can't spare", { maxUnavailable: 0 }, { rules }, ["low-1@a"]],
    ["those that it can", { maxUnavailable: 1 }, { rules }, ["high-1@a", "low-1@b"]],
    ["none beside one that does not serve", { maxUnavailable: 1, replicas: 2, on: [["a"], ["b", { observed: null }]] }, { rules }, ["low-1@a", "low-2@b"]],
  ])("%s", (_what, low, high, expected) => expect(end(world({ a: 1_000, b: 900 }, { low: { cpu: 900, on: [["a"]], ...low }, high: { cpu: 1_000, ...high } }))).toEqual(expected));

  // What an agent was asked before and has not done yet may take it long: a preview does not take it for done.
  it("hold their room as long as they were asked before and are still there", () => {
    const w = world({ b: 1_000 }, { low: { cpu: 900, replicas: 0, on: [["b", { desired: "stop" }]] }, high: { cpu: 1_000, rules } });
    expect([events(w), end(w), load(w)]).toEqual([[], [], { b: 900 }]);
  });
  it("keep room for nobody else", () => {
    const held: Held = { workloadId: "first", workload: "first", unit: "first-1", nodeId: "node-a", demand: demand({ cpuMillis: 800, memoryBytes: 0, diskBytes: 0 }), priority: 500, cause: "preempt", because: "was promised", fromMs: NOW, expiresMs: NOW + 60_000 };
    const specs: Record<string, Spec> = { first: { cpu: 800, replicas: 0, rules: { priority: 500 } }, other: { cpu: 800 } };
    expect(end(world({ a: 1_000 }, specs, { held: [held] }), { due: ["other"] })).toEqual([]);
    expect(end(world({ a: 1_000 }, specs), { due: ["other"] })).toEqual(["other-1@a"]);
    // Who held it looks, and needs it no more.
    expect(told(world({ a: 1_000 }, specs, { held: [held] })).held).toEqual([]);
  });
});

describe("quotas and times in a fleet", () => {
  const quotas = ["mine", "theirs", "all"].map((name) => ({ name, parent: name === "all" ? null : "all", nominal: { cpuMillis: name === "all" ? 0 : 500 }, borrowingLimit: null, lendingLimit: null, weight: 1, reclaim: "lowerPriority" as const }));
  it("counts all that workloads of a quota run", () => {
    expect(end(world({ a: 9_000 }, { x: { cpu: 400, quota: "mine", on: [["a"]] }, y: { cpu: 400, replicas: 3, quota: "mine" }, z: { cpu: 400, replicas: 1 } }, { quotas }))).toEqual(["x-1@a", "y-1@a", "z-1@a"]);
  });
  it("takes back what was borrowed, and from nobody without a quota", () => {
    const back = (theirs: Spec) => end(world({ a: 1_000 }, { theirs: { cpu: 500, replicas: 2, on: [["a"], ["a"]], ...theirs }, mine: { cpu: 500, quota: "mine" } }, { quotas }));
    expect(back({ quota: "theirs", rules: { priority: 1 } })).toEqual(["mine-1@a", "theirs-1@a"]);
    expect(back({ quota: "theirs", rules: { priority: 100 } })).toEqual(["theirs-1@a", "theirs-2@a"]);
    expect(back({ rules: { priority: 1 } })).toEqual(["theirs-1@a", "theirs-2@a"]);
  });
  // Guarantee (11): a batch is told when what runs there has surely ended, counted from when that began, or from now.
  it.each<[string, Spec, number | null]>([
    ["its end", { rules: { takes: { minMs: 10_000, maxMs: 60_000 } } }, NOW - 1_000 + 60_000],
    ["now, when it is over its time", { rules: { takes: { minMs: 100, maxMs: 200 } } }, NOW + 1],
    ["nobody knows, of what does not say how long it runs", {}, null],
  ])("waits for %s", (_what, first, at) => {
    const w = world({ a: 1_000 }, { first: { kind: "batch", cpu: 900, on: [["a"]], ...first }, next: { kind: "batch", cpu: 900, rules: { takes: { minMs: 100, maxMs: 1_000 } } } });
    expect(told(w).held.map((h) => [h.unit, h.cause, h.fromMs])).toEqual(at === null ? [] : [["next-1", "backfill", at]]);
  });
});
