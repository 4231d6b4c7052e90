import { z } from "zod";
import { livenessOf } from "../core/fleet";
import { devicesTaken, offeredDevices } from "../core/placement";
import type { FleetNode, FleetSnapshot } from "../core/placement";
import { selectorSubject } from "../core/selector";
import { schedulerSnapshot } from "../store";
import type { Queryable } from "../store";

type FleetNodeRow = schedulerSnapshot.FleetNodeRow;

/** What placement reads of a Site's spec; a row that was written past admission counts as a site without prices. */
const siteFacts = z.object({
  location: z.object({ place: z.string() }).optional(),
  uplink: z.object({ class: z.string(), metered: z.boolean().default(false) }).default({ class: "", metered: false }),
  rates: z.object({ currency: z.string().default("EUR"), cpuHour: z.number().default(0), memoryGiBHour: z.number().default(0), egressGiB: z.number().default(0) }).default({ currency: "EUR", cpuHour: 0, memoryGiBHour: 0, egressGiB: 0 }),
});

const MIB = 2 ** 20;
const none: ReadonlySet<string> = new Set();

/** Reads the facts of sites, each site once for all its nodes. */
function siteReader(): (r: FleetNodeRow) => z.infer<typeof siteFacts> {
  const known = new Map<string, z.infer<typeof siteFacts>>();
  return (r) => {
    let facts = known.get(r.site.name);
    if (!facts) {
      const parsed = siteFacts.safeParse(r.site.spec);
      known.set(r.site.name, (facts = parsed.success ? parsed.data : siteFacts.parse({})));
    }
    return facts;
  };
}

/** Rows of the store as placement sees nodes. */
export function fleetNodesOf(rows: readonly FleetNodeRow[], o: { nowMs: number; silentAfterMs: number; warm?: ReadonlyMap<string, ReadonlySet<string>> }): FleetNode[] {
  const siteOf = siteReader();
  return rows.map((r) => nodeOf(r, siteOf(r), o, o.warm?.get(r.id) ?? none));
}

function nodeOf(r: FleetNodeRow, site: z.infer<typeof siteFacts>, o: { nowMs: number; silentAfterMs: number }, warm: ReadonlySet<string>): FleetNode {
  const { devices, shared, slices, ...taken } = r.load;
  return {
    id: r.id,
    name: r.name,
    site: r.site.name,
    siteTitle: r.site.title,
    jurisdiction: r.site.jurisdiction,
    desiredState: r.desiredState,
    contact: livenessOf({ connected: r.connected, lastSeenMs: r.lastSeenMs, nowMs: o.nowMs, silentAfterMs: o.silentAfterMs }).contact,
    lastSeenMs: r.lastSeenMs,
    trustTier: r.trustTier,
    taints: r.taints,
    arch: r.arch,
    os: r.os,
    engines: r.engines,
    subject: selectorSubject(
      { name: r.site.name, title: r.site.title, kind: r.site.kind, jurisdiction: r.site.jurisdiction, uplink: site.uplink.class, metered: site.uplink.metered, place: site.location?.place ?? "", timeZone: r.site.timeZone, labels: r.site.labels },
      { name: r.name, labels: r.labels, arch: r.arch, os: r.os, cpuMillis: r.cpuMillis, memoryMiB: r.memoryBytes / MIB, diskMiB: r.diskBytes / MIB, trustTier: r.trustTier, engines: r.engines, devices: r.devices.map((d) => ({ vendor: d.vendor, model: d.model, memoryMiB: d.memoryMiB ?? 0 })) },
    ),
    capacity: { cpuMillis: r.cpuMillis, memoryBytes: r.memoryBytes, diskBytes: r.diskBytes, ...offeredDevices(r.devices) },
    load: { ...taken, ...devicesTaken(devices, shared, slices) },
    rates: site.rates,
    warm,
    version: r.version,
    desiredGeneration: r.desiredGeneration,
  };
}

/** The living fleet of a project. `warmFor` names artifacts whose holders should be known. */
export async function loadFleet(db: Queryable, projectId: string, o: { nowMs: number; silentAfterMs: number; warmFor?: readonly string[] }): Promise<FleetSnapshot> {
  const rows = await schedulerSnapshot.fleetNodes(db, projectId);
  const warm = await schedulerSnapshot.warmNodes(db, projectId, o.warmFor ?? [], o.nowMs);
  return { nowMs: o.nowMs, nodes: fleetNodesOf(rows, { ...o, warm }) };
}
