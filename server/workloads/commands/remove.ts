import type { Actor, ProjectRef } from "../../core/access/actor";
import { refuseNow } from "../../core/base/refusal";
import { counted } from "../../core/fleet";
import { hideEnvironment, kindWords } from "../../core/manifest";
import type { ManifestKind } from "../../core/manifest";
import { auditedCommand } from "../../audit";
import { fleetRead, objects, rollouts, schedulerKeys, schedulerSnapshot } from "../../store";
import type { Queryable } from "../../store";
import type { Done, WorkloadsDeps } from "../deps";
import { openManifest } from "../environment";
import { removeSiteRows } from "../site-rows";
import { auditKindOf, topicOf } from "../write";

/**
 * Removes an object: refused while something uses it. A workload's units are then drained by the scheduler; its revisions
 * and everything measured stay. A dry run says what would happen.
 */
export async function remove(deps: WorkloadsDeps, actor: Actor, project: ProjectRef, input: { kind: ManifestKind; name: string; reason?: string | undefined; dryRun: boolean }): Promise<Done> {
  const { store, seal, clock } = deps;
  if (input.dryRun) {
    const o = await found(store.read.client, project, input, false);
    return { version: o.version, message: await wouldHappen(store.read.client, project, o) };
  }
  return auditedCommand(store, actor, { action: "manifest.remove", objectKind: auditKindOf[input.kind], objectId: input.name, object: input.name, projectId: project.id, reason: input.reason }, async (tx, note) => {
    const nowMs = clock.nowMs();
    const o = await found(tx.client, project, input, true);
    note({ objectId: o.id });
    const message = await wouldHappen(tx.client, project, o);
    if (!(await objects.remove(tx.client, o.id, o.version, nowMs))) return refuseNow("stale_version", `The ${kindWords[o.kind]} was changed by somebody else meanwhile.`, "Look at it as it is now, then try again.");
    if (o.kind === "Site") await removeSiteRows(tx, project.id, o.id, o.name);
    if (o.kind === "Workload") await schedulerKeys.nudge(tx, "workload", [o.id], nowMs);
    tx.changes.add(topicOf[o.kind], o.id, project.id);
    const newest = await objects.revision(tx.client, o.id, o.generation);
    note({ before: newest && hideEnvironment(openManifest(seal, project.id, newest.manifest)) });
    return { version: o.version + 1, message };
  });
}

async function found(db: Queryable, project: ProjectRef, input: { kind: ManifestKind; name: string }, lock: boolean): Promise<objects.StoredObject> {
  const o = await objects.byName(db, project.id, input.kind, input.name, lock);
  return o ?? refuseNow("not_found", `There is no ${kindWords[input.kind]} "${input.name}" in this project.`, "Look it up by its name.");
}

/** What the removal comes to; refuses when something stands in its way. */
async function wouldHappen(db: Queryable, project: ProjectRef, o: objects.StoredObject): Promise<string> {
  const users = (await objects.usedBy(db, project.id)).filter((u) => u.kind === o.kind && u.name === o.name).map((u) => u.user);
  if (users.length > 0) return refuseNow("in_use", `The ${kindWords[o.kind]} "${o.name}" is used by ${users.slice(0, 5).join(", ")}${users.length > 5 ? ` and ${users.length - 5} more` : ""}.`, "Change these first.");
  if (o.kind === "Site") {
    const nodes = await fleetRead.livingNodesOfSite(db, o.id);
    if (nodes > 0) return refuseNow("in_use", `Site "${o.name}" has ${counted(nodes, "node")}.`, "Decommission its nodes first.");
    return `Site ${o.name} goes, with its links.`;
  }
  if (o.kind !== "Workload") return `The ${kindWords[o.kind]} ${o.name} goes.`;
  const open = await rollouts.openOfWorkload(db, o.id);
  if (open) return refuseNow("in_use", `Rollout ${open.number} of "${o.name}" has not ended.`, `Let it end, or abort it first: holdfast rollout abort ${open.number}.`);
  const units = (await schedulerSnapshot.ownUnits(db, o.id)).length;
  return units === 0 ? `Workload ${o.name} goes.` : `Workload ${o.name} goes: ${counted(units, "unit")} ${units === 1 ? "drains and stops" : "drain and stop"}.`;
}
