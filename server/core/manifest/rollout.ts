import { z } from "zod";
import { dnsLabel } from "../base/ids";
import { duration } from "../base/duration";
import { celSelector, metadata, API_VERSION } from "./common";

export const rolloutStep = z.discriminatedUnion("do", [
  z.strictObject({ do: z.literal("update"), percent: z.number().min(1).max(100).optional(), count: z.int().min(1).optional() }).refine((s) => (s.percent === undefined) !== (s.count === undefined), { message: "give percent or count, not both" }),
  z.strictObject({ do: z.literal("pause"), for: duration }),
  z.strictObject({ do: z.literal("approval"), name: z.string().min(1).max(80), expires: duration.default("24h") }),
  z.strictObject({ do: z.literal("analysis"), template: dnsLabel, deadline: duration.default("10m").describe("Without enough evidence by then the rollout holds and asks.") }),
]);
export type RolloutStep = z.infer<typeof rolloutStep>;

export const rolloutWave = z.strictObject({
  name: dnsLabel,
  selector: celSelector.optional().describe("Units on which sites and nodes; the last wave without one takes all that remain."),
  steps: z.array(rolloutStep).min(1).max(50),
  offline: z.enum(["wait", "skip", "fail"]).default("wait").describe("What a silent target means for finishing the wave."),
});

export const rolloutStrategySpec = z.strictObject({
  waves: z.array(rolloutWave).min(1).max(50),
  maxUnavailable: z.int().min(1).default(1).describe("Units of one wave that may be out of service at a time."),
  healthTimeout: duration.default("2m").describe("A target that is not healthy on the new revision by then fails the rollout."),
  analysis: dnsLabel.optional().describe("Template judged in the background for the whole rollout."),
  automaticRollback: z.boolean().default(true),
});
export const rolloutStrategyManifest = z.strictObject({ apiVersion: z.literal(API_VERSION), kind: z.literal("RolloutStrategy"), metadata, spec: rolloutStrategySpec });
export type RolloutStrategyManifest = z.infer<typeof rolloutStrategyManifest>;
export type RolloutStrategySpec = z.infer<typeof rolloutStrategySpec>;
export type RolloutWave = z.infer<typeof rolloutWave>;
