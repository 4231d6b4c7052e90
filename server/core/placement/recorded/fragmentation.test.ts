/** Repair plans, expected fills and packed fleets by number, as they were recorded (see recorded.test.ts). */
import { describe, expect, it } from "vitest";
import { after, bestFitScore, countedMix, deltaOf, fgdScore, fillEstimate, fillScore, fitsOn, fragmentationBy, headroomPrice, largestGang, makeRoom, Packer, repairForGang, repairForMix, repairStep, slotsOn, waysOn, WHOLE } from "../fragmentation";
import type { GpuNode, GpuShape, Mix, PendingGang, RepairFleet, RepairLimits, RepairStepMove, RepairUnit, Running } from "../fragmentation";
import { stateKey } from "../fragmentation/gpu";
import { planWorkload } from "../reconcile";
import { repairPartOf } from "../repair-part";
import type { OngoingMove, OngoingRepair } from "../repair-part";
import { demand } from "../testing";
import { settle } from "../whatif/settle";
import type { RepairTurn } from "../workload-plan";
import { Dice, digestOf, worldOf } from "./testing";

const tens = (groups: number) => Array.from({ length: groups }, (_, g) => g * 10);
const numbers = (from: number) => Array.from({ length: 10 }, (_, i) => from + i);
const recorded = (from: number, line: (seed: number) => string) => expect(numbers(from).map((seed) => `${seed}: ${line(seed)}`).join("\n")).toMatchSnapshot();

const taskOf = (d: Dice): GpuShape => {
  const gpus = d.pick([0, 1, 1, 1, 1, 2, 3]);
  return { cpuMillis: d.upTo(6) * 500, memoryBytes: d.upTo(4), gpus, gpuMillis: gpus === 0 ? 0 : gpus === 1 ? d.pick([100, 200, 300, 400, 500, 700, WHOLE]) : d.pick([WHOLE, WHOLE, 500]), models: gpus > 0 && d.is(0.15) ? d.pick([["A"], ["B"], ["A", "B"]]) : null };
};
const emptyOf = (d: Dice, i: number): GpuNode => ({ name: `n${i}`, model: d.pick(["A", "A", "A", "B"]), cpuMillis: d.from(4, 24) * 500, memoryBytes: d.from(4, 20), free: Array.from({ length: d.from(1, 4) }, () => WHOLE) });
const mixedOf = (d: Dice): Mix => countedMix(Array.from({ length: d.from(1, 7) }, () => ({ shape: taskOf(d), count: d.from(1, 9) })), d.pick([1, 0.95, 0.7]));

/** A fleet with units put anywhere; mostly small shares, which moves can help. */
function repairFleetOf(d: Dice, most: number): RepairFleet {
  const nodes = Array.from({ length: d.from(2, most) }, (_, i) => emptyOf(d, i));
  const units: RepairUnit[] = [];
  for (let i = d.from(most, 3 * most); i > 0; i--) {
    const shape: GpuShape = d.is(0.8) ? { cpuMillis: d.upTo(3) * 500, memoryBytes: d.upTo(2), gpus: 1, gpuMillis: d.from(1, 6) * 100, models: null } : taskOf(d);
    const n = d.upTo(nodes.length - 1);
    const devices = d.pick([...waysOn(nodes[n] as GpuNode, shape), null]);
    if (!devices) continue;
    nodes[n] = after(nodes[n] as GpuNode, shape, devices);
    units.push({ id: `u${i}`, shape, node: n, devices, warmStartSeconds: d.pick([0, 1, 2, 2, 5, 9, 30]), movable: d.is(0.9), budget: d.pick(["v", "w", "x"]) });
  }
  return { nodes, units, ...(d.is(0.25) ? { mayRun: (u, n) => (u.id.length + n.name.charCodeAt(1)) % 3 !== 0 } : {}) };
}
const limitsOf = (d: Dice): RepairLimits => ({ moves: d.from(1, 9), seconds: d.pick([3, 12, 40, 100, 1_000]), ...(d.is(0.4) ? { perBudget: new Map([["v", d.upTo(2)], ["w", d.from(1, 3)]]) } : {}) });
function gangOf(d: Dice, fleet: RepairFleet): PendingGang {
  const gpus = d.pick([1, 1, 1, 2]);
  const shape: GpuShape = d.is(0.8) ? { cpuMillis: d.pick([0, 500, 500, 1_500]), memoryBytes: d.upTo(2), gpus, gpuMillis: gpus > 1 ? WHOLE : d.pick([600, 800, WHOLE]), models: null } : taskOf(d);
  const mayRun = d.is(0.2) ? (n: GpuNode) => n.name.charCodeAt(1) % 2 === 0 : undefined;
  return { shape, count: Math.min(99, largestGang(fleet.nodes, shape, mayRun)) + d.pick([0, 1, 1, 1, 1, 2, 2, 3]), ...(mayRun ? { mayRun } : {}) };
}

// Guarantee: the same fleet has the same plan, fill and packing, in this version as in the one before.
describe("fragmentation as recorded", () => {
  it.each(tens(16))("plans for gangs from %i", (from) => {
    recorded(from, (seed) => {
      const d = new Dice(seed + 300_000);
      const fleet = repairFleetOf(d, 9);
      const [gang, limits] = [gangOf(d, fleet), limitsOf(d)];
      const greedy = repairForGang(fleet, gang, { ...limits, states: 0 });
      // Searching takes long in large fleets.
      const small = { ...fleet, nodes: fleet.nodes.slice(0, 3), units: fleet.units.filter((u) => u.node < 3).slice(0, 5) };
      const few = { ...gang, count: Math.min(99, largestGang(small.nodes, gang.shape, gang.mayRun)) + d.pick([0, 1, 1, 1, 1, 2]) };
      const exact = repairForGang(small, few, { ...limits, moves: Math.min(3, limits.moves), states: d.pick([5, 60, 200]) });
      const text = (plan: typeof greedy) => (plan ? `${plan.moves.map((m) => `${m.unit}>${m.to.node}`).join(" ")} ${plan.seconds} s${plan.optimal ? " optimal" : ""}` : "none");
      return `${text(greedy)}; ${text(exact)}; ${digestOf([greedy, exact, fleet.nodes.map((n) => slotsOn(n, gang.shape))])}`;
    });
  });

  it.each(tens(8))("plans for the mix from %i", (from) => {
    recorded(from, (seed) => {
      const d = new Dice(seed + 350_000);
      const fleet = repairFleetOf(d, 6);
      const mix = mixedOf(d);
      const plan = repairForMix(fleet, mix, limitsOf(d));
      return `${plan.moves.map((m) => `${m.unit}>${m.to.node}`).join(" ")} ${plan.seconds} s, ${Math.round(plan.before)} to ${Math.round(plan.after)}; ${digestOf([plan, mix, fragmentationBy(fleet.nodes, mix, (n) => n.model)])}`;
    });
  });

  it.each(tens(12))("fills from %i", (from) => {
    recorded(from, (seed) => {
      const d = new Dice(seed + 400_000);
      const nodes = Array.from({ length: d.from(1, 4) }, (_, i) => emptyOf(d, i));
      // Little CPU beside many devices: then tasks without GPU count too.
      const fleet = d.is(0.4) ? nodes.map((n) => ({ ...n, cpuMillis: n.cpuMillis / 2 })) : nodes;
      const mix = d.is(0.05) ? { entries: [] } : mixedOf(d);
      const fill = fillEstimate(mix, fleet, { sequences: d.pick([1, 3, 6]), offers: d.pick([4, 15]), ...(d.is(0.3) ? { halfAt: 1, seed: d.upTo(5) } : {}) });
      const filled = fleet.flatMap((n) => [n, ...[1, 2, 3].map(() => ({ ...n, cpuMillis: d.upTo(n.cpuMillis), free: n.free.map(() => d.upTo(10) * 100) })), { ...n, free: [...n.free, 500, 300, 900, WHOLE, 100, WHOLE] }]).map(fill);
      return `${filled.slice(0, 5).map((x) => x.toFixed(3)).join(" ")}; ${digestOf(filled)}`;
    });
  });

  it.each(tens(8))("packs from %i", (from) => {
    recorded(from, (seed) => {
      const d = new Dice(seed + 450_000);
      const nodes = Array.from({ length: d.from(2, 5) }, (_, i) => emptyOf(d, i));
      const mix = mixedOf(d);
      const fill = fillEstimate(mix, nodes, { sequences: 3, offers: 10 });
      const price = d.is(0.5) ? headroomPrice(nodes, mix, d.is(0.5) ? { ahead: d.from(1, 20), most: 0.5 } : {}) : null;
      const packer = new Packer(nodes, d.pick([fillScore(fill), fgdScore(mix), bestFitScore]), price);
      const running: Running[][] = nodes.map(() => []);
      const said: unknown[] = [];
      const put = Array.from({ length: 16 }, () => {
        const shape = taskOf(d);
        said.push(packer.nodes.map((n) => [stateKey(n.model, n.cpuMillis, n.free), waysOn(n, shape), fitsOn(n, shape), deltaOf(n, shape, mix)]));
        const at = packer.find(shape);
        if (!at) {
          const made = makeRoom(packer, (n) => running[n] ?? [], shape, fill);
          said.push(made);
          return made ? `(${made.moved.node}>${made.to.node})` : "-";
        }
        packer.take(at, shape);
        running[at.node]?.push({ ...at, shape });
        const gone = d.is(0.2) ? running[d.upTo(nodes.length - 1)]?.pop() : undefined;
        if (gone) packer.release(gone, gone.shape);
        return `${at.node}`;
      });
      return `${put.join(" ")}; ${digestOf([said, packer.nodes])}`;
    });
  });

  it.each(tens(8))("looks at repairs from %i", (from) => {
    recorded(from, (seed) => {
      const d = new Dice(seed + 500_000);
      const moves = Array.from({ length: d.from(1, 4) }, (_, i): RepairStepMove => ({ unit: `u-${i}`, assignmentId: `a${i}`, becomes: d.is(0.6) ? `b${i}` : null, state: d.pick(["waiting", "moving", "moving", "done", ...(d.is(0.2) ? ["dropped" as const] : [])] as const), because: d.is(0.3) ? "told" : null, sinceMs: d.is(0.8) ? d.upTo(9) * 100_000 : null, ...(d.is(0.5) ? { batch: Math.floor(i / 2) } : {}) }));
      const stand = new Map(moves.flatMap((m) => [m.assignmentId, m.becomes ?? ""].filter(() => d.is(0.85)).map((id) => [id, { desired: d.pick(["run", "run", "run", "stop"] as const), ended: d.is(0.25), serves: d.is(0.6) }] as const)));
      const step = repairStep({ nowMs: d.from(5, 10) * 100_000, startedMs: d.upTo(8) * 100_000, moves, stand, waiting: d.is(0.6) ? { running: d.upTo(3), wanted: d.from(1, 3) } : null });
      return `${step.moves.map((m) => m.state).join(" ")}; ${step.end?.outcome ?? "goes on"}; ${digestOf(step)}`;
    });
  });

  it.each(tens(3))("carries out repairs from %i", (from) => {
    recorded(from, (seed) => {
      const world = worldOf(seed + 550_000);
      const d = new Dice(seed + 600_000);
      const units = world.workloads.flatMap((w) => w.snapshot.units.map((u) => ({ w, u })));
      const moves = units.filter(() => d.is(0.4)).slice(0, 4).map(({ w, u }, i): OngoingMove => ({ unit: u.unit, assignmentId: u.assignmentId, becomes: d.is(0.15) ? d.pick(units).u.assignmentId : null, state: d.pick(["waiting", "waiting", "waiting", "moving"] as const), because: null, sinceMs: null, workloadId: w.snapshot.workloadId, workload: w.snapshot.name, toNodeId: d.pick(world.nodes).id, demand: demand(), ...(d.is(0.5) ? { batch: i >> 1 } : {}) }));
      const waits = d.is(0.5) ? d.pick(world.workloads).snapshot.workloadId : null;
      const repair: OngoingRepair = { id: "r", workloadId: waits, object: "gang", atMs: world.nowMs, plan: { units: d.from(1, 2), demand: demand({ cpuMillis: d.upTo(8) * 100 }), priority: d.pick([10, 100, 500]), runningBefore: d.upTo(3), rooms: [{ nodeId: d.pick(world.nodes).id }] }, moves };
      const passes = world.workloads.map(({ snapshot: s }) => {
        const repairs = new Map(s.units.filter(() => d.is(0.6)).map((u, i): [string, RepairTurn] => [u.assignmentId, { repairId: "r", move: i, toNodeId: d.pick(world.nodes).id, becomes: d.is(0.2) ? d.pick(s.units).assignmentId : null, because: "It makes room." }]));
        const quota = world.quotas[0] ? { name: d.pick(["q", "q", "gone"]), facts: world.quotas, used: new Map([["q", { cpuMillis: d.upTo(4) * 1_000 }]]) } : null;
        const plan = (fleet: boolean) => planWorkload({ ...s, repairs, fleet: fleet ? { nowMs: s.nowMs, nodes: world.nodes } : null, sets: s.sets && { ...s.sets, quota } });
        return [plan(false), plan(true), repairPartOf(repair, s.workloadId, s.nowMs)] as const;
      });
      const end = settle({ ...world, repair }, world.workloads.map((w) => w.snapshot.workloadId), { rounds: 30 });
      const shown = passes.map(([, p]) => `${p.place.map((x) => `+${x.unit}${x.repair ? "!" : ""}@${x.decision.node ?? ""}`).join("")}${p.stop.map((x) => `-${x.unit}`).join("")}${"x".repeat(p.dropMoves.length)}`).join(" ");
      return `${shown}; ${digestOf(passes)} ${digestOf([end.events.map((e) => [e.kind, e.unit, e.nodeId, e.because]), end.units.map((u) => [u.unit, u.nodeId]), end.rounds, end.atRest, end.unplaced.map((u) => u.because)])}`;
    });
  });
});
