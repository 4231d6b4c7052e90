import type { Actor } from "../core/access/actor";
import { refuseNow } from "../core/base/refusal";
import { noProgress, waveDone } from "../core/rollout";
import { appendAudit } from "../audit";
import { newId } from "../platform";
import { rollouts, type Tx } from "../store";
import { buildPlan } from "./build-plan";

export interface NewRollout {
  project: { id: string; name: string };
  workload: { id: string; name: string };
  /** The revision that runs now. */
  from: number;
  /** The revision that should run. */
  to: number;
  strategy: string;
  reason: string | null;
  nowMs: number;
}

/**
 * Creates a rollout inside the caller's transaction: `apply` calls it together with writing the revision, the composer
 * by itself. Refused while another rollout of the workload is open and when the revision is held.
 */
export async function createRolloutIn(tx: Tx, actor: Actor, n: NewRollout): Promise<{ id: string; number: number }> {
  if (n.from === n.to) return refuseNow("invalid_input", `Workload “${n.workload.name}” runs r${n.to} already.`, "Choose another revision.", [{ path: "generation", message: "is the revision that runs now", remedy: "choose another one" }]);
  const number = await rollouts.nextNumber(tx.client, n.project.id);
  const open = await rollouts.openOfWorkload(tx.client, n.workload.id);
  if (open) return refuseNow("in_use", `Rollout ${open.number} of “${n.workload.name}” to r${open.toGeneration} has not ended.`, `Let it end, or abort it first: holdfast rollout abort ${open.number}.`);
  const target = await rollouts.revision(tx.client, n.workload.id, n.to);
  if (target?.heldReason) return refuseNow("held", `Revision r${n.to} of “${n.workload.name}” is held: ${target.heldReason}`, "Apply a corrected revision, or lift the hold with a reason.");
  const built = await buildPlan(tx.client, { projectId: n.project.id, workload: n.workload, from: n.from, to: n.to, strategy: n.strategy, fromMs: n.nowMs });
  const id = newId("rollout");
  const reason = `Started: r${n.from} to r${n.to} over ${built.units.length} unit${built.units.length === 1 ? "" : "s"} in ${built.plan.waves.length} wave${built.plan.waves.length === 1 ? "" : "s"}.`;
  await rollouts.insert(tx.client, { id, projectId: n.project.id, number, workloadId: n.workload.id, from: n.from, to: n.to, phase: "running", plan: built.plan, planDigest: built.digest, progress: { waves: noProgress(built.plan.strategy.spec), sitesBack: [], accepted: [], held: null, evidence: null }, reason, authorId: actor.id, author: actor.name, nowMs: n.nowMs });
  await rollouts.addEvent(tx.client, id, { kind: "created", actor: actor.name, text: n.reason ? `${reason} ${n.reason}` : reason, atMs: n.nowMs });
  await appendAudit(tx, {
    actor, action: "rollout.create", objectKind: "rollout", objectId: id, object: `${number} of ${n.workload.name}`, projectId: n.project.id, outcome: "done", reason: n.reason,
    after: { workload: n.workload.name, from: n.from, to: n.to, strategy: n.strategy, planDigest: built.digest, units: built.units.length },
  });
  tx.changes.add("rollout", id, n.project.id);
  tx.changes.add("workload", n.workload.id, n.project.id);
  tx.notify("holdfast_keys", `rollout:${id}`);
  return { id, number };
}

/**
 * The revision that a unit of a workload should run when it is placed on a node now: what its wave has reached while a
 * rollout is open, the old revision everywhere else, and null when no rollout is open (the newest one then).
 */
export async function generationFor(tx: Pick<Tx, "client">, workloadId: string, unit: string): Promise<number | null> {
  const open = await rollouts.openOfWorkload(tx.client, workloadId);
  if (!open) return null;
  if (open.phase === "rollingBack") return open.fromGeneration;
  const wave = open.plan.waves.findIndex((w) => w.targets.some((t) => t.unit === unit));
  const site = open.plan.waves[wave]?.targets.find((t) => t.unit === unit)?.site;
  if (wave < 0 || open.progress.sitesBack.some((b) => b.site === site)) return open.fromGeneration;
  // A wave that is done runs the new revision; one at work keeps what the unit had, which the planner then moves.
  return waveDone(open.plan.strategy.spec, open.progress.waves, wave) ? open.toGeneration : open.fromGeneration;
}
