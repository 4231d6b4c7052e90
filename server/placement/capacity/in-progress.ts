import type { Held } from "../../core/placement";
import { turnOf } from "../../core/placement/fragmentation";
import type { repairs } from "../../store";
import type { LoadedWorkload } from "../workload-snapshot";

/** Rooms of a repair are kept as long as it is under way; it ends by itself, so this is only what a reservation needs to have. */
const KEPT_MS = 3_600_000;

/**
 * A workload's picture with the repair that is under way in its project: its own unit learns that it is its turn to move,
 * and everybody else finds the rooms taken that are being cleared. Whoever moves by the plan does not: the plan counted
 * with these rooms itself, and some of them are free only once it is through.
 */
export function withRepair(w: LoadedWorkload, repair: repairs.RepairRecord | null): LoadedWorkload {
  if (!repair) return w;
  const turn = turnOf(repair.moves);
  const move = repair.moves[turn];
  if (move?.workloadId === w.object.id) {
    const repairs = new Map([[move.assignmentId, { repairId: repair.id, move: turn, toNodeId: move.toNodeId, becomes: move.becomes, because: `It makes room for ${repair.object} (repair plan).` }]]);
    return { ...w, snapshot: { ...w.snapshot, repairs } };
  }
  const { workloadId, plan } = repair;
  const keep = (h: Pick<Held, "workloadId" | "workload" | "unit" | "nodeId" | "demand">): Held => ({ ...h, priority: plan.priority, cause: "preempt", because: "is being made by a repair plan", fromMs: repair.atMs, expiresMs: w.snapshot.nowMs + KEPT_MS });
  const rooms = workloadId === null ? [] : plan.rooms.map((r, i) => keep({ workloadId, workload: repair.object, unit: `${repair.object} ${i + 1}`, nodeId: r.nodeId, demand: plan.demand }));
  // Those that wait for the room count only on their own rooms: what moves needs its new place first.
  const places = repair.moves.filter((m) => m.state === "waiting").map((m) => keep({ workloadId: m.workloadId, workload: m.workload, unit: m.unit, nodeId: m.toNodeId, demand: m.demand }));
  return { ...w, held: [...w.held, ...rooms, ...places] };
}
