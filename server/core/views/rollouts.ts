import { z } from "zod";
import { changeView, commandView, healthState, pageOf, stateView, timeMs } from "./common";

export const rolloutRow = z.object({
  id: z.string(),
  number: z.int(),
  workload: z.string(),
  fromGeneration: z.int(),
  toGeneration: z.int(),
  phase: z.string().describe("A phase of core/rollout/lifecycle."),
  phaseLabel: z.string(),
  final: z.boolean(),
  state: healthState,
  reason: z.string(),
  wave: z.object({ index: z.int(), count: z.int(), name: z.string() }),
  targets: z.object({ total: z.int(), updated: z.int(), healthy: z.int(), failing: z.int(), silent: z.int() }),
  author: z.string(),
  createdAtMs: timeMs,
  updatedAtMs: timeMs,
  endedAtMs: timeMs.nullable(),
});
export type RolloutRow = z.infer<typeof rolloutRow>;
export const rolloutPage = pageOf(rolloutRow);

/** How a target stands in the rollout, apart from its health. */
export const targetClass = z.enum(["waiting", "asked", "updated", "silent", "lost", "returned", "pinned", "excluded", "back", "flapping", "contradicted"]);
export const targetView = z.object({
  unit: z.string(),
  assignmentId: z.string(),
  node: z.string(),
  site: z.string(),
  siteTitle: z.string(),
  wave: z.int(),
  desiredGeneration: z.int(),
  observedGeneration: z.int().nullable(),
  state: stateView,
  observedAtMs: timeMs.nullable(),
  class: targetClass.default("waiting").describe("lost: silent since it was asked, for longer than the strategy allows; returned: went back by itself; pinned: its site was sent back within this rollout."),
  /** The dead-man switch: until when the unit keeps the new revision without hearing a verdict. */
  trial: z.object({ state: z.enum(["ordered", "armed", "returned", "refused"]), returnAtMs: timeMs, atMs: timeMs.nullable() }).nullable().default(null),
  doubt: z.string().nullable().default(null).describe("What contradicts its agent's word; null when nothing does."),
  pinned: z.string().nullable().default(null).describe("Why its site was sent back; null when it was not."),
});
export const metricEvidence = z.object({
  name: z.string(),
  metric: z.string(),
  limit: z.string().describe("In words and figures, such as 'at least 0.90, and no more than 0.02 below stable'."),
  outcome: z.enum(["pass", "fail", "notEnough", "missing"]),
  sentence: z.string(),
  canary: z.object({ value: z.number().nullable(), sample: z.int() }),
  stable: z.object({ value: z.number().nullable(), sample: z.int() }),
  bySite: z.array(z.object({ site: z.string(), canary: z.number().nullable(), canarySample: z.int(), stable: z.number().nullable(), stableSample: z.int() })),
});
const outcome = z.enum(["promote", "hold", "rollBack", "notEnoughEvidence"]);

/** One kind of evidence at one site or at all: e-values, sample, effect with the interval that holds at all times. */
export const kindEvidenceView = z.object({
  kind: z.enum(["errors", "latency", "tail", "reporting", "accuracy"]),
  role: z.enum(["critical", "counts", "dryRun", "off"]),
  against: z.number().describe("E-value against 'not worse than the margin'."),
  notWorse: z.number().describe("E-value for 'not worse'."),
  sample: z.object({ canary: z.number(), stable: z.number() }),
  effect: z.object({ scale: z.string(), value: z.number().nullable(), low: z.number().nullable(), high: z.number().nullable() }),
  margin: z.number(),
  baseline: z.enum(["concurrent", "history", "none"]),
  missing: z.string().nullable(),
});
export const siteEvidenceView = z.object({
  site: z.string(),
  weight: z.number(),
  against: z.number(),
  guilty: z.boolean(),
  reported: z.object({ minutes: z.number(), of: z.number() }),
  silentSinceMs: timeMs.nullable(),
  kinds: z.array(kindEvidenceView),
});
/** What the anytime-valid judge says beyond the sentence. */
export const sequentialView = z.object({
  against: z.number(),
  limit: z.number().describe("The e-value at which the canary is rolled back."),
  promoteAt: z.number().describe("The e-value for 'not worse' at which a kind is satisfied."),
  kinds: z.array(kindEvidenceView),
  sites: z.array(siteEvidenceView),
  guilty: z.array(z.string()),
  coverage: z.number().describe("Share of the traffic at sites that reported enough, 0..1."),
  completion: z.object({ best: outcome, worst: outcome, withheldBy: z.array(z.string()) }),
  decided: z.boolean().describe("No completion of what silent sites withhold gives another verdict."),
  earliestAtMs: timeMs.nullable(),
});
export const verdictView = z.object({
  verdict: outcome,
  sentence: z.string(),
  atMs: timeMs,
  fromMs: timeMs,
  toMs: timeMs,
  metrics: z.array(metricEvidence),
  silentTargets: z.int(),
  judge: z.string().default("thresholds").describe("Kind of the template: thresholds, sequential, kayenta, argo or flagger."),
  template: z.string().default(""),
  sequential: sequentialView.nullable().default(null),
  /** The inputs of this verdict, kept; `holdfast rollout verdict --bundle` recomputes it from them. */
  bundleDigest: z.string().nullable().default(null),
});
export type VerdictView = z.infer<typeof verdictView>;

/** Who has to agree at a gate, and who did. */
export const gateGroupView = z.object({ name: z.string(), who: z.string().describe("In words, such as 'role approver' or 'grace or linus'."), needed: z.int(), given: z.array(z.object({ by: z.string(), atMs: timeMs, remark: z.string() })) });
export const stepView = z.object({
  index: z.int(),
  text: z.string(),
  kind: z.string(),
  state: z.enum(["done", "current", "waiting", "skipped"]),
  note: z.string(),
  /** Of approval steps: whether it stands before the wave's first unit, between, or after its last. */
  gate: z.object({ name: z.string(), at: z.enum(["before", "between", "after"]), groups: z.array(z.object({ name: z.string(), who: z.string(), needed: z.int() })) }).nullable().default(null),
});
export const waveView = z.object({
  index: z.int(),
  name: z.string(),
  selector: z.string().nullable(),
  offline: z.string(),
  steps: z.array(stepView),
  targets: z.array(targetView),
  state: z.enum(["done", "current", "waiting"]),
  /** Names of the waves that have to be done first: the edges of the graph. */
  after: z.array(z.string()).default([]),
  blocking: z.boolean().default(true),
  remainder: z.boolean().default(false).describe("Takes all units that no wave before it took."),
  exclude: z.string().nullable().default(null),
  window: z.object({ text: z.string(), openSites: z.array(z.string()), closedSites: z.array(z.object({ site: z.string(), opensAtMs: timeMs.nullable() })) }).nullable().default(null),
});

/** Exactly what is approved: its digest is what the approval is bound to. */
export const approvablePlan = z.object({
  workload: z.string(),
  fromGeneration: z.int(),
  toGeneration: z.int(),
  toDigest: z.string(),
  artifacts: z.array(z.object({ name: z.string(), digest: z.string(), title: z.string() })),
  policy: z.object({ name: z.string(), digest: z.string() }).nullable(),
  gate: z.string(),
  waves: z.array(z.object({ name: z.string(), targets: z.array(z.object({ unit: z.string(), node: z.string(), site: z.string() })), steps: z.array(z.string()) })),
  window: z.object({ fromMs: timeMs, toMs: timeMs }),
  changes: z.array(changeView),
  /** Digest of the evidence that the approver was shown; null when nothing was measured yet. */
  evidenceDigest: z.string().nullable().default(null),
});
export type ApprovablePlan = z.infer<typeof approvablePlan>;

/** Whom a plan reaches. Shares and people are null where nothing is known of them. */
export const blastRadiusView = z.object({
  units: z.int(),
  unitsTotal: z.int(),
  nodes: z.int(),
  sites: z.array(z.string()),
  silent: z.int(),
  trafficShare: z.number().nullable().default(null).describe("Share of the workload's requests of the last hour, 0..1."),
  peopleServed: z.int().nullable().default(null).describe("Sum of the sites' label holdfast.dev/people-served."),
  residency: z.array(z.string()).default([]).describe("Jurisdictions of the sites."),
});
/** A leaf that consent is bound to. `changed` marks the one for which the approval is void. */
export const leafView = z.object({ name: z.string(), digest: z.string(), changed: z.boolean() });

export const approvalView = z.object({
  id: z.string(),
  version: z.int(),
  rolloutId: z.string(),
  rolloutNumber: z.int(),
  workload: z.string(),
  gate: z.string(),
  state: z.enum(["pending", "approved", "rejected", "void", "expired"]),
  planDigest: z.string(),
  plan: approvablePlan,
  author: z.string(),
  requestedAtMs: timeMs,
  expiresAtMs: timeMs,
  decidedBy: z.string().nullable(),
  decidedAtMs: timeMs.nullable(),
  remark: z.string().nullable(),
  voidReason: z.string().nullable(),
  blastRadius: blastRadiusView,
  worstCase: z.string(),
  evidence: verdictView.nullable(),
  commands: z.array(commandView),
  leaves: z.array(leafView).default([]).describe("Empty in lists."),
  groups: z.array(gateGroupView).default([]).describe("All of them have to agree."),
  stillNeeded: z.string().default("").describe("Who else must agree, in words; empty when nobody."),
});
export type ApprovalView = z.infer<typeof approvalView>;
/** In lists the waves of the plan name no targets; `blastRadius` counts them, and the approval itself names them. */
export const approvalPage = pageOf(approvalView);

const reviewView = z.object({ state: z.enum(["none", "open", "done"]), by: z.string().nullable(), atMs: timeMs.nullable(), remark: z.string().nullable() });
/** No unit is asked for a new revision while it lasts; what is on its way back goes on. */
export const freezeView = z.object({
  id: z.string(),
  scope: z.enum(["project", "site"]),
  site: z.string().nullable(),
  reason: z.string(),
  by: z.string(),
  atMs: timeMs,
  endedAtMs: timeMs.nullable(),
  endedBy: z.string().nullable(),
  endReason: z.string().nullable(),
  commands: z.array(commandView),
});
export type FreezeView = z.infer<typeof freezeView>;
/** A way past freezes, windows and gates for one rollout, for a short time, with a review that somebody else owes. */
export const breakGlassView = z.object({
  id: z.string(),
  rolloutNumber: z.int(),
  workload: z.string(),
  reason: z.string(),
  by: z.string(),
  atMs: timeMs,
  expiresAtMs: timeMs,
  active: z.boolean(),
  review: reviewView,
  commands: z.array(commandView),
});
export type BreakGlassView = z.infer<typeof breakGlassView>;
export const emergencyView = z.object({ freezes: z.array(freezeView), breakGlass: z.array(breakGlassView), openRollouts: z.int(), commands: z.array(commandView.extend({ consequence: z.string() })) });
/** A revision that may not be applied until somebody lifts the hold. */
export const holdView = z.object({ workload: z.string(), generation: z.int(), digest: z.string(), reason: z.string(), commands: z.array(commandView) });

/** What is proven about one target: by a receipt that its node signed. */
export const proofRow = z.object({
  unit: z.string(),
  node: z.string(),
  site: z.string(),
  state: z.enum(["proven", "silentArmed", "notProven"]),
  expected: z.int().describe("The generation that it should be on."),
  because: z.string(),
  deadlineMs: timeMs.nullable().describe("When an armed unit returns by itself."),
  receipt: z.object({ what: z.string(), cause: z.string(), generation: z.int(), digest: z.string(), atMs: timeMs, receivedAtMs: timeMs, number: z.int(), key: z.string() }).nullable(),
});
export const proofView = z.object({ proven: z.int(), silentArmed: z.int(), notProven: z.int(), sentence: z.string(), rows: z.array(proofRow) });

export const lintView = z.object({ code: z.string(), level: z.enum(["warning", "note"]), path: z.string().describe("Field of the strategy."), message: z.string(), remedy: z.string() });
/** How earlier rollouts would have ended under this plan's templates, from the evidence that was kept. */
export const simulationView = z.object({ sentence: z.string(), rollouts: z.array(z.object({ number: z.int(), ended: z.string(), wouldHave: outcome.nullable(), agrees: z.boolean().nullable(), sentence: z.string() })) });

export const rolloutDetail = rolloutRow.extend({
  version: z.int(),
  planDigest: z.string(),
  strategy: z.string(),
  waves: z.array(waveView),
  verdict: verdictView.nullable(),
  approvals: z.array(approvalView),
  events: z.array(z.object({ atMs: timeMs, kind: z.string(), actor: z.string().nullable(), text: z.string() })),
  changes: z.array(changeView),
  commands: z.array(commandView.extend({ consequence: z.string() })),
  blastRadius: blastRadiusView.nullable().default(null),
  freezes: z.array(freezeView).default([]).describe("What keeps it from updating further units."),
  sitesBack: z.array(z.object({ site: z.string(), reason: z.string(), atMs: timeMs, units: z.int() })).default([]).describe("Sites sent back within this rollout."),
  proof: proofView.nullable().default(null).describe("Null while nothing is on trial and nothing returns."),
  lint: z.array(lintView).default([]),
});
export type RolloutDetail = z.infer<typeof rolloutDetail>;

/** Composer: what would happen, before anything is created. */
export const rolloutPreview = z.object({ waves: z.array(z.object({ name: z.string(), targets: z.array(z.object({ unit: z.string(), node: z.string(), site: z.string(), state: z.string() })), steps: z.array(z.string()) })), planDigest: z.string(), warnings: z.array(z.string()), unitsTotal: z.int(), changes: z.array(changeView),
  graph: z.array(z.object({ name: z.string(), after: z.array(z.string()), blocking: z.boolean(), remainder: z.boolean(), selector: z.string().nullable() })).default([]),
  blastRadius: blastRadiusView.nullable().default(null),
  lint: z.array(lintView).default([]),
  simulation: simulationView.nullable().default(null),
});
