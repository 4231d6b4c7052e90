import type { Clock, Logger } from "../platform";
import type { Store } from "../store";

/** What the feature is built from. */
export interface RolloutDeps {
  store: Store;
  clock: Clock;
  log: Logger;
  /** A node that said nothing for this long is silent. */
  silentAfterMs: number;
}
