/**
 * Identity of nodes: the embedded authority, join tokens, enrolment, renewal and revocation. It knows what a node's key
 * and certificate are worth; it does not know sockets (the gateway does) nor what a node runs.
 */
import type { Actor, ProjectRef } from "../core/access/actor";
import { identityTokens } from "../store";
import { createAuthorities } from "./authorities";
import { enrol } from "./commands/enrol";
import { createJoinToken, revokeJoinToken, viewOfToken } from "./commands/join-tokens";
import { renew } from "./commands/renew";
import { revokeNode } from "./commands/revoke-node";
import type { IdentityDeps } from "./deps";
import { checkPeer } from "./peers";
import type { Peer } from "./peers";

/** The feature behind the console's procedures and the gateway's doors. */
export function createIdentity(deps: IdentityDeps) {
  const authorities = createAuthorities(deps);
  return {
    queries: {
      /** The newest 200 join tokens of a project. */
      joinTokens: async (project: ProjectRef) => {
        const nowMs = deps.clock.nowMs();
        return (await identityTokens.joinTokensOf(deps.store.read.client, project.id, 200)).map((t) => viewOfToken(t, nowMs));
      },
    },
    commands: {
      createJoinToken: (actor: Actor, project: ProjectRef, input: { site: string; labels?: Record<string, string> | undefined }) => createJoinToken(deps, authorities, actor, project, input),
      revokeJoinToken: (actor: Actor, project: ProjectRef, input: { id: string }) => revokeJoinToken(deps, actor, project, input),
      revokeNode: (actor: Actor, project: ProjectRef, input: { name: string; reason: string }) => revokeNode(deps, actor, project, input),
    },
    authorities,
    /** For the gateway: see the functions of the same names. */
    checkPeer: (der: Buffer | null, o: { expired: "refused" | "renewable" }) => checkPeer(deps, authorities, der, o),
    enrol: (input: { token: string; nodeName?: string | undefined; csr: string; address: string }) => enrol(deps, authorities, input),
    renew: (peer: Peer, input: { csr: string }) => renew(deps, authorities, peer, input),
  };
}

export type Identity = ReturnType<typeof createIdentity>;
export type { Authorities } from "./authorities";
export type { IdentityDeps } from "./deps";
export type { Peer } from "./peers";
export { issueServerCertificate } from "./x509";
