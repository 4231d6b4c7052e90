import { z } from "zod";
import { manifestKinds } from "../manifest/index";
import { fieldError } from "../base/refusal";
import { changeView, commandView, intervalCount, pageOf, stateView, timeMs } from "./common";

export const workloadRow = z.object({
  id: z.string(),
  name: z.string(),
  title: z.string().nullable(),
  kind: z.enum(["service", "inference", "batch", "daemon"]),
  state: stateView,
  generation: z.int(),
  /** Units observed healthy of those desired. */
  units: intervalCount,
  revisions: z.array(z.object({ generation: z.int(), desired: z.int(), observed: z.int() })).describe("How many units should run and do run which revision."),
  sites: z.int(),
  policy: z.string().nullable(),
  rollout: z.object({ number: z.int(), phase: z.string() }).nullable(),
  requestsPerSecond: z.number().nullable(),
  latencyP99Ms: z.number().nullable(),
  errorRate: z.number().nullable(),
  accuracy: z.number().nullable(),
  measuredAtMs: timeMs.nullable(),
  updatedAtMs: timeMs,
});
export type WorkloadRow = z.infer<typeof workloadRow>;
export const workloadPage = pageOf(workloadRow);

export const objectiveView = z.object({ name: z.string(), target: z.string(), measured: z.string().nullable(), state: stateView });

export const workloadDetail = workloadRow.extend({
  version: z.int(),
  digest: z.string(),
  manifestYaml: z.string().describe("Newest revision; values of environment variables are masked."),
  labels: z.record(z.string(), z.string()),
  objectives: z.array(objectiveView),
  commands: z.array(commandView),
});
export type WorkloadDetail = z.infer<typeof workloadDetail>;

export const revisionRow = z.object({
  generation: z.int(),
  digest: z.string(),
  author: z.string(),
  reason: z.string().nullable(),
  createdAtMs: timeMs,
  changes: z.array(changeView),
  heldReason: z.string().nullable(),
  current: z.boolean(),
  unitsDesired: z.int(),
  unitsObserved: z.int(),
});
export const revisionDetail = revisionRow.extend({ manifestYaml: z.string(), previousYaml: z.string().nullable() });

/** Any manifest object in a list (policies, strategies, templates, sites). */
export const objectRow = z.object({ id: z.string(), kind: z.enum(manifestKinds), name: z.string(), title: z.string().nullable(), generation: z.int(), digest: z.string(), version: z.int(), updatedAtMs: timeMs, author: z.string(), summary: z.string(), usedBy: z.array(z.string()) });
export const objectPage = pageOf(objectRow);
export const objectDetail = objectRow.extend({ manifestYaml: z.string(), revisions: z.array(revisionRow), commands: z.array(commandView) });

/** Answer of `apply`, also as a dry run: what would change, per object of the submitted text. */
export const applyResult = z.object({
  dryRun: z.boolean(),
  objects: z.array(
    z.object({
      kind: z.enum(manifestKinds),
      name: z.string(),
      action: z.enum(["create", "update", "unchanged"]),
      generation: z.int().nullable().describe("The generation it has after applying; null in a dry run that would create."),
      digest: z.string(),
      changes: z.array(changeView),
      beforeYaml: z.string().nullable(),
      afterYaml: z.string(),
      /** For a workload: what the scheduler or a rollout will do with it. */
      consequence: z.string(),
      rolloutNumber: z.int().nullable(),
      warnings: z.array(z.string()),
    }),
  ),
});
export type ApplyResult = z.infer<typeof applyResult>;
export const validateResult = z.object({ ok: z.boolean(), errors: z.array(fieldError) });

/** What a selector or policy matches now. */
export const matchPreview = z.object({
  matched: z.int(),
  total: z.int(),
  nodes: z.array(z.object({ node: z.string(), site: z.string(), matches: z.boolean(), because: z.string(), state: z.string() })),
  errors: z.array(fieldError),
  asOfMs: timeMs,
});

export const decisionCandidate = z.object({
  node: z.string(),
  site: z.string(),
  feasible: z.boolean(),
  /** For an infeasible node the decisive reason, as a sentence; code is one of core/placement reasons. */
  reason: z.object({ code: z.string(), text: z.string() }).nullable(),
  score: z.number().nullable(),
  parts: z.array(z.object({ name: z.string(), value: z.number(), weight: z.number(), text: z.string() })),
});
export const decisionRow = z.object({ id: z.string(), workload: z.string(), unit: z.string(), outcome: z.enum(["placed", "unplaced"]), node: z.string().nullable(), site: z.string().nullable(), because: z.string(), generation: z.int(), atMs: timeMs });
export const decisionPage = pageOf(decisionRow);
export const decisionDetail = decisionRow.extend({ policy: z.string().nullable(), policyDigest: z.string(), candidates: z.array(decisionCandidate), counts: z.array(z.object({ code: z.string(), text: z.string(), nodes: z.int() })),
  feasible: z.int().describe("Nodes that could take it; with the counts by reason, every node of the fleet. The best of them are among the candidates."),
  margin: z.number().nullable().describe("How far the chosen node is ahead of the next best."),
  flip: z.string().nullable().describe("The smallest single change that turns the verdict round in the fleet as it is now, checked by placing again; null when no single change does."),
});
export type DecisionDetail = z.infer<typeof decisionDetail>;

export const artifactRow = z.object({ digest: z.string(), name: z.string(), mediaType: z.string(), sizeBytes: z.number(), storage: z.string(), complete: z.boolean(), createdBy: z.string(), createdAtMs: timeMs, usedBy: z.array(z.string()) });
