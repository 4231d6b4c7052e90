import type { Clock, Logger, Sealer } from "../platform";
import type { Store } from "../store";

export type HooksDeps = { store: Store; clock: Clock; log: Logger; seal: Sealer; env: { HOOKS_ALLOW_PRIVATE: boolean } };

/** What a sealed signing secret is for: it opens nowhere else. */
export const hookPurpose = (endpointId: string): string => `hook/${endpointId}`;
