/**
 * A placement problem as a file, and its answer: what `holdfast place --case FILE` reads and writes. Offline and pure: the
 * scheduler's own plans over nodes, units, policies and quotas that are all in the file.
 */
import { z } from "zod";
import { dnsLabel } from "../../base/ids";
import { parseDurationMs } from "../../base/duration";
import { byteSize, labels, parseBytes } from "../../manifest/common";
import { placementPolicySpec } from "../../manifest/placement-policy";
import { quotaSpec } from "../../manifest/quota";
import { devicesWanted, workloadSpec } from "../../manifest/workload";
import { selectorSubject } from "../../selector/attributes";
import { compileSelector } from "../../selector/compile";

const name = z.string().min(1).max(200);

const caseNode = z.strictObject({
  name,
  site: name.default("here"),
  siteKind: z.string().default("on-prem"),
  jurisdiction: z.string().default("DE"),
  arch: z.string().default("x64"),
  os: z.string().default("linux"),
  engines: z.array(z.string()).default(["process"]),
  trustTier: z.enum(["none", "software", "tpm"]).default("software"),
  labels: labels.default({}),
  taints: z.array(z.strictObject({ key: z.string(), value: z.string().optional() })).default([]),
  state: z.enum(["active", "cordoned", "draining", "decommissioned"]).default("active"),
  silentForMs: z.int().min(0).optional().describe("Out of contact for so long; absent: in contact."),
  cpuMillis: z.int().min(0).describe("What it offers, in thousandths of a core."),
  memory: byteSize.default("0"),
  disk: byteSize.default("0"),
  devices: z.record(z.string(), z.int().min(0)).default({}).describe("Accelerators by model, those in MIG mode left out."),
  slices: z.record(z.string(), z.int().min(0)).default({}).describe("MIG slices by profile, such as 1g.10gb."),
  rates: z.strictObject({ currency: z.string().default("EUR"), cpuHour: z.number().min(0).default(0), memoryGiBHour: z.number().min(0).default(0), egressGiB: z.number().min(0).default(0).describe("Per GiB that leaves the site.") }).prefault({}),
  warm: z.array(z.string()).default([]).describe("Digests of artifacts that it has."),
});

const caseWorkload = z.strictObject({
  name: dnsLabel,
  kind: workloadSpec.shape.kind.default("service"),
  replicas: workloadSpec.shape.replicas.describe("How many units it should have: those that are not among units are asked for."),
  cpuMillis: z.int().min(0).max(1_024_000).default(0),
  memory: byteSize.default("0"),
  disk: byteSize.default("0"),
  devices: devicesWanted.optional(),
  artifacts: z.array(z.string()).default([]).describe("Digests of what it needs, for the preference warm."),
  policy: name.optional(),
  selector: workloadSpec.shape.selector,
  platform: workloadSpec.shape.platform,
  priority: workloadSpec.shape.priority,
  preemption: workloadSpec.shape.preemption,
  quota: name.optional(),
  gang: workloadSpec.shape.gang,
  duration: workloadSpec.shape.duration,
  disruption: workloadSpec.shape.disruption,
  affinity: workloadSpec.shape.affinity,
  traffic: workloadSpec.shape.traffic,
  lostAfter: z.string().default("never").describe('Replaces units of nodes that are silent for longer, such as "10m".'),
});

export const placementCase = z.strictObject({
  $schema: z.string().optional(),
  nodes: z.array(caseNode).max(200_000),
  workloads: z.array(caseWorkload).max(20_000).describe("What should run: the asks."),
  units: z.array(z.strictObject({ unit: name, workload: name, node: name, startedAtMs: z.number().default(0), healthy: z.boolean().default(true) })).max(2_000_000).default([]).describe("What runs already. Units are called WORKLOAD-NUMBER."),
  policies: z.record(z.string(), placementPolicySpec).default({}),
  quotas: z.record(z.string(), quotaSpec).default({}),
  links: z.array(z.strictObject({ a: name, b: name, latencyMs: z.number().min(0) })).max(20_000).default([]).describe("Between sites, both ways: round trip, for the preference latency."),
  nowMs: z.number().default(0),
  rounds: z.int().min(1).max(1_000).default(60).describe("Looks at each workload at most, with agents that do what they are asked in between. With 1 the first plan is the answer."),
});
export type PlacementCase = z.infer<typeof placementCase>;

/** The published JSON Schema of a case. */
export const placementCaseSchema = (): object => ({ $id: "https://holdfast.dev/schema/place-case.json", title: "Holdfast placement case", ...(z.toJSONSchema(placementCase, { io: "input", target: "draft-2020-12", unrepresentable: "any" }) as object) });

export const caseDuration = (text: string): number | null => (text === "never" ? null : parseDurationMs(text));
export const compiles = (text: string): string | null => {
  const r = compileSelector(text);
  return r.ok ? null : `${r.error.message} ${r.error.remedy}`;
};
export const caseSubject = (n: PlacementCase["nodes"][number]) =>
  selectorSubject(
    { name: n.site, title: n.site, kind: n.siteKind, jurisdiction: n.jurisdiction, uplink: "fiber", metered: false, place: "", timeZone: "UTC", labels: {} },
    { name: n.name, labels: n.labels, arch: n.arch, os: n.os, cpuMillis: n.cpuMillis, memoryMiB: parseBytes(n.memory) / 2 ** 20, diskMiB: parseBytes(n.disk) / 2 ** 20, trustTier: n.trustTier, engines: n.engines, devices: Object.entries(n.devices).flatMap(([model, count]) => Array.from({ length: count }, () => ({ vendor: "", model, memoryMiB: 0 }))) },
  );
