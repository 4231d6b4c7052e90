import { serves } from "../../fleet/states";
import { repairStep } from "../fragmentation/repair/step";
import { repairPartOf } from "../repair-part";
import type { OngoingMove, OngoingRepair } from "../repair-part";
import type { OwnUnit } from "../workload-plan";

/** A repair that is under way while a fleet is brought to rest: the same steps by which its reconciler takes it from move to move. */
export class RepairRun {
  private now: OngoingRepair;

  constructor(repair: OngoingRepair) {
    this.now = repair;
  }

  /** What it means for one workload: whose turn it is, or which rooms are kept. */
  partOf(workloadId: string, nowMs: number): ReturnType<typeof repairPartOf> {
    return repairPartOf(this.now, workloadId, nowMs);
  }

  note(move: number, to: Partial<OngoingMove>): void {
    this.now = { ...this.now, moves: this.now.moves.map((m, i) => (i === move ? { ...m, ...to } : m)) };
  }

  /** What has become of its moves; null when nothing has. Else the workloads that look anew, and whether it is over. */
  step(unitsOf: (workloadId: string) => readonly OwnUnit[], nowMs: number): { concerned: string[]; over: boolean } | null {
    const r = this.now;
    const concerned = [...new Set([...r.moves.map((m) => m.workloadId), ...(r.workloadId === null ? [] : [r.workloadId])])];
    const stand = new Map(concerned.flatMap((id) => unitsOf(id).map((u) => [u.assignmentId, { desired: u.desired, ended: false, serves: u.observed !== null && serves(u.observed.phase, u.observed.health) }] as const)));
    const waiting = r.workloadId === null ? null : { running: unitsOf(r.workloadId).filter((u) => u.desired === "run").length, wanted: r.plan.runningBefore + r.plan.units };
    const step = repairStep({ nowMs, startedMs: r.atMs, moves: r.moves, stand, waiting });
    if (!step.changed && !step.end) return null;
    this.now = { ...r, moves: step.moves };
    return { concerned, over: step.end !== null };
  }
}
