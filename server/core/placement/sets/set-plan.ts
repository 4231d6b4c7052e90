/** What is asked and planned for the units of one workload together, and what its parts share. */
import { withDemand } from "../demand";
import type { Demand, Load } from "../demand";
import { columnsOf, withLoads } from "../engine/columns";
import type { FleetSnapshot } from "../fleet";
import { heldOn } from "../shares";
import type { Ask, PlacedAsk, PlaceOptions } from "../ask";
import type { Held, Others, OtherUnit, SetRules } from "./types";

/** Units for which others are stopped, or for which room is reserved, in one pass. */
export const MAX_MAKING_WAY = 50;
/** A reservation is made anew when it was not used for so long after it began. */
const KEPT_FOR_MS = 600_000;

export interface SetPlan {
  placements: PlacedAsk[];
  /** Units of others that have to stop. */
  evict: { unit: OtherUnit; because: string }[];
  /** All that is to be reserved for this workload from now on. */
  reserve: Held[];
  /** True when it can't be said without the units of others: read them and plan again. */
  needsOthers: boolean;
  because: string[];
}

export interface SetAsk {
  workloadId: string;
  workload: string;
  fleet: FleetSnapshot;
  asks: readonly Ask[];
  options: PlaceOptions;
  rules: SetRules;
  others: Others | null;
  /** Units that run and stay. */
  running: number;
  /** For each ask the site it is for, when replicas are divided; null when any will do. */
  sites: readonly (string | null)[];
}

export const names = (units: readonly { unit: string }[]): string => `${units.slice(0, 3).map((u) => u.unit).join(", ")}${units.length > 3 ? ` and ${units.length - 3} more` : ""}`;
/** The fleet as it would be without these units. */
export const released = (fleet: FleetSnapshot, units: readonly OtherUnit[]): FleetSnapshot => {
  const loads = new Map<string, Load>();
  const { indexOf } = columnsOf(fleet);
  for (const u of units) {
    const node = fleet.nodes[indexOf.get(u.nodeId) ?? -1];
    if (node) loads.set(node.id, withDemand(loads.get(node.id) ?? node.load, u.demand, -1));
  }
  return withLoads(fleet, loads);
};
/** The fleet with what a plan has placed already, which the picture of the fleet does not know. */
export function withPlaced(fleet: FleetSnapshot, placed: readonly { nodeId: string; decision: PlacedAsk }[], demand: Demand): FleetSnapshot {
  if (placed.length === 0) return fleet;
  const loads = new Map<string, Load>();
  const { indexOf } = columnsOf(fleet);
  for (const p of placed) {
    const node = fleet.nodes[indexOf.get(p.nodeId) ?? -1];
    if (node) loads.set(node.id, withDemand(loads.get(node.id) ?? node.load, heldOn(demand, p.decision.on)));
  }
  return withLoads(fleet, loads);
}
export const heldFor = (o: SetAsk, ask: Ask, nodeId: string, cause: Held["cause"], because: string, fromMs: number): Held => ({ workloadId: o.workloadId, workload: o.workload, unit: ask.unit, nodeId, demand: ask.shape.demand, priority: o.rules.priority, cause, because, fromMs, expiresMs: fromMs + KEPT_FOR_MS });
