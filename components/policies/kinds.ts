/** The kinds that are authored under Policies, with what each is for and a first text to start from. */
export const policyKinds = ["PlacementPolicy", "RolloutStrategy", "AnalysisTemplate", "Site", "Quota"] as const;
export type PolicyKind = (typeof policyKinds)[number];

export const kindWords: Record<PolicyKind, { plural: string; one: string; purpose: string }> = {
  PlacementPolicy: { plural: "Placement policies", one: "placement policy", purpose: "where units may run, and where they should" },
  RolloutStrategy: { plural: "Rollout strategies", one: "rollout strategy", purpose: "in which waves and steps a new revision goes out" },
  AnalysisTemplate: { plural: "Analysis templates", one: "analysis template", purpose: "what a canary is judged by" },
  Quota: { plural: "Quotas", one: "quota", purpose: "how much of the fleet its workloads may use, and lend each other" },
  Site: { plural: "Sites", one: "site", purpose: "places with location, jurisdiction, uplink and rates" },
};

/** Kinds that the scheduler places units by: an edit of one can be previewed. */
export const placesUnits = (kind: PolicyKind): boolean => kind === "PlacementPolicy" || kind === "Site" || kind === "Quota";

const head = (kind: PolicyKind, name: string, project: string) => `apiVersion: holdfast.dev/v1\nkind: ${kind}\nmetadata:\n  name: ${name}\n  project: ${project}\nspec:\n`;

export function starter(kind: PolicyKind, project: string): string {
  switch (kind) {
    case "PlacementPolicy":
      return `${head(kind, "in-europe", project)}  residency: [DE, FR]
  require:
    - rule: node.memoryMiB >= 256
      because: it needs room for its model
  prefer:
    - { by: cost, weight: 1 }
  spread:
    - { over: site, maxSkew: 1 }
`;
    case "RolloutStrategy":
      return `${head(kind, "careful", project)}  maxUnavailable: 1
  waves:
    - name: canary
      selector: site.kind == "cloud-region"
      steps:
        - { do: update, count: 1 }
        - { do: pause, for: 10m }
        - { do: approval, name: Beyond the canary }
    - name: everywhere
      steps:
        - { do: update, percent: 100 }
`;
    case "AnalysisTemplate":
      return `${head(kind, "quality", project)}  window: 10m
  metrics:
    - { name: errors, metric: errorRate, max: 0.01, minSample: 200 }
    - { name: slow, metric: latencyP99Ms, maxIncrease: 50, minSample: 200 }
`;
    case "Quota":
      return `${head(kind, "research", project)}  nominal: { cpuMillis: 8000, memory: 16Gi }
  borrowingLimit: { cpuMillis: 4000 }
`;
    case "Site":
      return `${head(kind, "my-site", project)}  kind: edge
  jurisdiction: DE
  timeZone: Europe/Berlin
  uplink: { class: broadband }
`;
  }
}
