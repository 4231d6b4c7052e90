import type { Clock, Logger } from "../platform";
import type { Store } from "../store";

/** What the feature is built from. */
export interface FleetDeps {
  store: Store;
  clock: Clock;
  log: Logger;
  env: { AGENT_SILENT_AFTER_MS: number };
}
