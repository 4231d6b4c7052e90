/**
 * Rollouts: moving a workload from one revision to another in waves of steps, judged by evidence and consented to by
 * people. Owns plans, phases, approvals and the hold of a bad revision; knows nothing of how units are placed or run.
 */
import { rolloutCommands } from "./commands";
import type { RolloutDeps } from "./deps";
import { emergencyCommands, emergencyQueries } from "./emergency";
import { rolloutQueries } from "./queries";

export { createRolloutIn, generationFor, type NewRollout } from "./create";
export { createRolloutReconciler } from "./reconcile-rollout";
export type { RolloutDeps } from "./deps";

export function createRollouts(deps: RolloutDeps) {
  return { queries: { ...rolloutQueries(deps), ...emergencyQueries(deps) }, commands: { ...rolloutCommands(deps), ...emergencyCommands(deps) } };
}
