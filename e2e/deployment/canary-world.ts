/**
 * The world of the canary stories: a cloud site and three edge sites, some with two nodes, and a program that serves,
 * asks itself ten times a second over a real socket, and reports what it measured, predicted and was later told.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Api, Deployment } from "./deployment";
import { until } from "./until";
import { explain, PROJECT } from "./world";

const NODES = { "cloud-1": "cloud-frankfurt", "cloud-2": "cloud-frankfurt", "hamburg-1": "edge-hamburg", "hamburg-2": "edge-hamburg", "kiel-1": "edge-kiel", "kiel-2": "edge-kiel", "bremen-1": "edge-bremen" } as const;
export type NodeName = keyof typeof NODES;

/** VERSION is what it answers; SLOW_SITE is where it takes SLOW_MS longer; every WRONG_EVERYth prediction is wrong. */
const PROGRAM = `
const http = require("http"), E = process.env, slow = E.SLOW_SITE === E.HOLDFAST_SITE ? +E.SLOW_MS : 0;
http.createServer((q, r) => q.url === "/healthz" ? r.end("ok") : setTimeout(() => r.end(E.VERSION), 4 + slow)).listen(+E.PORT, "127.0.0.1");
let n = 0, told = { requests: [], predictions: [], labels: [] };
setInterval(async () => {
  const from = performance.now(), i = ++n;
  const ok = await fetch("http://127.0.0.1:" + E.PORT + "/").then((r) => r.text().then(() => r.ok), () => false);
  const id = [E.HOLDFAST_UNIT, E.HOLDFAST_REVISION, process.pid, i].join("-"), atMs = Date.now();
  told.requests.push({ latencyMs: performance.now() - from, ok });
  told.predictions.push({ id, predicted: i % +E.WRONG_EVERY === 0 ? "odd" : "even", confidence: null, atMs });
  setTimeout(() => told.labels.push({ id, workload: E.HOLDFAST_WORKLOAD, label: "even", atMs: Date.now() }), 300);
}, 100);
setInterval(() => {
  const body = JSON.stringify(told);
  told = { requests: [], predictions: [], labels: [] };
  fetch(E.HOLDFAST_AGENT_URL + "/v1/telemetry", { method: "POST", headers: { authorization: "Bearer " + E.HOLDFAST_UNIT_TOKEN, "content-type": "application/json" }, body }).catch(() => undefined);
}, 500);
process.on("SIGTERM", () => process.exit(0));
`.trim();

/** A daemon workload on some nodes with a strategy of its own. */
export function workloadYaml(o: { name: string; nodes: readonly NodeName[]; version: string; env?: Record<string, string> }): string {
  const env = { VERSION: o.version, SLOW_SITE: "none", SLOW_MS: "0", WRONG_EVERY: "1000000", ...o.env };
  return `apiVersion: holdfast.dev/v1
kind: Workload
metadata: { name: ${o.name} }
spec:
  kind: daemon
  selector: ${o.nodes.map((n) => `node.name == "${n}"`).join(" || ")}
  rollout: ${o.name}
  template:
    engine: { type: process, command: ["\${node}", "-e", ${JSON.stringify(PROGRAM)}] }
    resources: { cpuMillis: 20, memory: 64Mi, disk: 8Mi }
    env: ${JSON.stringify(env)}
    ports: [{ name: http, env: PORT }]
    health: { probe: { type: http, path: /healthz, port: http }, interval: 1s, timeout: 2s, startPeriod: 30s }
    stop: { signal: SIGTERM, grace: 5s }
`;
}
export const strategyYaml = (name: string, spec: string): string => `apiVersion: holdfast.dev/v1
kind: RolloutStrategy
metadata: { name: ${name} }
spec:
${spec}`;

export interface CanaryWorld {
  api: Api;
  apply(text: string, reason?: string): Promise<unknown>;
  /** The newest rollout of a workload, whole. */
  rollout(workload: string): Promise<Awaited<ReturnType<Api["rollouts"]["get"]["query"]>> | undefined>;
  /** Generation that each node's unit of a workload runs and is healthy on, as its agent told last; null when it is not. */
  running(workload: string): Promise<Record<string, number | null>>;
  /** The same as the agent itself says it on its own machine, whether or not anybody can reach it. */
  onNode(node: NodeName, workload: string): Promise<{ generation: number; health: string; port: number; trial: { state: string } | null }[]>;
}

export async function buildCanaryWorld(d: Deployment): Promise<CanaryWorld> {
  const api = d.api();
  const apply = (text: string, reason?: string) => api.manifests.applyText.mutate({ project: PROJECT, text, dryRun: false, ...(reason === undefined ? {} : { reason }) });
  await apply([...new Set(Object.values(NODES))].map((site) => `apiVersion: holdfast.dev/v1
kind: Site
metadata: { name: ${site}, title: ${site} }
spec: { kind: ${site.startsWith("edge") ? "edge" : "cloud-region"}, jurisdiction: DE, uplink: { class: fiber } }
`).join("---\n"));
  await Promise.all(Object.entries(NODES).map(([node, site]) => d.addAgent(node, site)));
  await until("all agents to be in contact", async () => (await api.fleet.nodes.query({ project: PROJECT, limit: 50 })).items.filter((n) => n.state.state === "healthy").length === Object.keys(NODES).length, 90_000, () => explain(d));
  const units = async (workload: string) => (await api.fleet.units.query({ project: PROJECT, workload, limit: 50 })).items.filter((u) => u.desired.action === "run");
  return {
    api,
    apply,
    async rollout(workload) {
      const newest = (await api.rollouts.list.query({ project: PROJECT, limit: 20 })).items.find((r) => r.workload === workload);
      return newest && api.rollouts.get.query({ project: PROJECT, number: newest.number });
    },
    running: async (workload) => Object.fromEntries((await units(workload)).map((u) => [u.node, u.observed?.phase === "running" && u.observed.health === "healthy" ? u.observed.generation : null])),
    async onNode(node, workload) {
      const port = readFileSync(path.join(d.agents.get(node)?.folder ?? "", "state", "local-port"), "utf8").trim();
      const answer = (await (await fetch(`http://127.0.0.1:${port}/v1/units`, { signal: AbortSignal.timeout(2_000) })).json()) as { units: { unit: string; generation: number; health: string; ports: Record<string, number>; trial: { state: string } | null }[] };
      return answer.units.filter((u) => u.unit.startsWith(`${workload}-`)).map((u) => ({ generation: u.generation, health: u.health, port: u.ports["http"] ?? 0, trial: u.trial }));
    },
  };
}
