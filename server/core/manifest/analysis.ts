import { z } from "zod";
import { dnsLabel } from "../base/ids";
import { duration } from "../base/duration";
import { metadata, API_VERSION } from "./common";

/** Metrics the first version measures by itself. Units: ms for latency, share 0..1 for rates and accuracy. */
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

export const analysisTemplateSpec = z.strictObject({
  metrics: z.array(analysisMetric).min(1).max(50),
  window: duration.default("5m").describe("Evidence no older than this, and never from before the step began."),
});
export const analysisTemplateManifest = z.strictObject({ apiVersion: z.literal(API_VERSION), kind: z.literal("AnalysisTemplate"), metadata, spec: analysisTemplateSpec });
export type AnalysisTemplateManifest = z.infer<typeof analysisTemplateManifest>;
export type AnalysisTemplateSpec = z.infer<typeof analysisTemplateSpec>;
export type AnalysisMetric = z.infer<typeof analysisMetric>;
