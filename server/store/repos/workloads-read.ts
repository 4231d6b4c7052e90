/** Read models of workloads: what is asked for, what runs, what was measured lately. */
import type { Counts } from "../../core/fleet";
import { toMs, toMsOrNull } from "../queryable";
import type { Queryable } from "../queryable";
import { like, unitCounts, unitServed, unitState } from "./fleet-sql";
import type { Asked } from "./fleet-read";

export interface WorkloadListRow {
  id: string;
  name: string;
  title: string | null;
  labels: Record<string, string>;
  kind: "service" | "inference" | "batch" | "daemon";
  replicas: number;
  policy: string | null;
  generation: number;
  digest: string;
  version: number;
  updatedAtMs: number;
  rollout: { number: number; phase: string } | null;
}
interface WorkloadSql { id: string; name: string; title: string | null; labels: Record<string, string>; kind: WorkloadListRow["kind"] | null; replicas: number | null; policy: string | null; generation: number; digest: string; version: number; updated_at: Date; rollout_number: number | null; rollout_phase: string | null }
const toRow = (r: WorkloadSql): WorkloadListRow => ({ id: r.id, name: r.name, title: r.title, labels: r.labels, kind: r.kind ?? "service", replicas: r.replicas ?? 1, policy: r.policy, generation: r.generation, digest: r.digest, version: r.version, updatedAtMs: toMs(r.updated_at), rollout: r.rollout_number === null || r.rollout_phase === null ? null : { number: r.rollout_number, phase: r.rollout_phase } });
const columns = "w.id, w.name, w.title, w.labels, w.spec ->> 'kind' as kind, (w.spec ->> 'replicas')::int as replicas, w.spec ->> 'policy' as policy, w.generation, w.digest, w.version, w.updated_at, r.number as rollout_number, r.phase as rollout_phase";

/** One page of workloads by name, or the one that is named. */
export async function page(db: Queryable, projectId: string, o: { q?: string | undefined; name?: string | undefined; after: string | null; limit: number }): Promise<{ items: WorkloadListRow[]; total: number }> {
  const where = "w.project_id = $1 and w.kind = 'Workload' and w.deleted_at is null and ($2::text is null or w.name ilike $2 or w.title ilike $2 or w.labels::text ilike $2) and ($3::text is null or w.name = $3)";
  const args = [projectId, o.q?.trim() ? like(o.q.trim()) : null, o.name ?? null];
  const { rows } = await db.query<WorkloadSql>(`select ${columns} from objects w left join rollouts r on r.workload_id = w.id and r.ended_at is null where ${where} and ($4::text is null or w.name > $4) order by w.name limit $5`, [...args, o.after, o.limit]);
  const total = await db.query<{ n: number }>(`select count(*)::int as n from objects w where ${where}`, args);
  return { items: rows.map(toRow), total: total.rows[0]?.n ?? 0 };
}

export interface RevisionUnits {
  workloadId: string;
  /** The revision asked for, and the one that is observed (null: none yet). */
  generation: number;
  observedGeneration: number | null;
  counts: Counts;
}
/** Counts of the units of some workloads (or all of a project), by the revision asked for and the one that runs. */
export async function unitsByRevision(db: Queryable, projectId: string, workloadIds: readonly string[], at: Asked): Promise<RevisionUnits[]> {
  const { rows } = await db.query<{ workload_id: string; generation: number; observed_generation: number | null; healthy: number; degraded: number; failing: number; silent: number; pending: number; silent_was_healthy: number; as_of: Date | null }>(
    `select workload_id, generation, observed_generation, ${unitCounts} from (
       select a.workload_id, a.generation, o.generation as observed_generation, n.last_seen_at, ${unitState("$3::float8", "$4::float8")} as unit_state, ${unitServed} as was_serving
       from assignments a join nodes n on n.id = a.node_id left join observations o on o.assignment_id = a.id
       where a.project_id = $1 and a.workload_id = any($2) and a.ended_at is null and a.desired = 'run'
     ) u group by 1, 2, 3 order by 1, 2, 3`,
    [projectId, workloadIds, at.nowMs, at.silentAfterMs],
  );
  return rows.map((r) => ({ workloadId: r.workload_id, generation: r.generation, observedGeneration: r.observed_generation, counts: { healthy: r.healthy, degraded: r.degraded, failing: r.failing, silent: r.silent, pending: r.pending, silentWasHealthy: r.silent_was_healthy, asOfMs: toMsOrNull(r.as_of) } }));
}

/** On how many sites workloads run. */
export async function siteCounts(db: Queryable, projectId: string, workloadIds: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await db.query<{ workload_id: string; n: number }>(
    `select workload_id, count(distinct n.site_id)::int as n from (select distinct workload_id, node_id from assignments where project_id = $1 and workload_id = any($2) and ended_at is null and desired = 'run') a join nodes n on n.id = a.node_id group by 1`,
    [projectId, workloadIds],
  );
  return new Map(rows.map((r) => [r.workload_id, r.n]));
}

/** Finished pieces of batch workloads. */
export async function completedCounts(db: Queryable, workloadIds: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await db.query<{ workload_id: string; n: number }>("select workload_id, count(distinct ordinal)::int as n from assignments where workload_id = any($1) and ended_at is not null and cause = 'completed' group by 1", [workloadIds]);
  return new Map(rows.map((r) => [r.workload_id, r.n]));
}

/** Why units of these workloads found no node: the sentence of each workload's newest decision of that kind. */
export async function whyUnplaced(db: Queryable, workloadIds: readonly string[]): Promise<Map<string, string>> {
  const { rows } = await db.query<{ id: string; because: string }>("select w as id, d.because from unnest($1::text[]) w cross join lateral (select because from decisions where workload_id = w and outcome = 'unplaced' order by created_at desc limit 1) d", [workloadIds]);
  return new Map(rows.map((r) => [r.id, r.because]));
}

/** Requests and labels of some workloads since a time. Sketches only while there are few enough to merge for a list. */
export async function measured(db: Queryable, workloadIds: readonly string[], fromMs: number, mostSketches: number): Promise<Map<string, { requests: number; errors: number; oldestMs: number | null; newestMs: number | null; sketches: Uint8Array[]; labelled: number; correct: number }>> {
  const found = new Map(workloadIds.map((id) => [id, { requests: 0, errors: 0, oldestMs: null as number | null, newestMs: null as number | null, sketches: [] as Uint8Array[], labelled: 0, correct: 0 }]));
  const { rows } = await db.query<{ workload_id: string; requests: string; errors: string; oldest: Date; newest: Date; n: string }>("select workload_id, sum(count) as requests, sum(errors) as errors, min(minute) as oldest, max(minute) as newest, count(*) as n from request_minutes where workload_id = any($1) and minute >= to_timestamp($2 / 1000.0) group by 1", [workloadIds, fromMs]);
  for (const r of rows) Object.assign(found.get(r.workload_id) ?? {}, { requests: Number(r.requests), errors: Number(r.errors), oldestMs: toMs(r.oldest), newestMs: toMs(r.newest) });
  if (rows.reduce((n, r) => n + Number(r.n), 0) <= mostSketches) {
    const sketches = await db.query<{ workload_id: string; sketch: Buffer }>("select workload_id, sketch from request_minutes where workload_id = any($1) and minute >= to_timestamp($2 / 1000.0)", [workloadIds, fromMs]);
    for (const r of sketches.rows) found.get(r.workload_id)?.sketches.push(r.sketch);
  }
  const labels = await db.query<{ workload_id: string; labelled: string; correct: string }>("select workload_id, sum(labelled) as labelled, sum(correct) as correct from quality_minutes where workload_id = any($1) and minute >= to_timestamp($2 / 1000.0) group by 1", [workloadIds, fromMs]);
  for (const r of labels.rows) Object.assign(found.get(r.workload_id) ?? {}, { labelled: Number(r.labelled), correct: Number(r.correct) });
  return found;
}

/** How many units should run and do run each revision of a workload. */
export async function unitsPerGeneration(db: Queryable, workloadId: string): Promise<{ desired: Map<number, number>; observed: Map<number, number> }> {
  const { rows } = await db.query<{ kind: "desired" | "observed"; generation: number; n: number }>(
    `select 'desired' as kind, generation, count(*)::int as n from assignments where workload_id = $1 and ended_at is null and desired = 'run' group by 2
     union all select 'observed', o.generation, count(*)::int from observations o join assignments a on a.id = o.assignment_id where a.workload_id = $1 and a.ended_at is null and a.desired = 'run' and o.phase = 'running' group by 2`,
    [workloadId],
  );
  const of = (kind: string) => new Map(rows.filter((r) => r.kind === kind).map((r) => [r.generation, r.n]));
  return { desired: of("desired"), observed: of("observed") };
}
