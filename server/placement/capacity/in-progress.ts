import { repairPartOf } from "../../core/placement";
import type { OngoingRepair } from "../../core/placement";
import type { LoadedWorkload } from "../workload-snapshot";

/** A workload's picture with the repair that is under way in its project. */
export function withRepair(w: LoadedWorkload, repair: OngoingRepair | null): LoadedWorkload {
  if (!repair) return w;
  const part = repairPartOf(repair, w.object.id, w.snapshot.nowMs);
  return "turns" in part ? { ...w, snapshot: { ...w.snapshot, repairs: part.turns } } : { ...w, held: [...w.held, ...part.held] };
}
