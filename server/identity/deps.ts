import type { Clock, Logger, Sealer } from "../platform";
import type { Store } from "../store";
import type { identityAuthorities, identityNodes, identityTokens } from "../store";

export type AuthorityRow = identityAuthorities.AuthorityRow;
export type NodeIdentity = identityNodes.NodeIdentityRow;
export type JoinToken = identityTokens.JoinTokenRow;

export interface IdentityDeps {
  store: Store;
  clock: Clock;
  log: Logger;
  seal: Sealer;
  env: {
    /** host:port by which agents reach a gateway; stands in join commands. */
    GATEWAY_PUBLIC_ADDRESS: string;
    /** Address of the console, from which the agent is downloaded. */
    HOLDFAST_PUBLIC_URL: string;
    LATE_RENEWAL_DAYS?: number;
    CERTIFICATE_MINUTES?: number;
  };
  /** SHA-256 of the agent that the console offers, in hex; null when it offers none. */
  agentSha256?: () => string | null;
}
