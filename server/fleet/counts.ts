import { addCounts, noCounts } from "../core/fleet";
import type { Counts } from "../core/fleet";
import { Recent, fleetDetail, fleetRead } from "../store";
import type { FleetDeps } from "./deps";
import type { At } from "./views";

/** Silence begins without a change; longer than this nothing is remembered. */
const MAX_AGE_MS = 2_000;
const topics = ["node", "site", "workload", "assignment", "observation"] as const;

type SiteWorkload = Awaited<ReturnType<typeof fleetRead.countsBySiteAndWorkload>>;

/** Questions over the whole fleet, asked once for all who look at the same moment. */
export function fleetCounts(deps: FleetDeps) {
  const { store } = deps;
  const db = store.read.client;
  const recent = <T>() => new Recent<T>({ changes: store, topics, maxAgeMs: MAX_AGE_MS });
  const counts = recent<SiteWorkload>();
  const sites = recent<Awaited<ReturnType<typeof fleetRead.sitesWithNodes>>>();
  const states = recent<Awaited<ReturnType<typeof fleetRead.nodeStates>>>();
  const statesBySite = recent<Awaited<ReturnType<typeof fleetRead.nodeStatesBySite>>>();
  const overlays = recent<Awaited<ReturnType<typeof fleetRead.unitsBySite>>>();
  const map = recent<{ nodes: fleetDetail.TopologyNode[]; units: Awaited<ReturnType<typeof fleetDetail.unitsOnNodes>> }>();
  const stopping = recent<Awaited<ReturnType<typeof fleetRead.stoppingUnits>>>();
  return {
    bySiteAndWorkload: (projectId: string, at: At) => counts.get(projectId, "", () => fleetRead.countsBySiteAndWorkload(db, projectId, at)),
    sites: (projectId: string, at: At) => sites.get(projectId, "", () => fleetRead.sitesWithNodes(db, projectId, at)),
    nodeStates: (projectId: string, at: At) => states.get(projectId, "", () => fleetRead.nodeStates(db, projectId, at)),
    stopping: (projectId: string, at: At) => stopping.get(projectId, "", () => fleetRead.stoppingUnits(db, projectId, at)),
    nodeStatesBySite: (projectId: string, at: At) => statesBySite.get(projectId, "", () => fleetRead.nodeStatesBySite(db, projectId, at)),
    unitsBySite: (projectId: string, workload: string, at: At) => overlays.get(projectId, workload, () => fleetRead.unitsBySite(db, projectId, workload, at)),
    /** The nodes that a map shows, with their units. */
    map: (projectId: string, at: At, perSite: number) =>
      map.get(projectId, String(perSite), async () => {
        const nodes = await fleetDetail.topologyNodes(db, projectId, at, perSite);
        return { nodes, units: await fleetDetail.unitsOnNodes(db, nodes.map((n) => n.id), at) };
      }),
  };
}
export type FleetCounts = ReturnType<typeof fleetCounts>;

/** Sums of the counts, by site. */
export function bySite(counts: SiteWorkload): Map<string, Counts> {
  const found = new Map<string, Counts>();
  for (const c of counts) found.set(c.siteId, addCounts(found.get(c.siteId) ?? noCounts, c.counts));
  return found;
}
