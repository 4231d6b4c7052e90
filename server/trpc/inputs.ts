import { z } from "zod";
import { manifestKinds } from "../core/manifest";
import { measuredMetrics } from "../core/manifest/analysis";
import { dnsLabel, sha256Digest } from "../core/base/ids";
import { hookFormats } from "../core/hooks";
import { role } from "../core/access/permissions";
import { healthState, pageInput } from "../core/views/common";
import { timeRange } from "../core/views/telemetry";

/**
 * What each procedure takes, besides `project`. The schemas stand apart from the routers so that features, screens
 * and the CLI can speak of one input by one name (`Input<"nodes">`).
 */
const reason = z.string().trim().min(3, "say why in at least 3 characters").max(500);
const version = z.int().min(0);
const name = z.string().min(1).max(200);
const id = z.string().min(1).max(200);
const q = z.string().max(500).optional();
const manifestText = z.string().min(1).max(1_048_576);
const demand = z.object({ cpuMillis: z.int().min(0).max(1_024_000), memoryBytes: z.int().min(0), diskBytes: z.int().min(0).default(0), devices: z
    .object({ count: z.int().min(1).max(64).default(1), model: z.string().max(100).nullable().default(null), shareMillis: z.int().min(1).max(999).optional() })
    .refine((d) => d.shareMillis === undefined || d.count === 1, { path: ["shareMillis"], message: "A share is of one device: set count to 1, or leave shareMillis out." })
    .nullable().default(null),
});
const repairFor = { workload: name.optional(), shape: demand.optional(), count: z.int().min(1).max(1_000).optional() };
const inputs = {
  none: z.object({}),
  byName: z.object({ name }),
  byId: z.object({ id }),
  search: z.object({ q: z.string().max(200) }),

  nodes: pageInput.extend({ q, site: name.optional(), state: healthState.optional(), sort: z.enum(["name", "site", "state", "lastSeen", "cpu", "memory", "-name", "-site", "-state", "-lastSeen", "-cpu", "-memory"]).optional() }),
  nodeCommand: z.object({ name, version, reason }),
  siteCommand: z.object({ name, reason }),
  topology: z.object({ workload: name.optional() }),
  units: pageInput.extend({ workload: name.optional(), node: name.optional(), site: name.optional(), state: healthState.optional() }),
  unit: z.object({ assignmentId: id }),
  createJoinToken: z.object({ site: name, labels: z.record(z.string().max(63), z.string().max(253)).optional() }),
  revokeNode: z.object({ name, reason }),

  validate: z.object({ text: manifestText }),
  apply: z.object({ text: manifestText, dryRun: z.boolean().default(false), reason: reason.optional(), expectVersion: version.optional() }),
  objects: pageInput.extend({ kind: z.enum(manifestKinds).optional(), q }),
  object: z.object({ kind: z.enum(manifestKinds), name }),
  removeObject: z.object({ kind: z.enum(manifestKinds), name, reason: reason.optional(), dryRun: z.boolean().default(false) }),

  workloads: pageInput.extend({ q }),
  revision: z.object({ name, generation: z.int().min(1) }),
  scale: z.object({ name, replicas: z.int().min(0).max(100_000), version, reason: reason.optional() }),
  rollBackTo: z.object({ name, generation: z.int().min(1), reason }),
  liftHold: z.object({ name, generation: z.int().min(1), reason }),

  matches: z.object({ selector: z.string().max(2_000).optional(), policyText: manifestText.optional() }),
  decisions: pageInput.extend({ workload: name.optional(), unit: name.optional() }),
  explain: z.object({ unit: name, whyNot: name.optional().describe("A node: what would have to change for the unit to go there instead.") }),
  whyNot: z.object({ unit: name, node: name.optional().describe("The node it is asked about; without one: why the unit is nowhere.") }),
  preview: z
    .object({ text: manifestText.optional(), drainSite: name.optional(), drainNode: name.optional(), loseSite: name.optional(), loseNode: name.optional(), loseLink: z.object({ a: name, b: name }).optional(), price: z.object({ site: name, cpuHour: z.number().min(0).optional(), memoryGiBHour: z.number().min(0).optional(), egressGiB: z.number().min(0).optional() }).optional() })
    .refine((c) => Object.values(c).some((x) => x !== undefined), "say what would change: text, drainSite, drainNode, loseSite, loseNode, loseLink or price"),
  replay: z.object({ text: manifestText.optional(), limit: z.int().min(1).max(5_000).default(1_000) }),

  capacity: z.object({ site: name.optional(), shape: demand.optional(), cursor: z.string().max(500).nullish(), limit: z.int().min(1).max(1_000).default(500) }),
  repairPlan: z.object(repairFor).refine((x) => (x.workload === undefined) !== (x.shape === undefined), "name a workload that waits, or say what a unit asks for"),
  repairRun: z.object({ ...repairFor, digest: sha256Digest, reason }).refine((x) => (x.workload === undefined) !== (x.shape === undefined), "name a workload that waits, or say what a unit asks for"),

  rollouts: pageInput.extend({ workload: name.optional(), open: z.boolean().optional() }),
  byNumber: z.object({ number: z.int().min(1) }),
  rolloutAnalysis: z.object({ number: z.int().min(1), bundle: z.string().max(100).optional() }),
  rolloutBundle: z.object({ number: z.int().min(1), digest: z.string().max(100) }),
  rolloutPreview: z.object({ workload: name, generation: z.int().min(1).optional(), text: manifestText.optional(), strategy: name }),
  rolloutCreate: z.object({ workload: name, generation: z.int().min(1), strategy: name, reason }),
  freeze: z.object({ site: name.optional(), reason }),
  thaw: z.object({ id, reason }),
  abortAll: z.object({ reason }),
  breakGlass: z.object({ number: z.int().min(1), reason, minutes: z.int().min(1).max(240).default(60) }),
  reviewGlass: z.object({ id, remark: z.string().trim().min(3, "say why in at least 3 characters").max(1_000) }),
  rolloutCommand: z.object({ number: z.int().min(1), version, reason }),
  approvals: pageInput.extend({ state: z.enum(["pending", "approved", "rejected", "void", "expired"]).optional() }),
  decide: z.object({ id, planDigest: z.string().min(1).max(200), decision: z.enum(["approve", "reject"]), remark: z.string().trim().min(3, "say why in at least 3 characters").max(1_000) }),

  nodeCharts: z.object({ name, range: timeRange }),
  workloadCharts: z.object({ name, range: timeRange, metric: z.enum([...measuredMetrics]).optional(), by: z.enum(["revision", "site"]).default("revision") }),
  unitCharts: z.object({ assignmentId: id, range: timeRange }),
  logsOpen: z.object({ assignmentId: id, tailBytes: z.int().min(0).max(1_048_576).default(65_536), follow: z.boolean().default(false) }),
  logsRead: z.object({ requestId: id, afterSeq: z.int().min(-1).default(-1) }),

  byDigest: z.object({ digest: z.string().min(1).max(200) }),
  setSecret: z.object({ name: dnsLabel, value: z.string().min(1).max(65_536) }),

  auditList: pageInput.extend({ actor: z.string().max(200).optional(), action: z.string().max(100).optional(), object: z.string().max(300).optional(), outcome: z.enum(["done", "refused"]).optional(), fromMs: z.int().optional(), toMs: z.int().optional() }),
  auditGet: z.object({ seq: z.string().regex(/^\d{1,19}$/, "the number of an entry") }),

  hookCreate: z.object({ name: dnsLabel, url: z.string().trim().min(1).max(2_000), format: z.enum(hookFormats), events: z.array(z.string().max(100)).min(1).max(100) }),
  hookUpdate: z.object({ name, version, url: z.string().trim().min(1).max(2_000).optional(), format: z.enum(hookFormats).optional(), events: z.array(z.string().max(100)).min(1).max(100).optional(), state: z.enum(["active", "off"]).optional() }),
  hookDeliveries: pageInput.extend({ name, state: z.enum(["waiting", "delivered", "dead"]).optional() }),
  hookSendAgain: z.object({ name, delivery: z.string().regex(/^\d{1,19}$/, "the number of a delivery").optional() }),

  invite: z.object({ login: z.string().trim().min(2).max(120), role }),
  setRoles: z.object({ id, version, roles: z.array(role).max(5), everywhere: z.boolean().default(false).describe("Roles for the whole installation instead of this project.") }),
  personCommand: z.object({ id, version, reason: reason.optional() }),
  createToken: z.object({ name: dnsLabel, role, expiresInDays: z.int().min(1).max(366).default(90) }),
  setIdentityProvider: z.object({ name: z.string().trim().min(1).max(60), issuer: z.url({ protocol: /^https?$/ }).max(500), clientId: z.string().min(1).max(300), clientSecret: z.string().min(1).max(2_000).optional(), remove: z.boolean().default(false) }),
  changePassword: z.object({ current: z.string().max(1_000), next: z.string().max(1_000) }),
  signIn: z.object({ login: z.string().max(200), password: z.string().max(1_000) }),
  acceptInvitation: z.object({ token: z.string().max(200), name: z.string().trim().min(1).max(120), password: z.string().max(1_000) }),
  pilotReport: z.object({ state: z.enum(["starting", "ready", "stopping", "failing"]), note: z.string().max(2_000).default("") }),
} as const;

export { inputs };
export type InputName = keyof typeof inputs;
/** The parsed input of a procedure, with defaults filled in. */
export type Input<N extends InputName> = z.output<(typeof inputs)[N]>;
