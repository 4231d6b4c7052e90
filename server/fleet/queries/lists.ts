import type { z } from "zod";
import type { ProjectRef } from "../../core/access/actor";
import { readCursor, writeCursor } from "../../core/base/cursor";
import { refuseNow } from "../../core/base/refusal";
import { noCounts } from "../../core/fleet";
import type { HealthState } from "../../core/views/common";
import type { SiteSummary, UnitRow, nodePage, unitPage } from "../../core/views/fleet";
import { fleetRead, objects, sites } from "../../store";
import { bySite } from "../counts";
import type { FleetCounts } from "../counts";
import type { FleetDeps } from "../deps";
import { nodeView, siteView, unitView } from "../views";

type PageInput = { cursor?: string | null | undefined; limit: number };
type NodeSort = "name" | "site" | "state" | "lastSeen" | "cpu" | "memory";

/** Lists of sites, nodes and units. */
export function listQueries(deps: FleetDeps, fleet: FleetCounts) {
  const db = deps.store.read.client;
  const at = () => ({ nowMs: deps.clock.nowMs(), silentAfterMs: deps.env.AGENT_SILENT_AFTER_MS });

  /** How many units are in a state: from the counts that Home and Fleet show anyway, not by looking at every unit again. */
  async function totalInState(project: ProjectRef, state: HealthState, o: { workload?: string | undefined; site?: string | undefined }): Promise<number> {
    const now = at();
    const workloadId = o.workload === undefined ? null : ((await objects.byName(db, project.id, "Workload", o.workload))?.id ?? "");
    const siteId = o.site === undefined ? null : ((await sites.byName(db, project.id, o.site))?.id ?? "");
    const wanted = (x: { siteId: string; workloadId: string }) => (workloadId === null || x.workloadId === workloadId) && (siteId === null || x.siteId === siteId);
    const running = (await fleet.bySiteAndWorkload(project.id, now)).filter(wanted).reduce((n, c) => n + c.counts[state], 0);
    if (state !== "pending" && state !== "silent") return running;
    return (await fleet.stopping(project.id, now)).filter(wanted).reduce((n, s) => n + (state === "silent" ? s.silent : s.other), running);
  }

  return {
    async sites(project: ProjectRef): Promise<SiteSummary[]> {
      const now = at();
      const [rows, counts] = await Promise.all([fleet.sites(project.id, now), fleet.bySiteAndWorkload(project.id, now)]);
      const units = bySite(counts);
      return rows.map((s) => siteView(s, units.get(s.id) ?? noCounts, now));
    },

    /** Keyset pages in any order; `sort` starts with "-" for downwards. */
    async nodes(project: ProjectRef, input: PageInput & { q?: string | undefined; site?: string | undefined; state?: HealthState | undefined; sort?: string | undefined }): Promise<z.infer<typeof nodePage>> {
      const now = at();
      const sort = input.sort ?? "name";
      const descending = sort.startsWith("-");
      const after = readCursor(input.cursor, 3);
      if (after && after[0] !== sort) return refuseNow("invalid_input", "The cursor belongs to another order.", "Start again at the first page.", [{ path: "cursor", message: "It belongs to another order.", remedy: "Leave it out to start at the first page." }]);
      const { items, total } = await fleetRead.nodesPage(db, project.id, now, { q: input.q, site: input.site, state: input.state, sort: sort.replace("-", "") as NodeSort, descending, after: after ? { key: after[1] ?? "", name: after[2] ?? "" } : null, limit: input.limit });
      const last = items.at(-1);
      return { items: items.map((n) => nodeView(n, now)), nextCursor: last && items.length === input.limit ? writeCursor([sort, last.sortKey, last.name]) : null, total, asOfMs: now.nowMs };
    },

    async units(project: ProjectRef, input: PageInput & { workload?: string | undefined; node?: string | undefined; site?: string | undefined; state?: HealthState | undefined }): Promise<z.infer<typeof unitPage>> {
      const now = at();
      const after = readCursor(input.cursor, 2);
      const total = input.state !== undefined && input.node === undefined ? await totalInState(project, input.state, input) : undefined;
      const { items, total: counted } = await fleetRead.unitsPage(db, project.id, now, { total, workload: input.workload, node: input.node, site: input.site, state: input.state, after: after ? { unit: after[0] ?? "", id: after[1] ?? "" } : null, limit: input.limit });
      const last = items.at(-1);
      return { items: items.map((u) => unitView(u, now)), nextCursor: last && items.length === input.limit ? writeCursor([last.unit, last.assignmentId]) : null, total: counted, asOfMs: now.nowMs };
    },

    async unit(project: ProjectRef, input: { assignmentId: string }): Promise<UnitRow> {
      const u = await fleetRead.unitById(db, project.id, input.assignmentId);
      return u ? unitView(u, at()) : refuseNow("not_found", "There is no such unit in this project.", "Look it up by its workload or node.");
    },
  };
}
