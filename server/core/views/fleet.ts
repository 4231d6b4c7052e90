import { z } from "zod";
import { siteKinds, uplinkClasses } from "../manifest/site";
import { nodeFacts, nodeUsage } from "../fleet/facts";
import { commandView, healthState, intervalCount, pageOf, stateView, timeMs } from "./common";

export const siteSummary = z.object({
  id: z.string(),
  name: z.string(),
  title: z.string(),
  kind: z.enum(siteKinds),
  jurisdiction: z.string(),
  place: z.string().nullable(),
  latitude: z.number().nullable(),
  longitude: z.number().nullable(),
  uplink: z.enum(uplinkClasses),
  timeZone: z.string(),
  state: stateView,
  nodes: intervalCount.describe("Nodes in contact and healthy."),
  units: intervalCount.describe("Units healthy of those desired."),
  lastContactMs: timeMs.nullable(),
  cpuMillis: z.object({ assigned: z.number(), offered: z.number() }),
  memoryBytes: z.object({ assigned: z.number(), offered: z.number() }),
});
export type SiteSummary = z.infer<typeof siteSummary>;

export const nodeRow = z.object({
  id: z.string(),
  name: z.string(),
  site: z.string(),
  siteTitle: z.string(),
  siteKind: z.enum(siteKinds),
  jurisdiction: z.string(),
  state: stateView,
  desiredState: z.enum(["active", "cordoned", "draining", "decommissioned"]),
  trustTier: z.enum(["none", "software", "tpm"]),
  labels: z.record(z.string(), z.string()),
  lastSeenMs: timeMs.nullable(),
  units: intervalCount,
  cpuMillis: z.object({ assigned: z.number(), offered: z.number() }),
  memoryBytes: z.object({ assigned: z.number(), offered: z.number() }),
  cpuShare: z.number().nullable(),
  memoryUsedBytes: z.number().nullable(),
  usageAtMs: timeMs.nullable(),
  devices: z.array(z.string()),
  agentVersion: z.string().nullable(),
  rttMs: z.number().nullable(),
});
export type NodeRow = z.infer<typeof nodeRow>;
export const nodePage = pageOf(nodeRow);

export const unitRow = z.object({
  assignmentId: z.string(),
  unit: z.string(),
  workload: z.string(),
  node: z.string(),
  site: z.string(),
  siteTitle: z.string(),
  desired: z.object({ action: z.enum(["run", "stop"]), generation: z.int(), sinceMs: timeMs, cause: z.string() }),
  /** What the agent last said; null when it has not spoken of this assignment yet. */
  observed: z
    .object({ generation: z.int(), phase: z.string(), health: z.string(), restarts: z.int(), exitCode: z.int().nullable(), message: z.string(), ports: z.record(z.string(), z.int()), limits: z.string(), cpuMillis: z.number().nullable(), memoryBytes: z.number().nullable(), startedMs: timeMs.nullable(), sinceMs: timeMs, atMs: timeMs })
    .nullable(),
  state: stateView,
  decisionId: z.string().nullable(),
  /** What it holds of accelerators, in words; of a share also which of the devices that its node shares. Null: none. */
  devices: z.object({ text: z.string(), shared: z.object({ slot: z.int(), model: z.string(), millis: z.int() }).nullable() }).nullable().default(null),
});
export type UnitRow = z.infer<typeof unitRow>;
export const unitPage = pageOf(unitRow);

export const certificateView = z.object({ serial: z.string(), notBeforeMs: timeMs, notAfterMs: timeMs, issuedAtMs: timeMs, cause: z.string(), state: z.enum(["current", "expired", "superseded", "revoked"]) });
export const timelineEntry = z.object({ atMs: timeMs, receivedMs: timeMs.nullable(), kind: z.string(), text: z.string(), href: z.string().nullable() });
export type TimelineEntry = z.infer<typeof timelineEntry>;

export const nodeDetail = nodeRow.extend({
  version: z.int(),
  taints: z.array(z.object({ key: z.string(), value: z.string().optional(), effect: z.literal("noSchedule") })),
  desiredReason: z.string().nullable(),
  facts: nodeFacts.nullable(),
  factsAtMs: timeMs.nullable(),
  usage: nodeUsage.nullable(),
  generation: z.object({ desired: z.int(), applied: z.int() }),
  session: z.object({ openedAtMs: timeMs, address: z.string(), gateway: z.string() }).nullable(),
  journalDepth: z.int(),
  firstSeenMs: timeMs.nullable(),
  certificates: z.array(certificateView),
  identityRevoked: z.object({ atMs: timeMs, reason: z.string() }).nullable(),
  unitsHere: z.array(unitRow),
  spells: z.array(z.object({ fromMs: timeMs, toMs: timeMs.nullable(), reportsReceived: z.int(), reportsDropped: z.int(), corrections: z.int() })),
  timeline: z.array(timelineEntry),
  commands: z.array(commandView),
});
export type NodeDetail = z.infer<typeof nodeDetail>;

export const linkView = z.object({
  siteA: z.string(),
  siteB: z.string(),
  latencyMs: z.number(),
  lossPercent: z.number(),
  bandwidthMbps: z.number(),
  pricePerGib: z.number(),
  simulated: z.boolean(),
  state: healthState,
  because: z.string(),
});
export const siteDetail = siteSummary.extend({
  version: z.int(),
  manifestYaml: z.string(),
  /** What it costs here, by its manifest. */
  rates: z.object({ currency: z.string(), cpuHour: z.number(), memoryGiBHour: z.number(), egressGiB: z.number() }).nullable(),
  links: z.array(linkView),
  nodesHere: z.array(nodeRow),
  workloads: z.array(z.object({ name: z.string(), units: intervalCount })),
  timeline: z.array(timelineEntry),
});

export const topologyView = z.object({
  sites: z.array(
    siteSummary.extend({
      /** Every node of the site, by state; `nodesHere` names some of them, those that are not well first. */
      nodeStates: z.record(healthState, z.int()),
      nodesHere: z.array(z.object({ name: z.string(), state: stateView, lastSeenMs: timeMs.nullable(), unitsTotal: z.int(), units: z.array(z.object({ unit: z.string(), workload: z.string(), state: healthState, generation: z.int() })) })),
      /** All units here of the workload that was asked for, by revision and state; null when none was asked for. */
      overlay: z.array(z.object({ generation: z.int(), state: healthState, units: z.int() })).nullable(),
    }),
  ),
  /** Names of the workloads that have units anywhere. */
  workloads: z.array(z.string()),
  links: z.array(linkView.extend({ workloads: z.array(z.string()) })),
  control: z.array(z.object({ site: z.string(), connected: z.int(), total: z.int(), rttMs: z.number().nullable(), state: healthState, because: z.string(), sinceMs: timeMs.nullable() })).describe("The sites' links to the control plane, measured."),
  asOfMs: timeMs,
});
export type TopologyView = z.infer<typeof topologyView>;

export const homeView = z.object({
  needsMe: z.array(z.object({ severity: healthState, text: z.string(), href: z.string(), sinceMs: timeMs.nullable() })),
  nodes: z.record(healthState, z.int()),
  units: z.record(healthState, z.int()),
  unitsReady: intervalCount,
  sites: z.array(siteSummary),
  workloads: z.array(z.object({ name: z.string(), state: stateView, units: intervalCount, requestsPerSecond: z.number().nullable(), accuracy: z.number().nullable(), accuracySample: z.int() })),
  changes: z.array(z.object({ atMs: timeMs, actor: z.string(), text: z.string(), href: z.string().nullable() })),
  asOfMs: timeMs,
});
export type HomeView = z.infer<typeof homeView>;


export const searchHit = z.object({ kind: z.enum(["site", "node", "workload", "unit", "policy", "rollout", "strategy", "analysis", "person"]), name: z.string(), detail: z.string(), href: z.string(), state: healthState.nullable() });
