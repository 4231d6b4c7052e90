import { addCounts, intervalOf, noCounts, workloadStateOf } from "../../core/fleet";
import type { Counts } from "../../core/fleet";
import type { WorkloadRow } from "../../core/views/workloads";
import { RequestSum } from "../../telemetry";
import { Recent, workloadsRead } from "../../store";
import type { Queryable, Store } from "../../store";

type Row = workloadsRead.WorkloadListRow;

/** Lists say what was measured in the last so many ms. */
export const MEASURED_MS = 5 * 60_000;
/** More sketches than this are not merged for a list; the workload's own page does. */
const MOST_SKETCHES = 5_000;

/** A workload's row, and how many labels its accuracy rests on. */
export type Summary = WorkloadRow & { accuracySample: number };

export type Summarise = (projectId: string, rows: readonly Row[], at: { nowMs: number; silentAfterMs: number }) => Promise<Summary[]>;

/**
 * Makes the function that gives rows of the store the states and measurements that lists show: a handful of questions for
 * any number of rows, of which counting the units is asked once for all who look at the same moment.
 */
export function createSummary(store: Store): Summarise {
  const recent = new Recent<[Units, Map<string, number>]>({ changes: store, topics: ["node", "workload", "assignment", "observation"], maxAgeMs: 2_000 });
  const db = store.read.client;
  return (projectId, rows, at) => {
    const ids = rows.map((r) => r.id);
    const counted = () => recent.get(projectId, ids.join(), () => Promise.all([workloadsRead.unitsByRevision(db, projectId, ids, at), workloadsRead.siteCounts(db, projectId, ids)]));
    return summarise(db, rows, at, counted);
  };
}

async function summarise(db: Queryable, rows: readonly Row[], at: { nowMs: number; silentAfterMs: number }, counted: () => Promise<[Units, Map<string, number>]>): Promise<Summary[]> {
  const ids = rows.map((r) => r.id);
  if (ids.length === 0) return [];
  const [[units, sites], completed, measured] = await Promise.all([counted(), workloadsRead.completedCounts(db, ids.filter((id) => rows.find((r) => r.id === id)?.kind === "batch")), workloadsRead.measured(db, ids, at.nowMs - MEASURED_MS, MOST_SKETCHES)]);
  const byWorkload = new Map<string, Units>();
  for (const u of units) byWorkload.set(u.workloadId, [...(byWorkload.get(u.workloadId) ?? []), u]);
  const missing = rows.filter((r) => r.kind !== "daemon" && total(byWorkload.get(r.id) ?? []) + (completed.get(r.id) ?? 0) < r.replicas).map((r) => r.id);
  const why = missing.length > 0 ? await workloadsRead.whyUnplaced(db, missing) : new Map<string, string>();
  return rows.map((r) => {
    const own = byWorkload.get(r.id) ?? [];
    const done = Math.min(completed.get(r.id) ?? 0, r.replicas);
    const running = own.reduce<Counts>((sum, u) => addCounts(sum, u.counts), noCounts);
    const counts = { ...running, healthy: running.healthy + done };
    const wanted = r.kind === "daemon" ? total(own) : r.replicas;
    const unplaced = Math.max(0, wanted - total(own) - done);
    const m = measured.get(r.id);
    const requests = new RequestSum();
    for (const sketch of m?.sketches ?? []) requests.add({ count: 0, errors: 0, sketch });
    return {
      id: r.id,
      name: r.name,
      title: r.title,
      kind: r.kind,
      state: workloadStateOf({ wanted, units: counts, unplaced: { count: unplaced, because: unplaced > 0 ? (why.get(r.id) ?? null) : null }, behind: own.filter((u) => u.observedGeneration !== u.generation).reduce((n, u) => n + total([u]), 0), nowMs: at.nowMs }),
      generation: r.generation,
      units: intervalOf(counts, Math.max(wanted, total(own) + done)),
      revisions: revisionsOf(own),
      sites: sites.get(r.id) ?? 0,
      policy: r.policy,
      rollout: r.rollout,
      // Over the time since the first of these minutes began: a workload that has just started is not diluted by the time before.
      requestsPerSecond: m && m.requests > 0 ? (m.requests * 1_000) / Math.max(1_000, Math.min(MEASURED_MS, at.nowMs - (m.oldestMs ?? 0))) : null,
      latencyP99Ms: requests.quantile(0.99),
      errorRate: m && m.requests > 0 ? m.errors / m.requests : null,
      accuracy: m && m.labelled > 0 ? m.correct / m.labelled : null,
      accuracySample: m?.labelled ?? 0,
      measuredAtMs: m?.newestMs ?? null,
      updatedAtMs: r.updatedAtMs,
    };
  });
}

type Units = Awaited<ReturnType<typeof workloadsRead.unitsByRevision>>;
const total = (own: Units): number => own.reduce((n, u) => n + u.counts.healthy + u.counts.degraded + u.counts.failing + u.counts.silent + u.counts.pending, 0);

function revisionsOf(own: Units): WorkloadRow["revisions"] {
  const found = new Map<number, { generation: number; desired: number; observed: number }>();
  const at = (generation: number) => found.get(generation) ?? found.set(generation, { generation, desired: 0, observed: 0 }).get(generation) ?? { generation, desired: 0, observed: 0 };
  for (const u of own) {
    at(u.generation).desired += total([u]);
    if (u.observedGeneration !== null) at(u.observedGeneration).observed += total([u]);
  }
  return [...found.values()].sort((a, b) => a.generation - b.generation);
}
