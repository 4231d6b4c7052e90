import type { Actor, ProjectRef } from "../../core/access/actor";
import { mayDo, whoMay } from "../../core/access/permissions";
import { refuseNow } from "../../core/base/refusal";
import { addCounts, counted, intervalOf, noCounts } from "../../core/fleet";
import type { Counts } from "../../core/fleet";
import { API_VERSION, manifest as manifestSchema, manifestYaml } from "../../core/manifest";
import type { CommandView } from "../../core/views/common";
import type { NodeDetail, NodeRow, siteDetail } from "../../core/views/fleet";
import type { z } from "zod";
import { fleetDetail, fleetRead, objects, sites } from "../../store";
import type { FleetDeps } from "../deps";
import { linkView } from "../links";
import { timelineOf } from "../timeline";
import { nodeView, siteView, unitView } from "../views";

/** Rows of units and nodes on a detail page; the lists have them all. */
const ROWS = 200;
const TIMELINE = 60;

/** The pages of one node and one site. */
export function detailQueries(deps: FleetDeps) {
  const db = deps.store.read.client;
  const at = () => ({ nowMs: deps.clock.nowMs(), silentAfterMs: deps.env.AGENT_SILENT_AFTER_MS });

  return {
    async node(project: ProjectRef, input: { name: string }, actor: Actor): Promise<NodeDetail> {
      const now = at();
      const row = await fleetRead.nodeSummary(db, project.id, now, input.name);
      const extras = row && (await fleetDetail.nodeExtras(db, row.id));
      if (!row || !extras) return refuseNow("not_found", `There is no node "${input.name}" in this project.`, "Look it up in Fleet.");
      const [units, events, done] = await Promise.all([fleetRead.unitsPage(db, project.id, now, { node: input.name, after: null, limit: ROWS }), fleetDetail.nodeEvents(db, { nodeId: row.id }, TIMELINE), fleetDetail.recentlyDone(db, project.id, { kinds: ["node"], objectId: row.id, limit: TIMELINE })]);
      const view = nodeView(row, now);
      return {
        ...view,
        version: row.version,
        taints: extras.taints,
        desiredReason: extras.desiredReason,
        facts: extras.facts,
        factsAtMs: extras.factsAtMs,
        usage: row.usage,
        generation: row.generation,
        session: extras.session,
        journalDepth: extras.journalDepth,
        firstSeenMs: extras.firstSeenMs,
        certificates: extras.certificates.map((c, i) => ({ ...c, state: extras.revoked ? ("revoked" as const) : c.notAfterMs <= now.nowMs ? ("expired" as const) : i === 0 ? ("current" as const) : ("superseded" as const) })),
        identityRevoked: extras.revoked,
        unitsHere: units.items.map((u) => unitView(u, now)),
        spells: extras.spells,
        timeline: timelineOf({ events, done, spells: extras.spells.map((s) => ({ ...s, node: row.name })), project: project.name, limit: TIMELINE }),
        commands: nodeCommands(project, actor, view, units.total),
      };
    },

    async site(project: ProjectRef, input: { name: string }): Promise<z.infer<typeof siteDetail>> {
      const now = at();
      const [row] = await fleetRead.sitesWithNodes(db, project.id, now, input.name);
      const object = await objects.byName(db, project.id, "Site", input.name);
      if (!row) return refuseNow("not_found", `There is no site "${input.name}" in this project.`, "Look it up in Fleet.");
      const [counts, names, nodes, events, done, spells, links, all] = await Promise.all([
        fleetRead.countsBySiteAndWorkload(db, project.id, now, row.id), fleetDetail.workloadNames(db, project.id), fleetRead.nodesPage(db, project.id, now, { site: input.name, sort: "state", descending: false, after: null, limit: ROWS }),
        fleetDetail.nodeEvents(db, { siteId: row.id }, TIMELINE), fleetDetail.recentlyDone(db, project.id, { kinds: ["site"], objectId: row.id, limit: TIMELINE }), fleetDetail.spellsOfSite(db, row.id, TIMELINE), sites.links(db, project.id), fleetDetail.controlLinks(db, project.id, now),
      ]);
      const units = counts.reduce<Counts>((sum, c) => addCounts(sum, c.counts), noCounts);
      const control = new Map(all.map((c) => [c.siteId, c]));
      const siteIds = new Map((await sites.all(db, project.id)).map((s) => [s.name, s.id]));
      const parsed = object && manifestSchema.safeParse({ apiVersion: API_VERSION, kind: "Site", metadata: { name: object.name, project: project.name, ...(object.title ? { title: object.title } : {}), ...(Object.keys(object.labels).length ? { labels: object.labels } : {}) }, spec: object.spec });
      return {
        ...siteView(row, units, now),
        version: object?.version ?? row.version,
        manifestYaml: parsed?.success ? manifestYaml(parsed.data) : "",
        rates: parsed?.success && parsed.data.kind === "Site" ? parsed.data.spec.rates : null,
        links: links.filter((l) => l.siteA === input.name || l.siteB === input.name).map((l) => linkView(l, (name) => control.get(siteIds.get(name) ?? ""), now)),
        nodesHere: nodes.items.map((n) => nodeView(n, now)),
        workloads: counts.map((c) => ({ name: names.get(c.workloadId) ?? c.workloadId, units: intervalOf(c.counts) })).sort((a, b) => (a.name < b.name ? -1 : 1)),
        timeline: timelineOf({ events, done, spells, project: project.name, limit: TIMELINE }),
      };
    },
  };
}

/** What may be done with a node, and why not when it may not: the same reasons that the commands refuse with. */
export function nodeCommands(project: ProjectRef, actor: Actor, n: NodeRow, units: number): CommandView[] {
  const allowed = mayDo(actor.roles(project.id), "fleet.operate") ? null : whoMay("fleet.operate");
  const gone = n.desiredState === "decommissioned" ? "It is decommissioned." : null;
  const view = (command: string, otherwise: string | null): CommandView => ({ command, disabledBecause: allowed ?? gone ?? otherwise, cli: `holdfast node ${command} ${n.name} --reason "…"` });
  const revoke = mayDo(actor.roles(project.id), "fleet.enrol") ? null : whoMay("fleet.enrol");
  return [
    view("cordon", n.desiredState === "active" ? null : `It is ${n.desiredState} already.`),
    view("uncordon", n.desiredState === "active" ? "It is open for new units." : null),
    view("drain", n.desiredState === "draining" ? "It is draining already." : null),
    view("decommission", n.state.state !== "silent" && units > 0 ? `It is in contact and has ${counted(units, "unit")}: drain it first.` : null),
    { command: "revoke", disabledBecause: revoke, cli: `holdfast node revoke ${n.name} --reason "…"` },
  ];
}
