import { describe, expect, it } from "vitest";
import type { FleetNode } from "./fleet";
import { planWorkload } from "./reconcile";
import { repairTurnOf } from "./repairs";
import { plainRules } from "./sets/types";
import { demand, nodeOf, shape } from "./testing";
import type { OwnUnit, RepairTurn, RevisionShape, WorkloadPlan, WorkloadSnapshot } from "./workload-plan";

const NOW = 10_000_000;
const node = (name: string, o: Partial<FleetNode> = {}) => nodeOf({ name, lastSeenMs: NOW, ...o });
const goal: RevisionShape = { generation: 1, digest: "d1", templateDigest: "t1", shape: shape({ demand: demand({ cpuMillis: 400 }) }) };
const unit = (ordinal: number, at: FleetNode, o: Partial<OwnUnit> = {}): OwnUnit => ({
  assignmentId: `a${ordinal}`, version: 1, unit: `w-${ordinal}`, ordinal, node: at, generation: 1, desired: "run", updatedAtMs: NOW - 60_000, nodeObservedAtMs: NOW, nodeApplied: true,
  observed: { generation: 1, phase: "running", health: "healthy", restarts: 0, exitCode: null, message: "", sinceMs: NOW - 50_000 }, ...o,
});
const turn = (to: string, o: Partial<RepairTurn> = {}): RepairTurn => ({ repairId: "r", move: 0, toNodeId: `node-${to}`, becomes: null, because: "It makes room for gang (repair plan).", ...o });
const world = (o: Partial<WorkloadSnapshot> & { nodes?: FleetNode[]; turns: Record<string, RepairTurn> }): WorkloadSnapshot => {
  const { nodes, turns, ...rest } = o;
  return { nowMs: NOW, workloadId: "id", name: "w", kind: "service", removed: false, replicas: o.units?.length ?? 0, lostAfterMs: null, goal, revisions: new Map([[1, goal]]), rolloutOpen: false, askShape: goal.shape, units: [], completed: new Set(), fleet: nodes ? { nowMs: NOW, nodes } : null, repairs: new Map(Object.entries(turns)), ...rest };
};
const told = (p: WorkloadPlan) => [...(p.needsFleet ? ["reads the fleet"] : []), ...p.place.map((x) => `place ${x.unit} on ${x.decision.node} (${x.cause}${x.repair ? `, move ${x.repair.move}` : ""})`), ...p.unplaced.map((x) => `nowhere ${x.unit}`), ...p.stop.map((x) => `stop ${x.unit}: ${x.because}`), ...p.dropMoves.map((x) => `drop ${x.repairId} ${x.move}: ${x.because}`)];
const quota = (cpuMillis: number, used: number, name = "q"): Partial<WorkloadSnapshot> => ({ sets: { ...plainRules, quota: { name, facts: [{ name: "q", parent: null, nominal: { cpuMillis }, borrowingLimit: null, lendingLimit: null, weight: 1, reclaim: "never" }], used: new Map([["q", { cpuMillis: used }]]) } } });

const [a, b, c] = [node("a"), node("b"), node("c")];
const full = node("full", { load: { cpuMillis: 700, memoryBytes: 0, diskBytes: 0, devices: {} } });
const starting = { observed: { generation: 1, phase: "starting", health: "starting", restarts: 0, exitCode: null, message: "", sinceMs: NOW } } satisfies Partial<OwnUnit>;
const moving = "It makes room for gang (repair plan).";

describe("a unit whose turn it is to move", () => {
  // Guarantee: it goes to the node of its plan and nowhere else, its replacement first; what can't be is dropped, and the unit stays.
  it.each<[string, Parameters<typeof world>[0], string[]]>([
    ["its replacement is placed where the plan says, under the next number", { units: [unit(1, a)], nodes: [a, b, c], turns: { a1: turn("c") } }, ["place w-2 on c (move, move 0)"]],
    ["of numbers the lowest that is free", { units: [unit(1, a), unit(3, b)], nodes: [a, b, c], turns: { a3: turn("c", { move: 4 }) } }, ["place w-2 on c (move, move 4)"]],
    ["the fleet is read first", { units: [unit(1, a)], turns: { a1: turn("c") } }, ["reads the fleet"]],
    ["its replacement does not serve yet", { replicas: 1, units: [unit(1, a), unit(2, b, starting)], nodes: [a, b, c], turns: { a1: turn("b", { becomes: "a2" }) } }, []],
    ["its replacement serves", { replicas: 1, units: [unit(1, a), unit(2, b)], nodes: [a, b, c], turns: { a1: turn("b", { becomes: "a2" }) } }, [`stop w-1: ${moving}`]],
    ["its replacement is gone", { units: [unit(1, a)], nodes: [a, b, c], turns: { a1: turn("b", { becomes: "a9", move: 2 }) } }, ["drop r 2: The replacement of w-1 is no longer where the plan put it."]],
    ["the node has no room any more", { units: [unit(1, a)], nodes: [a, full], turns: { a1: turn("full") } }, ["drop r 0: w-1 can't go where the plan puts it any more: No node can take it: 1 has too little CPU left."]],
    ["the node is gone", { units: [unit(1, a)], nodes: [a, b], turns: { a1: turn("z") } }, ["drop r 0: w-1 can't go where the plan puts it any more: its node is gone."]],
    ["two at once", { units: [unit(1, a), unit(2, b)], nodes: [a, b, c], turns: { a1: turn("c"), a2: turn("c", { move: 1 }) } }, ["place w-3 on c (move, move 0)", "place w-4 on c (move, move 1)"]],
    ["a third finds the other two there", { units: [unit(1, a), unit(2, b), unit(3, a)], nodes: [a, b, c], turns: { a1: turn("c"), a2: turn("c", { move: 1 }), a3: turn("c", { move: 2 }) } }, ["place w-4 on c (move, move 0)", "place w-5 on c (move, move 1)", "drop r 2: w-3 can't go where the plan puts it any more: No node can take it: 1 has too little CPU left."]],
    ["with fewer asked for, the plan has its way by a stop alone", { replicas: 1, units: [unit(1, a), unit(2, b)], nodes: [a, b, c], turns: { a1: turn("c") } }, [`stop w-1: ${moving}`]],
    ["beside units that are missing", { replicas: 2, units: [unit(1, a)], nodes: [a, b, c], turns: { a1: turn("c") } }, ["place w-2 on c (move, move 0)", "place w-3 on a (place)"]],
    ["a batch moves nobody", { kind: "batch", units: [unit(1, a)], nodes: [a, b, c], turns: { a1: turn("c") } }, []],
    ["a rollout is open", { rolloutOpen: true, units: [unit(1, a)], nodes: [a, b, c], turns: { a1: turn("c") } }, []],
    ["its quota has room for both", { units: [unit(1, a)], nodes: [a, c], turns: { a1: turn("c") }, ...quota(800, 400) }, ["place w-2 on c (move, move 0)"]],
    ["its quota has no room for both", { units: [unit(1, a)], nodes: [a, c], turns: { a1: turn("c") }, ...quota(799, 400) }, ["drop r 0: w-1 can't go where the plan puts it any more: Quota q has no room for both while it moves."]],
    ["its quota has room for the first of two", { units: [unit(1, a), unit(2, b)], nodes: [a, b, c], turns: { a1: turn("c"), a2: turn("c", { move: 1 }) }, ...quota(1_599, 800) }, ["place w-3 on c (move, move 0)", "drop r 1: w-2 can't go where the plan puts it any more: Quota q has no room for both while it moves."]],
    ["nobody knows its quota", { units: [unit(1, a)], nodes: [a, c], turns: { a1: turn("c") }, ...quota(800, 0, "gone") }, ["drop r 0: w-1 can't go where the plan puts it any more: Quota gone has no room for both while it moves."]],
  ])("%s", (_what, o, expected) => expect(told(planWorkload(world(o)))).toEqual(expected));

  it("says which revision moves, and why", () => {
    const plan = planWorkload(world({ units: [unit(1, a)], nodes: [a, b], turns: { a1: turn("b") } }));
    expect(plan.place[0]).toMatchObject({ unit: "w-2", ordinal: 2, nodeId: "node-b", generation: 1, digest: "d1", cause: "move", repair: turn("b") });
    expect(plan.because).toEqual([`w-1 moves: ${moving}`, "w-1 stays on a until its replacement serves"]);
  });

  // Guarantee: units move one by one only where a workload keeps replicas running and no rollout moves them.
  it("is not in a batch, a daemon or a rollout", () => {
    const turns = { a1: turn("b") };
    const has = (o: Partial<WorkloadSnapshot>) => repairTurnOf(world({ turns, ...o }), unit(1, a)) !== undefined;
    expect([has({}), has({ kind: "inference" }), has({ kind: "batch" }), has({ kind: "daemon" }), has({ rolloutOpen: true })]).toEqual([true, true, false, false, false]);
    expect(repairTurnOf(world({ turns }), unit(1, a))).toBe(turns.a1);
    expect(repairTurnOf(world({ turns }), unit(2, a))).toBeUndefined();
  });
});
