/** Writes of telemetry: batched statements over arrays, called inside the transaction that numbers the report. */
import type { Queryable } from "../queryable";

export async function insertNodeSamples(q: Queryable, nodeId: string, samples: readonly { atMs: number; values: (number | null)[] }[]): Promise<void> {
  for (const s of samples) {
    await q.query(
      `insert into node_samples (node_id, at, values) values ($1, to_timestamp($2 / 1000.0), $3) on conflict do nothing`,
      [nodeId, s.atMs, s.values.map((v) => (v === null ? Number.NaN : v))],
    );
  }
}

export async function insertUnitSamples(q: Queryable, samples: readonly { assignmentId: string; atMs: number; cpuMillis: number | null; memoryBytes: number | null }[]): Promise<void> {
  if (samples.length === 0) return;
  await q.query(
    `insert into unit_samples (assignment_id, at, cpu_millis, memory_bytes)
     select a, to_timestamp(t / 1000.0), c, m from unnest($1::text[], $2::float8[], $3::float8[], $4::float8[]) as x(a, t, c, m)
     on conflict do nothing`,
    [samples.map((s) => s.assignmentId), samples.map((s) => s.atMs), samples.map((s) => s.cpuMillis), samples.map((s) => s.memoryBytes)],
  );
}

/** The assignments among `ids` that belong to the node, ended ones included: what a report may speak of. */
export async function assignmentsOfNode(q: Queryable, nodeId: string, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map();
  const r = await q.query<{ id: string; workload_id: string }>(`select id, workload_id from assignments where node_id = $1 and id = any($2)`, [nodeId, ids]);
  return new Map(r.rows.map((x) => [x.id, x.workload_id]));
}

export interface RequestMinuteKey {
  workloadId: string;
  assignmentId: string;
  generation: number;
  minuteMs: number;
}
export interface RequestMinuteRow extends RequestMinuteKey {
  count: number;
  errors: number;
  sketch: Uint8Array;
}

/** Rows that exist already, locked: a later report of the same minute is merged into them. */
export async function lockRequestMinutes(q: Queryable, keys: readonly RequestMinuteKey[]): Promise<RequestMinuteRow[]> {
  if (keys.length === 0) return [];
  const r = await q.query<{ workload_id: string; assignment_id: string; generation: number; minute_ms: string; count: number; errors: number; sketch: Buffer }>(
    `select r.workload_id, r.assignment_id, r.generation, (extract(epoch from r.minute) * 1000)::bigint as minute_ms, r.count, r.errors, r.sketch
     from request_minutes r
     join unnest($1::text[], $2::text[], $3::int[], $4::float8[]) as k(w, a, g, m)
       on r.workload_id = k.w and r.assignment_id = k.a and r.generation = k.g and r.minute = to_timestamp(k.m / 1000.0)
     for update of r`,
    [keys.map((k) => k.workloadId), keys.map((k) => k.assignmentId), keys.map((k) => k.generation), keys.map((k) => k.minuteMs)],
  );
  return r.rows.map((x) => ({ workloadId: x.workload_id, assignmentId: x.assignment_id, generation: x.generation, minuteMs: Number(x.minute_ms), count: x.count, errors: x.errors, sketch: x.sketch }));
}

export async function upsertRequestMinutes(q: Queryable, node: { id: string; siteId: string }, rows: readonly RequestMinuteRow[]): Promise<void> {
  if (rows.length === 0) return;
  await q.query(
    `insert into request_minutes (workload_id, assignment_id, generation, site_id, node_id, minute, count, errors, sketch)
     select w, a, g, $1, $2, to_timestamp(m / 1000.0), c, e, s
     from unnest($3::text[], $4::text[], $5::int[], $6::float8[], $7::int[], $8::int[], $9::bytea[]) as x(w, a, g, m, c, e, s)
     on conflict (workload_id, minute, assignment_id, generation) do update set count = excluded.count, errors = excluded.errors, sketch = excluded.sketch`,
    [node.siteId, node.id, rows.map((r) => r.workloadId), rows.map((r) => r.assignmentId), rows.map((r) => r.generation), rows.map((r) => r.minuteMs), rows.map((r) => r.count), rows.map((r) => r.errors), rows.map((r) => Buffer.from(r.sketch))],
  );
}

/**
 * Serialises predictions and labels of a workload until the transaction ends: without it a prediction and its label,
 * committed at the same time by two nodes' reports, would not see each other and never be joined.
 */
export async function lockQuality(q: Queryable, workloadIds: readonly string[]): Promise<void> {
  for (const id of [...new Set(workloadIds)].sort()) await q.query(`select pg_advisory_xact_lock(hashtext('quality'), hashtext($1))`, [id]);
}

export interface PredictionRow {
  workloadId: string;
  id: string;
  assignmentId: string;
  generation: number;
  atMs: number;
  predicted: string;
  confidence: number | null;
}
/** Stores predictions; one that is known already stays as it is. */
export async function insertPredictions(q: Queryable, siteId: string, rows: readonly PredictionRow[]): Promise<void> {
  if (rows.length === 0) return;
  await q.query(
    `insert into predictions (workload_id, id, assignment_id, generation, site_id, at, predicted, confidence)
     select w, i, a, g, $1, to_timestamp(t / 1000.0), p, c from unnest($2::text[], $3::text[], $4::text[], $5::int[], $6::float8[], $7::text[], $8::float8[]) as x(w, i, a, g, t, p, c)
     on conflict do nothing`,
    [siteId, rows.map((r) => r.workloadId), rows.map((r) => r.id), rows.map((r) => r.assignmentId), rows.map((r) => r.generation), rows.map((r) => r.atMs), rows.map((r) => r.predicted), rows.map((r) => r.confidence)],
  );
}

export interface LabelRow {
  workloadId: string;
  id: string;
  label: string;
  atMs: number;
}
/** Labels that waited for one of these predictions, taken out of the waiting table. */
export async function takeWaitingLabels(q: Queryable, keys: readonly { workloadId: string; id: string }[]): Promise<LabelRow[]> {
  if (keys.length === 0) return [];
  const r = await q.query<{ workload_id: string; id: string; label: string; at_ms: string }>(
    `delete from waiting_labels w using unnest($1::text[], $2::text[]) as k(w, i) where w.workload_id = k.w and w.id = k.i
     returning w.workload_id, w.id, w.label, (extract(epoch from w.at) * 1000)::bigint as at_ms`,
    [keys.map((k) => k.workloadId), keys.map((k) => k.id)],
  );
  return r.rows.map((x) => ({ workloadId: x.workload_id, id: x.id, label: x.label, atMs: Number(x.at_ms) }));
}

/** Gives predictions their labels, once each, adds them to the minutes' quality, and keeps labels whose prediction is not here yet. */
export async function joinLabels(q: Queryable, labels: readonly LabelRow[]): Promise<{ joined: number; waiting: number }> {
  if (labels.length === 0) return { joined: 0, waiting: 0 };
  const args = [labels.map((l) => l.workloadId), labels.map((l) => l.id), labels.map((l) => l.label), labels.map((l) => l.atMs)];
  const joined = await q.query<{ n: string }>(
    `with l as (select distinct on (w, i) w, i, v, t from unnest($1::text[], $2::text[], $3::text[], $4::float8[]) as x(w, i, v, t) order by w, i),
     hit as (update predictions p set label = l.v, labelled_at = to_timestamp(l.t / 1000.0) from l
             where p.workload_id = l.w and p.id = l.i and p.label is null
             returning p.workload_id, p.generation, p.site_id, date_trunc('minute', p.at) as minute, (p.predicted = l.v) as right),
     added as (insert into quality_minutes (workload_id, generation, site_id, minute, labelled, correct)
               select workload_id, generation, site_id, minute, count(*), count(*) filter (where "right") from hit group by 1, 2, 3, 4 order by 1, 2, 3, 4
               on conflict (workload_id, minute, generation, site_id) do update set labelled = quality_minutes.labelled + excluded.labelled, correct = quality_minutes.correct + excluded.correct)
     select count(*) as n from hit`,
    args,
  );
  const waiting = await q.query(
    `insert into waiting_labels (workload_id, id, label, at)
     select distinct on (w, i) w, i, v, to_timestamp(t / 1000.0) from unnest($1::text[], $2::text[], $3::text[], $4::float8[]) as x(w, i, v, t)
     where not exists (select 1 from predictions p where p.workload_id = x.w and p.id = x.i) order by w, i
     on conflict do nothing`,
    args,
  );
  return { joined: Number(joined.rows[0]?.n ?? 0), waiting: waiting.rowCount };
}

export async function workloadIdsByName(q: Queryable, projectId: string, names: readonly string[]): Promise<Map<string, string>> {
  if (names.length === 0) return new Map();
  const r = await q.query<{ id: string; name: string }>(`select id, name from objects where project_id = $1 and kind = 'Workload' and deleted_at is null and name = any($2)`, [projectId, names]);
  return new Map(r.rows.map((x) => [x.name, x.id]));
}

export async function insertNodeEvents(q: Queryable, nodeId: string, events: readonly { atMs: number; kind: string; assignmentId: string | null; unit: string | null; message: string }[]): Promise<void> {
  if (events.length === 0) return;
  await q.query(
    `insert into node_events (node_id, at, kind, assignment_id, unit, message)
     select $1, to_timestamp(t / 1000.0), k, a, u, m from unnest($2::float8[], $3::text[], $4::text[], $5::text[], $6::text[]) as x(t, k, a, u, m)`,
    [nodeId, events.map((e) => e.atMs), events.map((e) => e.kind), events.map((e) => e.assignmentId), events.map((e) => e.unit), events.map((e) => e.message)],
  );
}
