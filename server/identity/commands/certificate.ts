import type { z } from "zod";
import type { certificateResponse } from "../../protocol/messages";
import type { IdentityDeps, NodeIdentity } from "../deps";
import type { IssuedCertificate } from "../x509";

/** Certificates of nodes live for an hour unless set otherwise. */
export const certificateLifeMs = (deps: IdentityDeps) => (deps.env.CERTIFICATE_MINUTES ?? 60) * 60_000;

/** The answer to enrolling and renewing: the certificate, whom to believe, and when to come again (at half-life). */
export function certificateAnswer(deps: IdentityDeps, identity: NodeIdentity, issued: IssuedCertificate, authority: string): z.infer<typeof certificateResponse> {
  return { certificate: issued.certificate, authority, node: identity.node, nodeId: identity.nodeId, site: identity.site, project: identity.project, renewAfterMs: Math.round(certificateLifeMs(deps) / 2), notAfterMs: issued.notAfterMs };
}
