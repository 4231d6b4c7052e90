import { oneOrNone, toMs, toMsOrNull } from "../queryable";
import type { Queryable } from "../queryable";
import { requireCurrent } from "../transaction";

export type AssignmentCause = "place" | "replace" | "drain" | "scale" | "rollout" | "rollback";

/** Desired: one unit of a workload on a node. It lives until `endedAtMs`. */
export interface StoredAssignment {
  id: string;
  projectId: string;
  workloadId: string;
  unit: string;
  ordinal: number;
  nodeId: string;
  generation: number;
  digest: string;
  desired: "run" | "stop";
  cause: string;
  decisionId: string | null;
  rolloutId: string | null;
  version: number;
  createdAtMs: number;
  updatedAtMs: number;
  endedAtMs: number | null;
}

interface Row {
  id: string; project_id: string; workload_id: string; unit: string; ordinal: number; node_id: string; generation: number; digest: string;
  desired: "run" | "stop"; cause: string; decision_id: string | null; rollout_id: string | null; version: number; created_at: Date; updated_at: Date; ended_at: Date | null;
}

const toAssignment = (r: Row): StoredAssignment => ({
  id: r.id, projectId: r.project_id, workloadId: r.workload_id, unit: r.unit, ordinal: r.ordinal, nodeId: r.node_id, generation: r.generation, digest: r.digest,
  desired: r.desired, cause: r.cause, decisionId: r.decision_id, rolloutId: r.rollout_id, version: r.version,
  createdAtMs: toMs(r.created_at), updatedAtMs: toMs(r.updated_at), endedAtMs: toMsOrNull(r.ended_at),
});

export async function byId(db: Queryable, id: string): Promise<StoredAssignment | undefined> {
  const row = await oneOrNone<Row>(db, "select * from assignments where id = $1", [id]);
  return row && toAssignment(row);
}

/** Live assignments of a workload, by ordinal. */
export const liveOfWorkload = async (db: Queryable, workloadId: string) =>
  (await db.query<Row>("select * from assignments where workload_id = $1 and ended_at is null order by ordinal, id", [workloadId])).rows.map(toAssignment);

/** Live assignments of a node: what the gateway tells its agent. */
export const liveOfNode = async (db: Queryable, nodeId: string) =>
  (await db.query<Row>("select * from assignments where node_id = $1 and ended_at is null order by unit, id", [nodeId])).rows.map(toAssignment);

/** Places units. A unique violation of `assignments_one_running_unit_key` means that somebody else placed one first. */
export async function insertMany(db: Queryable, list: readonly Omit<StoredAssignment, "version" | "createdAtMs" | "updatedAtMs" | "endedAtMs">[]): Promise<void> {
  if (list.length === 0) return;
  const column = <T>(pick: (a: (typeof list)[number]) => T) => list.map(pick);
  await db.query(
    `insert into assignments (id, project_id, workload_id, unit, ordinal, node_id, generation, digest, desired, cause, decision_id, rollout_id)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::int[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[])`,
    [column((a) => a.id), column((a) => a.projectId), column((a) => a.workloadId), column((a) => a.unit), column((a) => a.ordinal), column((a) => a.nodeId), column((a) => a.generation), column((a) => a.digest), column((a) => a.desired), column((a) => a.cause), column((a) => a.decisionId), column((a) => a.rolloutId)],
  );
}

/** Moves an assignment to another revision in place; compare-and-set. */
export async function setGeneration(db: Queryable, a: { id: string; unit: string; version: number }, to: { generation: number; digest: string; cause: AssignmentCause; rolloutId: string | null }): Promise<void> {
  const result = await db.query(
    `update assignments set generation = $3, digest = $4, cause = $5, rollout_id = $6, version = version + 1, updated_at = now()
     where id = $1 and version = $2 and ended_at is null and desired = 'run'`,
    [a.id, a.version, to.generation, to.digest, to.cause, to.rolloutId],
  );
  requireCurrent(result, `unit ${a.unit}`);
}

/** Asks a unit to stop; compare-and-set. */
export async function askToStop(db: Queryable, a: { id: string; unit: string; version: number }, cause: AssignmentCause): Promise<void> {
  const result = await db.query("update assignments set desired = 'stop', cause = $3, version = version + 1, updated_at = now() where id = $1 and version = $2 and ended_at is null", [a.id, a.version, cause]);
  requireCurrent(result, `unit ${a.unit}`);
}

/** Ends an assignment that was confirmed as stopped, or is written off; compare-and-set. */
export async function end(db: Queryable, a: { id: string; unit: string; version: number }): Promise<void> {
  const result = await db.query("update assignments set ended_at = now(), desired = 'stop', version = version + 1, updated_at = now() where id = $1 and version = $2 and ended_at is null", [a.id, a.version]);
  requireCurrent(result, `unit ${a.unit}`);
}
