import path from "node:path";
import { planFor } from "../../server/placement";
import { applyPlan } from "../../server/scheduler/apply-plan";
import { silentLogger } from "../../server/platform";
import { openStore } from "../../server/store";
import { makeInstallation } from "../lib/installation";
import { seedLargeFleet } from "../lib/large-fleet";
import { quantile, round } from "../lib/numbers";

export interface Durable {
  scenario: string;
  nodes: number;
  batches: number;
  placements: number;
  /** Committed: decision with its explanation, assignment, audit entry and change pointers, compare-and-set on every node. */
  placementsPerSecond: number;
  batchP50Ms: number;
  batchMaxMs: number;
  /** Reading the fleet and planning one batch, which the rate leaves out. */
  planP50Ms: number;
  rssMiB: number;
}

/** The scheduler's own way from a plan to committed rows, on a PostgreSQL of its own with its usual durability. */
export async function durable(o: { nodes: number; batches: number }, say: (line: string) => void): Promise<Durable> {
  const installation = await makeInstallation(path.resolve(process.cwd()));
  const store = openStore({ url: installation.appUrl, log: silentLogger, max: 4, name: "bench" });
  try {
    await seedLargeFleet(installation.ownerUrl, { nodes: o.nodes, units: o.nodes, sites: 20, workloads: 2, rollouts: 0, auditEntries: 0 }, (line) => say(`  ${line}`));
    const { rows } = await store.read.client.query<{ id: string }>("select id from objects where kind = 'Workload' order by name limit 1");
    const workloadId = rows[0]?.id ?? "";
    const applyMs: number[] = [];
    const planMs: number[] = [];
    let placed = 0;
    for (let batch = 0; batch < o.batches; batch++) {
      const from = performance.now();
      const planned = await planFor(store.read.client, workloadId, { nowMs: Date.now(), silentAfterMs: 86_400_000, change: (s) => ({ ...s, snapshot: { ...s.snapshot, replicas: s.snapshot.units.length + 1_000 } }) });
      if (!planned) throw new Error("the seeded workload is not there");
      const between = performance.now();
      const outcome = await applyPlan(store, planned, () => Promise.resolve(null));
      if (outcome !== "applied") throw new Error(`a batch was ${outcome}`);
      planMs.push(between - from);
      applyMs.push(performance.now() - between);
      placed += planned.plan.place.length;
    }
    return {
      scenario: "durable", nodes: o.nodes, batches: o.batches, placements: placed, placementsPerSecond: Math.round((placed / applyMs.reduce((a, b) => a + b, 0)) * 1_000),
      batchP50Ms: round(quantile(applyMs, 0.5)), batchMaxMs: round(Math.max(...applyMs)), planP50Ms: round(quantile(planMs, 0.5)), rssMiB: Math.round(process.memoryUsage.rss() / 2 ** 20),
    };
  } finally {
    await store.close();
    await installation.stop();
  }
}
