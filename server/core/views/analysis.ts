import { z } from "zod";
import { timeMs } from "./common";

/** One kind of evidence at one site, or at all (site null), as it grew: effect with the interval that holds at all times, and its margin. */
const evidenceSeries = z.object({
  kind: z.enum(["errors", "latency", "tail", "reporting", "accuracy"]),
  site: z.string().nullable(),
  scale: z.string(),
  points: z.array(
    z.object({
      atMs: timeMs,
      value: z.number().nullable(),
      low: z.number().nullable(),
      high: z.number().nullable(),
      margin: z.number(),
      against: z.number(),
      notWorse: z.number(),
      canary: z.number().describe("Sample so far."),
      stable: z.number(),
    }),
  ),
});
export type EvidenceSeries = z.infer<typeof evidenceSeries>;

/** A verdict that decided something, with the digest of the inputs it rests on. */
const keptVerdict = z.object({ atMs: timeMs, wave: z.string().nullable(), template: z.string(), verdict: z.enum(["promote", "hold", "rollBack", "notEnoughEvidence"]), sentence: z.string(), bundleDigest: z.string() });

/** How the evidence of one kept bundle grew over time; `series` is empty where its judge gives no sequence. */
export const analysisHistory = z.object({ kept: z.array(keptVerdict), of: keptVerdict.nullable(), series: z.array(evidenceSeries) });
export type AnalysisHistory = z.infer<typeof analysisHistory>;

/** The inputs of a verdict as kept: canonical JSON, whose SHA-256 is the digest. */
export const verdictBundle = z.object({ digest: z.string(), body: z.string() });
