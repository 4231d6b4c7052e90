import type { Actor, ProjectRef } from "../../core/access/actor";
import { refuseNow } from "../../core/base/refusal";
import { labels as labelsSchema } from "../../core/manifest/common";
import { auditedCommand } from "../../audit";
import { hashToken, newId, newToken } from "../../platform";
import { identityTokens, sites } from "../../store";
import type { Authorities } from "../authorities";
import type { IdentityDeps, JoinToken } from "../deps";

/** A join token can be used once, and for this long. */
export const JOIN_TOKEN_MS = 15 * 60_000;

export type JoinTokenState = "open" | "used" | "expired" | "revoked";
/** What became of a token: a use counts before a later revocation or end. */
export function stateOfToken(t: Pick<JoinToken, "usedAtMs" | "revokedAtMs" | "expiresAtMs">, nowMs: number): JoinTokenState {
  if (t.usedAtMs !== null) return "used";
  if (t.revokedAtMs !== null) return "revoked";
  return nowMs > t.expiresAtMs ? "expired" : "open";
}

export const viewOfToken = (t: JoinToken, nowMs: number) => ({ id: t.id, site: t.site, createdBy: t.createdBy, createdAtMs: t.createdAtMs, expiresAtMs: t.expiresAtMs, state: stateOfToken(t, nowMs), usedByNode: t.usedByNode });

/** Makes a join token for one machine at one site. The token itself is shown once and kept only as a hash. */
export async function createJoinToken(deps: IdentityDeps, authorities: Authorities, actor: Actor, project: ProjectRef, input: { site: string; labels?: Record<string, string> | undefined }) {
  await authorities.ensure();
  const authorityFingerprint = await authorities.fingerprint();
  const token = newToken("hfj");
  const id = newId("join");
  const nowMs = deps.clock.nowMs();
  const row = await auditedCommand(deps.store, actor, { action: "joinToken.create", objectKind: "joinToken", objectId: id, object: `join token for ${input.site}`, projectId: project.id }, async (tx, note) => {
    const site = await sites.byName(tx.client, project.id, input.site);
    if (!site) refuseNow("not_found", `There is no site ${input.site} in project ${project.name}.`, "Apply its Site manifest first.", [{ path: "site", message: "not found", remedy: "Name a site of this project." }]);
    const labels = labelsSchema.safeParse(input.labels ?? {});
    if (!labels.success) {
      const issue = labels.error.issues[0];
      refuseNow("invalid_input", "The labels do not fit.", "Write labels as key=value.", [{ path: ["labels", ...(issue?.path ?? [])].map(String).join("."), message: issue?.message ?? "does not fit", remedy: "Use letters, digits and . _ / - in keys." }]);
    }
    await identityTokens.insertJoinToken(tx.client, { id, projectId: project.id, siteId: site.id, tokenHash: hashToken(token), labels: labels.data, createdBy: actor.name, createdAtMs: nowMs, expiresAtMs: nowMs + JOIN_TOKEN_MS });
    note({ after: { site: site.name, labels: labels.data, expiresAt: new Date(nowMs + JOIN_TOKEN_MS).toISOString() } });
    tx.changes.add("token", id, project.id);
    return viewOfToken({ id, projectId: project.id, project: project.name, siteId: site.id, site: site.name, siteThere: true, labels: labels.data, createdBy: actor.name, createdAtMs: nowMs, expiresAtMs: nowMs + JOIN_TOKEN_MS, usedAtMs: null, usedByNodeId: null, usedByNode: null, revokedAtMs: null }, nowMs);
  });
  const agentUrl = `${deps.env.HOLDFAST_PUBLIC_URL.replace(/\/$/, "")}/download/agent`;
  const command = `curl -fsSLo holdfast-agent.cjs ${agentUrl} && node holdfast-agent.cjs --gateway ${deps.env.GATEWAY_PUBLIC_ADDRESS} --token ${token} --ca-fingerprint ${authorityFingerprint} --data ./holdfast-agent`;
  return { ...row, token, command, agentUrl, agentSha256: deps.agentSha256?.() ?? null, authorityFingerprint };
}

/** Revokes a token that nobody has used yet. */
export async function revokeJoinToken(deps: IdentityDeps, actor: Actor, project: ProjectRef, input: { id: string }) {
  return auditedCommand(deps.store, actor, { action: "joinToken.revoke", objectKind: "joinToken", objectId: input.id, object: "join token", projectId: project.id }, async (tx, note) => {
    const row = await identityTokens.joinTokenById(tx.client, project.id, input.id);
    if (!row) refuseNow("not_found", "There is no such join token in this project.", "Look at the list of join tokens.");
    note({ object: `join token for ${row.site}` });
    if (!(await identityTokens.revokeJoinToken(tx.client, project.id, row.id, deps.clock.nowMs()))) {
      if (row.usedAtMs !== null) refuseNow("already_used", `Node ${row.usedByNode ?? row.usedByNodeId ?? "?"} has used it.`, "Revoke the node instead.");
      refuseNow("revoked", "It was revoked already.", "Nothing is left to do.");
    }
    tx.changes.add("token", row.id, project.id);
    return { version: null, message: "The join token is revoked." };
  });
}
