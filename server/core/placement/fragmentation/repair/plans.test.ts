/** The rules by which repair plans choose, one fleet for each; that they hold for any fleet is in repair.test.ts. */
import { describe, expect, it } from "vitest";
import { countedMix, repairForGang, repairForMix } from "../index";
import type { GpuNode, PendingGang, RepairFleet, RepairLimits, RepairUnit } from "../index";
import { node, shape } from "../testing";
import { cheapest } from "./exact";
import { greedyPlan } from "./greedy";
import { mayMove, moved, placesFor, slotsOn, startOf } from "./state";

const any: RepairLimits = { moves: 9, seconds: 1_000 };
type Put = [id: string, node: number, devices: number[], millis: number, seconds: number, o?: Partial<RepairUnit>];
/** Nodes by the devices that they have, and the shares of them that units hold. */
function fleetOf(sizes: readonly number[], put: readonly Put[], o: Partial<RepairFleet> = {}): RepairFleet {
  const free = sizes.map((n) => Array.from({ length: n }, () => 1_000));
  const units = put.map(([id, at, devices, millis, warmStartSeconds, more]): RepairUnit => {
    for (const d of devices) free[at]![d]! -= millis;
    return { id, node: at, devices, shape: shape({ gpus: devices.length, gpuMillis: millis, cpuMillis: 0, memoryBytes: 0 }), warmStartSeconds, movable: true, budget: id, ...more };
  });
  return { nodes: free.map((f, i) => node({ name: `n${i}`, free: f })), units, ...o };
}
const whole = (count: number, gpus = 1): PendingGang => ({ shape: shape({ gpus, cpuMillis: 0, memoryBytes: 0 }), count });
const told = (plan: { moves: readonly { unit: string; to: { node: number; devices: readonly number[] } }[]; seconds: number } | null) => plan && [...plan.moves.map((m) => `${m.unit} to ${m.to.node}.${m.to.devices.join("+")}`), `${plan.seconds} s`];

describe("a greedy plan", () => {
  // Guarantee: the node that costs least for each unit gained is cleared first, just enough; each unit goes where the gang loses least, then where least room is left.
  it.each<[string, RepairFleet, PendingGang, Partial<RepairLimits>, string[] | null]>([
    ["nothing to do", fleetOf([1], []), whole(1), {}, ["0 s"]],
    ["the cheaper of two nodes", fleetOf([1, 1, 1], [["a", 0, [0], 300, 9], ["b", 1, [0], 300, 4], ["x", 2, [0], 600, 1, { movable: false }]]), whole(1), {}, ["b to 2.0", "4 s"]],
    ["one after the other until the gang fits", fleetOf([1, 1, 1], [["a", 0, [0], 200, 9], ["b", 1, [0], 200, 4], ["x", 2, [0], 600, 1, { movable: false }]]), whole(2), {}, ["b to 2.0", "a to 2.0", "13 s"]],
    ["by seconds for each unit gained: a dear one that holds two", fleetOf([2, 1, 2], [["a", 0, [0, 1], 300, 10], ["b", 1, [0], 300, 6], ["x", 2, [0, 1], 700, 1, { movable: false }]]), whole(2), {}, ["a to 2.0+1", "10 s"]],
    ["one unit that suffices rather than two cheaper ones", fleetOf([2, 1], [["a", 0, [0], 200, 1], ["b", 0, [1], 200, 2], ["x", 1, [0], 500, 0, { movable: false }]]), whole(1), {}, ["a to 1.0", "1 s"]],
    ["the cheapest of a node until there is room, and what is not needed stays", fleetOf([2, 2], [["a", 0, [0], 200, 1], ["b", 0, [1], 300, 2], ["c", 0, [1], 300, 3], ["x", 1, [0, 1], 100, 0, { movable: false }]]), whole(1, 2), {}, ["b to 1.0", "c to 1.0", "a to 1.0", "6 s"]],
    ["what turned out unneeded stays", fleetOf([3, 2], [["a", 0, [0], 500, 1], ["b", 0, [1], 400, 2], ["b2", 0, [1], 400, 3], ["x", 0, [2], 500, 0, { movable: false }], ["y", 1, [0, 1], 100, 0, { movable: false }]]), whole(1, 1), {}, ["a to 1.0", "1 s"]],
    ["what must stay stays", fleetOf([1, 1], [["a", 0, [0], 300, 1, { movable: false }], ["x", 1, [0], 600, 1, { movable: false }]]), whole(1), {}, null],
    ["where the gang loses nothing, rather than on a whole device", fleetOf([1, 1, 1], [["a", 0, [0], 300, 1], ["x", 2, [0], 200, 1, { movable: false }]]), whole(2), {}, ["a to 2.0", "1 s"]],
    ["of such places where least room is left", fleetOf([1, 1, 1], [["a", 0, [0], 300, 1], ["x", 1, [0], 200, 1, { movable: false }], ["y", 2, [0], 500, 1, { movable: false }]]), whole(1), {}, ["a to 2.0", "1 s"]],
    ["the first of equal places", fleetOf([1, 1, 1], [["a", 0, [0], 300, 1], ["x", 1, [0], 700, 1, { movable: false }], ["y", 2, [0], 700, 1, { movable: false }]]), whole(1), {}, ["a to 1.0", "1 s"]],
    ["what asks for most goes first", fleetOf([1, 1, 1], [["small", 0, [0], 300, 1], ["large", 0, [0], 600, 2], ["x", 1, [0], 400, 1, { movable: false }], ["y", 2, [0], 400, 1, { movable: false }]]), whole(1), {}, ["large to 1.0", "small to 2.0", "3 s"]],
    ["no more moves than may be", fleetOf([1, 1, 1], [["a", 0, [0], 200, 9], ["b", 1, [0], 200, 4], ["x", 2, [0], 600, 1, { movable: false }]]), whole(2), { moves: 1 }, null],
    ["exactly as many moves", fleetOf([1, 1, 1], [["a", 0, [0], 200, 9], ["b", 1, [0], 200, 4], ["x", 2, [0], 600, 1, { movable: false }]]), whole(2), { moves: 2 }, ["b to 2.0", "a to 2.0", "13 s"]],
    ["no more seconds than may be", fleetOf([1, 1, 1], [["a", 0, [0], 200, 9], ["b", 1, [0], 200, 4], ["x", 2, [0], 600, 1, { movable: false }]]), whole(2), { seconds: 12 }, null],
    ["exactly as many seconds", fleetOf([1, 1, 1], [["a", 0, [0], 200, 9], ["b", 1, [0], 200, 4], ["x", 2, [0], 600, 1, { movable: false }]]), whole(2), { seconds: 13 }, ["b to 2.0", "a to 2.0", "13 s"]],
    ["no more than its budget pays: another's", fleetOf([1, 1, 1, 1], [["a", 0, [0], 200, 1, { budget: "w" }], ["b", 1, [0], 200, 2, { budget: "w" }], ["c", 2, [0], 200, 9, { budget: "v" }], ["x", 3, [0], 600, 1, { movable: false }]]), whole(2), { perBudget: new Map([["w", 1]]) }, ["a to 3.0", "c to 3.0", "10 s"]],
    ["both of one node by one budget", fleetOf([1, 1], [["a", 0, [0], 200, 1, { budget: "w" }], ["b", 0, [0], 200, 2, { budget: "w" }], ["x", 1, [0], 500, 1, { movable: false }]]), whole(1), { perBudget: new Map([["w", 1]]) }, null],
    ["not where a unit may not run", fleetOf([1, 1, 1], [["a", 0, [0], 300, 1], ["x", 1, [0], 700, 1, { movable: false }], ["y", 2, [0], 500, 1, { movable: false }]], { mayRun: (_u, n) => n.name !== "n1" }), whole(1), {}, ["a to 2.0", "1 s"]],
    ["not a node where the gang may not run; what moves goes where least room is left", fleetOf([1, 1, 1], [["a", 0, [0], 300, 1], ["b", 1, [0], 300, 5], ["x", 2, [0], 700, 1, { movable: false }]]), { ...whole(1), mayRun: (n: GpuNode) => n.name !== "n0" }, {}, ["b to 2.0", "5 s"]],
    // All of budget w is spent on n0: of n1 another unit has to go than the one that was cheapest before.
    ["with its budget spent, by another unit of the node", fleetOf([1, 2, 2], [["a", 0, [0], 100, 1, { budget: "w" }], ["b", 1, [0], 200, 2, { budget: "w" }], ["c", 1, [1], 200, 5, { budget: "v" }], ["x", 2, [0, 1], 600, 1, { movable: false }]]), whole(2), { perBudget: new Map([["w", 1]]) }, ["a to 2.0", "c to 2.0", "6 s"]],
    // To clear n0 promises two for 6 s, but what goes takes a whole device elsewhere; n1 gains one for 4 s.
    ["by what is gained in the end, not by what was hoped for", fleetOf([2, 1, 2], [["a", 0, [0, 1], 300, 6], ["b", 1, [0], 300, 4], ["x", 2, [1], 600, 1, { movable: false }]]), whole(2), {}, ["b to 0.0", "4 s"]],
    ["one that suffices rather than two that are cheaper each", fleetOf([2, 1, 1], [["a", 0, [0], 200, 4], ["a2", 0, [0], 200, 4], ["c", 0, [1], 300, 5], ["x", 1, [0], 500, 1, { movable: false }], ["y", 2, [0], 500, 1, { movable: false }]]), whole(1), {}, ["c to 1.0", "5 s"]],
    ["several that cost less together than one that suffices", fleetOf([2, 1, 1], [["a", 0, [0], 200, 1], ["a2", 0, [0], 200, 1], ["c", 0, [1], 300, 9], ["x", 1, [0], 500, 1, { movable: false }], ["y", 2, [0], 500, 1, { movable: false }]]), whole(1), {}, ["a to 1.0", "a2 to 1.0", "2 s"]],
    // With n0 cleared its two units have paid 2 s and two moves: nothing is left for n1.
    ["what one node took counts for the next", fleetOf([1, 1, 1, 1], [["a", 0, [0], 200, 1, { budget: "w" }], ["a2", 0, [0], 200, 1, { budget: "w" }], ["b", 1, [0], 300, 9, { budget: "w" }], ["x", 2, [0], 500, 1, { movable: false }], ["y", 3, [0], 500, 1, { movable: false }]]), whole(2), { perBudget: new Map([["w", 2]]) }, null],
    ["the units of one node add up: seconds", fleetOf([1, 1], [["a", 0, [0], 200, 3], ["b", 0, [0], 200, 3], ["x", 1, [0], 500, 1, { movable: false }]]), whole(1), { seconds: 5 }, null],
    ["the units of one node add up: moves", fleetOf([1, 1], [["a", 0, [0], 200, 3], ["b", 0, [0], 200, 3], ["x", 1, [0], 500, 1, { movable: false }]]), whole(1), { moves: 1 }, null],
    ["of equal units the first", fleetOf([2, 1], [["a", 0, [0], 200, 3], ["b", 0, [1], 200, 3], ["x", 1, [0], 500, 1, { movable: false }]]), whole(1), {}, ["a to 1.0", "3 s"]],
    ["of equal nodes the first", fleetOf([1, 1, 1], [["b", 1, [0], 200, 3], ["a", 0, [0], 200, 3], ["x", 2, [0], 500, 1, { movable: false }]]), whole(1), {}, ["a to 2.0", "3 s"]],
    ["of equal seconds for each the fewer in all", fleetOf([2, 1, 2], [["a", 0, [0, 1], 300, 6], ["b", 1, [0], 300, 3], ["x", 2, [0, 1], 700, 1, { movable: false }]]), whole(1), {}, ["b to 2.0", "3 s"]],
    ["a unit that finds no place, though another does", fleetOf([1, 1, 1], [["a", 0, [0], 500, 1], ["b", 1, [0], 300, 5], ["x", 2, [0], 700, 1, { movable: false }]]), whole(1), {}, ["a to 1.0", "1 s"]],
  ])("%s", (_what, fleet, gang, limits, expected) => expect(told(greedyPlan(fleet, gang, { ...any, ...limits }))).toEqual(expected));

  it("is taken where the search gives up, and says it is no optimum; where it ran through, it is one", () => {
    const fleet = fleetOf([1, 1, 1], [["a", 0, [0], 300, 9], ["b", 1, [0], 300, 4], ["x", 2, [0], 600, 1, { movable: false }]]);
    expect(repairForGang(fleet, whole(1), { ...any, states: 0 })).toMatchObject({ seconds: 4, optimal: false });
    expect(repairForGang(fleet, whole(1), any)).toMatchObject({ seconds: 4, optimal: true });
    expect(repairForGang(fleetOf([1, 1], []), whole(2), { ...any, states: 0 })).toEqual({ moves: [], seconds: 0, optimal: true });
  });
});

describe("the search for the cheapest plan", () => {
  const search = (fleet: RepairFleet, gang: PendingGang, limits: Partial<RepairLimits> = {}, states = 1_000, below?: number) => {
    const r = cheapest(fleet, gang, { ...any, ...limits }, states, below);
    return r.found ? told(r.found) : r.gaveUp ? "gave up" : "none";
  };
  // To make a whole device, either "one" goes, or both "left" and "right".
  const either = (one: number, left: number, right: number) => fleetOf([1, 1, 2], [["one", 0, [0], 300, one], ["left", 1, [0], 100, left], ["right", 1, [0], 100, right], ["x", 2, [0, 1], 700, 0, { movable: false }]]);

  // Guarantee: the fewest seconds; of equal seconds the fewest moves; nothing that costs as much as is known already.
  it.each<[string, RepairFleet, Parameters<typeof search>[1], Parameters<typeof search>[2], number, number | undefined, string[] | string]>([
    ["one move", either(5, 4, 4), whole(1), {}, 1_000, undefined, ["one to 1.0", "5 s"]],
    ["two that cost less", either(9, 4, 4), whole(1), {}, 1_000, undefined, ["left to 0.0", "right to 0.0", "8 s"]],
    ["of equal seconds one move", either(8, 4, 4), whole(1), {}, 1_000, undefined, ["one to 1.0", "8 s"]],
    ["within the moves", either(9, 4, 4), whole(1), { moves: 1 }, 1_000, undefined, ["one to 1.0", "9 s"]],
    ["within the seconds", either(9, 4, 4), whole(1), { seconds: 7 }, 1_000, undefined, "none"],
    ["within the budgets", either(9, 4, 4), whole(1), { perBudget: new Map([["left", 0]]) }, 1_000, undefined, ["one to 1.0", "9 s"]],
    ["no cheaper than what is known", either(9, 4, 4), whole(1), {}, 1_000, 8, "none"],
    ["cheaper than what is known", either(9, 4, 4), whole(1), {}, 1_000, 9, ["left to 0.0", "right to 0.0", "8 s"]],
    ["after so many states it gives up", either(9, 4, 4), whole(1), {}, 1, undefined, "gave up"],
    ["a gang that fits already", either(9, 4, 4), whole(0), {}, 0, undefined, ["0 s"]],
    ["a unit may move twice, through a place in between", fleetOf([1, 1, 1], [["a", 0, [0], 300, 1], ["b", 1, [0], 300, 1], ["c", 2, [0], 300, 1]]), whole(2), {}, 1_000, undefined, ["a to 1.0", "c to 1.0", "2 s"]],
  ])("%s", (_what, fleet, gang, limits, states, below, expected) => expect(search(fleet, gang, limits, states, below)).toEqual(expected));
});

describe("a plan for the mix", () => {
  const wholes = countedMix([{ shape: shape({ cpuMillis: 0 }), count: 1 }]);
  // Guarantee: each time the move that lowers fragmentation most for each second; a start of no time counts a tenth of a second; what gains nothing is not made.
  it.each<[string, RepairFleet, Partial<RepairLimits>, string[], [number, number]]>([
    ["two halves become a whole", fleetOf([1, 1], [["a", 0, [0], 500, 2], ["b", 1, [0], 500, 1]]), {}, ["b to 0.0", "1 s"], [1_000, 0]],
    ["within one node", fleetOf([2], [["a", 0, [0], 500, 2], ["b", 0, [1], 500, 1]]), {}, ["b to 0.0", "1 s"], [1_000, 0]],
    ["most for each second, not most", fleetOf([2, 1, 2], [["a", 0, [0, 1], 300, 9], ["b", 1, [0], 200, 1], ["x", 2, [0, 1], 300, 1, { movable: false }]]), { moves: 1 }, ["b to 0.0", "1 s"], [3_600, 2_600]],
    ["what starts at once counts a tenth of a second", fleetOf([2, 2], [["a", 0, [0], 100, 0], ["b", 1, [0], 100, 0.1], ["x", 1, [1], 100, 0, { movable: false }]]), { moves: 1 }, ["a to 1.0", "0 s"], [2_700, 1_700]],
    ["nothing where nothing is gained", fleetOf([1, 1], [["a", 0, [0], 600, 1], ["b", 1, [0], 600, 1]]), {}, ["0 s"], [800, 800]],
    ["not where it may not run", fleetOf([1, 1], [["a", 0, [0], 500, 2], ["b", 1, [0], 500, 1]], { mayRun: (u) => u.id === "a" }), {}, ["a to 1.0", "2 s"], [1_000, 0]],
    ["not what must stay", fleetOf([1, 1], [["a", 0, [0], 500, 2], ["b", 1, [0], 500, 1, { movable: false }]]), {}, ["a to 1.0", "2 s"], [1_000, 0]],
  ])("%s", (_what, fleet, limits, expected, [before, after]) => {
    const plan = repairForMix(fleet, wholes, { ...any, ...limits });
    expect([told(plan), Math.round(plan.before), Math.round(plan.after), plan.optimal]).toEqual([expected, before, after, expected.length === 1]);
  });
});

describe("a fleet in the middle of a plan", () => {
  const fleet = fleetOf([1, 2], [["a", 0, [0], 300, 5, { budget: "w" }], ["b", 1, [1], 400, 5, { budget: "w", movable: false }]]);
  const [a, b] = fleet.units as [RepairUnit, RepairUnit];
  const start = startOf(fleet);

  it.each<[string, RepairUnit, Partial<RepairLimits>, boolean]>([
    ["it may", a, {}, true], ["it must stay", b, {}, false], ["no move is left", a, { moves: 0 }, false], ["one is", a, { moves: 1 }, true], ["no time is left", a, { seconds: 4 }, false], ["just enough is", a, { seconds: 5 }, true], ["nothing is left of its budget", a, { perBudget: new Map([["w", 0]]) }, false], ["one move is", a, { perBudget: new Map([["w", 1]]) }, true], ["nothing of another's", a, { perBudget: new Map([["v", 0]]) }, true],
  ])("says whether a unit may move: %s", (_what, unit, limits, expected) => expect(mayMove(start, unit, { ...any, ...limits })).toBe(expected));

  it("says where a unit could go, its own node included, and what a move changes", () => {
    expect([...placesFor(start, fleet, a)]).toEqual([{ node: 0, devices: [0] }, { node: 1, devices: [0] }, { node: 1, devices: [1] }]);
    expect([...placesFor(start, { ...fleet, mayRun: (_u, n) => n.name === "n0" }, a)]).toEqual([{ node: 0, devices: [0] }]);
    const then = moved(start, fleet, 0, { node: 1, devices: [1] });
    expect(then.nodes.map((n) => n.free)).toEqual([[1_000], [1_000, 300]]);
    expect(then).toMatchObject({ seconds: 5, moves: [{ unit: "a", from: { node: 0, devices: [0] }, to: { node: 1, devices: [1] }, seconds: 5 }], places: [{ node: 1, devices: [1] }, { node: 1, devices: [1] }] });
    expect(then.used).toEqual(new Map([["w", 1]]));
    expect(start.nodes.map((n) => n.free)).toEqual([[700], [1_000, 600]]);
    expect([mayMove(then, a, { moves: 1, seconds: 99 }), mayMove(then, a, { moves: 2, seconds: 9 }), mayMove(then, a, { ...any, perBudget: new Map([["w", 1]]) }), mayMove(then, a, any)]).toEqual([false, false, false, true]);
    expect(() => moved(start, fleet, 2, { node: 0, devices: [0] })).toThrow("no unit 2 among 2");
    expect(() => moved(start, fleet, 0, { node: 7, devices: [0] })).toThrow("no node 7 among 2");
  });

  // Guarantee: tasks of several devices take different ones.
  it.each<[string, Partial<GpuNode>, Parameters<typeof shape>[0], number]>([
    ["shares of one device", { free: [1_000, 500, 299] }, { gpuMillis: 300 }, 4], ["pairs", { free: [1_000, 1_000, 1_000] }, { gpus: 2 }, 1], ["pairs of shares", { free: [1_000, 300, 300] }, { gpus: 2, gpuMillis: 300 }, 2], ["CPU runs out first", { cpuMillis: 2_900 }, { gpuMillis: 100 }, 2], ["memory runs out first", { memoryBytes: 3, free: [1_000, 1_000, 1_000, 1_000] }, {}, 3], ["no device asked for", { cpuMillis: 5_500 }, { gpus: 0, gpuMillis: 0, memoryBytes: 0 }, 5], ["nothing asked for", {}, { gpus: 0, gpuMillis: 0, cpuMillis: 0, memoryBytes: 0 }, Infinity], ["devices alone asked for", {}, { cpuMillis: 0, memoryBytes: 0 }, 2], ["another model", {}, { models: ["B"] }, 0], ["too much is taken already", { cpuMillis: -1_000 }, {}, 0],
  ])("has so many slots on a node: %s", (_what, n, s, expected) => expect(slotsOn(node(n), shape(s))).toBe(expected));
});
