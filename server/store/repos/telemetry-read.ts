/** Reads of telemetry for charts and for the evidence of rollouts. Buckets are made in SQL, sketches merged by the caller. */
import type { Queryable } from "../queryable";

export interface Bucketed {
  atMs: number;
  values: (number | null)[];
}

/** Means of a node's series per bucket; a series that nobody measured in a bucket is null. */
export async function nodeBuckets(q: Queryable, nodeId: string, fromMs: number, toMs: number, stepMs: number, series: number): Promise<Bucketed[]> {
  const means = Array.from({ length: series }, (_, i) => `avg(nullif(values[${i + 1}], 'NaN'::float8))`).join(", ");
  const r = await q.query<{ t: string; v: (number | null)[] }>(
    `select (floor(extract(epoch from at) * 1000 / $4) * $4)::bigint as t, array[${means}] as v
     from node_samples where node_id = $1 and at >= to_timestamp($2 / 1000.0) and at < to_timestamp($3 / 1000.0) group by 1 order by 1`,
    [nodeId, fromMs, toMs, stepMs],
  );
  return r.rows.map((x) => ({ atMs: Number(x.t), values: x.v }));
}

export async function unitBuckets(q: Queryable, assignmentId: string, fromMs: number, toMs: number, stepMs: number): Promise<Bucketed[]> {
  const r = await q.query<{ t: string; c: number | null; m: number | null }>(
    `select (floor(extract(epoch from at) * 1000 / $4) * $4)::bigint as t, avg(cpu_millis) as c, avg(memory_bytes) as m
     from unit_samples where assignment_id = $1 and at >= to_timestamp($2 / 1000.0) and at < to_timestamp($3 / 1000.0) group by 1 order by 1`,
    [assignmentId, fromMs, toMs, stepMs],
  );
  return r.rows.map((x) => ({ atMs: Number(x.t), values: [x.c, x.m] }));
}

export interface RequestMinuteView {
  minuteMs: number;
  generation: number;
  site: string;
  assignmentId: string;
  count: number;
  errors: number;
  sketch: Uint8Array;
}
/** Request minutes of a workload (or of one assignment) in a range. */
export async function requestMinutes(q: Queryable, by: { workloadId: string; assignmentId?: string }, fromMs: number, toMs: number): Promise<RequestMinuteView[]> {
  const r = await q.query<{ t: string; generation: number; site: string; assignment_id: string; count: number; errors: number; sketch: Buffer }>(
    `select (extract(epoch from r.minute) * 1000)::bigint as t, r.generation, s.name as site, r.assignment_id, r.count, r.errors, r.sketch
     from request_minutes r join sites s on s.id = r.site_id
     where r.workload_id = $1 and r.minute >= to_timestamp($2 / 1000.0) and r.minute < to_timestamp($3 / 1000.0) and ($4::text is null or r.assignment_id = $4)
     order by r.minute`,
    [by.workloadId, fromMs, toMs, by.assignmentId ?? null],
  );
  return r.rows.map((x) => ({ minuteMs: Number(x.t), generation: x.generation, site: x.site, assignmentId: x.assignment_id, count: x.count, errors: x.errors, sketch: x.sketch }));
}

/** Request minutes of one revision on some assignments: the past of the hosts that a canary is compared on. */
export async function requestMinutesOf(q: Queryable, workloadId: string, generation: number, assignmentIds: readonly string[], fromMs: number, toMs: number): Promise<RequestMinuteView[]> {
  if (assignmentIds.length === 0) return [];
  const r = await q.query<{ t: string; site: string; assignment_id: string; count: number; errors: number; sketch: Buffer }>(
    `select (extract(epoch from r.minute) * 1000)::bigint as t, s.name as site, r.assignment_id, r.count, r.errors, r.sketch
     from request_minutes r join sites s on s.id = r.site_id
     where r.workload_id = $1 and r.minute >= to_timestamp($2 / 1000.0) and r.minute < to_timestamp($3 / 1000.0) and r.generation = $4 and r.assignment_id = any($5) order by r.minute`,
    [workloadId, fromMs, toMs, generation, assignmentIds],
  );
  return r.rows.map((x) => ({ minuteMs: Number(x.t), generation, site: x.site, assignmentId: x.assignment_id, count: x.count, errors: x.errors, sketch: x.sketch }));
}

/** When nodes were silent in a range: spells as recorded, and the one that has just begun of nodes not heard for `silentAfterMs`. */
export async function silentSpells(q: Queryable, nodeIds: readonly string[], fromMs: number, toMs: number, silentAfterMs: number): Promise<{ nodeId: string; fromMs: number; toMs: number | null }[]> {
  const r = await q.query<{ node_id: string; f: string; t: string | null }>(
    `select node_id, (extract(epoch from from_at) * 1000)::bigint as f, (extract(epoch from to_at) * 1000)::bigint as t from silent_spells
       where node_id = any($1) and from_at < to_timestamp($3 / 1000.0) and coalesce(to_at, 'infinity') > to_timestamp($2 / 1000.0)
     union all
     select n.id, (extract(epoch from n.last_seen_at) * 1000)::bigint, null from nodes n
       where n.id = any($1) and n.last_seen_at < to_timestamp(($3::float8 - $4::float8) / 1000.0) and not exists (select 1 from silent_spells s where s.node_id = n.id and s.to_at is null)
     order by 1, 2`,
    [nodeIds, fromMs, toMs, silentAfterMs],
  );
  return r.rows.map((x) => ({ nodeId: x.node_id, fromMs: Number(x.f), toMs: x.t === null ? null : Number(x.t) }));
}

export interface QualityMinuteView {
  minuteMs: number;
  generation: number;
  site: string;
  labelled: number;
  correct: number;
}
export async function qualityMinutes(q: Queryable, workloadId: string, fromMs: number, toMs: number): Promise<QualityMinuteView[]> {
  const r = await q.query<{ t: string; generation: number; site: string; labelled: number; correct: number }>(
    `select (extract(epoch from m.minute) * 1000)::bigint as t, m.generation, s.name as site, m.labelled, m.correct
     from quality_minutes m join sites s on s.id = m.site_id
     where m.workload_id = $1 and m.minute >= to_timestamp($2 / 1000.0) and m.minute < to_timestamp($3 / 1000.0) order by m.minute`,
    [workloadId, fromMs, toMs],
  );
  return r.rows.map((x) => ({ minuteMs: Number(x.t), generation: x.generation, site: x.site, labelled: x.labelled, correct: x.correct }));
}

/** Labelled predictions served in an exact window, by revision and site: what a canary is judged by. */
export async function labelledBySite(q: Queryable, workloadId: string, generations: readonly number[], fromMs: number, toMs: number): Promise<{ generation: number; site: string; labelled: number; correct: number }[]> {
  const r = await q.query<{ generation: number; site: string; labelled: string; correct: string }>(
    `select p.generation, s.name as site, count(*) as labelled, count(*) filter (where p.label = p.predicted) as correct
     from predictions p join sites s on s.id = p.site_id
     where p.workload_id = $1 and p.generation = any($2) and p.label is not null and p.at >= to_timestamp($3 / 1000.0) and p.at < to_timestamp($4 / 1000.0)
     group by 1, 2`,
    [workloadId, generations, fromMs, toMs],
  );
  return r.rows.map((x) => ({ generation: x.generation, site: x.site, labelled: Number(x.labelled), correct: Number(x.correct) }));
}

/** Unexpected exits of a workload's running units since a time, by the revision the unit was asked to run, and site. */
export async function exitsBySite(q: Queryable, workloadId: string, fromMs: number, toMs: number): Promise<{ generation: number; site: string; exits: number; units: number }[]> {
  const r = await q.query<{ generation: number; site: string; exits: string; units: string }>(
    `select a.generation, s.name as site, count(e.id) as exits, count(distinct a.id) as units
     from assignments a join nodes n on n.id = a.node_id join sites s on s.id = n.site_id
     left join node_events e on e.assignment_id = a.id and e.kind in ('unit.exited', 'unit.oomKilled') and e.at >= greatest(to_timestamp($2 / 1000.0), a.updated_at) and e.at < to_timestamp($3 / 1000.0)
     where a.workload_id = $1 and a.ended_at is null and a.desired = 'run' group by 1, 2`,
    [workloadId, fromMs, toMs],
  );
  return r.rows.map((x) => ({ generation: x.generation, site: x.site, exits: Number(x.exits), units: Number(x.units) }));
}

export interface FlagRow {
  kind: "rollout" | "revision" | "partition";
  atMs: number;
  toMs: number | null;
  name: string;
  detail: string;
}
/** What happened to a workload in a range: rollouts, revisions, and silent spells of nodes that run it. */
export async function workloadFlags(q: Queryable, workloadId: string, fromMs: number, toMs: number): Promise<FlagRow[]> {
  const r = await q.query<{ kind: FlagRow["kind"]; at_ms: string; to_ms: string | null; name: string; detail: string }>(
    `select 'rollout' as kind, (extract(epoch from created_at) * 1000)::bigint as at_ms, (extract(epoch from ended_at) * 1000)::bigint as to_ms, number::text as name, 'r' || from_generation || ' to r' || to_generation as detail
       from rollouts where workload_id = $1 and created_at < to_timestamp($3 / 1000.0) and coalesce(ended_at, now()) >= to_timestamp($2 / 1000.0)
     union all
     select 'revision', (extract(epoch from created_at) * 1000)::bigint, null, generation::text, author from object_revisions where object_id = $1 and created_at >= to_timestamp($2 / 1000.0) and created_at < to_timestamp($3 / 1000.0)
     union all
     select 'partition', (extract(epoch from min(p.from_at)) * 1000)::bigint, (extract(epoch from case when bool_or(p.to_at is null) then null else max(p.to_at) end) * 1000)::bigint, s.name, count(distinct p.node_id) || ' silent'
       from silent_spells p join sites s on s.id = p.site_id
       where p.node_id in (select node_id from assignments where workload_id = $1) and p.from_at < to_timestamp($3 / 1000.0) and coalesce(p.to_at, now()) >= to_timestamp($2 / 1000.0)
       group by s.name, date_trunc('minute', p.from_at)
     order by 2`,
    [workloadId, fromMs, toMs],
  );
  return r.rows.map((x) => ({ kind: x.kind, atMs: Number(x.at_ms), toMs: x.to_ms === null ? null : Number(x.to_ms), name: x.name, detail: x.detail }));
}

export async function nodeByName(q: Queryable, projectId: string, name: string): Promise<{ id: string } | null> {
  const r = await q.query<{ id: string }>(`select id from nodes where project_id = $1 and name = $2`, [projectId, name]);
  return r.rows[0] ?? null;
}
export async function assignmentInProject(q: Queryable, projectId: string, id: string): Promise<{ id: string; nodeId: string; workloadId: string; unit: string } | null> {
  const r = await q.query<{ id: string; node_id: string; workload_id: string; unit: string }>(`select id, node_id, workload_id, unit from assignments where project_id = $1 and id = $2`, [projectId, id]);
  const x = r.rows[0];
  return x ? { id: x.id, nodeId: x.node_id, workloadId: x.workload_id, unit: x.unit } : null;
}
