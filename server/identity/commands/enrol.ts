import type { Actor } from "../../core/access/actor";
import { dnsLabel } from "../../core/base/ids";
import { refuseNow } from "../../core/base/refusal";
import { auditedCommand } from "../../audit";
import { hashToken, newId } from "../../platform";
import { identityNodes, identityTokens, isUniqueViolation } from "../../store";
import type { Authorities } from "../authorities";
import type { IdentityDeps, NodeIdentity } from "../deps";
import { issueNodeCertificate, readCertificateRequest } from "../x509";
import type { CertificateRequest } from "../x509";
import { certificateLifeMs, certificateAnswer } from "./certificate";

/** Reads a request for a certificate, or refuses with the field and the remedy. */
export async function requireRequest(csr: string): Promise<CertificateRequest> {
  const request = await readCertificateRequest(csr);
  if (request.ok) return request.value;
  const sentence = { malformed: "is no readable certificate request", wrong_key: "is not for a P-256 key", bad_signature: "is not signed by its own key" }[request.error];
  refuseNow("invalid_input", `The certificate request ${sentence}.`, "Send a PKCS#10 request in PEM for an ECDSA P-256 key, signed by that key.", [{ path: "csr", message: sentence, remedy: "Make a P-256 key and sign the request with it." }]);
}

/**
 * Makes a node of whoever brings an unused join token and a certificate request. The request's key is the node's for
 * life. The same key may ask again with the same token while the token lasts (its answer was lost); any other key finds
 * the token used. Refusals: `not_found`, `already_used`, `expired`, `revoked`, `already_exists` (name or key), `invalid_input`.
 */
export async function enrol(deps: IdentityDeps, authorities: Authorities, input: { token: string; nodeName?: string | undefined; csr: string; address: string }) {
  const nodeId = newId("node");
  const name = input.nodeName ?? `node-${nodeId.slice(-8)}`;
  const actor: Actor = { kind: "node", id: nodeId, name, strength: "token", roles: () => [] };
  // Before the transaction: it holds a connection, and must not wait for a second one.
  const { issuer, bundle } = await authorities.forNodes();
  return auditedCommand(deps.store, actor, { action: "node.enrol", objectKind: "node", objectId: nodeId, object: name, projectId: null }, async (tx, note) => {
    const nowMs = deps.clock.nowMs();
    const request = await requireRequest(input.csr);
    const valid = dnsLabel.safeParse(name);
    if (!valid.success) refuseNow("invalid_input", `${name} can't be a node's name.`, valid.error.issues[0]?.message ?? "Use a DNS label.", [{ path: "nodeName", message: "is no DNS label", remedy: "Use lower-case letters, digits and '-'." }]);
    const token = await identityTokens.lockJoinToken(tx.client, hashToken(input.token));
    if (!token) refuseNow("not_found", "This join token is not known here.", "Check that it was copied whole, and that it belongs to this installation.", [{ path: "token", message: "unknown", remedy: "Make a new join token." }]);
    note({ projectId: token.projectId });
    const again = token.usedAtMs !== null && token.usedByNodeId ? await identityNodes.identityOfNode(tx.client, token.usedByNodeId) : undefined;
    if (token.usedAtMs !== null && (again?.spkiSha256 !== request.spkiSha256 || nowMs > token.expiresAtMs)) refuseNow("already_used", `This join token was used by node ${token.usedByNode ?? "?"}.`, "Make a new join token: each one enrols one machine.");
    if (token.revokedAtMs !== null) refuseNow("revoked", "This join token was revoked.", "Make a new join token.");
    if (again?.revokedAtMs != null) refuseNow("revoked", `The identity of node ${again.node} was revoked.`, "Make a new join token and a new key.");
    if (nowMs > token.expiresAtMs) refuseNow("expired", "This join token has expired.", "Make a new join token; it lasts 15 minutes.");
    if (!token.siteThere) refuseNow("not_found", `Site ${token.site} was removed.`, "Make a join token for a site that is there.");

    const identity: NodeIdentity = again ?? { nodeId, node: name, projectId: token.projectId, project: token.project, siteId: token.siteId, site: token.site, spkiSha256: request.spkiSha256, joinTokenId: token.id, revokedAtMs: null, revokedReason: null, reportsStoredTo: 0 };
    if (!again) {
      if (await identityNodes.nodeNameTaken(tx.client, token.projectId, name)) refuseNow("already_exists", `There is a node ${name} in project ${token.project} already.`, "Choose another name with --name; a node's name is never used twice.", [{ path: "nodeName", message: "is taken", remedy: "Choose another name." }]);
      const holder = await identityNodes.identityByKey(tx.client, request.spkiSha256);
      if (holder) refuseNow("already_exists", `This key belongs to node ${holder.node} already.`, "Make a new key: remove the agent's data folder, or start the agent without a token.", [{ path: "csr", message: "the key is another node's", remedy: "Make a new key." }]);
      try {
        await identityNodes.insertEnrolledNode(tx.client, { id: nodeId, projectId: token.projectId, siteId: token.siteId, name, labels: token.labels, trustTier: "software", spkiSha256: request.spkiSha256, joinTokenId: token.id, atMs: nowMs });
      } catch (error) {
        // Somebody took the name or the key between the look and the insert.
        if (isUniqueViolation(error)) refuseNow("already_exists", `There is a node ${name}, or one with this key, already.`, "Choose another name with --name, or make a new key.");
        throw error;
      }
      if (!(await identityTokens.useJoinToken(tx.client, token.id, nodeId, nowMs))) refuseNow("already_used", "This join token was used a moment ago.", "Make a new join token.");
      tx.changes.add("token", token.id, token.projectId);
    }
    const issued = await issueNodeCertificate(issuer, { request, project: identity.project, nodeId: identity.nodeId, nowMs, lifeMs: certificateLifeMs(deps) });
    await identityNodes.insertNodeCertificate(tx.client, { ...issued, nodeId: identity.nodeId, authorityId: issuer.id, issuedAtMs: nowMs, cause: "enrol" });
    note({ objectId: identity.nodeId, object: identity.node, after: { site: identity.site, labels: token.labels, keySha256: request.spkiSha256, joinToken: token.id, serial: issued.serial, address: input.address } });
    tx.changes.add("node", identity.nodeId, identity.projectId);
    return certificateAnswer(deps, identity, issued, bundle);
  });
}
