import type { Actor, ProjectRef } from "../../core/access/actor";
import { refuseNow } from "../../core/base/refusal";
import { counted } from "../../core/fleet";
import type { WorkloadManifest } from "../../core/manifest";
import { auditedCommand } from "../../audit";
import { loadGoal } from "../../placement";
import { objects, rollouts, schedulerKeys } from "../../store";
import type { Queryable } from "../../store";
import type { Done, WorkloadsDeps } from "../deps";
import { openManifest } from "../environment";
import { prepareOne } from "../prepare";
import { writeObject } from "../write";

/** A workload with the goal of its revisions, locked for the command. */
async function workloadOf(db: Queryable, project: ProjectRef, name: string): Promise<objects.StoredObject> {
  const o = await objects.byName(db, project.id, "Workload", name, true);
  return o ?? refuseNow("not_found", `There is no workload "${name}" in this project.`, "Look it up in Workloads.");
}
async function manifestAt(deps: WorkloadsDeps, db: Queryable, project: ProjectRef, o: objects.StoredObject, generation: number): Promise<WorkloadManifest> {
  const r = await objects.revision(db, o.id, generation);
  const m = r && openManifest(deps.seal, project.id, r.manifest);
  if (m?.kind !== "Workload") return refuseNow("not_found", `Workload "${o.name}" has no revision r${generation}.`, "Choose one of its revisions.");
  return m;
}
const stale = (o: objects.StoredObject, seen: number): never => refuseNow("stale_version", `Workload "${o.name}" was changed by somebody else meanwhile: it has version ${o.version}, and you saw ${seen}.`, "Look at it as it is now, then try again.");

/**
 * Sets how many units a workload has: a new revision like any other, written from the newest one that is not held, so that
 * scaling never brings back what was rolled back. No unit restarts.
 */
export function scale(deps: WorkloadsDeps, actor: Actor, project: ProjectRef, input: { name: string; replicas: number; version: number; reason?: string | undefined }): Promise<Done> {
  return auditedCommand(deps.store, actor, { action: "workload.scale", objectKind: "workload", objectId: input.name, object: input.name, projectId: project.id, reason: input.reason }, async (tx, note) => {
    const o = await workloadOf(tx.client, project, input.name);
    note({ objectId: o.id });
    if (o.version !== input.version) return stale(o, input.version);
    const goal = await loadGoal(tx.client, o.id);
    const base = await manifestAt(deps, tx.client, project, o, goal?.intent ?? o.generation);
    if (base.spec.kind === "daemon") return refuseNow("invalid_input", `"${o.name}" is a daemon: it has one unit on each matching node.`, "Change its selector or policy instead.", [{ path: "replicas", message: "A daemon is not scaled.", remedy: "Change its selector or policy instead." }]);
    const before = base.spec.replicas;
    const prepared = await prepareOne(tx.client, { ...base, spec: { ...base.spec, replicas: input.replicas } }, o, await manifestAt(deps, tx.client, project, o, o.generation));
    if (prepared.action === "unchanged") {
      note({ nothing: true });
      return { version: o.version, message: `It has ${counted(before, "unit")} already.` };
    }
    const written = await writeObject(tx, deps.seal, actor, project, prepared, { reason: input.reason ?? null, nowMs: deps.clock.nowMs() });
    note({ before: { replicas: before }, after: { replicas: input.replicas, revision: written.generation } });
    return { version: written.version, message: `From ${before} to ${counted(input.replicas, "unit")}.` };
  });
}

/**
 * Brings an earlier revision back as a new one. What ran everywhere before goes out without a rollout, one unit at a time:
 * whoever needs it needs it now. What never did goes by the workload's strategy, like any new revision.
 */
export function rollBackTo(deps: WorkloadsDeps, actor: Actor, project: ProjectRef, input: { name: string; generation: number; reason: string }): Promise<Done> {
  return auditedCommand(deps.store, actor, { action: "workload.rollBackTo", objectKind: "workload", objectId: input.name, object: input.name, projectId: project.id, reason: input.reason }, async (tx, note) => {
    const o = await workloadOf(tx.client, project, input.name);
    note({ objectId: o.id });
    const open = await rollouts.openOfWorkload(tx.client, o.id);
    if (open) return refuseNow("in_use", `Rollout ${open.number} of "${o.name}" has not ended.`, `Abort it: that returns all units. holdfast rollout abort ${open.number}`);
    const wanted = await manifestAt(deps, tx.client, project, o, input.generation);
    const p = await prepareOne(tx.client, wanted, o, await manifestAt(deps, tx.client, project, o, o.generation));
    if (p.action === "unchanged") return refuseNow("invalid_input", `r${input.generation} says the same as the newest revision, r${o.generation}.`, "Choose another revision.", [{ path: "generation", message: "It is what is asked for already.", remedy: "Choose another revision." }]);
    const goal = await loadGoal(tx.client, o.id);
    const ranBefore = goal?.revisions.some((r) => r.templateDigest === p.templateDigest && !r.gated && r.heldReason === null) === true || (await objects.rolloutSuccesses(tx.client, o.id, ["succeeded"])).some((s) => s.toGeneration === input.generation);
    const delivery = p.delivery.by === "rollout" && ranBefore ? { by: "reconciler" as const, from: p.delivery.from } : p.delivery;
    const written = await writeObject(tx, deps.seal, actor, project, { ...p, delivery }, { reason: input.reason, nowMs: deps.clock.nowMs() });
    note({ before: { revision: o.generation }, after: { revision: written.generation, like: input.generation, rollout: written.rolloutNumber } });
    const how = written.rolloutNumber !== null ? `rollout ${written.rolloutNumber} brings it to the units` : "units follow one at a time";
    return { version: written.version, message: `r${written.generation} says what r${input.generation} said; ${how}.` };
  });
}

/** Lifts the hold of a revision that was rolled back, so that it may be applied again. It does not bring it back by itself. */
export function liftHold(deps: WorkloadsDeps, actor: Actor, project: ProjectRef, input: { name: string; generation: number; reason: string }): Promise<Done> {
  return auditedCommand(deps.store, actor, { action: "workload.liftHold", objectKind: "workload", objectId: input.name, object: input.name, projectId: project.id, reason: input.reason }, async (tx, note) => {
    const o = await workloadOf(tx.client, project, input.name);
    note({ objectId: o.id });
    const r = await objects.revision(tx.client, o.id, input.generation);
    if (!r) return refuseNow("not_found", `Workload "${o.name}" has no revision r${input.generation}.`, "Choose one of its revisions.");
    if (r.heldReason === null) {
      note({ nothing: true });
      return { version: o.version, message: `r${input.generation} is not held.` };
    }
    await objects.setHeld(tx.client, o.id, input.generation, null);
    if (!(await objects.bumpVersion(tx.client, o.id, o.version))) return stale(o, o.version);
    note({ before: { revision: input.generation, held: r.heldReason }, after: { revision: input.generation, held: null } });
    tx.changes.add("workload", o.id, project.id);
    await schedulerKeys.nudge(tx, "workload", [o.id], deps.clock.nowMs());
    return { version: o.version + 1, message: `r${input.generation} is held no more. Apply it, or start a rollout to it.` };
  });
}
