import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { after, fitsOn, fragmentationOf, largestGang, mixOf, repairForGang, repairForMix, slotsOn, WHOLE } from "../index";
import type { GpuNode, GpuShape, PendingGang, RepairFleet, RepairLimits, RepairPlan, RepairUnit } from "../index";
import { anyNode, anyShape, node, shape } from "../testing";
import { mayMove, moved, placesFor, startOf } from "./state";
import type { RepairState } from "./state";

const free: RepairLimits = { moves: 4, seconds: 1_000 };

/** Small shares make fleets that moves can help. */
const smallShape = fc.integer({ min: 1, max: 7 }).map((tenths) => shape({ gpuMillis: tenths * 100 }));
const anyUnitShape = fc.oneof({ weight: 3, arbitrary: smallShape }, { weight: 1, arbitrary: anyShape });

/** A fleet whose units sit where they were put at random. */
const anyRepairFleet: fc.Arbitrary<RepairFleet> = fc
  .record({
    nodes: fc.array(anyNode().map((n) => ({ ...n, model: "A", cpuMillis: 12_000, memoryBytes: 16, free: n.free.slice(0, 2).map(() => WHOLE) })), { minLength: 2, maxLength: 3 }),
    units: fc.array(fc.record({ shape: anyUnitShape, node: fc.nat(2), seconds: fc.integer({ min: 1, max: 9 }), movable: fc.constantFrom(true, true, true, false), budget: fc.constantFrom("w", "v") }), { minLength: 1, maxLength: 4 }),
  })
  .map(({ nodes, units }) => {
    const now: GpuNode[] = nodes.map((n, i) => ({ ...n, name: `n${i}` }));
    const put: RepairUnit[] = [];
    units.forEach((u, i) => {
      const n = u.node % now.length;
      const on = now[n]!;
      if (!fitsOn(on, u.shape)) return;
      const devices = on.free.map((_, d) => d).filter((d) => on.free[d]! >= u.shape.gpuMillis).slice(-u.shape.gpus || on.free.length, u.shape.gpus === 0 ? 0 : undefined);
      now[n] = after(on, u.shape, devices);
      put.push({ id: `u${i}`, shape: u.shape, node: n, devices, warmStartSeconds: u.seconds, movable: u.movable, budget: u.budget });
    });
    return { nodes: now, units: put };
  });
/** A gang that asks for one or two more than there is room for. */
const anyGang = fc.record({ shape: fc.oneof(fc.constant(shape()), anyShape.filter((s) => s.gpus > 0)).map((s) => ({ ...s, models: null })), more: fc.integer({ min: 1, max: 2 }) });
const gangFor = (fleet: RepairFleet, asked: { shape: GpuShape; more: number }): PendingGang => ({ shape: asked.shape, count: largestGang(fleet.nodes, asked.shape) + asked.more });
const anyLimits: fc.Arbitrary<RepairLimits> = fc.record({ moves: fc.integer({ min: 1, max: 3 }), seconds: fc.integer({ min: 2, max: 30 }), perBudget: fc.constantFrom(new Map<string, number>(), new Map<string, number>(), new Map([["w", 1]]), new Map([["w", 0], ["v", 1]])) });

/** Runs a plan step by step and refuses whatever is not possible at that moment. */
function run(fleet: RepairFleet, plan: RepairPlan, limits: RepairLimits): readonly GpuNode[] {
  const nodes = [...fleet.nodes];
  const at = new Map(fleet.units.map((u) => [u.id, { node: u.node, devices: u.devices }]));
  const used = new Map<string, number>();
  for (const move of plan.moves) {
    const unit = fleet.units.find((u) => u.id === move.unit)!;
    expect(unit.movable).toBe(true);
    expect(move.from).toEqual(at.get(unit.id));
    expect(fitsOn(nodes[move.to.node]!, unit.shape)).toBe(true);
    nodes[move.to.node] = after(nodes[move.to.node]!, unit.shape, move.to.devices);
    for (const n of nodes) expect(Math.min(n.cpuMillis, n.memoryBytes, ...n.free)).toBeGreaterThanOrEqual(0);
    nodes[move.from.node] = after(nodes[move.from.node]!, unit.shape, move.from.devices, -1);
    at.set(unit.id, move.to);
    used.set(unit.budget, (used.get(unit.budget) ?? 0) + 1);
  }
  expect(plan.moves.length).toBeLessThanOrEqual(limits.moves);
  expect(plan.moves.reduce((s, m) => s + m.seconds, 0)).toBe(plan.seconds);
  expect(plan.seconds).toBeLessThanOrEqual(limits.seconds);
  for (const [budget, n] of used) expect(n).toBeLessThanOrEqual(limits.perBudget?.get(budget) ?? Number.POSITIVE_INFINITY);
  return nodes;
}

/** The fewest seconds of any sequence of moves, by trying them all. */
function bruteForce(state: RepairState, fleet: RepairFleet, gang: PendingGang, limits: RepairLimits): number {
  if (largestGang(state.nodes, gang.shape) >= gang.count) return state.seconds;
  let least = Number.POSITIVE_INFINITY;
  fleet.units.forEach((unit, u) => {
    if (!mayMove(state, unit, limits)) return;
    for (const to of placesFor(state, fleet, unit)) least = Math.min(least, bruteForce(moved(state, fleet, u, to), fleet, gang, limits));
  });
  return least;
}

describe("room for a gang", () => {
  // Guarantee: as many tasks as it says fit one beside the other, and not one more.
  it("counts slots as putting one after another finds them", () => {
    fc.assert(
      fc.property(anyNode(), anyShape, (n, s) => {
        const slots = slotsOn(n, s);
        let now = n;
        for (let i = 0; i < slots; i++) {
          expect(fitsOn(now, s)).toBe(true);
          const fullest = now.free.map((f, d) => [f, d] as const).sort((a, b) => b[0] - a[0]).slice(0, s.gpus).map(([, d]) => d);
          now = after(now, s, fullest);
        }
        expect(fitsOn(now, s)).toBe(false);
        expect(Math.min(now.cpuMillis, now.memoryBytes, ...now.free)).toBeGreaterThanOrEqual(0);
      }),
      { seed: 21, numRuns: 300 },
    );
  });
});

describe("repair for a gang", () => {
  // Guarantee: every step is possible in its order, nothing is over-committed in between, limits and budgets hold, the gang
  // fits afterwards, and on small fleets no sequence of moves costs less.
  it("is possible, within its limits, sufficient and cheapest", () => {
    let plans = 0;
    fc.assert(
      fc.property(anyRepairFleet, anyGang, anyLimits, (fleet, asked, limits) => {
        const gang = gangFor(fleet, asked);
        const plan = repairForGang(fleet, gang, { ...limits, states: 50_000 });
        const least = bruteForce(startOf(fleet), fleet, gang, limits);
        if (!plan) {
          expect(least).toBe(Number.POSITIVE_INFINITY);
          return;
        }
        expect(plan.optimal).toBe(true);
        expect(largestGang(run(fleet, plan, limits), gang.shape)).toBeGreaterThanOrEqual(gang.count);
        expect(plan.seconds).toBe(least);
        if (plan.moves.length > 0) plans++;
      }),
      { seed: 22, numRuns: 200 },
    );
    expect(plans).toBeGreaterThan(1);
  });

  // Guarantee: where searching gives up, the greedy plan is possible, within its limits and sufficient, and says it is no optimum.
  it("falls back to a greedy plan that holds too", () => {
    let plans = 0;
    fc.assert(
      fc.property(anyRepairFleet, anyGang, anyLimits, (fleet, asked, limits) => {
        const gang = gangFor(fleet, asked);
        const plan = repairForGang(fleet, gang, { ...limits, states: 0 });
        if (!plan) return;
        plans++;
        expect(plan.optimal).toBe(false);
        expect(largestGang(run(fleet, plan, limits), gang.shape)).toBeGreaterThanOrEqual(gang.count);
      }),
      { seed: 23, numRuns: 300 },
    );
    expect(plans).toBeGreaterThan(1);
  });

  // Guarantee: of two ways the one with fewer seconds of disruption is taken, and what must stay stays.
  it("moves the unit that is warm sooner", () => {
    const small = shape({ gpuMillis: 300 });
    const unit = (id: string, n: number, seconds: number): RepairUnit => ({ id, shape: small, node: n, devices: [0], warmStartSeconds: seconds, movable: true, budget: id });
    const fleet: RepairFleet = { nodes: [node({ free: [700] }), node({ free: [700] }), node({ free: [400] })], units: [unit("slow", 0, 90), unit("quick", 1, 4)] };
    const gang = { shape: shape(), count: 1 };
    expect(repairForGang(fleet, gang, free)).toMatchObject({ moves: [{ unit: "quick" }], seconds: 4, optimal: true });
    expect(repairForGang({ ...fleet, units: fleet.units.map((u) => ({ ...u, movable: u.id !== "quick" })) }, gang, free)).toMatchObject({ moves: [{ unit: "slow" }], seconds: 90 });
    expect(repairForGang({ ...fleet, mayRun: () => false }, gang, free)).toBeNull();
  });
});

describe("repair for the mix", () => {
  // Guarantee: fragmentation falls by what the plan says, step by step within limits, and a plan that lowers nothing is empty.
  it("lowers fragmentation by what it says", () => {
    let plans = 0;
    fc.assert(
      fc.property(anyRepairFleet, fc.array(anyShape, { minLength: 1, maxLength: 5 }), anyLimits, (fleet, tasks, limits) => {
        const mix = mixOf(tasks);
        const plan = repairForMix(fleet, mix, limits);
        const sum = (nodes: readonly GpuNode[]) => nodes.reduce((s, n) => s + fragmentationOf(n, mix), 0);
        expect(plan.before).toBeCloseTo(sum(fleet.nodes), 6);
        expect(plan.after).toBeCloseTo(sum(run(fleet, plan, limits)), 6);
        expect(plan.after).toBeLessThanOrEqual(plan.before);
        if (plan.moves.length > 0) {
          plans++;
          expect(plan.after).toBeLessThan(plan.before);
        }
      }),
      { seed: 24, numRuns: 200 },
    );
    expect(plans).toBeGreaterThan(1);
  });
});
