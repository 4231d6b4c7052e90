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
export const verdictView = z.object({ verdict: z.enum(["promote", "hold", "rollBack", "notEnoughEvidence"]), sentence: z.string(), atMs: timeMs, fromMs: timeMs, toMs: timeMs, metrics: z.array(metricEvidence), silentTargets: z.int() });
export type VerdictView = z.infer<typeof verdictView>;

export const stepView = z.object({ index: z.int(), text: z.string(), kind: z.string(), state: z.enum(["done", "current", "waiting", "skipped"]), note: z.string() });
export const waveView = z.object({ index: z.int(), name: z.string(), selector: z.string().nullable(), offline: z.string(), steps: z.array(stepView), targets: z.array(targetView), state: z.enum(["done", "current", "waiting"]) });

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
});
export type ApprovablePlan = z.infer<typeof approvablePlan>;

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
  blastRadius: z.object({ units: z.int(), unitsTotal: z.int(), nodes: z.int(), sites: z.array(z.string()), silent: z.int() }),
  worstCase: z.string(),
  evidence: verdictView.nullable(),
  commands: z.array(commandView),
});
export type ApprovalView = z.infer<typeof approvalView>;
/** In lists the waves of the plan name no targets; `blastRadius` counts them, and the approval itself names them. */
export const approvalPage = pageOf(approvalView);

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
});
export type RolloutDetail = z.infer<typeof rolloutDetail>;

/** Composer: what would happen, before anything is created. */
export const rolloutPreview = z.object({ waves: z.array(z.object({ name: z.string(), targets: z.array(z.object({ unit: z.string(), node: z.string(), site: z.string(), state: z.string() })), steps: z.array(z.string()) })), planDigest: z.string(), warnings: z.array(z.string()), unitsTotal: z.int(), changes: z.array(changeView) });
