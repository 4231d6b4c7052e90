/** Who waits for room, and what is known of it: for the screens of the queue and of quotas. */
import { toMs } from "../queryable";
import type { Queryable } from "../queryable";
import { DEMAND_COLUMNS, demandColumns } from "./demand-columns";
import type { DemandColumns, DemandSql } from "./demand-columns";
import { evidenceJoin, wholeCandidates } from "./decisions";

export interface WaitingRow extends DemandColumns {
  workloadId: string;
  workload: string;
  priority: number;
  quota: string | null;
  replicas: number;
  running: number;
  /** The newest decision about its first unit without a node. */
  blocker: string | null;
  unit: string | null;
  decision: string | null;
  sinceMs: number | null;
}
/** Workloads that run fewer units than they ask for (daemons and finished pieces apart), with what one unit takes. */
export async function waiting(db: Queryable, projectId: string): Promise<WaitingRow[]> {
  const { rows } = await db.query<DemandSql & { id: string; name: string; priority: number; quota: string | null; replicas: number; running: number; blocker: string | null; unit: string | null; decision: string | null; since: Date | null }>(
    `with w as (
       select o.id, o.name, o.generation, coalesce((o.spec ->> 'priority')::int, 100) as priority, o.spec ->> 'quota' as quota, coalesce((o.spec ->> 'replicas')::int, 1) as replicas,
         (select count(*)::int from assignments a where a.workload_id = o.id and a.ended_at is null and a.desired = 'run')
           + case when o.spec ->> 'kind' = 'batch' then (select count(distinct a.ordinal)::int from assignments a where a.workload_id = o.id and a.ended_at is not null and a.cause = 'completed') else 0 end as running
       from objects o where o.project_id = $1 and o.kind = 'Workload' and o.deleted_at is null and o.spec ->> 'kind' <> 'daemon'
     )
     select w.id, w.name, w.priority, w.quota, w.replicas, w.running, d.because as blocker, d.unit, d.id as decision, first.created_at as since, ${DEMAND_COLUMNS}
     from w join object_revisions r on r.object_id = w.id and r.generation = w.generation
       left join lateral (select d.id, d.unit, d.because from decisions d where d.workload_id = w.id and d.outcome = 'unplaced' order by d.created_at desc, d.unit limit 1) d on true
       left join lateral (
         select min(x.created_at) as created_at from decisions x where x.workload_id = w.id and x.unit = d.unit and x.outcome = 'unplaced'
           and x.created_at > coalesce((select max(p.created_at) from decisions p where p.workload_id = w.id and p.unit = d.unit and p.outcome = 'placed'), '-infinity')
       ) first on true
     where w.running < w.replicas`,
    [projectId],
  );
  return rows.map((r) => ({ workloadId: r.id, workload: r.name, priority: r.priority, quota: r.quota, replicas: r.replicas, running: r.running, blocker: r.blocker, unit: r.unit, decision: r.decision, sinceMs: r.since === null ? null : toMs(r.since), ...demandColumns(r) }));
}

/** Units that were asked to stop for others and still hold their room. */
export async function makingWay(db: Queryable, projectId: string): Promise<{ unit: string; workloadId: string; workload: string; priority: number; nodeId: string; node: string }[]> {
  const { rows } = await db.query<{ unit: string; workload_id: string; workload: string; priority: number; node_id: string; node: string }>(
    `select a.unit, a.workload_id, o.name as workload, coalesce((o.spec ->> 'priority')::int, 100) as priority, a.node_id, n.name as node
     from assignments a join objects o on o.id = a.workload_id join nodes n on n.id = a.node_id
     where a.project_id = $1 and a.ended_at is null and a.desired = 'stop' and a.cause = 'preempt' order by a.unit`,
    [projectId],
  );
  return rows.map((r) => ({ unit: r.unit, workloadId: r.workload_id, workload: r.workload, priority: r.priority, nodeId: r.node_id, node: r.node }));
}

/** For each of these nodes, when the first unit on it that tells how long it runs could end at the earliest. */
export async function earliestEnds(db: Queryable, projectId: string, nodeIds: readonly string[]): Promise<{ nodeId: string; startedAtMs: number; durationMin: string }[]> {
  const { rows } = await db.query<{ node_id: string; created_at: Date; min: string }>(
    `select a.node_id, a.created_at, o.spec #>> '{duration,min}' as min from assignments a join objects o on o.id = a.workload_id
     where a.project_id = $1 and a.ended_at is null and a.node_id = any($2) and o.spec #>> '{duration,min}' is not null`,
    [projectId, nodeIds],
  );
  return rows.map((r) => ({ nodeId: r.node_id, startedAtMs: toMs(r.created_at), durationMin: r.min }));
}

/** Recorded decisions with their candidates, newest first. */
export async function recorded(db: Queryable, projectId: string, limit: number): Promise<{ id: string; unit: string; workloadId: string; generation: number; outcome: "placed" | "unplaced"; node: string | null; candidates: unknown }[]> {
  const { rows } = await db.query<{ id: string; unit: string; workload_id: string; generation: number; outcome: "placed" | "unplaced"; node: string | null; candidates: unknown }>(
    `select d.id, d.unit, d.workload_id, d.generation, d.outcome, n.name as node, ${wholeCandidates} from decisions d left join nodes n on n.id = d.node_id ${evidenceJoin} where d.project_id = $1 order by d.created_at desc, d.id desc limit $2`,
    [projectId, limit],
  );
  return rows.map((r) => ({ id: r.id, unit: r.unit, workloadId: r.workload_id, generation: r.generation, outcome: r.outcome, node: r.node, candidates: r.candidates }));
}

/** Workloads by the quota that they count in. */
export async function quotaUsers(db: Queryable, projectId: string): Promise<{ quota: string; workload: string }[]> {
  return (await db.query<{ quota: string; workload: string }>("select spec ->> 'quota' as quota, name as workload from objects where project_id = $1 and kind = 'Workload' and deleted_at is null and spec ->> 'quota' is not null order by name", [projectId])).rows;
}
