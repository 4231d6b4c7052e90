/** All workloads of a project at once, for previews: what `objects`, `rollouts` and `schedulerSnapshot` read one by one. */
import { toMs } from "../queryable";
import type { Queryable } from "../queryable";
import { sharedOn } from "./demand-columns";
import type { StoredObject } from "./objects";
import type { OwnUnitRow } from "./scheduler-snapshot";

export type WorkloadObject = StoredObject & { removed: boolean };

/** Live workloads, and removed ones that still have units. */
export async function workloads(db: Queryable, projectId: string): Promise<WorkloadObject[]> {
  const { rows } = await db.query<{ id: string; project_id: string; name: string; title: string | null; labels: Record<string, string>; generation: number; digest: string; spec: unknown; version: number; created_at: Date; updated_at: Date; deleted_at: Date | null }>(
    `select * from objects o where project_id = $1 and kind = 'Workload'
       and (deleted_at is null or exists (select 1 from assignments a where a.workload_id = o.id and a.ended_at is null)) order by id`,
    [projectId],
  );
  return rows.map((r) => ({ id: r.id, projectId: r.project_id, kind: "Workload", name: r.name, title: r.title, labels: r.labels, generation: r.generation, digest: r.digest, spec: r.spec, version: r.version, createdAtMs: toMs(r.created_at), updatedAtMs: toMs(r.updated_at), removed: r.deleted_at !== null }));
}

/** Live units of all workloads, in the order in which `ownUnits` gives those of one. Rows are arrays: there are many. */
export async function units(db: Queryable, projectId: string): Promise<Map<string, OwnUnitRow[]>> {
  const { rows } = await db.query<{ w: string; r: unknown[][] }>(
    `select a.workload_id as w, json_agg(json_build_array(a.id, a.unit, a.ordinal, a.node_id, a.generation, a.desired, a.version, (extract(epoch from a.updated_at) * 1000)::bigint, o.generation, o.phase, o.health, o.restarts, o.exit_code, o.message, (extract(epoch from o.since_at) * 1000)::bigint, a.shared_slot, a.shared_model) order by a.ordinal, a.unit, a.id) as r
     from assignments a left join observations o on o.assignment_id = a.id where a.project_id = $1 and a.ended_at is null group by a.workload_id`,
    [projectId],
  );
  type Row = [string, string, number, string, number, "run" | "stop", number, number, number | null, string | null, string | null, number | null, number | null, string | null, number | null, number | null, string | null];
  return new Map(rows.map(({ w, r }) => [w, (r as Row[]).map((x) => ({
    id: x[0], unit: x[1], ordinal: x[2], nodeId: x[3], generation: x[4], desired: x[5], version: x[6], updatedAtMs: x[7], on: sharedOn(x[15], x[16]),
    observed: x[9] === null || x[14] === null ? null : { generation: x[8] ?? 0, phase: x[9], health: x[10] ?? "unknown", restarts: x[11] ?? 0, exitCode: x[12], message: x[13] ?? "", sinceMs: x[14] },
  }))]));
}

export interface RevisionRow {
  objectId: string;
  generation: number;
  digest: string;
  templateDigest: string | null;
  heldReason: string | null;
  gated: boolean;
  createdAtMs: number;
}
/** What decides which revision should run, of all workloads, in the order of their generations. */
export async function revisions(db: Queryable, projectId: string): Promise<RevisionRow[]> {
  const { rows } = await db.query<{ object_id: string; generation: number; digest: string; template_digest: string | null; held_reason: string | null; gated: boolean; created_at: Date }>(
    "select r.object_id, r.generation, r.digest, r.template_digest, r.held_reason, r.gated, r.created_at from object_revisions r join objects o on o.id = r.object_id where o.project_id = $1 and o.kind = 'Workload' order by r.object_id, r.generation",
    [projectId],
  );
  return rows.map((r) => ({ objectId: r.object_id, generation: r.generation, digest: r.digest, templateDigest: r.template_digest, heldReason: r.held_reason, gated: r.gated, createdAtMs: toMs(r.created_at) }));
}

/** Manifests of these revisions. */
export async function manifests(db: Queryable, wanted: readonly { objectId: string; generation: number }[]): Promise<{ objectId: string; generation: number; digest: string; templateDigest: string | null; manifest: unknown }[]> {
  const { rows } = await db.query<{ object_id: string; generation: number; digest: string; template_digest: string | null; manifest: unknown }>(
    "select r.object_id, r.generation, r.digest, r.template_digest, r.manifest from object_revisions r join unnest($1::text[], $2::int[]) as x(o, g) on x.o = r.object_id and x.g = r.generation",
    [wanted.map((w) => w.objectId), wanted.map((w) => w.generation)],
  );
  return rows.map((r) => ({ objectId: r.object_id, generation: r.generation, digest: r.digest, templateDigest: r.template_digest, manifest: r.manifest }));
}

/** Rollouts of all workloads that are open, or got everywhere. */
export async function rollouts(db: Queryable, projectId: string, finishedPhases: readonly string[]): Promise<{ workloadId: string; fromGeneration: number; toGeneration: number; endedAtMs: number | null }[]> {
  const { rows } = await db.query<{ workload_id: string; from_generation: number; to_generation: number; ended_at: Date | null }>("select workload_id, from_generation, to_generation, ended_at from rollouts where project_id = $1 and (ended_at is null or phase = any($2)) order by ended_at", [projectId, finishedPhases]);
  return rows.map((r) => ({ workloadId: r.workload_id, fromGeneration: r.from_generation, toGeneration: r.to_generation, endedAtMs: r.ended_at === null ? null : toMs(r.ended_at) }));
}

/** Batches: pieces of work that have run to completion, with the revision they ran, of all workloads. */
export async function completedPieces(db: Queryable, workloadIds: readonly string[]): Promise<{ workloadId: string; ordinal: number; generation: number }[]> {
  if (workloadIds.length === 0) return [];
  const { rows } = await db.query<{ workload_id: string; ordinal: number; generation: number }>("select distinct workload_id, ordinal, generation from assignments where workload_id = any($1) and ended_at is not null and cause = 'completed'", [workloadIds]);
  return rows.map((r) => ({ workloadId: r.workload_id, ordinal: r.ordinal, generation: r.generation }));
}
