import { isRolloutPhase, phaseLabel } from "@/server/core/rollout/lifecycle";
import type { WorkloadRow } from "@/server/core/views";

/** A rollout's phase as people read it. */
export const phaseWord = (phase: string): string => (isRolloutPhase(phase) ? phaseLabel[phase].toLowerCase() : phase);

/** Asked for and running kept apart: "r4 3 / r4 2, r3 1". */
export function revisionsText(w: Pick<WorkloadRow, "revisions">): string {
  const part = (key: "desired" | "observed") => w.revisions.filter((r) => r[key] > 0).map((r) => `r${r.generation} ×${r[key]}`).join(", ") || "none";
  return `${part("desired")} / ${part("observed")}`;
}
