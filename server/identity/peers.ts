import { refuse } from "../core/base/refusal";
import type { Refusal } from "../core/base/refusal";
import { err, ok } from "../core/base/result";
import type { Result } from "../core/base/result";
import { identityNodes } from "../store";
import type { Authorities } from "./authorities";
import type { IdentityDeps, NodeIdentity } from "./deps";
import { lateRenewalMs } from "./authorities";
import { readPeerCertificate } from "./x509";
import type { PeerCertificate } from "./x509";

/** A peer whose certificate, key and node were found to belong together. */
export type Peer = { certificate: PeerCertificate; identity: NodeIdentity };

/**
 * Judges the certificate that a peer presented (null: none). `expired: "renewable"` also lets a certificate pass that
 * ended within the time of late renewal; only renewing may ask for that.
 * Errors: `unauthenticated` (none, foreign, or for another key), `revoked`, `expired`, `not_found` (no such node).
 */
export async function checkPeer(deps: IdentityDeps, authorities: Authorities, der: Buffer | null, o: { expired: "refused" | "renewable" }): Promise<Result<Peer, Refusal>> {
  if (!der || der.length === 0) return err(refuse("unauthenticated", "No certificate was presented.", "Connect with the node's certificate; a new machine enrols with a join token first."));
  // Another process may have made a new authority a moment ago: an unknown issuer is looked up once more.
  const certificate = readPeerCertificate(der, await authorities.believed()) ?? readPeerCertificate(der, await authorities.believed(true));
  if (!certificate) return err(refuse("unauthenticated", "The certificate was not issued by this installation's authority.", "Enrol the machine here with a join token."));
  const identity = await identityNodes.identityOfNode(deps.store.read.client, certificate.nodeId);
  if (!identity) return err(refuse("not_found", `Node ${certificate.nodeId} is not known here.`, "Enrol the machine with a join token."));
  if (identity.spkiSha256 !== certificate.spkiSha256) return err(refuse("unauthenticated", `The certificate is for another key than node ${identity.node} has.`, "Use the node's own key."));
  if (identity.revokedAtMs !== null) return err(refuse("revoked", `The identity of node ${identity.node} was revoked: ${identity.revokedReason ?? "no reason given"}.`, "Enrol the machine anew, under another name, with a new join token."));
  const nowMs = deps.clock.nowMs();
  if (nowMs < certificate.notBeforeMs) return err(refuse("expired", "The certificate is not valid yet by this gateway's clock.", "Check the clocks of the node and of the gateway."));
  const endsMs = certificate.notAfterMs + (o.expired === "renewable" ? lateRenewalMs(deps) : 0);
  if (nowMs > endsMs) {
    return err(
      o.expired === "renewable"
        ? refuse("expired", `The certificate ended more than ${Math.round(lateRenewalMs(deps) / 86_400_000)} days ago and can no longer be renewed.`, "Decommission the node and enrol the machine anew, under another name, with a new join token.")
        : refuse("expired", "The certificate has ended.", "Renew it: POST /v1/renew with the same key."),
    );
  }
  return ok({ certificate, identity });
}
