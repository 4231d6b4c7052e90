import type { z } from "zod";
import { isFinal, proofOf } from "../core/rollout";
import type * as v from "../core/views";
import { receipts, rolloutControl, type Queryable, type rollouts } from "../store";
import { targetsFrom } from "./facts";
import { phaseOf } from "./views";

/** What is proven of every target that a rollout asked, by receipts that nodes signed; null where no unit was on trial. */
export async function proofOfRollout(q: Queryable, r: rollouts.RolloutRecord, units: readonly rollouts.ObservedUnit[], at: { nowMs: number; silentAfterMs: number }): Promise<z.input<typeof v.proofView> | null> {
  const list = await receipts.ofRollout(q, r.id);
  if (r.plan.strategy.spec.deadMan === undefined && list.length === 0) return null;
  const phase = phaseOf(r.phase);
  const allBack = phase === "rollingBack" || phase === "rolledBack";
  const [asked, said] = await Promise.all([rolloutControl.askedUnits(q, r.id, r.toGeneration), rolloutControl.trialsSaid(q, r.workloadId, r.id)]);
  const byAssignment = new Map<string, receipts.StoredReceipt[]>();
  for (const x of list) byAssignment.set(x.assignmentId, [...(byAssignment.get(x.assignmentId) ?? []), x]);
  const rows = targetsFrom(units, r.plan, at)
    .filter((t) => asked.has(t.unit) && !t.excluded)
    .map((t) => {
      const back = allBack || r.progress.sitesBack.some((b) => b.site === t.site);
      const expected = back ? { ...r.plan.from, back } : { ...r.plan.to, back };
      const p = proofOf(t, expected, byAssignment.get(t.assignmentId) ?? [], said.get(t.assignmentId) ?? null, at.nowMs);
      const receipt = p.receipt ? { what: p.receipt.what, cause: p.receipt.cause, generation: p.receipt.generation, digest: p.receipt.digest, atMs: p.receipt.atMs, receivedAtMs: p.receipt.receivedAtMs, number: p.receipt.number, key: p.receipt.spkiSha256 } : null;
      return { unit: t.unit, node: t.node, site: t.site, state: p.state, expected: expected.generation, because: p.because, deadlineMs: p.deadlineMs, receipt };
    });
  const count = (state: (typeof rows)[number]["state"]): number => rows.filter((x) => x.state === state).length;
  const [proven, silentArmed, notProven] = [count("proven"), count("silentArmed"), count("notProven")];
  const where = allBack ? `back on r${r.fromGeneration}` : isFinal(phase) ? `on r${r.toGeneration}` : "where they should be";
  const rest = [silentArmed > 0 ? `${silentArmed} silent but armed` : "", notProven > 0 ? `${notProven} not proven` : ""].filter((x) => x !== "");
  return { proven, silentArmed, notProven, sentence: `${proven} of ${rows.length} units are proven to be ${where}${rest.length > 0 ? `; ${rest.join(", ")}` : ""}.`, rows };
}
