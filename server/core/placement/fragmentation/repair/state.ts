import { admitsModel, after, waysOn } from "../gpu";
import type { GpuNode, GpuShape } from "../gpu";
import type { Place } from "../packer";
import type { PendingGang, RepairFleet, RepairLimits, RepairMove, RepairUnit } from "./types";

/**
 * Tasks of one shape that a node could take now, one beside the other; infinite for a shape that asks for nothing. A task
 * of several devices takes different ones, so k tasks fit when the devices hold k shares of each at most k times.
 */
export function slotsOn(node: GpuNode, shape: GpuShape): number {
  if (!admitsModel(node, shape)) return 0;
  const byCpu = shape.cpuMillis > 0 ? Math.floor(node.cpuMillis / shape.cpuMillis) : Number.POSITIVE_INFINITY;
  const byMemory = shape.memoryBytes > 0 ? Math.floor(node.memoryBytes / shape.memoryBytes) : Number.POSITIVE_INFINITY;
  const most = Math.max(0, Math.min(byCpu, byMemory));
  if (shape.gpus === 0 || shape.gpuMillis === 0) return most;
  let shares = 0;
  for (const f of node.free) shares += Math.floor(f / shape.gpuMillis);
  for (let k = Math.min(most, Math.floor(shares / shape.gpus)); k > 0; k--) {
    let sum = 0;
    for (const f of node.free) sum += Math.min(k, Math.floor(f / shape.gpuMillis));
    if (sum >= k * shape.gpus) return k;
  }
  return 0;
}

/** The largest gang of a shape that could be placed now, over the whole fleet. */
export function largestGang(nodes: readonly GpuNode[], shape: GpuShape, mayRun: (node: GpuNode) => boolean = () => true): number {
  return nodes.reduce((sum, node) => sum + (mayRun(node) ? slotsOn(node, shape) : 0), 0);
}

/** A fleet in the middle of a plan. Never changed: a move makes another. */
export interface RepairState {
  nodes: readonly GpuNode[];
  /** Where each unit is, in the order of the fleet's units. */
  places: readonly Place[];
  /** Moves that each budget paid for. */
  used: ReadonlyMap<string, number>;
  moves: readonly RepairMove[];
  seconds: number;
}

export const startOf = (fleet: RepairFleet): RepairState => ({ nodes: fleet.nodes, places: fleet.units.map((u) => ({ node: u.node, devices: u.devices })), used: new Map(), moves: [], seconds: 0 });

/** Whether limits and budgets let this unit be moved once more. */
export function mayMove(state: RepairState, unit: RepairUnit, limits: RepairLimits): boolean {
  if (!unit.movable || state.moves.length + 1 > limits.moves || state.seconds + unit.warmStartSeconds > limits.seconds) return false;
  return (state.used.get(unit.budget) ?? 0) + 1 <= (limits.perBudget?.get(unit.budget) ?? Number.POSITIVE_INFINITY);
}

/** Places where a unit could go: with room beside what is there, the unit itself included. */
export function* placesFor(state: RepairState, fleet: RepairFleet, unit: RepairUnit): Generator<Place> {
  for (let n = 0; n < state.nodes.length; n++) {
    const node = state.nodes[n];
    if (!node || (fleet.mayRun && !fleet.mayRun(unit, node))) continue;
    for (const devices of waysOn(node, unit.shape)) yield { node: n, devices };
  }
}

/** The state after a unit, by its number, moved. */
export function moved(state: RepairState, fleet: RepairFleet, unitNumber: number, to: Place): RepairState {
  const unit = fleet.units[unitNumber];
  const from = state.places[unitNumber];
  if (!unit || !from) throw new RangeError(`no unit ${unitNumber} among ${fleet.units.length}`);
  const nodes = [...state.nodes];
  const change = (at: Place, sign: 1 | -1) => {
    const node = nodes[at.node];
    if (!node) throw new RangeError(`no node ${at.node} among ${nodes.length}`);
    nodes[at.node] = after(node, unit.shape, at.devices, sign);
  };
  change(to, 1);
  change(from, -1);
  const places = [...state.places];
  places[unitNumber] = to;
  const used = new Map(state.used);
  used.set(unit.budget, (used.get(unit.budget) ?? 0) + 1);
  return { nodes, places, used, moves: [...state.moves, { unit: unit.id, from, to, seconds: unit.warmStartSeconds }], seconds: state.seconds + unit.warmStartSeconds };
}

export const holds = (state: RepairState, gang: PendingGang): boolean => largestGang(state.nodes, gang.shape, gang.mayRun) >= gang.count;
