import type { UnitTrialStatus } from "../../protocol/messages";
import { asJson } from "../queryable";
import type { Queryable } from "../queryable";

/** The revision that is starting beside the one that serves. */
export interface Incoming {
  generation: number;
  digest: string;
  phase: string;
  health: string;
  restarts: number;
  exitCode: number | null;
  message: string;
  sinceMs: number;
}

/** One row of observations as the gateway writes it. */
export interface ObservedRow {
  assignmentId: string;
  generation: number;
  digest: string;
  phase: string;
  health: string;
  pid: number | null;
  restarts: number;
  exitCode: number | null;
  message: string;
  ports: Record<string, number>;
  limits: string;
  cpuMillis: number | null;
  memoryBytes: number | null;
  startedAtMs: number | null;
  sinceMs: number;
  incoming: Incoming | null;
  /** How its switch on trial stands; null when it is on none. */
  trial: UnitTrialStatus | null;
}

type Raw = { assignment_id: string; generation: number; digest: string; phase: string; health: string; pid: number | null; restarts: number; exit_code: number | null; message: string; ports: Record<string, number>; limits: string; cpu_millis: number | null; memory_bytes: number | null; started_at: Date | null; since_at: Date; incoming: Incoming | null; trial: UnitTrialStatus | null };

/** What is stored of a node's live assignments, and which of them were never observed. */
export async function observedOfNode(db: Queryable, nodeId: string): Promise<ObservedRow[]> {
  const { rows } = await db.query<Raw>(
    `select o.assignment_id, o.generation, o.digest, o.phase, o.health, o.pid, o.restarts, o.exit_code, o.message, o.ports, o.limits, o.cpu_millis, o.memory_bytes, o.started_at, o.since_at, o.incoming, o.trial
     from observations o join assignments a on a.id = o.assignment_id where a.node_id = $1 and a.ended_at is null`,
    [nodeId],
  );
  return rows.map((r) => ({ assignmentId: r.assignment_id, generation: r.generation, digest: r.digest, phase: r.phase, health: r.health, pid: r.pid, restarts: r.restarts, exitCode: r.exit_code, message: r.message, ports: r.ports, limits: r.limits, cpuMillis: r.cpu_millis, memoryBytes: r.memory_bytes, startedAtMs: r.started_at?.getTime() ?? null, sinceMs: r.since_at.getTime(), incoming: r.incoming, trial: r.trial }));
}

/** A live assignment of a node, as far as comparing it with what is observed needs. */
export interface NodeAssignment {
  id: string;
  unit: string;
  generation: number;
  digest: string;
  desired: "run" | "stop";
}
export async function assignmentsOfNode(db: Queryable, nodeId: string): Promise<NodeAssignment[]> {
  const { rows } = await db.query<NodeAssignment>(`select id, unit, generation, digest, desired from assignments where node_id = $1 and ended_at is null`, [nodeId]);
  return rows;
}

/** Locks the node for a whole observation of this session; undefined when the session is no longer the node's. */
export async function beginObserved(db: Queryable, o: { nodeId: string; sessionId: string; appliedGeneration: number; atMs: number }): Promise<{ desiredGeneration: number } | undefined> {
  const { rows } = await db.query<{ desired_generation: number }>(
    "update nodes set observed_at = $4, last_seen_at = greatest(last_seen_at, $4), observed_generation = $3 where id = $1 and session_id = $2 returning desired_generation",
    [o.nodeId, o.sessionId, o.appliedGeneration, new Date(o.atMs)],
  );
  return rows[0] && { desiredGeneration: rows[0].desired_generation };
}

/**
 * Writes observations in one statement. Only rows whose assignment is this node's are written; gives the assignments that
 * were. What an agent says of another node's assignment never reaches the table.
 */
export async function writeObserved(db: Queryable, nodeId: string, rows: readonly ObservedRow[], atMs: number): Promise<string[]> {
  if (rows.length === 0) return [];
  const { rows: written } = await db.query<{ assignmentId: string }>(
    `with said as (
       select * from jsonb_to_recordset($2::jsonb) as x("assignmentId" text, generation int, digest text, phase text, health text, pid int, restarts int, "exitCode" int, message text,
         ports jsonb, limits text, "cpuMillis" float8, "memoryBytes" float8, "startedAtMs" float8, "sinceMs" float8, incoming jsonb, trial jsonb)
     ), own as (
       select s.* from said s join assignments a on a.id = s."assignmentId" and a.node_id = $1
     ), put as (
       insert into observations (assignment_id, node_id, generation, digest, phase, health, pid, restarts, exit_code, message, ports, limits, cpu_millis, memory_bytes, started_at, since_at, observed_at, incoming, trial)
       select "assignmentId", $1, generation, digest, phase, health, pid, restarts, "exitCode", message, ports, limits, "cpuMillis", round("memoryBytes")::bigint, to_timestamp("startedAtMs" / 1000.0), to_timestamp("sinceMs" / 1000.0), $3, nullif(incoming, 'null'::jsonb), nullif(trial, 'null'::jsonb)
       from own order by "assignmentId"
       on conflict (assignment_id) do update set generation = excluded.generation, digest = excluded.digest, phase = excluded.phase, health = excluded.health, pid = excluded.pid, restarts = excluded.restarts,
         exit_code = excluded.exit_code, message = excluded.message, ports = excluded.ports, limits = excluded.limits, cpu_millis = excluded.cpu_millis, memory_bytes = excluded.memory_bytes,
         started_at = excluded.started_at, since_at = excluded.since_at, observed_at = excluded.observed_at, incoming = excluded.incoming, trial = excluded.trial
       where observations.node_id = $1
     )
     select "assignmentId" from own`,
    [nodeId, asJson(rows), new Date(atMs)],
  );
  return written.map((w) => w.assignmentId);
}
