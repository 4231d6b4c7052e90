/** What placement reads of other workloads: who could give way, what quotas are used for, and reserved room. */
import { toMs } from "../queryable";
import type { Queryable } from "../queryable";
import { DEMAND_COLUMNS, demandColumns, sharedOn } from "./demand-columns";
import type { DemandColumns, DemandSql } from "./demand-columns";

export interface OtherUnitRow extends DemandColumns {
  id: string;
  version: number;
  unit: string;
  workloadId: string;
  workload: string;
  nodeId: string;
  priority: number;
  quota: string | null;
  stopping: boolean;
  startedAtMs: number;
  /** The device that its share is of. */
  on: { slot: number; model: string } | null;
  /** As the manifest has it, such as "10m"; null for what runs until somebody ends it. */
  durationMin: string | null;
  durationMax: string | null;
}

/**
 * Live units of other workloads that could make room: of lower priority, on their way out, of quotas that may have to
 * give back, or expected to end.
 */
export async function otherUnits(db: Queryable, projectId: string, o: { workloadId: string; below: number; quotas: readonly string[]; ending: boolean }): Promise<OtherUnitRow[]> {
  const { rows } = await db.query<DemandSql & { id: string; version: number; unit: string; workload_id: string; workload: string; node_id: string; priority: number; quota: string | null; desired: string; created_at: Date; shared_slot: number | null; shared_model: string | null; duration_min: string | null; duration_max: string | null }>(
    `with w as (
       select id, name, coalesce((spec ->> 'priority')::int, 100) as priority, spec ->> 'quota' as quota, spec #>> '{duration,min}' as duration_min, spec #>> '{duration,max}' as duration_max
       from objects where project_id = $1 and kind = 'Workload' and id <> $2
     )
     select a.id, a.version, a.unit, a.workload_id, w.name as workload, a.node_id, w.priority, w.quota, a.desired, a.created_at, a.shared_slot, a.shared_model, ${DEMAND_COLUMNS}, w.duration_min, w.duration_max
     from assignments a join w on w.id = a.workload_id join object_revisions r on r.object_id = a.workload_id and r.generation = a.generation
     where a.project_id = $1 and a.ended_at is null and (w.priority < $3 or a.desired = 'stop' or w.quota = any($4) or ($5 and w.duration_max is not null))
     order by a.id`,
    [projectId, o.workloadId, o.below, o.quotas, o.ending],
  );
  return rows.map((r) => ({
    id: r.id, version: r.version, unit: r.unit, workloadId: r.workload_id, workload: r.workload, nodeId: r.node_id, priority: r.priority, quota: r.quota, stopping: r.desired === "stop", startedAtMs: toMs(r.created_at),
    ...demandColumns(r), on: sharedOn(r.shared_slot, r.shared_model), durationMin: r.duration_min, durationMax: r.duration_max,
  }));
}

/** By workload with a disruption budget: how many more of its units may be out of service. */
export async function budgets(db: Queryable, projectId: string): Promise<Map<string, number>> {
  const { rows } = await db.query<{ id: string; allowed: number }>(
    `select w.id, greatest(0, (w.spec #>> '{disruption,maxUnavailable}')::int - greatest(0, coalesce((w.spec ->> 'replicas')::int, 1) - count(o.assignment_id)))::int as allowed
     from objects w left join assignments a on a.workload_id = w.id and a.ended_at is null and a.desired = 'run'
       left join observations o on o.assignment_id = a.id and o.phase = 'running' and o.health in ('healthy', 'unknown')
     where w.project_id = $1 and w.kind = 'Workload' and w.deleted_at is null and w.spec #>> '{disruption,maxUnavailable}' is not null
     group by w.id, w.spec`,
    [projectId],
  );
  return new Map(rows.map((r) => [r.id, r.allowed]));
}

/** By workload that is a gang: how many of it have to run together. */
export async function gangs(db: Queryable, projectId: string): Promise<Map<string, number>> {
  const { rows } = await db.query<{ id: string; least: number }>("select id, (spec #>> '{gang,minMember}')::int as least from objects where project_id = $1 and kind = 'Workload' and spec #>> '{gang,minMember}' is not null", [projectId]);
  return new Map(rows.map((r) => [r.id, r.least]));
}

export interface AsksForMore {
  assignmentId: string;
  nodeId: string;
  /** The device that its share is of. */
  on: { slot: number; model: string } | null;
  now: DemandColumns;
  next: DemandColumns;
}

/** Running units of a workload for which a revision asks for more, or for other devices, than the one they are asked to run. */
export async function asksForMore(db: Queryable, workloadId: string, generation: number): Promise<AsksForMore[]> {
  const { rows } = await db.query<{ id: string; node_id: string; shared_slot: number | null; shared_model: string | null; now: DemandSql; next: DemandSql }>(
    `with d as (select r.generation, ${DEMAND_COLUMNS} from object_revisions r where r.object_id = $1)
     select a.id, a.node_id, a.shared_slot, a.shared_model, to_jsonb(n) as now, to_jsonb(t) as next
     from assignments a join d n on n.generation = a.generation join d t on t.generation = $2
     where a.workload_id = $1 and a.ended_at is null and a.desired = 'run' and a.generation <> $2
       and (t.cpu_millis > n.cpu_millis or t.memory_bytes::bigint > n.memory_bytes::bigint or t.disk_bytes::bigint > n.disk_bytes::bigint
         or (t.device_count, t.device_model, t.device_share, t.slice_profile, t.slice_count) is distinct from (n.device_count, n.device_model, n.device_share, n.slice_profile, n.slice_count))
     order by a.id`,
    [workloadId, generation],
  );
  return rows.map((r) => ({ assignmentId: r.id, nodeId: r.node_id, on: sharedOn(r.shared_slot, r.shared_model), now: demandColumns(r.now), next: demandColumns(r.next) }));
}

/** Keeps others from changing what is asked of these nodes until the transaction ends. */
export async function lockNodes(db: Queryable, nodeIds: readonly string[]): Promise<void> {
  await db.query("select id from nodes where id = any($1) order by id for update", [nodeIds]);
}

/** Other workloads of a project whose newest revision that is not held names this one among what it keeps apart from. */
export async function affinities(db: Queryable, projectId: string, name: string): Promise<{ workload: string; affinity: unknown }[]> {
  const { rows } = await db.query<{ workload: string; affinity: unknown }>(
    `select o.name as workload, r.manifest #> '{spec,affinity}' as affinity
     from objects o cross join lateral (select manifest from object_revisions x where x.object_id = o.id and x.held_reason is null order by x.generation desc limit 1) r
     where o.project_id = $1 and o.kind = 'Workload' and o.deleted_at is null and o.name <> $2
       and r.manifest #> '{spec,affinity,apart}' @> jsonb_build_array(jsonb_build_object('from', $2::text)) order by o.name`,
    [projectId, name],
  );
  return rows;
}
/** What units of a project are wanted: by workload how many, and what its newest revision that is not held asks for. */
export async function wanted(db: Queryable, projectId: string): Promise<(DemandColumns & { replicas: number })[]> {
  const { rows } = await db.query<DemandSql & { replicas: number }>(
    `select coalesce((r.manifest #>> '{spec,replicas}')::int, 1) as replicas, ${DEMAND_COLUMNS}
     from objects o cross join lateral (select * from object_revisions x where x.object_id = o.id and x.held_reason is null order by x.generation desc limit 1) r
     where o.project_id = $1 and o.kind = 'Workload' and o.deleted_at is null order by o.id`,
    [projectId],
  );
  return rows.map((r) => ({ replicas: r.replicas, ...demandColumns(r) }));
}
/** Nodes with live units of these workloads. */
export async function unitsOfNamed(db: Queryable, projectId: string, names: readonly string[]): Promise<{ workload: string; nodeId: string; stopping: boolean }[]> {
  const { rows } = await db.query<{ workload: string; node_id: string; stopping: boolean }>(
    `select o.name as workload, a.node_id, a.desired = 'stop' as stopping from assignments a join objects o on o.id = a.workload_id
     where o.project_id = $1 and o.kind = 'Workload' and o.name = any($2) and a.ended_at is null order by o.name, a.node_id, a.id`,
    [projectId, names],
  );
  return rows.map((r) => ({ workload: r.workload, nodeId: r.node_id, stopping: r.stopping }));
}
/**
 * Until the transaction ends nobody else in the project places by a rule about others, and no unit of these workloads is
 * placed, also not by who has not heard of the rule yet. To be asked for before any other lock.
 */
export async function lockNeighbours(db: Queryable, projectId: string, names: readonly string[]): Promise<void> {
  await db.query("select pg_advisory_xact_lock(hashtextextended('neighbours ' || $1, 0))", [projectId]);
  await db.query("select 1 from objects where project_id = $1 and kind = 'Workload' and name = any($2) order by id for no key update", [projectId, names]);
}

export interface UsageRow {
  quota: string;
  workloadId: string;
  cpuMillis: number;
  memoryBytes: number;
  diskBytes: number;
  devices: number;
  model: string | null;
}
/** What live units, and reservations of units that do not run, take of quotas; by workload and device model. */
export async function quotaUsage(db: Queryable, projectId: string): Promise<UsageRow[]> {
  const { rows } = await db.query<{ quota: string; workload_id: string; cpu: string; memory: string; disk: string; devices: string; model: string | null }>(
    `with w as (select id, spec ->> 'quota' as quota from objects where project_id = $1 and kind = 'Workload' and spec ->> 'quota' is not null),
     held as (
       select a.workload_id, a.generation from assignments a where a.project_id = $1 and a.ended_at is null
       union all
       select v.workload_id, v.generation from reservations v where v.project_id = $1 and v.cause = 'preempt'
         and not exists (select 1 from assignments a where a.workload_id = v.workload_id and a.unit = v.unit and a.ended_at is null and a.desired = 'run')
     )
     select w.quota, h.workload_id, sum(r.cpu_millis)::text as cpu, sum(r.memory_bytes)::text as memory, sum(r.disk_bytes)::text as disk, (sum(r.device_count) + sum(coalesce(r.device_share, 0)) / 1000.0)::text as devices, r.device_model as model
     from held h join w on w.id = h.workload_id join object_revisions r on r.object_id = h.workload_id and r.generation = h.generation
     group by w.quota, h.workload_id, r.device_model order by w.quota, h.workload_id`,
    [projectId],
  );
  return rows.map((r) => ({ quota: r.quota, workloadId: r.workload_id, cpuMillis: Number(r.cpu), memoryBytes: Number(r.memory), diskBytes: Number(r.disk), devices: Number(r.devices), model: r.model }));
}

/** Holds the quotas of a project as they are until the transaction ends: who places in one does so alone. */
export async function lockQuotas(db: Queryable, projectId: string, names: readonly string[]): Promise<void> {
  await db.query("select 1 from objects where project_id = $1 and kind = 'Quota' and deleted_at is null and name = any($2) order by id for no key update", [projectId, names]);
}

export interface ReservationRow extends DemandColumns {
  workloadId: string;
  workload: string;
  unit: string;
  nodeId: string;
  generation: number;
  priority: number;
  cause: "preempt" | "backfill";
  because: string;
  fromMs: number;
  expiresMs: number;
}
/** Reservations of a project, with what each keeps. */
export async function reservations(db: Queryable, projectId: string): Promise<ReservationRow[]> {
  const { rows } = await db.query<DemandSql & { workload_id: string; workload: string; unit: string; node_id: string; generation: number; priority: number; cause: "preempt" | "backfill"; because: string; from_at: Date; expires_at: Date }>(
    `select v.workload_id, w.name as workload, v.unit, v.node_id, v.generation, v.priority, v.cause, v.because, v.from_at, v.expires_at, ${DEMAND_COLUMNS}
     from reservations v join objects w on w.id = v.workload_id join object_revisions r on r.object_id = v.workload_id and r.generation = v.generation
     where v.project_id = $1 order by v.workload_id, v.unit`,
    [projectId],
  );
  return rows.map((r) => ({ workloadId: r.workload_id, workload: r.workload, unit: r.unit, nodeId: r.node_id, generation: r.generation, priority: r.priority, cause: r.cause, because: r.because, fromMs: toMs(r.from_at), expiresMs: toMs(r.expires_at), ...demandColumns(r) }));
}

/** Puts a workload's reservations in the place of those it had. */
export async function replaceReservations(db: Queryable, projectId: string, workloadId: string, list: readonly { id: string; unit: string; nodeId: string; generation: number; priority: number; cause: string; because: string; fromMs: number; expiresMs: number }[]): Promise<void> {
  await db.query("delete from reservations where workload_id = $1", [workloadId]);
  if (list.length === 0) return;
  const column = <T>(pick: (r: (typeof list)[number]) => T) => list.map(pick);
  await db.query(
    `insert into reservations (id, project_id, workload_id, unit, node_id, generation, priority, cause, because, from_at, expires_at)
     select i, $1, $2, u, n, g, p, c, b, to_timestamp(f / 1000.0), to_timestamp(e / 1000.0)
     from unnest($3::text[], $4::text[], $5::text[], $6::int[], $7::int[], $8::text[], $9::text[], $10::float8[], $11::float8[]) as x(i, u, n, g, p, c, b, f, e)`,
    [projectId, workloadId, column((r) => r.id), column((r) => r.unit), column((r) => r.nodeId), column((r) => r.generation), column((r) => r.priority), column((r) => r.cause), column((r) => r.because), column((r) => r.fromMs), column((r) => r.expiresMs)],
  );
}
