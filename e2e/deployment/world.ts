/** The small world of the process stories: three sites with an agent each and the digit classifier, with clients that measure it. */
import { readArtifacts } from "../../pilot/fleet/artifacts";
import { ROOT } from "../../tools/lib/paths.mjs";
import type { Api, Deployment } from "./deployment";
import { until } from "./until";

export const SITES = ["cloud-frankfurt", "cloud-virginia", "edge-hamburg"] as const;
export const PROJECT = "default";

const siteYaml = (name: string): string => `apiVersion: holdfast.dev/v1
kind: Site
metadata: { name: ${name}, title: ${name} }
spec:
  kind: ${name.startsWith("edge") ? "edge" : "cloud-region"}
  jurisdiction: DE
  uplink: { class: fiber }
`;
const analysisYaml = `apiVersion: holdfast.dev/v1
kind: AnalysisTemplate
metadata: { name: quality }
spec:
  window: 5m
  metrics:
    - { name: accuracy, metric: accuracy, min: 0.915, minSample: 150 }
`;
const strategyYaml = (gate: string | undefined): string => `apiVersion: holdfast.dev/v1
kind: RolloutStrategy
metadata: { name: canary }
spec:
  maxUnavailable: 2
  healthTimeout: 3m
  waves:
    - name: canary
      selector: site.name == "cloud-frankfurt" || site.name == "edge-hamburg"
      steps:
        - { do: update, percent: 100 }
        - { do: analysis, template: quality, deadline: 10m }
${gate === undefined ? "" : `        - ${gate}\n`}    - name: everywhere
      steps:
        - { do: update, percent: 100 }
`;

export interface World {
  api: Api;
  artifacts: Record<"serve" | "client" | "images" | "v1" | "v2" | "v3", string>;
  /** The classifier's manifest with a model. */
  digits(model: "v1" | "v2" | "v3"): string;
}

/** The approval step between the canary and everywhere, where a world has one; who has to agree is said by `groups`. */
export const gateStep = (groups = ""): string => `{ do: approval, name: Beyond the canary${groups && `, groups: ${groups}`} }`;

/** Sets sites, agents, artifacts and workloads up through the public API, and waits until everything serves. */
export async function buildWorld(d: Deployment, o: { gate?: string; perSecond?: number } = {}): Promise<World> {
  const api = d.api();
  const apply = (text: string) => api.manifests.applyText.mutate({ project: PROJECT, text, dryRun: false });
  await apply(SITES.map(siteYaml).join("---\n"));
  await Promise.all(SITES.map((site) => d.addAgent(`node-${site}`, site)));
  await until("all agents to be in contact", async () => (await api.fleet.nodes.query({ project: PROJECT, limit: 50 })).items.filter((n) => n.state.state === "healthy").length === SITES.length, 60_000, () => [...d.agents.keys()].map((n) => `${n}: ${d.log(n).slice(-800)}`).join("\n"));
  const uploaded = new Map<string, string>();
  for (const a of readArtifacts(ROOT)) uploaded.set(a.name, await d.upload(a.name, a.digest, a.bytes));
  const digest = (name: string): string => uploaded.get(name) ?? "";
  const artifacts = { serve: digest("serve"), client: digest("client"), images: digest("held-out-images"), v1: digest("digits-v1"), v2: digest("digits-v2"), v3: digest("digits-v3") };
  const unit = (program: string, more: string): string => `    engine: { type: process, command: ["\${node}", "\${artifact.${program}}"] }
    resources: { cpuMillis: 50, memory: 64Mi, disk: 8Mi }
${more}`;
  const world: World = {
    api,
    artifacts,
    digits: (m) => `apiVersion: holdfast.dev/v1
kind: Workload
metadata: { name: digits }
spec:
  kind: inference
  replicas: ${SITES.length}
  policy: one-a-node
  rollout: canary
  template:
${unit("serve", `    artifacts: [{ name: serve, digest: "${artifacts.serve}" }, { name: model, digest: "${artifacts[m]}" }]
    ports: [{ name: http, env: PORT }]
    health: { probe: { type: http, path: /healthz, port: http }, interval: 1s, timeout: 2s, startPeriod: 30s }
    stop: { signal: SIGTERM, grace: 5s }`)}
`,
  };
  await apply(`apiVersion: holdfast.dev/v1
kind: PlacementPolicy
metadata: { name: one-a-node }
spec: { spread: [{ over: node, maxSkew: 1 }] }
---
${analysisYaml}---
${strategyYaml(o.gate)}`);
  await apply(world.digits("v1"));
  await apply(`apiVersion: holdfast.dev/v1
kind: Workload
metadata: { name: client }
spec:
  kind: daemon
  selector: site.name != ""
  template:
${unit("client", `    artifacts: [{ name: client, digest: "${artifacts.client}" }, { name: images, digest: "${artifacts.images}" }]
    env: { SERVICE: digits, RATE_PER_SECOND: "${o.perSecond ?? 15}", LABEL_DELAY_MIN_MS: "200", LABEL_DELAY_MAX_MS: "600" }
    ports: [{ name: health, env: PORT }]`)}
`);
  await until("every unit to serve", async () => (await healthyUnits(api)) === SITES.length * 2, 120_000, () => explain(d));
  return world;
}

export const healthyUnits = async (api: Api): Promise<number> => (await api.fleet.units.query({ project: PROJECT, limit: 100 })).items.filter((u) => u.state.state === "healthy").length;

/** What people would look at when something does not come about: units and the ends of the logs. */
export async function explain(d: Deployment): Promise<string> {
  const units = await d.api().fleet.units.query({ project: PROJECT, limit: 100 }).then((p) => p.items.map((u) => `${u.unit} on ${u.node}: ${u.state.state} (${u.state.because}) desired r${u.desired.generation} ${u.desired.action}, observed ${u.observed ? `r${u.observed.generation} ${u.observed.phase} ${u.observed.health} ${u.observed.message}` : "nothing"}`), (e: unknown) => [String(e)]);
  const rollouts = await d.api().rollouts.list.query({ project: PROJECT, limit: 5 }).then((p) => p.items.map((r) => `rollout ${r.number}: ${r.phase}: ${r.reason}`), () => []);
  return [...units, ...rollouts, ...["scheduler", "gateway", "web", ...d.agents.keys()].map((n) => `── ${n}\n${d.log(n).slice(-1_200)}`)].join("\n");
}

export const newestRollout = async (api: Api) => (await api.rollouts.list.query({ project: PROJECT, limit: 1 })).items[0];
