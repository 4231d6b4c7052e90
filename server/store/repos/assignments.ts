import type { Queryable } from "../queryable";
import { requireCurrent } from "../transaction";

export type AssignmentCause = "place" | "replace" | "drain" | "scale" | "rollout" | "rollback";

/** Desired: one unit of a workload on a node, as it is placed. */
export interface NewAssignment {
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
}

/** Places units. A unique violation of `assignments_one_running_unit_key` means that somebody else placed one first. */
export async function insertMany(db: Queryable, list: readonly NewAssignment[]): Promise<void> {
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
