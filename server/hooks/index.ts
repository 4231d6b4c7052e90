/**
 * Webhooks: a project's events, told to addresses of its choice. What can be told is what the audit log holds; the store
 * writes deliveries in the transaction of the change, `deliver` sends them (bin/scheduler makes a reconciler of it).
 */
import { hooks } from "../store";
import type { Tx } from "../store";
import type { Sealer } from "../platform";
import { hookCommands } from "./commands";
import { deliverTo, type DeliverDeps } from "./deliver";
import { hookPurpose, type HooksDeps } from "./deps";
import { hookQueries } from "./queries";

export function createHooks(deps: HooksDeps) {
  return { queries: hookQueries(deps), commands: hookCommands(deps) };
}

/** Sends what is due; one key an endpoint, so that each has one sender at a time in the whole installation. */
export function createHookReconciler(deps: DeliverDeps) {
  return {
    kind: "hook",
    liveKeys: () => hooks.endpointsWithWork(deps.store.read.client),
    async reconcile(endpointId: string) {
      const { gone, nextLookAtMs } = await deliverTo(deps, endpointId);
      return { nextLookAtMs, gone };
    },
  };
}

/** Seals every signing secret with the present master key; gives how many endpoints. */
export async function resealHooks(deps: { seal: Sealer }, tx: Tx): Promise<number> {
  const rows = await hooks.sealedSecrets(tx.client);
  for (const h of rows) {
    const again = (sealed: string): string => deps.seal.seal(deps.seal.open(sealed, hookPurpose(h.id)), hookPurpose(h.id));
    await hooks.setSealed(tx.client, h.id, again(h.sealedSecret), h.sealedPrevious === null ? null : again(h.sealedPrevious));
  }
  return rows.length;
}
