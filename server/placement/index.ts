/**
 * Placement: which node takes a unit and why, previews of selectors and policies, recorded decisions. Owns the reading of
 * snapshots that `core/placement` plans from; it does not change what runs (the scheduler does).
 */
export { fleetNodeOf, loadFleet } from "./fleet-snapshot";
export { planFor } from "./plan";
export type { PlannedWorkload } from "./plan";
export { loadGoal, loadWorkload } from "./workload-snapshot";
export type { LoadedWorkload } from "./workload-snapshot";
export type { PlacementDeps } from "./deps";
