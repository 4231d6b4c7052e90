import { z } from "zod";
import { dnsLabel } from "../base/ids";
import { celSelector, metadata, API_VERSION } from "./common";

export const placementPolicySpec = z.strictObject({
  require: z
    .array(z.strictObject({ rule: celSelector, because: z.string().max(200).optional().describe("Shown where a node is refused by this rule.") }))
    .max(50)
    .default([])
    .describe("Hard rules: a node must satisfy all of them."),
  residency: z.array(z.string()).optional().describe("Jurisdictions where units may run, such as [DE, FR]; empty or absent: anywhere."),
  trustTierMin: z.enum(["none", "software", "tpm"]).optional(),
  tolerate: z.array(z.strictObject({ key: z.string(), value: z.string().optional() })).default([]).describe("Taints that do not keep units away."),
  prefer: z
    .array(
      z.discriminatedUnion("by", [
        z.strictObject({ by: z.literal("rule"), rule: celSelector, weight: z.number().min(-100).max(100) }),
        z.strictObject({ by: z.literal("cost"), weight: z.number().min(0).max(100).describe("Per currency unit an hour by the site's rate card: CPU, memory, and what the workload says it sends (traffic).") }),
        z.strictObject({ by: z.literal("spread"), over: z.enum(["site", "node"]), weight: z.number().min(0).max(100) }),
        z.strictObject({ by: z.literal("pack"), weight: z.number().min(0).max(100) }),
        z.strictObject({
          by: z.literal("latency"),
          clients: z
            .record(dnsLabel, z.number().positive().max(1_000_000))
            .refine((c) => Object.keys(c).length > 0 && Object.keys(c).length <= 200, "names 1 to 200 sites, such as {kiel: 3, lyon: 1}")
            .describe("Who is served: sites with their shares, such as {kiel: 3, lyon: 1}."),
          weight: z.number().min(0).max(100).describe("Per 100 ms of mean round trip from the clients, over the links between sites; who is not linked counts 10 s."),
        }),
        z.strictObject({ by: z.literal("balance"), weight: z.number().min(0).max(100).describe("For a node of whose CPU and memory the same share is in use with the unit.") }),
        z.strictObject({ by: z.literal("fragmentation"), weight: z.number().min(0).max(100).describe("Per accelerator that lies idle where what is wanted could not use it, and no longer does with the unit there (F of the FGD paper).") }),
        z.strictObject({ by: z.literal("warm"), weight: z.number().min(0).max(100).describe("Nodes that hold the artifacts already.") }),
      ]),
    )
    .max(50)
    .default([]),
  spread: z
    .array(z.strictObject({ over: z.enum(["site", "node"]), maxSkew: z.int().min(1).max(1_000) }))
    .max(4)
    .default([])
    .describe("Hard spread: counts of units over sites or nodes differ by at most maxSkew."),
  divide: z
    .strictObject({
      by: z.enum(["duplicated", "static", "dynamic", "aggregated"]).describe("duplicated: all replicas at every site; static: by weights; dynamic: by room; aggregated: at as few sites as can take them."),
      weights: z.record(dnsLabel, z.int().min(0).max(1_000_000)).optional().describe("Of static: weight by site; a site that is not named gets nothing."),
    })
    .optional()
    .describe("How replicas are divided over the sites that may take them; without it only spread and preferences say."),
});

export const placementPolicyManifest = z.strictObject({ apiVersion: z.literal(API_VERSION), kind: z.literal("PlacementPolicy"), metadata, spec: placementPolicySpec });
export type PlacementPolicyManifest = z.infer<typeof placementPolicyManifest>;
export type PlacementPolicySpec = z.infer<typeof placementPolicySpec>;
