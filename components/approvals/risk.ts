import type { ApprovalView } from "@/server/core/views";

export type Risk = { level: "high" | "some" | "low"; because: string };
type Asked = Pick<ApprovalView, "blastRadius" | "evidence">;

/**
 * How much hangs on a decision, from what is known: what the evidence says, whether it can still flip, who is silent, and
 * how large a part of the workload it reaches. Missing evidence is never low risk.
 */
export function riskOf({ blastRadius: b, evidence: e }: Asked): Risk {
  const share = Math.max(b.unitsTotal > 0 ? b.units / b.unitsTotal : 1, b.trafficShare ?? 0);
  if (e?.verdict === "rollBack") return { level: "high", because: "the evidence says roll back" };
  if (e === null || e.verdict === "notEnoughEvidence") return share > 0.5 ? { level: "high", because: "reaches most units without evidence" } : { level: "some", because: "not enough evidence" };
  if (e.sequential && !e.sequential.decided) return { level: share > 0.5 ? "high" : "some", because: "the verdict can still flip" };
  if (e.verdict === "hold") return { level: "some", because: "the evidence says hold" };
  if (b.silent > 0) return { level: "some", because: `${b.silent} silent` };
  return { level: "low", because: "the evidence says promote" };
}

const weight: Record<Risk["level"], number> = { high: 0, some: 1, low: 2 };
const HOUR_MS = 3_600_000;
/** Expiry counts in coarse steps, so that a risky matter stands above a harmless one that expires a minute earlier. */
const urgency = (leftMs: number): number => (leftMs < HOUR_MS ? 0 : leftMs < 4 * HOUR_MS ? 1 : leftMs < 24 * HOUR_MS ? 2 : 3);

/** The inbox's order: what expires soon first, among these the riskier, then the exact time. */
export function byExpiryAndRisk<A extends Asked & Pick<ApprovalView, "expiresAtMs">>(list: readonly A[], nowMs: number): A[] {
  return [...list].sort((a, b) => urgency(a.expiresAtMs - nowMs) - urgency(b.expiresAtMs - nowMs) || weight[riskOf(a).level] - weight[riskOf(b).level] || a.expiresAtMs - b.expiresAtMs);
}
