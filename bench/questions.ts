/**
 * How long the questions behind the Capacity page, the decision panel and the queue take on a large fleet, through the
 * features that the API calls, on a real PostgreSQL.
 *   npm run bench -- questions [--nodes 10000] [--units 50000] [--workloads 50] [--sites 60] [--rounds 15] [--json]
 * "cold" reads everything anew, as a web process does after its start; "changed" comes after a node has changed, as in a
 * fleet that lives; "warm" is asked again at once.
 */
import { parseArgs } from "node:util";
import { makeInstallation } from "./lib/installation";
import { FULL, nameOfNode, nameOfWorkload, seedLargeFleet } from "./lib/large-fleet";
import { rolesFrom } from "../server/core/access/actor";
import type { Actor } from "../server/core/access/actor";
import { createPlacement } from "../server/placement";
import { createSealer, newMasterKey, parseMasterKeys, silentLogger, systemClock } from "../server/platform";
import { generationFor } from "../server/rollouts";
import { createScheduler } from "../server/scheduler";
import { openStore } from "../server/store";
import { createWorkloads } from "../server/workloads";

const { values } = parseArgs({ options: { nodes: { type: "string", default: "10000" }, units: { type: "string", default: "50000" }, workloads: { type: "string", default: "50" }, sites: { type: "string", default: "60" }, rounds: { type: "string", default: "15" }, json: { type: "boolean", default: false } } });
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const size = { ...FULL, nodes: Number(values.nodes), units: Number(values.units), workloads: Number(values.workloads), sites: Number(values.sites), rollouts: 10, auditEntries: 1_000 };
const rounds = Number(values.rounds);
const project = { id: "project-default", name: "default" };
const asker: Actor = { kind: "person", id: "ada", name: "ada", strength: "password", roles: rolesFrom([{ projectId: "*", role: "administrator" }]) };

/** Workloads of a unit each that find no node, by what is in the way. */
const waiting: Record<string, string> = {
  "too-large": "resources: {cpuMillis: 9000, memory: 64Mi}",
  "too-heavy": "resources: {cpuMillis: 100, memory: 63Gi}",
};
const homeless = ["elsewhere", "by-a-rule"];
const manifests = [
  ...Object.entries(waiting).map(([name, resources]) => `kind: Workload\nmetadata: {name: ${name}}\nspec: {kind: service, replicas: 1, preemption: never, template: {engine: {type: process, command: [run]}, ${resources}}}`),
  "kind: PlacementPolicy\nmetadata: {name: elsewhere}\nspec: {residency: [JP]}",
  "kind: PlacementPolicy\nmetadata: {name: by-a-rule}\nspec: {require: [{rule: 'node.memoryMiB > 900000', because: it is large}]}",
  ...homeless.map((name) => `kind: Workload\nmetadata: {name: ${name}}\nspec: {kind: service, replicas: 1, policy: ${name}, preemption: never, template: {engine: {type: process, command: [run]}}}`),
].map((m) => `apiVersion: holdfast.dev/v1\n${m}\n`);

const installation = await makeInstallation(process.cwd());
try {
  await seedLargeFleet(installation.ownerUrl, size, say);
  const store = openStore({ url: installation.ownerUrl, log: silentLogger });
  const deps = { store, clock: systemClock, log: silentLogger, env: { AGENT_SILENT_AFTER_MS: 86_400_000, SCHEDULER_RESYNC_MS: 3_600_000 } };
  await createWorkloads({ ...deps, seal: createSealer(parseMasterKeys(newMasterKey())) }).commands.apply(asker, project, { text: manifests.join("---\n"), dryRun: false, reason: "to be asked about", expectVersion: undefined });
  // A workload of which a unit fails or is silent has none to spare: here all serve, so that a repair has something to move.
  await store.inTransaction((tx) => tx.client.query("update observations set phase = 'running', health = 'healthy'"));
  await store.inTransaction((tx) => tx.client.query("update nodes set connected = true, last_seen_at = now()"));
  const scheduler = createScheduler({ ...deps, generationFor, concurrency: 1 });
  await scheduler.loop.drain();
  await scheduler.stop();
  /** A node has changed, as some do every second in a fleet of this size. */
  const touch = (i: number) =>
    store.inTransaction(async (tx) => {
      const name = nameOfNode(100 * i + 7);
      await tx.client.query("update nodes set labels = labels || jsonb_build_object('touched', $2::text), version = version + 1 where name = $1", [name, String(i)]);
      tx.changes.add("node", name, project.id);
    });
  type Queries = ReturnType<typeof createPlacement>["queries"];
  const running = `${nameOfWorkload(1)}-5`;
  const questions: Record<string, (q: Queries, i: number) => Promise<unknown>> = {
    "capacity": (q) => q.capacity(project, { limit: 100 }),
    "capacity of a site": (q) => q.capacity(project, { limit: 100, site: "lyon-1" }),
    "largest gang of a shape": (q) => q.capacity(project, { limit: 100, shape: { cpuMillis: 700, memoryBytes: 2 ** 31, diskBytes: 0, devices: null } }),
    ...Object.fromEntries([3, 20, 80].map((count) => [`repair plan for ${count} units`, (q: Queries) => q.repairPlan(project, { shape: { cpuMillis: 7_900, memoryBytes: 2 ** 30, diskBytes: 0, devices: null }, count }, asker)])),
    "why a unit that runs is not elsewhere": (q, i) => q.whyNot(project, { unit: running, node: nameOfNode(1_000 + i) }),
    "why it runs where it runs": (q) => q.whyNot(project, { unit: running }),
    ...Object.fromEntries([...Object.keys(waiting), ...homeless].flatMap((w) => [
      [`why nowhere: ${w}`, (q: Queries) => q.whyNot(project, { unit: `${w}-1` })],
      [`why not this node: ${w}`, (q: Queries, i: number) => q.whyNot(project, { unit: `${w}-1`, node: nameOfNode(1_000 + i) })],
    ])),
    "decided again": (q) => q.explain(project, { unit: running }),
    "queue": (q) => q.queue(project),
  };
  const results = [];
  for (const [question, ask] of Object.entries(questions)) {
    const times: Record<"cold" | "changed" | "warm", number[]> = { cold: [], changed: [], warm: [] };
    let sentence = "";
    for (let i = 0; i < rounds; i++) {
      // A new feature remembers nothing.
      const { queries } = createPlacement(deps);
      for (const kind of ["cold", "changed", "warm"] as const) {
        if (kind === "changed") await touch(i);
        const from = performance.now();
        const answer = (await ask(queries, i)) as { sentence?: string; flip?: { text: string } | null };
        times[kind].push(performance.now() - from);
        sentence = [answer.sentence, answer.flip?.text].filter(Boolean).join(" ");
      }
    }
    const at = (list: number[], q: number): number => Math.round([...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(q * list.length))] ?? 0);
    const row = { question, coldP50Ms: at(times.cold, 0.5), coldMaxMs: at(times.cold, 1), changedP50Ms: at(times.changed, 0.5), changedMaxMs: at(times.changed, 1), warmP50Ms: at(times.warm, 0.5), warmMaxMs: at(times.warm, 1), answer: sentence };
    results.push(row);
    say(`${question}: cold p50 ${row.coldP50Ms} ms, max ${row.coldMaxMs}; changed p50 ${row.changedP50Ms}, max ${row.changedMaxMs}; warm p50 ${row.warmP50Ms}, max ${row.warmMaxMs}. ${sentence}`);
  }
  await store.close();
  if (values.json) process.stdout.write(`${JSON.stringify({ nodes: size.nodes, units: size.units, workloads: size.workloads, rounds, limitMs: 1_000, questions: results })}\n`);
} finally {
  await installation.stop();
}
