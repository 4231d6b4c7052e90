import { after, stateKey, waysOn } from "../gpu";
import type { GpuNode } from "../gpu";
import { rememberedFragmentation } from "../measure";
import type { Mix } from "../mix";
import type { Place } from "../packer";
import { mayMove, moved, startOf } from "./state";
import type { RepairState } from "./state";
import type { RepairFleet, RepairLimits, RepairPlan, RepairUnit } from "./types";

/** A plan against fragmentation, with what it changes in thousandths of a device. */
export interface MixRepairPlan extends RepairPlan {
  before: number;
  after: number;
}

/** What a unit with nothing to start costs: a division by nothing would put it before all others whatever it gains. */
const LEAST_SECONDS = 0.1;

/**
 * Moves that lower the fleet's fragmentation F(M), each time the one that lowers it most per second of disruption, until
 * none lowers it or a limit is reached. A greedy plan: `optimal` is true only when it is empty.
 */
export function repairForMix(fleet: RepairFleet, mix: Mix, limits: RepairLimits): MixRepairPlan {
  const of = rememberedFragmentation(mix);
  const sum = (nodes: readonly GpuNode[]) => nodes.reduce((s, n) => s + of(n), 0);
  let state = startOf(fleet);
  for (let next = bestMove(state, fleet, limits, of); next; next = bestMove(state, fleet, limits, of)) state = next;
  return { moves: state.moves, seconds: state.seconds, optimal: state.moves.length === 0, before: sum(fleet.nodes), after: sum(state.nodes) };
}

function bestMove(state: RepairState, fleet: RepairFleet, limits: RepairLimits, of: (node: GpuNode) => number): RepairState | null {
  const arrive = arrivals(state, fleet, of);
  let best: { unit: number; to: Place; rate: number } | null = null;
  for (let u = 0; u < fleet.units.length; u++) {
    const unit = fleet.units[u];
    const from = state.places[u];
    const node = from && state.nodes[from.node];
    if (!unit || !node || !mayMove(state, unit, limits)) continue;
    const away = of(node) - of(after(node, unit.shape, from.devices, -1));
    for (const { to, lowers } of [...arrive(unit, from.node), ...within(node, from, unit, of)]) {
      const lowered = to.node === from.node ? lowers : away + lowers;
      const rate = lowered / Math.max(LEAST_SECONDS, unit.warmStartSeconds);
      // Less than a thousandth of a device is noise of the sum, not a gain.
      if (lowered > 1 && (best === null || rate > best.rate)) best = { unit: u, to, rate };
    }
  }
  return best && moved(state, fleet, best.unit, best.to);
}

/** A place, and how much a unit that comes there lowers fragmentation. */
interface Arrival {
  to: Place;
  lowers: number;
}

/** The best place outside the unit's own node. What depends on the shape alone is found once. */
function arrivals(state: RepairState, fleet: RepairFleet, of: (node: GpuNode) => number): (unit: RepairUnit, except: number) => Arrival[] {
  const known = new Map<string, Arrival[]>();
  const ranked = (unit: RepairUnit): Arrival[] => {
    const seen = new Map<string, number>();
    const found: Arrival[] = [];
    state.nodes.forEach((node, n) => {
      if (fleet.mayRun && !fleet.mayRun(unit, node)) return;
      // Of nodes in one state the first two will do: one of them is not the unit's own.
      const key = `${stateKey(node.model, node.cpuMillis, node.free)}|${node.memoryBytes >= unit.shape.memoryBytes}`;
      const times = seen.get(key) ?? 0;
      if (times > 1) return;
      seen.set(key, times + 1);
      for (const devices of waysOn(node, unit.shape)) found.push({ to: { node: n, devices }, lowers: of(node) - of(after(node, unit.shape, devices)) });
    });
    return found.sort((a, b) => b.lowers - a.lowers || a.to.node - b.to.node);
  };
  return (unit, except) => {
    const { shape } = unit;
    const key = `${shape.cpuMillis},${shape.memoryBytes},${shape.gpus},${shape.gpuMillis},${shape.models?.join("|") ?? ""}${fleet.mayRun ? `,${unit.id}` : ""}`;
    let list = known.get(key);
    if (!list) known.set(key, (list = ranked(unit)));
    const found = list.find((a) => a.to.node !== except);
    return found ? [found] : [];
  };
}

/** Other devices of the same node. */
function within(node: GpuNode, from: Place, unit: RepairUnit, of: (node: GpuNode) => number): Arrival[] {
  const before = of(node);
  return waysOn(node, unit.shape).map((devices) => ({ to: { node: from.node, devices }, lowers: before - of(after(after(node, unit.shape, devices), unit.shape, from.devices, -1)) }));
}
