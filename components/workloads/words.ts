import type { WorkloadRow } from "@/server/core/views";

/** Asked for and running kept apart: "r4 3 / r4 2, r3 1". */
export function revisionsText(w: Pick<WorkloadRow, "revisions">): string {
  const part = (key: "desired" | "observed") => w.revisions.filter((r) => r[key] > 0).map((r) => `r${r.generation} ×${r[key]}`).join(", ") || "none";
  return `${part("desired")} / ${part("observed")}`;
}
