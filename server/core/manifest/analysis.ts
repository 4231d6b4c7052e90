import { z } from "zod";
import { dnsLabel } from "../base/ids";
import { duration } from "../base/duration";
import { metadata, API_VERSION } from "./common";

/** Metrics that are measured without any help. Units: ms for latency, share 0..1 for rates and accuracy. */
export const measuredMetrics = ["errorRate", "latencyP50Ms", "latencyP90Ms", "latencyP99Ms", "accuracy", "requestsPerSecond", "restarts"] as const;

export const analysisMetric = z
  .strictObject({
    name: dnsLabel,
    metric: z.enum(measuredMetrics),
    max: z.number().optional().describe("Fails when the canary's value is above it."),
    min: z.number().optional().describe("Fails when the canary's value is below it."),
    maxIncrease: z.number().optional().describe("Fails when canary minus stable is above it (same units)."),
    maxDecrease: z.number().optional().describe("Fails when stable minus canary is above it (same units)."),
    minSample: z.int().min(1).default(50).describe("Requests or labels in the canary before it is judged; below it: not enough evidence."),
    onMissing: z.enum(["hold", "rollBack"]).default("hold"),
  })
  .refine((m) => m.max !== undefined || m.min !== undefined || m.maxIncrease !== undefined || m.maxDecrease !== undefined, {
    message: "give at least one of max, min, maxIncrease, maxDecrease",
  });

const window = duration.default("5m").describe("Evidence no older than this, and never from before the step began.");
const share = z.number().gt(0).lt(1);

/** Where the values of a metric come from. */
export const metricSource = z.discriminatedUnion("from", [
  z.strictObject({ from: z.literal("measured"), metric: z.enum(measuredMetrics) }),
  z.strictObject({
    from: z.literal("prometheus"),
    provider: dnsLabel.describe("Name of the Prometheus setting that holds the address and its credentials."),
    query: z.string().min(1).max(10_000).describe("PromQL. {{args.NAME}} stands for an argument; {{workload}}, {{project}} and {{revision}} are always there."),
  }),
]);
export type MetricSource = z.infer<typeof metricSource>;

/** An argument of queries: one value, or one for either revision. */
const argument = z
  .strictObject({ name: z.string().regex(/^[A-Za-z_][A-Za-z0-9_-]{0,62}$/, "letters, digits, _ and -, starting with a letter"), value: z.string().max(1_000).optional(), canary: z.string().max(1_000).optional(), stable: z.string().max(1_000).optional() })
  .refine((a) => (a.value !== undefined) !== (a.canary !== undefined && a.stable !== undefined), { message: "give value, or both canary and stable" });
const args = z.array(argument).max(50).default([]);
export type AnalysisArgument = z.infer<typeof argument>;

const metricName = { name: dnsLabel, title: z.string().max(120).optional(), source: metricSource };

/** Limits on measured values; what is meant when a template names no judge. */
const thresholdTemplate = z.strictObject({ judge: z.literal("thresholds").optional(), metrics: z.array(analysisMetric).min(1).max(50), window });

const role = z.enum(["critical", "counts", "dryRun", "off"]);
const kindsOf = <T extends z.ZodType>(of: T) => z.strictObject({ errors: of.optional(), latency: of.optional(), tail: of.optional(), reporting: of.optional(), accuracy: of.optional() });
/** The anytime-valid judge: what is left out keeps its default (docs/canary-judge.md). */
const sequentialTemplate = z.strictObject({
  judge: z.literal("sequential"),
  alpha: share.optional().describe("Error budget: the chance that a canary within its margins is ever rolled back."),
  promoteThreshold: z.number().min(1).optional().describe("E-value at which it counts as proven that the canary is not worse."),
  siteLevel: share.optional().describe("False discovery rate at which single sites are named (e-BH)."),
  roles: kindsOf(role).optional(),
  weights: kindsOf(z.number().min(0).max(1)).optional(),
  margins: z.record(z.string(), z.number().min(0)).optional(),
  promoteMargins: z.record(z.string(), z.number().min(0)).optional(),
  coverage: z.strictObject({ weight: z.number().min(0).max(1).optional(), reportedShare: z.number().min(0).max(1).optional() }).optional(),
  latencyDirection: z.enum(["increase", "either"]).optional(),
  window,
});

const effectSize = z.strictObject({
  measure: z.enum(["meanRatio", "cles"]).default("meanRatio"),
  allowedIncrease: z.number().optional(),
  allowedDecrease: z.number().optional(),
  criticalIncrease: z.number().optional(),
  criticalDecrease: z.number().optional(),
});
const kayentaMetric = z.strictObject({
  ...metricName,
  groups: z.array(z.string().min(1).max(120)).min(1).max(20),
  direction: z.enum(["increase", "decrease", "either"]).default("either").describe("Change of the canary that counts as worse."),
  nanStrategy: z.enum(["remove", "replace"]).default("remove").describe("Missing values are left out, or count as 0."),
  critical: z.boolean().default(false).describe("If it fails, the whole score is 0."),
  mustHaveData: z.boolean().default(false),
  muted: z.boolean().default(false).describe("Judged and shown; counts for nothing."),
  outliers: z.strictObject({ strategy: z.enum(["keep", "remove"]).default("keep"), factor: z.number().gt(0).default(3) }).optional(),
  effectSize: effectSize.optional(),
});
/** As Kayenta's NetflixACAJudge decides (docs/bring-your-analysis.md). */
const kayentaTemplate = z.strictObject({
  judge: z.literal("kayenta"),
  args,
  metrics: z.array(kayentaMetric).min(1).max(100),
  groupWeights: z.record(z.string(), z.number().min(0).max(100)).default({}).describe("Percent; groups without one share what is left of 100."),
  pass: z.number().min(0).max(100).default(95).describe("Score that the last look has to reach."),
  marginal: z.number().min(0).max(100).default(75).describe("Score at or below which it is rolled back at any look."),
  step: duration.default("1m").describe("Distance of the values that are compared."),
  interval: duration.default("60m").describe("Time between two looks."),
  lookback: duration.optional().describe("Each look takes only this much; left out: everything since the beginning."),
});

const limit = (initial: number) => z.int().min(0).default(initial);
const argoMetric = z.strictObject({
  ...metricName,
  interval: duration.optional(),
  initialDelay: duration.optional(),
  count: z.int().min(1).optional(),
  successCondition: z.string().max(2_000).optional().describe("Over `result`, such as result[0] >= 0.95."),
  failureCondition: z.string().max(2_000).optional(),
  failureLimit: z.int().min(-1).default(0).describe("More failures than this fail the metric; -1: never."),
  inconclusiveLimit: limit(0),
  consecutiveErrorLimit: limit(4),
  consecutiveSuccessLimit: limit(0).describe("So many successes in a row end the metric early; 0: never."),
  dryRun: z.boolean().default(false),
});
/** As an AnalysisRun of Argo Rollouts decides (docs/bring-your-analysis.md). */
const argoTemplate = z.strictObject({ judge: z.literal("argo"), args, metrics: z.array(argoMetric).min(1).max(50) });

const flaggerMetric = z
  .strictObject({ ...metricName, min: z.number().optional(), max: z.number().optional() })
  .refine((m) => m.min !== undefined || m.max !== undefined, { message: "give min, max or both" });
/** As Flagger's checks decide (docs/bring-your-analysis.md). */
const flaggerTemplate = z.strictObject({
  judge: z.literal("flagger"),
  args,
  metrics: z.array(flaggerMetric).min(1).max(50),
  interval: duration.default("1m"),
  threshold: z.int().min(1).default(5).describe("Failed checks, ever, at which it is rolled back."),
  iterations: z.int().min(1).default(10).describe("Checks after which it is promoted."),
});

export const analysisTemplateSpec = z.discriminatedUnion("judge", [thresholdTemplate, sequentialTemplate, kayentaTemplate, argoTemplate, flaggerTemplate]);
export const analysisTemplateManifest = z.strictObject({ apiVersion: z.literal(API_VERSION), kind: z.literal("AnalysisTemplate"), metadata, spec: analysisTemplateSpec });
export type AnalysisTemplateManifest = z.infer<typeof analysisTemplateManifest>;
export type AnalysisTemplateSpec = z.infer<typeof analysisTemplateSpec>;
export type AnalysisMetric = z.infer<typeof analysisMetric>;
export type ThresholdTemplate = z.infer<typeof thresholdTemplate>;
export type SequentialTemplate = z.infer<typeof sequentialTemplate>;
export type KayentaTemplate = z.infer<typeof kayentaTemplate>;
export type KayentaMetric = z.infer<typeof kayentaMetric>;
export type ArgoTemplate = z.infer<typeof argoTemplate>;
export type ArgoMetric = z.infer<typeof argoMetric>;
export type FlaggerTemplate = z.infer<typeof flaggerTemplate>;
export type FlaggerMetric = z.infer<typeof flaggerMetric>;

/** Whether a template sets limits on measured values: the kind that need not name its judge. */
export const isThresholds = (spec: AnalysisTemplateSpec): spec is ThresholdTemplate => spec.judge === undefined || spec.judge === "thresholds";

/** What a template says, in a line. */
export function analysisSummary(spec: AnalysisTemplateSpec): string {
  if (isThresholds(spec)) return spec.metrics.map((m) => m.metric).join(", ");
  return spec.judge === "sequential" ? "anytime-valid" : `as ${{ kayenta: "Kayenta", argo: "Argo Rollouts", flagger: "Flagger" }[spec.judge]}: ${spec.metrics.map((m) => m.name).join(", ")}`;
}
