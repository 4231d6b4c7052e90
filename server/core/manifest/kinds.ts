import { z } from "zod";
import { analysisTemplateManifest } from "./analysis";
import { rolloutStrategyManifest } from "./rollout";
import { placementPolicyManifest } from "./placement-policy";
import { quotaManifest } from "./quota";
import { siteManifest } from "./site";
import { workloadManifest } from "./workload";

export const manifest = z.discriminatedUnion("kind", [workloadManifest, placementPolicyManifest, siteManifest, rolloutStrategyManifest, analysisTemplateManifest, quotaManifest]);
export type Manifest = z.infer<typeof manifest>;
export const manifestKinds = ["Workload", "PlacementPolicy", "Site", "RolloutStrategy", "AnalysisTemplate", "Quota"] as const;
export type ManifestKind = (typeof manifestKinds)[number];
/** Words of people for the kinds, in sentences. */
export const kindWords: Record<ManifestKind, string> = { Workload: "workload", PlacementPolicy: "placement policy", Site: "site", RolloutStrategy: "rollout strategy", AnalysisTemplate: "analysis template", Quota: "quota" };
