import { after, idleOf } from "../gpu";
import type { GpuNode } from "../gpu";
import type { Place } from "../packer";
import { holds, mayMove, moved, placesFor, slotsOn, startOf } from "./state";
import type { RepairState } from "./state";
import type { PendingGang, RepairFleet, RepairLimits, RepairUnit } from "./types";

/** Nodes whose clearing is tried in full before the cheapest of them is taken. */
const TRIED = 32;

/**
 * A plan for fleets that are too large to search: node after node is cleared just enough to hold one more unit of the gang,
 * each time the node where that costs the fewest seconds per unit gained. On a node, units are taken away from the cheapest
 * on until there is room, and those that turn out unneeded stay; each goes where the gang loses least, then where least
 * room is left. Null when that finds no plan, which does not mean that there is none.
 */
export function greedyPlan(fleet: RepairFleet, gang: PendingGang, limits: RepairLimits): RepairState | null {
  let state = startOf(fleet);
  while (!holds(state, gang)) {
    const next = cheapestStep(state, fleet, gang, limits);
    if (!next) return null;
    state = next;
  }
  return state;
}

interface Clearing {
  node: number;
  units: readonly number[];
  /** Seconds if every unit finds a place. */
  seconds: number;
}

function cheapestStep(state: RepairState, fleet: RepairFleet, gang: PendingGang, limits: RepairLimits): RepairState | null {
  const before = gangSlots(state, gang);
  let found: { next: RepairState; rate: number } | null = null;
  let tried = 0;
  for (const clearing of clearings(state, fleet, gang, limits)) {
    if (tried++ >= TRIED && found) break;
    const next = clear(state, fleet, gang, limits, clearing);
    if (!next) continue;
    const gained = gangSlots(next, gang) - before;
    const rate = (next.seconds - state.seconds) / gained;
    if (gained > 0 && (found === null || rate < found.rate)) found = { next, rate };
  }
  return found?.next ?? null;
}

const gangSlots = (state: RepairState, gang: PendingGang): number => state.nodes.reduce((sum, n) => sum + (gang.mayRun && !gang.mayRun(n) ? 0 : slotsOn(n, gang.shape)), 0);

/** What to take off each node to gain one slot, cheapest first. */
function clearings(state: RepairState, fleet: RepairFleet, gang: PendingGang, limits: RepairLimits): Clearing[] {
  const on = new Map<number, number[]>();
  state.places.forEach((p, u) => {
    const unit = fleet.units[u];
    if (unit && mayMove(state, unit, limits)) on.set(p.node, [...(on.get(p.node) ?? []), u]);
  });
  const found: Clearing[] = [];
  for (const [n, units] of on) {
    const node = state.nodes[n];
    if (!node || (gang.mayRun && !gang.mayRun(node))) continue;
    const clearing = leastUnits(node, n, units, state, fleet, gang);
    if (clearing) found.push(clearing);
  }
  return found.sort((a, b) => a.seconds - b.seconds || a.units.length - b.units.length || a.node - b.node);
}

function leastUnits(node: GpuNode, n: number, units: readonly number[], state: RepairState, fleet: RepairFleet, gang: PendingGang): Clearing | null {
  const secondsOf = (u: number) => fleet.units[u]?.warmStartSeconds ?? 0;
  const without = (taken: readonly number[]): GpuNode => taken.reduce((left, u) => release(left, fleet.units[u], state.places[u]), node);
  const wanted = slotsOn(node, gang.shape) + 1;
  const enough = (taken: readonly number[]) => slotsOn(without(taken), gang.shape) >= wanted;
  const ordered = [...units].sort((a, b) => secondsOf(a) - secondsOf(b) || a - b);
  const single = ordered.find((u) => enough([u]));
  if (single !== undefined) return { node: n, units: [single], seconds: secondsOf(single) };
  const taken: number[] = [];
  for (const u of ordered) {
    taken.push(u);
    if (enough(taken)) break;
  }
  if (!enough(taken)) return null;
  // The dearest first: what is not needed after all stays where it is.
  for (const u of [...taken].reverse()) {
    const fewer = taken.filter((t) => t !== u);
    if (enough(fewer)) taken.splice(taken.indexOf(u), 1);
  }
  return { node: n, units: taken, seconds: taken.reduce((sum, u) => sum + secondsOf(u), 0) };
}

const release = (node: GpuNode, unit: RepairUnit | undefined, at: Place | undefined): GpuNode => (unit && at ? after(node, unit.shape, at.devices, -1) : node);

/** Moves the units of a clearing away, or null when one finds no place or a limit stands against it. */
function clear(state: RepairState, fleet: RepairFleet, gang: PendingGang, limits: RepairLimits, clearing: Clearing): RepairState | null {
  let now = state;
  // What asks for most finds a place last: it goes first.
  const order = [...clearing.units].sort((a, b) => size(fleet.units[b]) - size(fleet.units[a]) || a - b);
  for (const u of order) {
    const unit = fleet.units[u];
    if (!unit || !mayMove(now, unit, limits)) return null;
    let best: { to: Place; loss: number; room: number } | null = null;
    for (const to of placesFor(now, fleet, unit)) {
      if (to.node === clearing.node) continue;
      const node = now.nodes[to.node];
      if (!node) continue;
      const then = after(node, unit.shape, to.devices);
      const loss = gang.mayRun && !gang.mayRun(node) ? 0 : slotsOn(node, gang.shape) - slotsOn(then, gang.shape);
      const room = idleOf(then);
      if (best === null || loss < best.loss || (loss === best.loss && room < best.room)) best = { to, loss, room };
    }
    if (!best) return null;
    now = moved(now, fleet, u, best.to);
  }
  return now;
}

const size = (unit: RepairUnit | undefined): number => (unit ? unit.shape.gpus * unit.shape.gpuMillis + unit.shape.cpuMillis / 1_000 : 0);
