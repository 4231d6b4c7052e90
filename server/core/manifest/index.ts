/** The manifest language: five kinds as zod schemas; the JSON Schema for editors and the CLI is made from them. */
import { z } from "zod";
import { analysisTemplateManifest, rolloutStrategyManifest } from "./rollout";
import { placementPolicyManifest } from "./placement-policy";
import { siteManifest } from "./site";
import { workloadManifest } from "./workload";

export const manifest = z.discriminatedUnion("kind", [workloadManifest, placementPolicyManifest, siteManifest, rolloutStrategyManifest, analysisTemplateManifest]);
export type Manifest = z.infer<typeof manifest>;
export const manifestKinds = ["Workload", "PlacementPolicy", "Site", "RolloutStrategy", "AnalysisTemplate"] as const;
export type ManifestKind = (typeof manifestKinds)[number];
export { API_VERSION, parseBytes } from "./common";
export type * from "./workload";
export type * from "./placement-policy";
export type * from "./site";
export type * from "./rollout";
