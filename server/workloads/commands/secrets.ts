import type { Actor, ProjectRef } from "../../core/access/actor";
import { refuseNow } from "../../core/base/refusal";
import { counted } from "../../core/fleet";
import { auditedCommand } from "../../audit";
import { nodes, secrets } from "../../store";
import type { Done, WorkloadsDeps } from "../deps";
import { secretPurpose } from "../environment";

/** Sets a secret's value, sealed at once; units that use it are told the new value and restart with it. */
export function setSecret(deps: WorkloadsDeps, actor: Actor, project: ProjectRef, input: { name: string; value: string }): Promise<Done> {
  return auditedCommand(deps.store, actor, { action: "secret.set", objectKind: "secret", objectId: input.name, object: input.name, projectId: project.id }, async (tx, note) => {
    const sealed = deps.seal.seal(input.value, secretPurpose(project.id, input.name));
    const version = await secrets.put(tx.client, { projectId: project.id, name: input.name, sealed, updatedBy: actor.name, nowMs: deps.clock.nowMs() });
    const users = await secrets.nodesUsing(tx.client, project.id, input.name);
    await nodes.touchDesired(tx, users);
    tx.changes.add("secret", input.name, project.id);
    note({ after: { version } });
    return { version, message: users.length ? `Set; ${counted(users.length, "node")} are told.` : "Set." };
  });
}

/** Removes a secret that no workload names any more. */
export function removeSecret(deps: WorkloadsDeps, actor: Actor, project: ProjectRef, input: { name: string }): Promise<Done> {
  return auditedCommand(deps.store, actor, { action: "secret.remove", objectKind: "secret", objectId: input.name, object: input.name, projectId: project.id }, async (tx) => {
    const known = (await secrets.list(tx.client, project.id)).find((s) => s.name === input.name);
    if (!known) return refuseNow("not_found", `There is no secret "${input.name}" in this project.`, "Look it up in Settings.");
    const users = await secrets.nodesUsing(tx.client, project.id, input.name);
    if (known.usedBy.length > 0 || users.length > 0) return refuseNow("in_use", `Secret "${input.name}" is used by ${known.usedBy.length ? known.usedBy.join(", ") : `units on ${counted(users.length, "node")}`}.`, "Take it out of these workloads first.");
    await secrets.remove(tx.client, project.id, input.name);
    tx.changes.add("secret", input.name, project.id);
    return { version: null, message: "Removed." };
  });
}
