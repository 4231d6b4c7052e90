/**
 * How long a preview takes on a large fleet, through the feature that the API calls, on a real PostgreSQL.
 *   npm run bench -- preview [--nodes 10000] [--units 50000] [--workloads 50] [--sites 60] [--rounds 15] [--json]
 * "cold" reads everything anew, as after any change; "warm" is somebody who edits a policy while nothing else changes.
 */
import { parseArgs } from "node:util";
import { makeInstallation } from "./lib/installation";
import { FULL, nameOfNode, nameOfSite, seedLargeFleet } from "./lib/large-fleet";
import { createPlacement } from "../server/placement";
import { silentLogger, systemClock } from "../server/platform";
import { openStore } from "../server/store";

const { values } = parseArgs({ options: { nodes: { type: "string", default: "10000" }, units: { type: "string", default: "50000" }, workloads: { type: "string", default: "50" }, sites: { type: "string", default: "60" }, rounds: { type: "string", default: "15" }, json: { type: "boolean", default: false } } });
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const size = { ...FULL, nodes: Number(values.nodes), units: Number(values.units), workloads: Number(values.workloads), sites: Number(values.sites), rollouts: 10, auditEntries: 1_000 };
const rounds = Number(values.rounds);

const installation = await makeInstallation(process.cwd());
try {
  await seedLargeFleet(installation.ownerUrl, size, say);
  const store = openStore({ url: installation.ownerUrl, log: silentLogger });
  const project = { id: "project-default", name: "default" };
  const deps = { store, clock: systemClock, log: silentLogger, env: { AGENT_SILENT_AFTER_MS: 86_400_000 } };
  const policy = (i: number) => `apiVersion: holdfast.dev/v1\nkind: PlacementPolicy\nmetadata: {name: policy-1}\nspec: {residency: [DE, FR, FI, PT], prefer: [{by: spread, over: site, weight: ${10 + i}}]}\n`;
  const scenarios: Record<string, (i: number) => Parameters<ReturnType<typeof createPlacement>["queries"]["preview"]>[1]> = {
    "policy edit": (i) => ({ text: policy(i) }),
    "drained site": (i) => ({ drainSite: nameOfSite(1 + (i % (size.sites - 1))) }),
    "drained node": (i) => ({ drainNode: nameOfNode(i) }),
    "lost link": () => ({ loseLink: { a: nameOfSite(0), b: nameOfSite(1) } }),
    "price change": (i) => ({ price: { site: nameOfSite(i % size.sites), cpuHour: 0.1 } }),
    "new workload": (i) => ({ text: `apiVersion: holdfast.dev/v1\nkind: Workload\nmetadata: {name: new-${i}}\nspec: {kind: service, replicas: 100, policy: policy-2, template: {engine: {type: process, command: [run]}}}\n` }),
  };
  const results = [];
  for (const [scenario, input] of Object.entries(scenarios)) {
    const times: Record<"cold" | "warm", number[]> = { cold: [], warm: [] };
    let counts: unknown;
    for (let i = 0; i < rounds; i++) {
      // A new feature remembers nothing.
      const queries = createPlacement(deps).queries;
      for (const kind of ["cold", "warm"] as const) {
        const from = performance.now();
        const p = await queries.preview(project, input(i));
        times[kind].push(performance.now() - from);
        counts = p.counts;
      }
    }
    const at = (list: number[], q: number): number => Math.round([...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(q * list.length))] ?? 0);
    const row = { scenario, coldP50Ms: at(times.cold, 0.5), coldMaxMs: at(times.cold, 1), warmP50Ms: at(times.warm, 0.5), warmMaxMs: at(times.warm, 1), counts };
    results.push(row);
    say(`${scenario}: cold p50 ${row.coldP50Ms} ms, max ${row.coldMaxMs} ms; warm p50 ${row.warmP50Ms} ms, max ${row.warmMaxMs} ms; ${JSON.stringify(counts)}`);
  }
  await store.close();
  if (values.json) process.stdout.write(`${JSON.stringify({ nodes: size.nodes, units: size.units, workloads: size.workloads, rounds, limitMs: 1_000, scenarios: results })}\n`);
} finally {
  await installation.stop();
}
