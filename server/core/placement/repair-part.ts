/** What a repair that is under way means for the workloads of its project. */
import type { Demand } from "./demand";
import { turnsOf } from "./fragmentation/repair/step";
import type { RepairStepMove } from "./fragmentation/repair/step";
import type { Held } from "./sets/types";
import type { RepairTurn } from "./workload-plan";

/** A repair that is under way, as far as plans have to know it. */
export interface OngoingRepair {
  id: string;
  /** Who waits for the room; null when it is made for a shape. */
  workloadId: string | null;
  object: string;
  atMs: number;
  plan: { units: number; demand: Demand; priority: number; runningBefore: number; rooms: readonly { nodeId: string }[] };
  moves: readonly OngoingMove[];
}
export interface OngoingMove extends RepairStepMove {
  workloadId: string;
  workload: string;
  toNodeId: string;
  demand: Demand;
}

/** Rooms of a repair are kept as long as it is under way; it ends by itself, so this is only what a reservation needs to have. */
const KEPT_MS = 3_600_000;

/**
 * What a repair that is under way means for one workload: its own unit learns that it is its turn to move, and everybody
 * else finds the rooms taken that are being cleared. Whoever moves by the plan does not: the plan counted with these rooms
 * itself, and some of them are free only once it is through.
 */
export function repairPartOf(repair: OngoingRepair, of: string, nowMs: number): { turns: ReadonlyMap<string, RepairTurn> } | { held: Held[] } {
  const turns = new Map<string, RepairTurn>();
  for (const i of turnsOf(repair.moves)) {
    const m = repair.moves[i];
    if (m?.workloadId === of) turns.set(m.assignmentId, { repairId: repair.id, move: i, toNodeId: m.toNodeId, becomes: m.becomes, because: `It makes room for ${repair.object} (repair plan).` });
  }
  if (turns.size > 0) return { turns };
  const { workloadId, plan } = repair;
  const keep = (h: Pick<Held, "workloadId" | "workload" | "unit" | "nodeId" | "demand">): Held => ({ ...h, priority: plan.priority, cause: "preempt", because: "is being made by a repair plan", fromMs: repair.atMs, expiresMs: nowMs + KEPT_MS });
  const rooms = workloadId === null ? [] : plan.rooms.map((r, i) => keep({ workloadId, workload: repair.object, unit: `${repair.object} ${i + 1}`, nodeId: r.nodeId, demand: plan.demand }));
  // Those that wait for the room count only on their own rooms: what moves needs its new place first.
  const places = repair.moves.filter((m) => m.state === "waiting").map((m) => keep({ workloadId: m.workloadId, workload: m.workload, unit: m.unit, nodeId: m.toNodeId, demand: m.demand }));
  return { held: [...rooms, ...places] };
}
