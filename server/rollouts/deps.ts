import type { Clock, Logger } from "../platform";
import type { Store } from "../store";

/** What the feature is built from. */
export interface RolloutDeps {
  store: Store;
  clock: Clock;
  log: Logger;
  /** A node that said nothing for this long is silent. */
  silentAfterMs: number;
  /** Opens a secret of a project, which says where a Prometheus is; left out by processes that judge nothing. */
  openSecret?: (projectId: string, name: string) => Promise<string | null>;
}
