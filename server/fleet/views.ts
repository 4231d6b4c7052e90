import { counted, intervalOf, livenessOf, nodeStateOf, siteStateOf, totalOf, unitStateOf } from "../core/fleet";
import type { Counts } from "../core/fleet";
import type { NodeRow, SiteSummary, UnitRow } from "../core/views/fleet";
import type { fleetRead } from "../store";

export type At = { nowMs: number; silentAfterMs: number };
type Contact = { connected: boolean; lastSeenMs: number | null };

export const livenessAt = (c: Contact, at: At) => livenessOf({ ...c, nowMs: at.nowMs, silentAfterMs: at.silentAfterMs });

/** A unit's row as screens show it: what is asked for and what is said apart, and a state that follows from both. */
export function unitView(u: fleetRead.UnitListRow, at: At): UnitRow {
  return {
    assignmentId: u.assignmentId,
    unit: u.unit,
    workload: u.workload,
    node: u.node,
    site: u.site,
    siteTitle: u.siteTitle,
    desired: { action: u.desired, generation: u.generation, sinceMs: u.updatedAtMs, cause: u.cause },
    observed: u.observed,
    state: unitStateOf({ desired: u.desired, generation: u.generation, sinceMs: u.updatedAtMs, observed: u.observed, incoming: u.incoming, liveness: livenessAt(u, at), nowMs: at.nowMs }),
    decisionId: u.decisionId,
    devices: devicesView(u.devices),
  };
}

function devicesView(d: fleetRead.UnitListRow["devices"]): UnitRow["devices"] {
  if (d.sliceProfile !== null) return { text: `${counted(d.sliceCount, "MIG slice")} ${d.sliceProfile}`, shared: null };
  if (d.deviceShare === null) return d.deviceCount === 0 ? null : { text: `${counted(d.deviceCount, "device")}${d.deviceModel === null ? "" : ` ${d.deviceModel}`}`, shared: null };
  const model = d.on?.model || d.deviceModel;
  return { text: `${counted(d.deviceShare, "thousandth")} of ${d.on ? `shared device ${d.on.slot}` : "a device"}${model ? ` (${model})` : ""}`, shared: d.on && { ...d.on, millis: d.deviceShare } };
}

export function nodeView(n: fleetRead.NodeSummaryRow, at: At): NodeRow {
  return {
    id: n.id,
    name: n.name,
    site: n.site,
    siteTitle: n.siteTitle,
    siteKind: n.siteKind,
    jurisdiction: n.jurisdiction,
    state: nodeStateOf({ desiredState: n.desiredState, liveness: livenessAt(n, at), lastSeenMs: n.lastSeenMs, units: n.units, generation: n.generation, nowMs: at.nowMs }),
    desiredState: n.desiredState,
    trustTier: n.trustTier,
    labels: n.labels,
    lastSeenMs: n.lastSeenMs,
    units: intervalOf(n.units),
    cpuMillis: { assigned: n.assigned.cpuMillis, offered: n.offered.cpuMillis },
    memoryBytes: { assigned: n.assigned.memoryBytes, offered: n.offered.memoryBytes },
    cpuShare: n.usage?.cpuShare ?? null,
    memoryUsedBytes: n.usage?.memoryUsedBytes ?? null,
    usageAtMs: n.usage?.atMs ?? null,
    devices: n.devices.map((d) => d.model),
    agentVersion: n.agentVersion,
    rttMs: n.rttMs,
  };
}

const uplinks = ["fiber", "broadband", "lte", "satellite", "none"] as const;

export function siteView(s: fleetRead.SiteSummaryRow, units: Counts, at: At): SiteSummary {
  return {
    id: s.id,
    name: s.name,
    title: s.title,
    kind: s.kind,
    jurisdiction: s.jurisdiction,
    place: s.spec.location?.place ?? null,
    latitude: s.spec.location?.latitude ?? null,
    longitude: s.spec.location?.longitude ?? null,
    uplink: uplinks.find((u) => u === s.spec.uplink?.class) ?? "none",
    timeZone: s.timeZone,
    state: siteStateOf(s.nodes, units, at.nowMs),
    // A node with units that are not well is in contact all the same.
    nodes: { min: s.nodes.healthy + s.nodes.degraded + s.nodes.failing, max: s.nodes.healthy + s.nodes.degraded + s.nodes.failing + s.nodes.silent, total: totalOf(s.nodes), asOfMs: s.nodes.asOfMs },
    units: intervalOf(units),
    lastContactMs: s.lastContactMs,
    cpuMillis: { assigned: s.assigned.cpuMillis, offered: s.offered.cpuMillis },
    memoryBytes: { assigned: s.assigned.memoryBytes, offered: s.offered.memoryBytes },
  };
}
