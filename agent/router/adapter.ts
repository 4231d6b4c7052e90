import type { Route } from "../../server/protocol/messages";

/** Where a client on this machine reaches a routed service. */
export type AppliedRoute = { service: string; portName: string; address: string; port: number };

/**
 * Whatever divides a site's requests between revisions. The agent's own router is one; where a mesh or a gateway does it
 * already, an adapter to that takes its place, and the rollout's steps reach it through the same call.
 *
 * The contract: `apply` is told all routes every time and makes exactly these hold (level-triggered, safe to repeat);
 * it resolves once new requests are divided so, and rejects when they are not: then it is told again. A route that is
 * gone is taken away. Weights are of revisions; where an adapter cannot say who answered, the units must report their
 * requests themselves.
 */
export interface TrafficAdapter {
  /** For logs and status. */
  readonly kind: string;
  apply(routes: readonly Route[]): Promise<void>;
  readonly applied: readonly AppliedRoute[];
  stop(): Promise<void>;
}
