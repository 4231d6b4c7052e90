import { plainRules, planWorkload, withReservations } from "../core/placement";
import type { FleetSnapshot, WorkloadPlan } from "../core/placement";
import type { Queryable } from "../store";
import { loadFleet } from "./fleet-snapshot";
import { loadNeighbours } from "./neighbours";
import { loadOthers, withWanted } from "./sets-snapshot";
import { loadWorkload, warmFor } from "./workload-snapshot";
import type { LoadedWorkload } from "./workload-snapshot";

export interface PlannedWorkload extends LoadedWorkload {
  plan: WorkloadPlan;
  fleet: FleetSnapshot | null;
}

/** Reads a workload and plans what to change, reading the fleet only if a unit needs a node and it is not given. Changes nothing. */
export async function planFor(db: Queryable, workloadId: string, o: { nowMs: number; silentAfterMs: number; change?: (s: LoadedWorkload) => LoadedWorkload; fleet?: FleetSnapshot }): Promise<PlannedWorkload | null> {
  const read = await loadWorkload(db, workloadId, o);
  if (!read) return null;
  const loaded = o.change ? o.change(read) : read;
  const first = planWorkload(loaded.snapshot);
  if (!first.needsFleet) return { ...loaded, plan: first, fleet: null };
  const { askShape } = loaded.snapshot;
  const whole = await withWanted(db, loaded.object.projectId, askShape, o.fleet ?? (await loadFleet(db, loaded.object.projectId, { ...o, warmFor: warmFor(askShape) })));
  const rules = loaded.snapshot.sets ?? plainRules;
  // What is reserved for others is taken, as far as it binds this workload.
  const fleet = withReservations(whole, loaded.held, { workloadId, priority: rules.priority, takesMaxMs: rules.takes?.maxMs ?? null });
  const neighbours = await loadNeighbours(db, loaded.object.projectId, loaded.object.name, askShape);
  const snapshot = { ...loaded.snapshot, fleet, neighbours };
  const plan = planWorkload(snapshot);
  if (!plan.needsOthers) return { ...loaded, snapshot, plan, fleet };
  const others = await loadOthers(db, loaded.object.projectId, workloadId, rules, o.nowMs);
  return { ...loaded, snapshot, plan: planWorkload({ ...snapshot, others }), fleet };
}
