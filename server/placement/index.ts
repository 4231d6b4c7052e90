/**
 * Placement: which node takes a unit and why, previews of selectors and policies, recorded decisions. Owns the reading of
 * snapshots that `core/placement` plans from; it does not change what runs (the scheduler does).
 */
import type { PlacementDeps } from "./deps";
import { capacityQueries } from "./capacity/capacity";
import { repairPlanner } from "./capacity/plan";
import { repairCommands } from "./capacity/run";
import { snapshotCache } from "./preview/cache";
import { decisionQueries } from "./queries/decisions";
import { createJudge } from "./queries/judge";
import { matchQueries } from "./queries/matches";
import { queueQueries } from "./queries/queue";
import { whyNotQueries } from "./queries/why-not";
import { previewQueries } from "./preview/preview";
import { replayQueries } from "./preview/replay";

export { loadFleet } from "./fleet-snapshot";
export { roomInPlace } from "./in-place";
export { loadNeighbours, neighboursKey } from "./neighbours";
export { planFor } from "./plan";
export { loadUsage, usageKey } from "./sets-snapshot";
export type { PlannedWorkload } from "./plan";
export { loadGoal } from "./workload-snapshot";
export type { LoadedWorkload } from "./workload-snapshot";
export type { PlacementDeps } from "./deps";

export function createPlacement(deps: PlacementDeps) {
  const judge = createJudge(deps);
  // One picture of a project for previews, capacity and repair plans.
  const worlds = snapshotCache(deps);
  const planner = repairPlanner(deps, worlds);
  const repair = repairCommands(deps, planner);
  return { queries: { ...matchQueries(deps), ...decisionQueries(deps, judge), ...whyNotQueries(deps, judge), ...queueQueries(deps), ...previewQueries(deps, worlds), ...replayQueries(deps), ...capacityQueries(deps, worlds), repairPlan: planner.repairPlan, ...repair.queries }, commands: repair.commands };
}
