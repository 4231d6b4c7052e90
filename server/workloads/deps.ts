import type { Clock, Logger, Sealer } from "../platform";
import type { Store } from "../store";

/** What the feature is built from. */
export interface WorkloadsDeps {
  store: Store;
  clock: Clock;
  log: Logger;
  seal: Sealer;
  env: { AGENT_SILENT_AFTER_MS: number };
}

export type Done = { version: number | null; message: string };
