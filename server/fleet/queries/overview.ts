import type { Actor, ProjectRef } from "../../core/access/actor";
import { mayDo } from "../../core/access/permissions";
import { addCounts, ageText, counted, intervalOf, nodeStateOf, noCounts } from "../../core/fleet";
import type { Counts } from "../../core/fleet";
import type { HomeView, TopologyView, searchHit } from "../../core/views/fleet";
import type { z } from "zod";
import { fleetDetail, sites, workloadsRead } from "../../store";
import { createSummary } from "../../workloads";
import { bySite } from "../counts";
import type { FleetCounts } from "../counts";
import type { FleetDeps } from "../deps";
import { linkView } from "../links";
import { textOf } from "../timeline";
import { livenessAt, siteView } from "../views";

/** Nodes that a map names in all, and at least and at most of a site, those that are not well first; the counts beside them cover all. */
const NODES_ON_MAP = 600;
const perSite = (sites: number): number => Math.max(8, Math.min(60, Math.floor(NODES_ON_MAP / Math.max(1, sites))));
/** Units that a map names of a node: few where there are many nodes. */
const UNITS_PER_NODE = 30;
const UNITS_PER_NODE_OF_MANY = 5;
const MANY_NODES = 100;
const HOME_WORKLOADS = 50;
const href = (project: ProjectRef, path: string): string => `/p/${encodeURIComponent(project.name)}/${path}`;

/** Home, topology and search. */
export function overviewQueries(deps: FleetDeps, fleet: FleetCounts) {
  const db = deps.store.read.client;
  const summarise = createSummary(deps.store);
  const at = () => ({ nowMs: deps.clock.nowMs(), silentAfterMs: deps.env.AGENT_SILENT_AFTER_MS });

  return {
    async home(project: ProjectRef, _input: object, actor: Actor): Promise<HomeView> {
      const now = at();
      const [siteRows, counts, nodes, page, waiting, done] = await Promise.all([
        fleet.sites(project.id, now), fleet.bySiteAndWorkload(project.id, now), fleet.nodeStates(project.id, now), workloadsRead.page(db, project.id, { after: null, limit: HOME_WORKLOADS }), fleetDetail.waitingForPeople(db, project.id),
        fleetDetail.recentlyDone(db, project.id, { kinds: ["node", "site", "workload", "policy", "strategy", "analysis", "rollout", "approval"], limit: 20 }),
      ]);
      const workloads = await summarise(project.id, page.items, now);
      const unitsAt = bySite(counts);
      const units = counts.reduce<Counts>((sum, c) => addCounts(sum, c.counts), noCounts);
      const siteViews = siteRows.map((s) => siteView(s, unitsAt.get(s.id) ?? noCounts, now));
      const needsMe: HomeView["needsMe"] = [
        ...(mayDo(actor.roles(project.id), "rollouts.approve") ? waiting.approvals.map((a) => ({ severity: "pending" as const, text: `Rollout ${a.number} of ${a.workload} asks for an approval at gate "${a.gate}".`, href: href(project, `approvals/${encodeURIComponent(a.id)}`), sinceMs: a.requestedAtMs })) : []),
        ...waiting.rollouts.map((r) => ({ severity: "degraded" as const, text: `Rollout ${r.number} of ${r.workload} is ${r.phase}: ${r.reason}`, href: href(project, `rollouts/${r.number}`), sinceMs: r.sinceMs })),
        ...workloads.filter((w) => w.state.state === "failing" || w.state.state === "degraded").map((w) => ({ severity: w.state.state, text: `${w.name}: ${w.state.because}`, href: href(project, `workloads/${encodeURIComponent(w.name)}`), sinceMs: w.state.sinceMs })),
        ...siteViews.filter((s) => s.state.state === "silent").map((s) => ({ severity: "silent" as const, text: `Site ${s.title} is out of reach: ${s.state.because}`, href: href(project, `fleet/sites/${encodeURIComponent(s.name)}`), sinceMs: s.state.sinceMs })),
        ...siteViews.filter((s) => s.state.state !== "silent" && s.nodes.max > s.nodes.min).map((s) => ({ severity: "silent" as const, text: `${counted(s.nodes.max - s.nodes.min, "node")} of ${s.title} ${s.nodes.max - s.nodes.min === 1 ? "is" : "are"} silent.`, href: href(project, `fleet?q=${encodeURIComponent(s.name)}`), sinceMs: s.nodes.asOfMs })),
      ];
      const rank = { failing: 0, degraded: 1, pending: 2, silent: 3, healthy: 4 } as const;
      needsMe.sort((a, b) => rank[a.severity] - rank[b.severity]);
      return {
        needsMe,
        nodes,
        units: { healthy: units.healthy, degraded: units.degraded, failing: units.failing, silent: units.silent, pending: units.pending },
        unitsReady: intervalOf(units),
        sites: siteViews,
        workloads: workloads.map((w) => ({ name: w.name, state: w.state, units: w.units, requestsPerSecond: w.requestsPerSecond, accuracy: w.accuracy, accuracySample: w.accuracySample })),
        changes: done.map((d) => ({ atMs: d.atMs, actor: d.actor, text: textOf(d), href: mayDo(actor.roles(project.id), "audit.read") ? href(project, `audit/${d.seq}`) : null })),
        asOfMs: now.nowMs,
      };
    },

    async topology(project: ProjectRef, input: { workload?: string | undefined }): Promise<TopologyView> {
      const now = at();
      const siteRows = await fleet.sites(project.id, now);
      const [counts, names, { nodes, units }, states, overlay, links, control] = await Promise.all([
        fleet.bySiteAndWorkload(project.id, now), fleetDetail.workloadNames(db, project.id), fleet.map(project.id, now, perSite(siteRows.length)), fleet.nodeStatesBySite(project.id, now),
        input.workload === undefined ? null : fleet.unitsBySite(project.id, input.workload, now), sites.links(db, project.id), fleetDetail.controlLinks(db, project.id, now),
      ]);
      const namedUnits = nodes.length > MANY_NODES ? UNITS_PER_NODE_OF_MANY : UNITS_PER_NODE;
      const unitsAt = bySite(counts);
      const byNode = new Map<string, typeof units>();
      for (const u of units) {
        const own = byNode.get(u.nodeId);
        if (own) own.push(u);
        else byNode.set(u.nodeId, [u]);
      }
      const controlOf = new Map(control.map((c) => [c.siteId, c]));
      const idOf = new Map(siteRows.map((s) => [s.name, s.id]));
      const workloadsBySite = new Map<string, Set<string>>();
      for (const c of counts) workloadsBySite.set(c.siteId, (workloadsBySite.get(c.siteId) ?? new Set()).add(names.get(c.workloadId) ?? ""));
      const none: ReadonlySet<string> = new Set();
      const workloadsAt = (name: string): ReadonlySet<string> => workloadsBySite.get(idOf.get(name) ?? "") ?? none;
      return {
        sites: siteRows.map((s) => ({
          ...siteView(s, unitsAt.get(s.id) ?? noCounts, now),
          nodeStates: states.get(s.id) ?? { healthy: 0, degraded: 0, failing: 0, silent: 0, pending: 0 },
          overlay: overlay && (overlay.get(s.id) ?? []),
          nodesHere: nodes.filter((n) => n.siteId === s.id).map((n) => {
            const own = byNode.get(n.id) ?? [];
            const state = nodeStateOf({ desiredState: n.desiredState, liveness: livenessAt(n, now), lastSeenMs: n.lastSeenMs, units: countsOf(own, n.lastSeenMs), generation: n.generation, nowMs: now.nowMs });
            return { name: n.name, state, lastSeenMs: n.lastSeenMs, unitsTotal: own.length, units: unwellFirst(own).slice(0, namedUnits).map((u) => ({ unit: u.unit, workload: u.workload, state: u.state, generation: u.generation })) };
          }),
        })),
        links: links.map((l) => ({ ...linkView(l, (name) => controlOf.get(idOf.get(name) ?? ""), now), workloads: [...workloadsAt(l.siteA)].filter((w) => workloadsAt(l.siteB).has(w)).sort() })),
        workloads: [...new Set(counts.map((c) => names.get(c.workloadId) ?? ""))].filter((w) => w !== "").sort(),
        control: siteRows.map((s) => controlView(s.name, controlOf.get(s.id), now.nowMs)),
        asOfMs: now.nowMs,
      };
    },

    async search(project: ProjectRef, input: { q: string }, actor: Actor): Promise<z.infer<typeof searchHit>[]> {
      const q = input.q.trim();
      if (q === "") return [];
      const found = await fleetDetail.search(db, project.id, q, 30, mayDo(actor.roles(project.id), "people.read"));
      return found.map((f) => ({ kind: f.kind, name: f.name, detail: f.detail, href: pageOf(project, f), state: null }));
    },
  };
}

/** The same units, those that are not healthy before the others. */
const unwellFirst = <U extends { state: string }>(units: readonly U[]): U[] => [...units.filter((u) => u.state !== "healthy"), ...units.filter((u) => u.state === "healthy")];

function countsOf(units: readonly { state: keyof Omit<Counts, "silentWasHealthy" | "asOfMs">; served: boolean }[], lastSeenMs: number | null): Counts {
  const c = { ...noCounts };
  for (const u of units) {
    c[u.state] += 1;
    if (u.state === "silent") {
      if (u.served) c.silentWasHealthy += 1;
      c.asOfMs = lastSeenMs;
    }
  }
  return c;
}

/** A site's link to the control plane, as measured by its agents' connections. */
function controlView(site: string, c: Awaited<ReturnType<typeof fleetDetail.controlLinks>>[number] | undefined, nowMs: number): TopologyView["control"][number] {
  if (!c || c.total === 0) return { site, connected: 0, total: 0, rttMs: null, state: "pending", because: "No node has joined yet.", sinceMs: null };
  const base = { site, connected: c.connected, total: c.total, rttMs: c.rttMs };
  if (c.lastContactMs === null) return { ...base, state: "pending", because: "Its nodes have not connected yet.", sinceMs: null };
  if (c.connected === 0) return { ...base, state: "silent", because: `Nothing heard from any of ${counted(c.total, "node")} for ${ageText(nowMs - c.lastContactMs)}.`, sinceMs: c.lastContactMs };
  if (c.connected < c.total) return { ...base, state: "degraded", because: `${c.connected} of ${counted(c.total, "node")} in contact.`, sinceMs: null };
  return { ...base, state: "healthy", because: `${c.total === 1 ? "Its node is" : `All ${c.total} nodes are`} in contact${c.rttMs === null ? "" : `; half of the round trips take ${c.rttMs.toFixed(0)} ms or less`}.`, sinceMs: null };
}

function pageOf(project: ProjectRef, f: fleetDetail.FoundThing): string {
  const name = encodeURIComponent(f.name);
  switch (f.kind) {
    case "site":
      return href(project, `fleet/sites/${name}`);
    case "node":
      return href(project, `fleet/nodes/${name}`);
    case "workload":
      return href(project, `workloads/${name}`);
    case "unit":
      return href(project, `workloads/${encodeURIComponent(workloadOfUnit(f.name))}?unit=${name}`);
    case "rollout":
      return href(project, `rollouts/${name}`);
    case "policy":
      return href(project, `policies/${name}`);
    case "strategy":
      return href(project, `policies?tab=strategies&name=${name}`);
    case "analysis":
      return href(project, `policies?tab=templates&name=${name}`);
    case "person":
      return href(project, "settings/people");
  }
}
const workloadOfUnit = (unit: string): string => unit.replace(/-\d+$/, "");
