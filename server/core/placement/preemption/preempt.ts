import { fits, withDemand } from "../demand";
import type { Demand, Load } from "../demand";
import type { FleetNode } from "../fleet";

/** A unit of any workload that runs on a node, as far as taking its place is concerned. */
export interface RunningUnit {
  id: string;
  /** Of the assignment, for compare-and-set. */
  version: number;
  unit: string;
  workloadId: string;
  workload: string;
  nodeId: string;
  priority: number;
  demand: Demand;
  startedAtMs: number;
}

/** A node whose room alone keeps a unit away: what else could refuse it has been checked. */
export interface PreemptionSite {
  node: FleetNode;
  load: Load;
}

export interface Preemption {
  nodeId: string;
  node: string;
  /** In the order in which they were chosen: the most important first. */
  victims: RunningUnit[];
}

/**
 * The least harm that makes room for one unit: on one node, units of strictly lower priority whose going lets it fit, each
 * of them needed (with any one left in place it would not fit), and of no workload more than its budget allows. Null when
 * there is no such node: nothing is disturbed in vain. Pure.
 *
 * On each node all that may go is taken away and put back, the most important first, as long as the unit still fits
 * (Kubernetes' default preemption does so too). Of the nodes that one wins whose most important victim matters least;
 * then the smaller sum of priorities, fewer victims, victims that started later, and the name.
 */
export function preempt(ask: { priority: number; demand: Demand }, sites: readonly PreemptionSite[], units: ReadonlyMap<string, readonly RunningUnit[]>, budgets: ReadonlyMap<string, number>): Preemption | null {
  let best: Preemption | null = null;
  for (const at of sites) {
    const victims = victimsOn(ask, at, units.get(at.node.id) ?? [], budgets);
    if (victims === null) continue;
    const found = { nodeId: at.node.id, node: at.node.name, victims };
    if (best === null || compare(found, best) < 0) best = found;
  }
  return best;
}

/** More important first: higher priority, then what started earlier. */
const importance = (a: RunningUnit, b: RunningUnit): number => b.priority - a.priority || a.startedAtMs - b.startedAtMs || (a.id < b.id ? -1 : 1);

function victimsOn(ask: { priority: number; demand: Demand }, at: PreemptionSite, here: readonly RunningUnit[], budgets: ReadonlyMap<string, number>): RunningUnit[] | null {
  const allowance = new Map<string, number>();
  // From the least important on, so that a budget is spent on those.
  const removable = here.filter((u) => u.priority < ask.priority).sort((a, b) => importance(b, a)).filter((u) => {
    const left = allowance.get(u.workloadId) ?? budgets.get(u.workloadId) ?? Infinity;
    allowance.set(u.workloadId, left - 1);
    return left > 0;
  });
  let load = removable.reduce((l, u) => withDemand(l, u.demand, -1), at.load);
  if (!fits(at.node.capacity, load, ask.demand)) return null;
  const victims: RunningUnit[] = [];
  for (const u of removable.reverse()) {
    const back = withDemand(load, u.demand);
    if (fits(at.node.capacity, back, ask.demand)) load = back;
    else victims.push(u);
  }
  return victims;
}

function compare(a: Preemption, b: Preemption): number {
  const sum = (p: Preemption) => p.victims.reduce((n, u) => n + u.priority, 0);
  const latest = (p: Preemption) => Math.min(...p.victims.map((u) => u.startedAtMs));
  return (a.victims[0]?.priority ?? -1) - (b.victims[0]?.priority ?? -1) || sum(a) - sum(b) || a.victims.length - b.victims.length || latest(b) - latest(a) || (a.node < b.node ? -1 : 1);
}
