import { nodeActor } from "../../core/access/actor";
import { refuseNow } from "../../core/base/refusal";
import { auditedCommand } from "../../audit";
import { identityNodes } from "../../store";
import type { Authorities } from "../authorities";
import type { IdentityDeps } from "../deps";
import type { Peer } from "../peers";
import { issueNodeCertificate } from "../x509";
import { certificateAnswer, certificateLifeMs } from "./certificate";
import { requireRequest } from "./enrol";

/**
 * Exchanges a node's certificate for a new one. The peer was checked already (with a certificate that may have ended
 * within the time of late renewal); the request must carry the node's own key, by which it is signed.
 * Refusals: `invalid_input`, `forbidden` (another key), `revoked` (meanwhile).
 */
export async function renew(deps: IdentityDeps, authorities: Authorities, peer: Peer, input: { csr: string }) {
  const { nodeId, node, projectId } = peer.identity;
  const { issuer, bundle } = await authorities.forNodes();
  return auditedCommand(deps.store, nodeActor(nodeId, node), { action: "node.renew", objectKind: "node", objectId: nodeId, object: node, projectId }, async (tx, note) => {
    const request = await requireRequest(input.csr);
    // Read anew: a revocation that committed since the handshake must win.
    const identity = await identityNodes.identityOfNode(tx.client, nodeId);
    if (!identity || identity.revokedAtMs !== null) refuseNow("revoked", `The identity of node ${node} was revoked.`, "Enrol the machine anew, under another name, with a new join token.");
    if (request.spkiSha256 !== identity.spkiSha256) refuseNow("forbidden", "The request is for another key than the node's.", "Renew with the key that the node enrolled with.", [{ path: "csr", message: "another key", remedy: "Use the node's own key." }]);
    const nowMs = deps.clock.nowMs();
    const cause = nowMs > peer.certificate.notAfterMs ? "late-renew" : "renew";
    const issued = await issueNodeCertificate(issuer, { request, project: identity.project, nodeId, nowMs, lifeMs: certificateLifeMs(deps) });
    await identityNodes.insertNodeCertificate(tx.client, { ...issued, nodeId, authorityId: issuer.id, issuedAtMs: nowMs, cause });
    note({ before: { serial: peer.certificate.serial, notAfter: new Date(peer.certificate.notAfterMs).toISOString() }, after: { serial: issued.serial, notAfter: new Date(issued.notAfterMs).toISOString(), cause } });
    tx.changes.add("node", nodeId, projectId);
    return certificateAnswer(deps, identity, issued, bundle);
  });
}
