/** Repair plans that somebody ran, how their moves stand, and what their prices are made from. */
import type { RepairStepMove } from "../../core/placement/fragmentation";
import { asJson, oneOrNone, toMs, toMsOrNull, type Queryable } from "../queryable";

/** A move as it was agreed to, with how it stands. */
export interface RepairMoveRecord extends RepairStepMove {
  workloadId: string;
  workload: string;
  fromNodeId: string;
  from: string;
  toNodeId: string;
  to: string;
  seconds: number;
  /** What it takes: kept free at its new place until its turn comes. */
  demand: RepairPlanRecord["demand"];
  /** Where the price comes from: measured starts, or what the manifest declares. */
  priced: "measured" | "declared";
}
/** What was agreed to besides the moves. */
export interface RepairPlanRecord {
  units: number;
  demand: { cpuMillis: number; memoryBytes: number; diskBytes: number; devices: { count: number; model: string | null } | null };
  text: string;
  priority: number;
  seconds: number;
  optimal: boolean;
  /** Rooms that are kept for those that wait: one entry a unit. */
  rooms: { nodeId: string; node: string }[];
  runningBefore: number;
}
export interface RepairRecord {
  id: string;
  projectId: string;
  workloadId: string | null;
  object: string;
  digest: string;
  plan: RepairPlanRecord;
  moves: RepairMoveRecord[];
  reason: string;
  by: string;
  atMs: number;
  version: number;
  endedAtMs: number | null;
  outcome: "placed" | "moved" | "waits" | "dropped" | null;
  endReason: string | null;
}
interface Sql { id: string; project_id: string; workload_id: string | null; object: string; digest: string; plan: RepairPlanRecord; moves: RepairMoveRecord[]; reason: string; by: string; at: Date; version: number; ended_at: Date | null; outcome: RepairRecord["outcome"]; end_reason: string | null }
const recordOf = (r: Sql): RepairRecord => ({ id: r.id, projectId: r.project_id, workloadId: r.workload_id, object: r.object, digest: r.digest, plan: r.plan, moves: r.moves, reason: r.reason, by: r.by, atMs: toMs(r.at), version: r.version, endedAtMs: toMsOrNull(r.ended_at), outcome: r.outcome, endReason: r.end_reason });

/** The repair that is under way in a project; null when none is. */
export async function open(db: Queryable, projectId: string): Promise<RepairRecord | null> {
  const r = await oneOrNone<Sql>(db, "select * from repairs where project_id = $1 and ended_at is null", [projectId]);
  return r ? recordOf(r) : null;
}
export async function byId(db: Queryable, id: string): Promise<RepairRecord | null> {
  const r = await oneOrNone<Sql>(db, "select * from repairs where id = $1", [id]);
  return r ? recordOf(r) : null;
}
/** The newest repair of exactly this plan. */
export async function byDigest(db: Queryable, projectId: string, digest: string): Promise<RepairRecord | null> {
  const r = await oneOrNone<Sql>(db, "select * from repairs where project_id = $1 and digest = $2 order by at desc limit 1", [projectId, digest]);
  return r ? recordOf(r) : null;
}
/** Repairs of a project, the newest first. */
export async function newest(db: Queryable, projectId: string, limit: number): Promise<RepairRecord[]> {
  return (await db.query<Sql>("select * from repairs where project_id = $1 order by at desc, id desc limit $2", [projectId, limit])).rows.map(recordOf);
}
export async function openIds(db: Queryable): Promise<string[]> {
  return (await db.query<{ id: string }>("select id from repairs where ended_at is null")).rows.map((r) => r.id);
}

/** Begins a repair; false when one is under way already. */
export async function begin(db: Queryable, r: Pick<RepairRecord, "id" | "projectId" | "workloadId" | "object" | "digest" | "plan" | "moves" | "reason" | "by" | "atMs"> & { byId: string }): Promise<boolean> {
  const done = await db.query(
    `insert into repairs (id, project_id, workload_id, object, digest, plan, moves, reason, by_id, by, at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, to_timestamp($11 / 1000.0)) on conflict do nothing`,
    [r.id, r.projectId, r.workloadId, r.object, r.digest, asJson(r.plan), asJson(r.moves), r.reason, r.byId, r.by, r.atMs],
  );
  return done.rowCount === 1;
}

/** Writes how the moves stand, and the end when there is one; false when somebody else wrote since. */
export async function advance(db: Queryable, r: { id: string; version: number; moves: readonly RepairMoveRecord[]; end: { outcome: NonNullable<RepairRecord["outcome"]>; because: string } | null; nowMs: number }): Promise<boolean> {
  const done = await db.query(
    `update repairs set moves = $3, version = version + 1, ended_at = case when $4::text is null then null else to_timestamp($6 / 1000.0) end, outcome = $4, end_reason = $5 where id = $1 and version = $2 and ended_at is null`,
    [r.id, r.version, asJson(r.moves), r.end?.outcome ?? null, r.end?.because ?? null, r.nowMs],
  );
  return done.rowCount === 1;
}

/** Notes on one move what became of it; false when its repair is over or the move stands otherwise by now. */
export async function note(db: Queryable, r: { id: string; move: number; from: RepairMoveRecord["state"][]; to: Pick<RepairMoveRecord, "state" | "because" | "sinceMs"> & { becomes?: string } }): Promise<boolean> {
  const done = await db.query(
    `update repairs set moves = jsonb_set(moves, array[$2::text], (moves -> $2::int) || $4::jsonb), version = version + 1 where id = $1 and ended_at is null and (moves -> $2::int ->> 'state') = any($3)`,
    [r.id, r.move, r.from, asJson(r.to)],
  );
  return done.rowCount === 1;
}

/** How assignments stand: what the next step of a repair is decided from. */
export async function standOf(db: Queryable, ids: readonly string[]): Promise<{ id: string; desired: "run" | "stop"; ended: boolean; serves: boolean }[]> {
  return (
    await db.query<{ id: string; desired: "run" | "stop"; ended: boolean; serves: boolean }>(
      `select a.id, a.desired, a.ended_at is not null as ended, coalesce(o.phase = 'running' and o.health in ('healthy', 'unknown'), false) as serves from assignments a left join observations o on o.assignment_id = a.id where a.id = any($1)`,
      [ids],
    )
  ).rows;
}

/** Units of a workload that are to run now. */
export async function runningOf(db: Queryable, workloadId: string): Promise<number> {
  return (await oneOrNone<{ n: number }>(db, "select count(*)::int as n from assignments where workload_id = $1 and ended_at is null and desired = 'run'", [workloadId]))?.n ?? 0;
}

/** By workload: the median of the seconds from start to healthy of its units that run and never restarted, and of how many. */
export async function startSeconds(db: Queryable, projectId: string): Promise<Map<string, { seconds: number; units: number }>> {
  const { rows } = await db.query<{ workload_id: string; seconds: number; units: number }>(
    `select a.workload_id, (percentile_cont(0.5) within group (order by extract(epoch from o.since_at - o.started_at)))::float8 as seconds, count(*)::int as units
     from assignments a join observations o on o.assignment_id = a.id
     where a.project_id = $1 and a.ended_at is null and o.phase = 'running' and o.health = 'healthy' and o.restarts = 0 and o.since_at > o.started_at
     group by a.workload_id`,
    [projectId],
  );
  return new Map(rows.map((r) => [r.workload_id, { seconds: r.seconds, units: r.units }]));
}
