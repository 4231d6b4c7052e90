import type { Actor, ProjectRef } from "../../core/access/actor";
import { refuseNow } from "../../core/base/refusal";
import { auditedCommand } from "../../audit";
import { identityNodes } from "../../store";
import type { IdentityDeps } from "../deps";

/**
 * Revokes a node's identity for good: every gateway closes its live session, and it can neither connect nor renew again.
 * What runs on the machine goes on until somebody stops it there; the console shows the node as silent.
 */
export async function revokeNode(deps: IdentityDeps, actor: Actor, project: ProjectRef, input: { name: string; reason: string }) {
  return auditedCommand(deps.store, actor, { action: "node.revoke", objectKind: "node", objectId: input.name, object: input.name, projectId: project.id, reason: input.reason }, async (tx, note) => {
    const identity = await identityNodes.identityByName(tx.client, project.id, input.name);
    if (!identity) refuseNow("not_found", `There is no enrolled node ${input.name} in project ${project.name}.`, "Look at the list of nodes.");
    note({ objectId: identity.nodeId, before: { revoked: false }, after: { revoked: true } });
    if (!(await identityNodes.revokeIdentity(tx.client, identity.nodeId, input.reason, deps.clock.nowMs()))) refuseNow("revoked", `The identity of node ${input.name} was revoked already.`, "Nothing is left to do.");
    tx.changes.add("node", identity.nodeId, project.id);
    tx.notify("holdfast_revoked", identity.nodeId);
    return { version: null, message: `The identity of node ${input.name} is revoked; its session is being closed.` };
  });
}
