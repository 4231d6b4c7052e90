import type { UnitTrialStatus } from "../../protocol/messages";
import { asJson } from "../queryable";
import type { Queryable } from "../queryable";
import { requireCurrent } from "../transaction";
import type { Tx } from "../transaction";
import { touchDesired } from "./nodes";

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
  /** Of a unit that has a share of a device: which one of its node; absent or null for others. */
  on?: { slot: number; model: string } | null;
}

/** Places units. A unique violation of `assignments_one_running_unit_key` means that somebody else placed one first. */
export async function insertMany(db: Queryable, list: readonly NewAssignment[]): Promise<void> {
  if (list.length === 0) return;
  const column = <T>(pick: (a: (typeof list)[number]) => T) => list.map(pick);
  await db.query(
    `insert into assignments (id, project_id, workload_id, unit, ordinal, node_id, generation, digest, desired, cause, decision_id, rollout_id, shared_slot, shared_model)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::int[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::int[], $14::text[])`,
    [column((a) => a.id), column((a) => a.projectId), column((a) => a.workloadId), column((a) => a.unit), column((a) => a.ordinal), column((a) => a.nodeId), column((a) => a.generation), column((a) => a.digest), column((a) => a.desired), column((a) => a.cause), column((a) => a.decisionId), column((a) => a.rolloutId), column((a) => a.on?.slot ?? null), column((a) => a.on?.model ?? null)],
  );
}

/** Moves an assignment to another revision in place; compare-and-set. A trial is of one revision: it ends with it. */
export async function setGeneration(db: Queryable, a: { id: string; unit: string; version: number }, to: { generation: number; digest: string; cause: AssignmentCause; rolloutId: string | null }): Promise<void> {
  const result = await db.query(
    `update assignments set generation = $3, digest = $4, cause = $5, rollout_id = $6, trial = null, version = version + 1, updated_at = now()
     where id = $1 and version = $2 and ended_at is null and desired = 'run'`,
    [a.id, a.version, to.generation, to.digest, to.cause, to.rolloutId],
  );
  requireCurrent(result, `unit ${a.unit}`);
}

/** A unit's revision on trial: its node goes back to `previousGeneration` by itself at `returnAtMs` (Unix ms, the gateway's clock). */
export interface AssignmentTrial {
  rollout: string;
  returnAtMs: number;
  previousGeneration: number;
}

/**
 * Puts an assignment's revision on trial, moves the deadline of a trial, or ends it with null (the order to keep the
 * revision). Call it after `setGeneration`, which ends the trial of the revision before. A unit that was heard to have
 * gone back tries again: the attempt counts up; one whose return was not heard yet stays back, whatever deadline it is
 * told. The node is told (its desired generation counts up); nothing happens, and false is given, when the assignment has
 * ended or the trial is the same.
 */
export async function setTrial(tx: Tx, id: string, trial: AssignmentTrial | null): Promise<boolean> {
  const { rows } = await tx.client.query<{ node_id: string; project_id: string }>(
    // updated_at stays: it says when the unit was asked for its revision, and deadlines are counted from it.
    `with known as (
       select a.id, case when a.trial ->> 'rollout' = $2::jsonb ->> 'rollout' then coalesce((a.trial ->> 'attempt')::int, 1) else 1 end as attempt,
         o.trial ->> 'state' = 'returned' and o.trial ->> 'rollout' = $2::jsonb ->> 'rollout' as returned, coalesce((o.trial ->> 'attempt')::int, 1) as said
       from assignments a left join observations o on o.assignment_id = a.id where a.id = $1
     )
     update assignments a set trial = $2::jsonb || jsonb_build_object('attempt', k.attempt + case when k.returned and k.said = k.attempt and a.trial is not null then 1 else 0 end)
     from known k where a.id = k.id and a.ended_at is null and a.trial - 'attempt' is distinct from $2::jsonb
       and ($2::jsonb is null or (a.desired = 'run' and a.generation <> ($2::jsonb ->> 'previousGeneration')::int))
     returning a.node_id, a.project_id`,
    [id, asJson(trial)],
  );
  for (const row of rows) tx.changes.add("assignment", id, row.project_id);
  if (rows.length > 0) await touchDesired(tx, rows.map((r) => r.node_id));
  return rows.length > 0;
}

/** Trials of a rollout's live units: where each stands as its agent said last of this attempt (null: nothing said, or an agent without the switch). */
export async function trialsOfRollout(db: Queryable, rolloutId: string): Promise<{ assignmentId: string; trial: AssignmentTrial; said: UnitTrialStatus | null }[]> {
  const { rows } = await db.query<{ assignmentId: string; trial: AssignmentTrial; said: UnitTrialStatus | null }>(
    `select a.id as "assignmentId", a.trial, case when o.trial ->> 'rollout' = $1 and coalesce((o.trial ->> 'attempt')::int, 1) = coalesce((a.trial ->> 'attempt')::int, 1) then o.trial end as said
     from assignments a left join observations o on o.assignment_id = a.id
     where a.ended_at is null and a.trial ->> 'rollout' = $1 order by a.id`,
    [rolloutId],
  );
  return rows;
}
