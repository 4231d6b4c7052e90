import { describe, expect, it } from "vitest";
import { noLoad, withDemand } from "../demand";
import type { FleetNode } from "../fleet";
import { planWorkload } from "../reconcile";
import { demand, nodeOf, policy, shape } from "../testing";
import type { OwnUnit, WorkloadSnapshot } from "../workload-plan";
import { withReservations } from "./reserved";
import { plainRules } from "./types";
import type { Held, OtherUnit, SetRules } from "./types";

const small = (name: string, o: Partial<FleetNode> = {}) => nodeOf({ name, capacity: { cpuMillis: 300, memoryBytes: 1_000, diskBytes: 1_000, devices: {} }, ...o });
const full = (name: string, taken: number, o: Partial<FleetNode> = {}) => small(name, { load: withDemand(noLoad, demand({ cpuMillis: taken })), ...o });
const other = (unit: string, node: string, o: Partial<OtherUnit> = {}): OtherUnit => ({ id: `a-${unit}`, version: 3, unit, workloadId: "v", workload: "v", nodeId: `node-${node}`, priority: 10, demand: demand(), startedAtMs: 0, stopping: false, quota: null, endsMs: { minMs: Infinity, maxMs: Infinity }, ...o });
const own = (ordinal: number, node: FleetNode): OwnUnit => ({ assignmentId: `o${ordinal}`, version: 1, unit: `w-${ordinal}`, ordinal, node, generation: 1, desired: "run", updatedAtMs: 0, observed: { generation: 1, phase: "running", health: "healthy", restarts: 0, exitCode: null, message: "", sinceMs: 0 }, nodeObservedAtMs: 0, nodeApplied: true });

function world(o: { nodes: FleetNode[]; rules?: Partial<SetRules>; others?: OtherUnit[] | null; budgets?: [string, number][]; gangs?: [string, number][]; units?: OwnUnit[]; replicas?: number; kind?: WorkloadSnapshot["kind"]; spread?: boolean }): WorkloadSnapshot {
  const s = shape(o.spread ? { policy: policy({ spread: [{ over: "node", maxSkew: 1 }] }) } : {});
  const goal = { generation: 1, digest: "d", templateDigest: "t", shape: s };
  return {
    nowMs: 1_000, workloadId: "w", name: "w", kind: o.kind ?? "service", removed: false, replicas: o.replicas ?? 1, lostAfterMs: null, goal, revisions: new Map([[1, goal]]), rolloutOpen: false, askShape: s, units: o.units ?? [], completed: new Set(),
    fleet: { nowMs: 1_000, nodes: o.nodes }, sets: { ...plainRules, ...o.rules }, others: o.others === null ? null : { units: o.others ?? [], budgets: new Map(o.budgets ?? []), gangs: new Map(o.gangs ?? []) },
  };
}
const told = (s: WorkloadSnapshot) => {
  const p = planWorkload(s);
  return { place: p.place.map((x) => `${x.unit} ${x.nodeId}`), wait: p.unplaced.map((x) => x.because), evict: p.evict.map((x) => x.unit), reserve: p.reserve.map((h) => `${h.unit} ${h.nodeId} ${h.cause} ${h.fromMs}`), stop: p.stop.map((x) => x.unit), needs: p.needsOthers };
};
const quotas = (nominal: number, used: number, otherUsed = 0): SetRules["quota"] => ({
  name: "mine", used: new Map([["mine", { cpuMillis: used }], ["theirs", { cpuMillis: otherUsed }]]),
  facts: ["mine", "theirs"].map((name) => ({ name, parent: "all", nominal: { cpuMillis: nominal }, borrowingLimit: null, lendingLimit: null, weight: 1, reclaim: "lowerPriority" as const })).concat([{ name: "all", parent: null as unknown as string, nominal: {} as { cpuMillis: number }, borrowingLimit: null, lendingLimit: null, weight: 1, reclaim: "lowerPriority" as const }]),
});

describe("room that others make", () => {
  it("asks for the units of others only when a unit finds no node and may stop them", () => {
    expect(told(world({ nodes: [small("a")], rules: { preempts: true }, others: null })).needs).toBe(false);
    expect(told(world({ nodes: [full("a", 250)], others: null })).needs).toBe(false);
    expect(told(world({ nodes: [full("a", 250)], rules: { preempts: true }, others: null })).needs).toBe(true);
  });
  // Guarantee (5): a unit that finds no room stops the least of lower priority, and its place is kept meanwhile.
  it("stops the least important, keeps the place, and says so", () => {
    const t = told(world({ nodes: [full("a", 300), full("b", 300)], rules: { preempts: true, priority: 200 }, others: [other("x", "a", { priority: 150 }), other("y", "b")] }));
    expect(t).toEqual({ place: [], wait: ["No node has room; y of priority 10 has to stop on b first."], evict: ["y"], reserve: ["w-1 node-b preempt 1000"], stop: [], needs: false });
  });
  it("waits for what it asked to stop, and stops nobody else meanwhile", () => {
    const held: Held = { workloadId: "w", workload: "w", unit: "w-1", nodeId: "node-b", demand: demand(), priority: 200, cause: "preempt", because: "y has to stop on b first", fromMs: 500, expiresMs: 9_999 };
    const nodes = [full("a", 300), full("b", 300)];
    const t = told(world({ nodes, rules: { preempts: true, priority: 200, reserved: [held] }, others: [other("x", "a"), other("y", "b", { stopping: true })] }));
    expect([t.evict, t.reserve, t.wait]).toEqual([[], ["w-1 node-b preempt 1000"], ["No node has room; y has to stop on b first."]]);
    // What was to stop is gone, and something else took the room: it looks for another way.
    expect(told(world({ nodes, rules: { preempts: true, priority: 200, reserved: [held] }, others: [other("x", "a")] })).evict).toEqual(["x"]);
    expect(told(world({ nodes: [full("a", 300), small("b")], rules: { preempts: true, priority: 200, reserved: [held] }, others: [] })).place).toEqual(["w-1 node-b"]);
  });
  it.each([
    ["equal priority", { preempts: true, priority: 10 }, [] as [string, number][]],
    ["a budget", { preempts: true, priority: 200 }, [["v", 0]] as [string, number][]],
    ["a workload that never preempts", { preempts: false, priority: 200 }, []],
  ])("is stopped by %s", (_what, rules, budgets) => {
    const t = told(world({ nodes: [full("a", 300)], rules, budgets, others: [other("x", "a")] }));
    expect([t.evict, t.reserve, t.place]).toEqual([[], [], []]);
  });
  it("keeps to the spread also where it makes room", () => {
    const a = full("a", 300);
    const t = told(world({ nodes: [a, full("b", 300, { taints: [{ key: "gpu" }] }), full("c", 300)], spread: true, replicas: 2, units: [own(1, a)], rules: { preempts: true, priority: 200 }, others: [other("x", "a", { priority: 1 }), other("y", "c", { priority: 90 })] }));
    expect(t.evict).toEqual(["y"]);
  });
});

describe("gangs that others take from", () => {
  const nodes = ["a", "b", "c", "d"].map((n) => full(n, 300));
  const gang = ["a", "b", "c"].map((n, i) => other(`g-${i + 1}`, n));
  const evicts = (o: Omit<Parameters<typeof world>[0], "nodes">) => told(world({ nodes, rules: { preempts: true, priority: 200 }, ...o })).evict;
  // Guarantee (6): what others make room with leaves of a gang so many as have to run together, or none.
  it("give up what they can spare", () => expect(evicts({ others: gang, gangs: [["v", 2]] })).toEqual(["g-1"]));
  it("give up no more than that while somebody else can go", () => expect(evicts({ others: [...gang, other("y", "d", { workloadId: "y", workload: "y", priority: 90 })], gangs: [["v", 3]] })).toEqual(["y"]));
  it("go as a whole when nothing else will do", () => expect(evicts({ others: gang, gangs: [["v", 3]] })).toEqual(["g-1", "g-2", "g-3"]));
  it("go as a whole when they are too few already", () => expect(evicts({ others: gang.slice(1), gangs: [["v", 3]] })).toEqual(["g-2", "g-3"]));
  it("stay when their budget does not let all of them go", () => {
    expect(evicts({ others: gang, gangs: [["v", 3]], budgets: [["v", 2]] })).toEqual([]);
    expect(evicts({ others: gang, gangs: [["v", 2]], budgets: [["v", 2]] })).toEqual(["g-1"]);
    expect(evicts({ others: gang, gangs: [["v", 3]], budgets: [["v", 3]] })).toEqual(["g-1", "g-2", "g-3"]);
  });
  it("count what goes already for another unit of the same pass", () => expect(evicts({ replicas: 4, others: [...gang, other("y", "d", { workloadId: "y", workload: "y", priority: 90 })], gangs: [["v", 2]] })).toEqual(["g-1", "y", "g-2", "g-3"]));
  it("go as a whole when a quota takes back what they borrowed, and else only by what they can spare", () => {
    const borrowed = gang.map((u) => ({ ...u, quota: "theirs" }));
    const rules = { quota: quotas(150, 0, 300) };
    expect(evicts({ others: borrowed, gangs: [["v", 2]], rules })).toEqual(["g-1"]);
    expect(evicts({ others: borrowed, gangs: [["v", 3]], rules })).toEqual(["g-1", "g-2", "g-3"]);
    expect(evicts({ others: borrowed, gangs: [["v", 3]], budgets: [["v", 1]], rules })).toEqual([]);
  });
});

describe("gangs among others", () => {
  // Guarantee (6): of a gang all that must run together start, or none; nobody is stopped and nothing kept for one that can't.
  it("starts none when too few find room", () => {
    const t = told(world({ nodes: [small("a")], replicas: 4, rules: { minMember: 4, preempts: true, priority: 200 }, others: [] }));
    expect([t.place, t.evict, t.reserve]).toEqual([[], [], []]);
    expect(t.wait[0]).toContain("it waits for its gang: 3 of the 4 units that must run together find a node");
  });
  it("starts all when they do, also beyond the least", () => {
    expect(told(world({ nodes: [small("a")], replicas: 4, rules: { minMember: 3 } })).place).toHaveLength(3);
  });
  it("makes others go only when that is enough, and keeps its own places meanwhile", () => {
    const nodes = [small("a"), full("b", 300)];
    const t = told(world({ nodes, replicas: 4, rules: { minMember: 4, preempts: true, priority: 200 }, others: [other("x", "b")] }));
    expect([t.place, t.evict, t.reserve.length]).toEqual([[], ["x"], 4]);
    expect(told(world({ nodes, replicas: 5, rules: { minMember: 5, preempts: true, priority: 200 }, others: [other("x", "b")] }))).toMatchObject({ place: [], evict: [], reserve: [] });
  });
});

describe("quotas in a plan", () => {
  // Guarantee (7): what would exceed the quota waits, with the figures.
  it("lets in what fits, and says what is short", () => {
    const t = told(world({ nodes: [small("a"), small("b")], replicas: 3, rules: { quota: quotas(100, 0) } }));
    expect(t.place).toHaveLength(2);
    expect(t.wait).toEqual(["Quota mine has 0m of CPU left (200m of CPU in use of 100m of CPU), and the unit asks for 100m of CPU."]);
  });
  it("takes back what others borrowed", () => {
    const borrowed = [other("x", "a", { quota: "theirs" }), other("y", "a", { quota: "theirs" })];
    const t = told(world({ nodes: [full("a", 200)], rules: { quota: quotas(100, 0, 200), priority: 50 }, others: borrowed }));
    expect(t.evict).toEqual(["x"]);
    expect(t.reserve).toEqual(["w-1 node-a preempt 1000"]);
    expect(t.wait[0]).toContain("What others borrowed is taken back: x has to stop first.");
    expect(told(world({ nodes: [full("a", 200)], rules: { quota: quotas(100, 0, 200), priority: 5 }, others: borrowed })).evict).toEqual([]);
  });
  it("gives no free hand when the quota is not there", () => {
    const t = told(world({ nodes: [small("a")], rules: { quota: { name: "gone", facts: [], used: new Map() } } }));
    expect([t.place, t.wait]).toEqual([[], ["There is no quota gone: a limit that is missing is not a free hand."]]);
  });
});

describe("reservations", () => {
  const held: Held = { workloadId: "h", workload: "h", unit: "h-1", nodeId: "node-a", demand: demand({ cpuMillis: 200 }), priority: 100, cause: "backfill", because: "", fromMs: 5_000, expiresMs: 60_000 };
  const fleet = { nowMs: 1_000, nodes: [small("a")] };
  it.each([
    ["binds an equal", { workloadId: "w", priority: 100, takesMaxMs: null }, 200],
    ["not a higher priority", { workloadId: "w", priority: 101, takesMaxMs: null }, 0],
    ["not its own workload", { workloadId: "h", priority: 1, takesMaxMs: null }, 0],
    ["not what is over before it begins", { workloadId: "w", priority: 1, takesMaxMs: 4_000 }, 0],
    ["what may last longer", { workloadId: "w", priority: 1, takesMaxMs: 4_001 }, 200],
  ])("%s", (_what, me, taken) => expect(withReservations(fleet, [held], me).nodes[0]?.load.cpuMillis).toBe(taken));

  // Guarantee (11): a batch that finds no room is told when it surely will, and that is kept for it.
  it("reserves the earliest time at which a batch fits", () => {
    const nodes = [full("a", 300), full("b", 300)];
    const others = [other("x", "a", { endsMs: { minMs: 2_000, maxMs: 9_000 } }), other("y", "b", { endsMs: { minMs: 2_000, maxMs: 7_000 } })];
    const rules = { takes: { minMs: 100, maxMs: 1_000 } };
    expect(told(world({ nodes, kind: "batch", rules, others })).reserve).toEqual(["w-1 node-b backfill 7000"]);
    const two = told(world({ nodes, kind: "batch", replicas: 2, rules: { ...rules, minMember: 2 }, others }));
    expect(two.reserve).toEqual(["w-1 node-a backfill 9000", "w-2 node-b backfill 9000"]);
  });
});

describe("divided replicas", () => {
  const at = (site: string, name: string) => small(name, { site });
  const nodes = [at("kiel", "k1"), at("kiel", "k2"), at("lyon", "l1"), at("lyon", "l2")];
  it("gives each site its share", () => {
    const t = told(world({ nodes, replicas: 3, rules: { division: { by: "static", weights: { kiel: 2, lyon: 1 } } } }));
    expect(t.place.map((x) => x.includes("-k")).filter(Boolean)).toHaveLength(2);
    expect(told(world({ nodes, replicas: 2, rules: { division: { by: "duplicated", weights: {} } } })).place).toHaveLength(4);
    expect(new Set(told(world({ nodes, replicas: 3, rules: { division: { by: "aggregated", weights: {} } } })).place.map((x) => x.split(" ")[1]?.slice(5, 6))).size).toBe(1);
  });
  it("moves what is over a site's share, each only when its replacement serves", () => {
    const units = [own(1, nodes[0] as FleetNode), own(2, nodes[1] as FleetNode)];
    const t = told(world({ nodes, replicas: 2, units, rules: { division: { by: "static", weights: { kiel: 1, lyon: 1 } } } }));
    expect([t.place.length, t.stop]).toEqual([1, []]);
    expect(t.place[0]).toMatch(/node-l/);
  });
  it("is quiet when all is as it should be", () => {
    const units = [own(1, nodes[0] as FleetNode), own(2, nodes[2] as FleetNode)];
    expect(told(world({ nodes, replicas: 2, units, rules: { division: { by: "static", weights: { kiel: 1, lyon: 1 } } } }))).toMatchObject({ place: [], stop: [] });
  });
});
