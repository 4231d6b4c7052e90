/**
 * Words on the wire between agent and gateway, version 1.
 *
 * One WebSocket (subprotocol `holdfast.v1`, mutual TLS, no compression), JSON text frames of at most
 * MAX_FRAME_BYTES. The agent speaks first (`hello`); the gateway answers `welcome` or `refused` and closes.
 * After that:
 *  - gateway → agent: `desired`, always the whole of what should run, with a generation;
 *  - agent → gateway: `observed`, always the whole of what does run, with the generation that is fully applied;
 *  - agent → gateway: `heartbeat`, small and regular, apart from both;
 *  - agent → gateway: `report`, one journal entry (telemetry, events), numbered without gaps for the life of the
 *    agent's identity; the gateway answers `ack` with the highest number that is durably stored;
 *  - each agent message carries `seq`, counting up within the session; the gateway drops what comes out of order.
 * A new session of the same node supersedes the older one, which gets `superseded` and is closed.
 */
import { z } from "zod";
import { sha256Digest } from "../core/base/ids";
import { nodeFacts, nodeUsage } from "../core/fleet/facts";
import { unitTemplate } from "../core/manifest/workload";

export const PROTOCOL = "holdfast.v1";
export const PROTOCOL_MINOR = 2;
/**
 * Oldest agent that is served. What a later minor version added has a default here, so that messages of all older ones
 * still parse (server/protocol/fixtures/v1). Minor 1: `hello.fresh`, `heartbeat.rttMs`, `unitStatus.exitSignal`,
 * `desired.endpoints`. Minor 2: `unitSpec.trial`, `unitStatus.trial`, `reportBody.receipts`, `desired.routes`. An agent below minor 2
 * switches without a way back by itself, and never says that it is armed.
 */
export const OLDEST_PROTOCOL_MINOR = 0;
export { nodeFacts, nodeUsage };
export type { NodeFacts, NodeUsage } from "../core/fleet/facts";
export const MAX_FRAME_BYTES = 1_048_576;

const seq = z.int().min(0);
const atMs = z.int().min(0).describe("Unix time in ms by the sender's clock.");

// ── units ────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Devices of a unit. Whole ones: `count` of a model, null for any. A share: `shareMillis` thousandths of one device, which
 * is number `slot` of those that the node shares and was opened for `slotModel` ("" is any); units of one slot are on one
 * device. MIG slices: `count` of the profile `slice`. Which real devices these are, the agent decides.
 */
export const unitDevices = z.object({ count: z.int().min(1), model: z.string().nullable(), shareMillis: z.int().min(1).max(999).nullable(), slot: z.int().min(1).nullable(), slotModel: z.string().nullable(), slice: z.string().nullable() });
export type UnitDevices = z.infer<typeof unitDevices>;

/**
 * A switch on trial (the dead-man switch): unless a later desired state says otherwise by `returnAtMs`, the agent goes
 * back to `previous` by itself, whether or not it can reach anybody. `returnAtMs` is Unix ms by the gateway's clock; the
 * agent converts it with the offset that `welcome.serverTimeMs` told, and keeps a monotonic bound besides.
 */
export const unitTrial = z.object({
  rollout: z.string(),
  /** Counts up when a unit that went back is to try again: a later deadline alone does not move it. */
  attempt: z.int().min(1).default(1),
  returnAtMs: z.int().min(0),
  previous: z.object({
    generation: z.int(),
    revisionDigest: z.string(),
    template: unitTemplate,
    /** As `unitSpec.environment`: secrets filled in, sealed on the agent's disk. */
    environment: z.record(z.string(), z.string()),
    workloadKind: z.enum(["service", "inference", "batch", "daemon"]),
    devices: unitDevices.nullish(),
  }),
});
export type UnitTrial = z.infer<typeof unitTrial>;

/** One unit as it should be. `assignmentId` names the assignment, `unit` is its name for people ("digits-3"). */
export const unitSpec = z.object({
  assignmentId: z.string(),
  unit: z.string(),
  workload: z.string(),
  project: z.string(),
  generation: z.int(),
  revisionDigest: z.string(),
  /** "run", or "stop": drain and stay stopped until the assignment disappears from the desired state. */
  action: z.enum(["run", "stop"]),
  template: unitTemplate,
  /** Environment with secrets filled in; over mutual TLS only, never logged, encrypted in the agent's state file. */
  environment: z.record(z.string(), z.string()),
  /** "service" and "inference" are restarted always; "batch" runs to completion. */
  workloadKind: z.enum(["service", "inference", "batch", "daemon"]),
  /** Absent from a gateway that does not know them, or null: none. */
  devices: unitDevices.nullish(),
  /** Null: the revision is to stay; for one that was on trial, that is the order to keep it. */
  trial: unitTrial.nullable().default(null),
});
export type UnitSpec = z.infer<typeof unitSpec>;

export const unitPhases = ["pending", "fetching", "starting", "running", "stopping", "stopped", "succeeded", "failed", "backoff"] as const;
export const unitHealths = ["unknown", "starting", "healthy", "unhealthy"] as const;

/**
 * How a switch on trial stands. `armed`: the way back is ready and its deadline noted on disk; only then is the unit
 * switched. `refused`: the switch was not made, because the way back could not be made ready (`refusal`; the agent keeps
 * trying until the deadline). `returned`: the deadline passed, and the agent went back (or never switched).
 */
export const trialStates = ["armed", "returned", "refused"] as const;
export const trialRefusals = ["previous_unavailable", "not_saved"] as const;
export const unitTrialStatus = z.object({
  rollout: z.string(),
  attempt: z.int().min(1).default(1),
  state: z.enum(trialStates),
  returnAtMs: z.int().min(0),
  /** When it came into this state, by the agent's clock. */
  atMs,
  refusal: z.object({ code: z.enum(trialRefusals), message: z.string().max(2_000) }).nullable().default(null),
});
export type UnitTrialStatus = z.infer<typeof unitTrialStatus>;

/** One unit as the agent sees it. During an update there may be two: old (stopping) and new. */
export const unitStatus = z.object({
  assignmentId: z.string(),
  unit: z.string(),
  generation: z.int(),
  revisionDigest: z.string(),
  phase: z.enum(unitPhases),
  health: z.enum(unitHealths),
  pid: z.int().nullable(),
  startedAtMs: z.int().nullable(),
  restarts: z.int(),
  exitCode: z.int().nullable(),
  exitSignal: z.string().nullable().default(null),
  message: z.string().max(2_000),
  ports: z.record(z.string(), z.int()),
  limits: z.enum(["cgroup2", "cgroup1", "rlimit", "none"]),
  cpuMillisUsed: z.number().nullable(),
  memoryBytesUsed: z.number().nullable(),
  sinceMs: z.int(),
  trial: unitTrialStatus.nullable().default(null),
});
export type UnitStatus = z.infer<typeof unitStatus>;

/** A place where a service answers, as other nodes of the site and the local clients are told. */
export const endpoint = z.object({
  service: z.string(),
  unit: z.string(),
  assignmentId: z.string(),
  node: z.string(),
  site: z.string(),
  generation: z.int(),
  address: z.string(),
  port: z.int(),
  portName: z.string(),
});
export type Endpoint = z.infer<typeof endpoint>;

/** How requests to a service are divided at a site, by whatever routes them there: `TrafficAdapter` in agent/router. */
export const routeSpec = z.object({
  /** Share of each revision; relative. A revision that is not named gets nothing while a named one answers. Empty: all endpoints alike. */
  weights: z.array(z.object({ generation: z.int(), weight: z.number().min(0).max(100) })).max(20).default([]),
  /** Requests with the same value of this header or cookie go to the same revision, and the same endpoint while it is there. */
  sticky: z.object({ by: z.enum(["header", "cookie"]), name: z.string().min(1).max(100) }).nullable().default(null),
  /** Of requests that may be repeated: attempts beside the first, and how many percent of all requests may be such attempts. */
  retries: z.object({ attempts: z.int().min(0).max(3), budgetPercent: z.number().min(0).max(100) }).default({ attempts: 1, budgetPercent: 20 }),
  /** So many percent of requests are also sent to this revision; it is measured, its answers are discarded. */
  shadow: z.object({ generation: z.int(), percent: z.number().min(0).max(100) }).nullable().default(null),
  /** `local`: this node's own endpoints as long as there are any; `site`: all of the site alike. */
  spread: z.enum(["site", "local"]).default("site"),
  timeoutMs: z.int().min(1).max(3_600_000).default(30_000),
});
export type RouteSpec = z.infer<typeof routeSpec>;
export const route = routeSpec.extend({ service: z.string(), portName: z.string() });
export type Route = z.infer<typeof route>;

// ── reports: what is kept in the journal while cut off ───────────────────────────────────────────────────────────

/** Requests of one unit within one minute. `sketch` is the base64 of core/telemetry's mergeable latency sketch. */
export const requestMinute = z.object({ assignmentId: z.string(), workload: z.string(), generation: z.int(), minuteMs: z.int(), count: z.int(), errors: z.int(), sketch: z.string() });
export const prediction = z.object({ id: z.string().max(100), assignmentId: z.string(), workload: z.string(), generation: z.int(), atMs, predicted: z.string().max(100), confidence: z.number().nullable() });
export const label = z.object({ id: z.string().max(100), workload: z.string(), atMs, label: z.string().max(100) });
export const unitUsage = z.object({ assignmentId: z.string(), atMs, cpuMillis: z.number().nullable(), memoryBytes: z.number().nullable() });
export const nodeEvent = z.object({ atMs, kind: z.enum(["agent.started", "agent.reconnected", "unit.started", "unit.exited", "unit.healthy", "unit.unhealthy", "unit.oomKilled", "unit.adopted", "journal.dropped", "artifact.failed"]), assignmentId: z.string().nullable(), unit: z.string().nullable(), message: z.string().max(2_000) });

export const receiptKinds = ["switched", "kept", "returned", "rolledBack"] as const;
export const receiptCauses = ["ordered", "deadline"] as const;
/** Largest time that both JavaScript's Date and PostgreSQL's timestamptz hold. */
const MAX_TIME_MS = 8_640_000_000_000_000;
/**
 * What a node says of a unit on trial, signed with its own private key (the one its certificate is for). A receipt is
 * written once the revision it names answers healthy and nothing else of the unit runs any more. `number` counts up for
 * the life of the node's identity, so that none counts twice. See receipt.ts for what is signed.
 */
export const receipt = z.object({
  number: z.int().min(1),
  rollout: z.string().max(200),
  assignmentId: z.string().max(200),
  unit: z.string().max(200),
  node: z.string().max(200),
  generation: z.int().min(0).max(2_147_483_647),
  revisionDigest: z.string().max(200),
  /** Digests of the artifacts that the unit runs with, in the order of its template. */
  artifacts: z.array(z.string().max(200)).max(100),
  /** `switched`: runs the new revision, armed. `kept`: was told to keep it. `returned`: went back by itself. `rolledBack`: was told to. */
  what: z.enum(receiptKinds),
  cause: z.enum(receiptCauses),
  atMs: z.int().min(0).max(MAX_TIME_MS),
  /** ECDSA P-256 with SHA-256, r and s side by side (IEEE P1363, 64 bytes) in base64. */
  signature: z.string().max(200),
});
export type Receipt = z.infer<typeof receipt>;

export const reportBody = z.object({
  usage: z.array(nodeUsage).max(600),
  unitUsage: z.array(unitUsage).max(5_000),
  requests: z.array(requestMinute).max(2_000),
  predictions: z.array(prediction).max(5_000),
  labels: z.array(label).max(5_000),
  events: z.array(nodeEvent).max(1_000),
  receipts: z.array(receipt).max(1_000).default([]),
});
export type ReportBody = z.infer<typeof reportBody>;

// ── agent → gateway ──────────────────────────────────────────────────────────────────────────────────────────────

export const hello = z.object({
  type: z.literal("hello"),
  seq,
  protocolMinor: z.int(),
  agentVersion: z.string(),
  facts: nodeFacts,
  /** Generation of the desired state last fully applied; 0 for none. */
  appliedGeneration: z.int(),
  /** Reports waiting in the journal: numbers from..to, and how many were dropped because it was full. */
  journal: z.object({ from: z.int(), to: z.int(), dropped: z.int() }),
  /** True when the agent keeps no state from before (new or erased). */
  fresh: z.boolean().default(false),
});
export const observed = z.object({ type: z.literal("observed"), seq, atMs, appliedGeneration: z.int(), receivedGeneration: z.int(), units: z.array(unitStatus) });
export const heartbeat = z.object({ type: z.literal("heartbeat"), seq, atMs, appliedGeneration: z.int(), journalDepth: z.int(), rttMs: z.number().nullable().default(null) });
export const factsChanged = z.object({ type: z.literal("facts"), seq, facts: nodeFacts });
export const report = z.object({ type: z.literal("report"), seq, number: z.int().min(1), atMs, body: reportBody });
export const logChunk = z.object({
  type: z.literal("log"),
  seq,
  requestId: z.string(),
  /** Byte offset in the unit's log of the first byte in `text`. */
  offset: z.int(),
  text: z.string().max(262_144),
  end: z.boolean(),
  /** Why it ended, when it did not end by itself. */
  error: z.string().nullable(),
});
export const pong = z.object({ type: z.literal("pong"), seq, nonce: z.string() });
export const agentMessage = z.discriminatedUnion("type", [hello, observed, heartbeat, factsChanged, report, logChunk, pong]);
export type AgentMessage = z.infer<typeof agentMessage>;

// ── gateway → agent ──────────────────────────────────────────────────────────────────────────────────────────────

export const welcome = z.object({
  type: z.literal("welcome"),
  sessionId: z.string(),
  protocolMinor: z.int(),
  node: z.string(),
  site: z.string(),
  project: z.string(),
  heartbeatMs: z.int(),
  /** Highest report number that is durably stored: the agent may forget up to it. */
  reportsStoredTo: z.int(),
  serverTimeMs: z.int(),
});
/** Everything that should be on the node, and the endpoints of its site. Always the whole, never a step. */
export const desired = z.object({ type: z.literal("desired"), generation: z.int(), digest: z.string(), resync: z.boolean(), units: z.array(unitSpec), endpoints: z.array(endpoint).default([]), routes: z.array(route).default([]) });
export const ack = z.object({ type: z.literal("ack"), reportsStoredTo: z.int() });
export const logOpen = z.object({ type: z.literal("logOpen"), requestId: z.string(), assignmentId: z.string(), tailBytes: z.int().min(0).max(262_144), follow: z.boolean(), maxBytesPerSecond: z.int() });
export const logClose = z.object({ type: z.literal("logClose"), requestId: z.string() });
export const ping = z.object({ type: z.literal("ping"), nonce: z.string() });
export const superseded = z.object({ type: z.literal("superseded"), message: z.string() });
/** The gateway's typed refusal; the socket closes after it unless `fatal` is false. */
export const refused = z.object({
  type: z.literal("refused"),
  code: z.enum(["protocol_version", "malformed", "too_large", "out_of_order", "revoked", "expired", "unknown_node", "not_first", "rate_limited", "shutting_down", "internal"]),
  message: z.string(),
  remedy: z.string(),
  fatal: z.boolean(),
  retryAfterMs: z.int().nullable(),
});
export const gatewayMessage = z.discriminatedUnion("type", [welcome, desired, ack, logOpen, logClose, ping, superseded, refused]);
export type GatewayMessage = z.infer<typeof gatewayMessage>;
export type Desired = z.infer<typeof desired>;

// ── enrolment and renewal: HTTPS on the same port ────────────────────────────────────────────────────────────────

/** `POST /v1/enrol` over server-authenticated TLS. The request's key is the node's for life. */
export const enrolRequest = z.object({ token: z.string().min(1).max(200), nodeName: z.string().max(63).optional(), csr: z.string().max(20_000).describe("PKCS#10 in PEM, P-256.") });
export const certificateResponse = z.object({ certificate: z.string().describe("PEM, one hour."), authority: z.string().describe("PEM bundle of the authorities to trust."), node: z.string(), nodeId: z.string(), site: z.string(), project: z.string(), renewAfterMs: z.int().describe("How long to wait before renewing, from now."), notAfterMs: z.int().describe("Unix time at which the certificate ends.") });
/** `POST /v1/renew` over mutual TLS with the current or an expired, unrevoked certificate; the request must carry the same key. */
export const renewRequest = z.object({ csr: z.string().max(20_000) });
export const gatewayError = z.object({ error: z.object({ code: z.string(), message: z.string(), remedy: z.string(), field: z.string().optional() }) });

/** `GET /v1/artifacts/{digest}` over mutual TLS: `Range: bytes=N-` resumes; the body's SHA-256 is the digest. */
export const artifactPath = (digest: string) => `/v1/artifacts/${encodeURIComponent(digest)}`;
export const artifactDigest = sha256Digest;
