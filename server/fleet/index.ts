/**
 * The fleet: sites, nodes and units as they are asked for and as they are seen, and what operators ask of nodes. Owns the
 * read models of Fleet, Topology and Home; it does not place units (placement, scheduler) nor know agents' keys (identity).
 */
import { nodeCommands } from "./commands/nodes";
import { siteCommands } from "./commands/sites";
import { fleetCounts } from "./counts";
import type { FleetDeps } from "./deps";
import { detailQueries } from "./queries/details";
import { listQueries } from "./queries/lists";
import { overviewQueries } from "./queries/overview";

export type { FleetDeps } from "./deps";

export function createFleet(deps: FleetDeps) {
  const counts = fleetCounts(deps);
  return {
    queries: { ...listQueries(deps, counts), ...detailQueries(deps), ...overviewQueries(deps, counts) },
    commands: { ...nodeCommands(deps), ...siteCommands(deps) },
  };
}
