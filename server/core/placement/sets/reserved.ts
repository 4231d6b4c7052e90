import { withDemand } from "../demand";
import { withLoads } from "../engine/columns";
import type { Load } from "../demand";
import type { FleetSnapshot } from "../fleet";
import type { Held } from "./types";

/**
 * The fleet as a workload may count on it: what is reserved for others of the same or higher priority is taken, unless the
 * workload's units are over before the reservation begins. Its own reservations are its own.
 */
export function withReservations(fleet: FleetSnapshot, held: readonly Held[], me: { workloadId: string; priority: number; takesMaxMs: number | null }): FleetSnapshot {
  const overMs = me.takesMaxMs === null ? Infinity : fleet.nowMs + me.takesMaxMs;
  const binding = held.filter((h) => h.workloadId !== me.workloadId && h.priority >= me.priority && h.expiresMs > fleet.nowMs && h.fromMs < overMs);
  if (binding.length === 0) return fleet;
  const taken = new Map<string, Held[]>();
  for (const h of binding) taken.set(h.nodeId, [...(taken.get(h.nodeId) ?? []), h]);
  const loads = new Map<string, Load>();
  for (const n of fleet.nodes) {
    const here = taken.get(n.id);
    if (here) loads.set(n.id, here.reduce<Load>((l, h) => withDemand(l, h.demand), n.load));
  }
  return withLoads(fleet, loads);
}
