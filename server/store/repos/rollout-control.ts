/** Freezes, broken glass, and the verdicts that decided something with their inputs. */
import type { UnitTrialStatus } from "../../protocol/messages";
import { oneOrNone, toMs, toMsOrNull, type Queryable } from "../queryable";

export interface FreezeRecord {
  id: string;
  site: string | null;
  reason: string;
  by: string;
  atMs: number;
  endedAtMs: number | null;
  endedBy: string | null;
  endReason: string | null;
}
interface FreezeSql { id: string; site: string | null; reason: string; by: string; at: Date; ended_at: Date | null; ended_by: string | null; end_reason: string | null }
const freezeOf = (r: FreezeSql): FreezeRecord => ({ id: r.id, site: r.site, reason: r.reason, by: r.by, atMs: toMs(r.at), endedAtMs: toMsOrNull(r.ended_at), endedBy: r.ended_by, endReason: r.end_reason });

/** Freezes in force in a project. */
export async function openFreezes(q: Queryable, projectId: string): Promise<FreezeRecord[]> {
  return (await q.query<FreezeSql>(`select * from freezes where project_id = $1 and ended_at is null order by site nulls first`, [projectId])).rows.map(freezeOf);
}
/** Freezes of a project, those in force first, then the newest. */
export async function freezes(q: Queryable, projectId: string, limit: number): Promise<FreezeRecord[]> {
  return (await q.query<FreezeSql>(`select * from freezes where project_id = $1 order by ended_at is not null, at desc, id limit $2`, [projectId, limit])).rows.map(freezeOf);
}
/** Freezes a project or site; false when it is frozen already. */
export async function freeze(q: Queryable, f: { id: string; projectId: string; site: string | null; reason: string; byId: string; by: string; nowMs: number }): Promise<boolean> {
  const r = await q.query(
    `insert into freezes (id, project_id, site, reason, by_id, by, at) values ($1, $2, $3, $4, $5, $6, to_timestamp($7 / 1000.0)) on conflict do nothing`,
    [f.id, f.projectId, f.site, f.reason, f.byId, f.by, f.nowMs],
  );
  return r.rowCount === 1;
}
/** Ends a freeze; false when it ended before. */
export async function thaw(q: Queryable, id: string, e: { by: string; reason: string; nowMs: number }): Promise<boolean> {
  return (await q.query(`update freezes set ended_at = to_timestamp($4 / 1000.0), ended_by = $2, end_reason = $3 where id = $1 and ended_at is null`, [id, e.by, e.reason, e.nowMs])).rowCount === 1;
}

export interface BreakGlassRecord {
  id: string;
  rolloutId: string;
  rolloutNumber: number;
  workload: string;
  reason: string;
  byId: string;
  by: string;
  atMs: number;
  expiresAtMs: number;
  reviewedBy: string | null;
  reviewedAtMs: number | null;
  reviewRemark: string | null;
}
interface GlassSql { id: string; rollout_id: string; number: number; workload: string; reason: string; by_id: string; by: string; at: Date; expires_at: Date; reviewed_by: string | null; reviewed_at: Date | null; review_remark: string | null }
const glassOf = (r: GlassSql): BreakGlassRecord => ({ id: r.id, rolloutId: r.rollout_id, rolloutNumber: r.number, workload: r.workload, reason: r.reason, byId: r.by_id, by: r.by, atMs: toMs(r.at), expiresAtMs: toMs(r.expires_at), reviewedBy: r.reviewed_by, reviewedAtMs: toMsOrNull(r.reviewed_at), reviewRemark: r.review_remark });
const glassFrom = `select b.*, r.number, o.name as workload from break_glass b join rollouts r on r.id = b.rollout_id join objects o on o.id = r.workload_id`;

/** Broken glass of a project, what still needs a review first. */
export async function brokenGlass(q: Queryable, projectId: string, limit: number): Promise<BreakGlassRecord[]> {
  return (await q.query<GlassSql>(`${glassFrom} where b.project_id = $1 order by b.reviewed_at is not null, b.at desc, b.id limit $2`, [projectId, limit])).rows.map(glassOf);
}
export async function glassById(q: Queryable, projectId: string, id: string): Promise<BreakGlassRecord | null> {
  const r = await oneOrNone<GlassSql>(q, `${glassFrom} where b.project_id = $1 and b.id = $2`, [projectId, id]);
  return r ? glassOf(r) : null;
}
/** Until when the glass of a rollout is broken; null when it is whole. */
export async function glassBrokenUntil(q: Queryable, rolloutId: string, nowMs: number): Promise<number | null> {
  const r = await oneOrNone<{ until: Date | null }>(q, `select max(expires_at) as until from break_glass where rollout_id = $1 and expires_at > to_timestamp($2 / 1000.0)`, [rolloutId, nowMs]);
  return toMsOrNull(r?.until ?? null);
}
export async function breakGlass(q: Queryable, b: { id: string; projectId: string; rolloutId: string; reason: string; byId: string; by: string; nowMs: number; expiresAtMs: number }): Promise<void> {
  await q.query(
    `insert into break_glass (id, project_id, rollout_id, reason, by_id, by, at, expires_at) values ($1, $2, $3, $4, $5, $6, to_timestamp($7 / 1000.0), to_timestamp($8 / 1000.0))`,
    [b.id, b.projectId, b.rolloutId, b.reason, b.byId, b.by, b.nowMs, b.expiresAtMs],
  );
}
/** Keeps a review; false when there is one. */
export async function reviewGlass(q: Queryable, id: string, r: { by: string; remark: string; nowMs: number }): Promise<boolean> {
  return (await q.query(`update break_glass set reviewed_by = $2, review_remark = $3, reviewed_at = to_timestamp($4 / 1000.0) where id = $1 and reviewed_at is null`, [id, r.by, r.remark, r.nowMs])).rowCount === 1;
}

/** Inputs of a verdict as kept: gzip of their canonical JSON. */
export async function keepBundle(q: Queryable, b: { projectId: string; digest: string; body: Uint8Array; nowMs: number }): Promise<void> {
  await q.query(`insert into verdict_bundles (project_id, digest, body, at) values ($1, $2, $3, to_timestamp($4 / 1000.0)) on conflict do nothing`, [b.projectId, b.digest, b.body, b.nowMs]);
}
export async function bundle(q: Queryable, projectId: string, digest: string): Promise<{ body: Uint8Array; atMs: number } | null> {
  const r = await oneOrNone<{ body: Buffer; at: Date }>(q, `select body, at from verdict_bundles where project_id = $1 and digest = $2`, [projectId, digest]);
  return r ? { body: r.body, atMs: toMs(r.at) } : null;
}

export interface KeptVerdict {
  wave: string | null;
  template: string;
  verdict: string;
  sentence: string;
  bundleDigest: string;
  atMs: number;
}
/** Verdicts of one rollout beyond this number push out the oldest, and their inputs with them. */
const MOST_VERDICTS = 50;
export async function keepVerdict(q: Queryable, projectId: string, rolloutId: string, v: KeptVerdict): Promise<void> {
  await q.query(`insert into rollout_verdicts (rollout_id, wave, template, verdict, sentence, bundle_digest, at) values ($1, $2, $3, $4, $5, $6, to_timestamp($7 / 1000.0))`, [rolloutId, v.wave, v.template, v.verdict, v.sentence, v.bundleDigest, v.atMs]);
  const gone = await q.query<{ d: string }>(`delete from rollout_verdicts where id in (select id from rollout_verdicts where rollout_id = $1 order by id desc offset $2) returning bundle_digest as d`, [rolloutId, MOST_VERDICTS]);
  if (gone.rowCount > 0) await q.query(`delete from verdict_bundles b where b.project_id = $1 and b.digest = any($2) and not exists (select 1 from rollout_verdicts v where v.bundle_digest = b.digest)`, [projectId, gone.rows.map((x) => x.d)]);
}
/** Verdicts that decided something, the newest first. */
export async function verdictsOf(q: Queryable, rolloutId: string, limit: number): Promise<KeptVerdict[]> {
  const r = await q.query<{ wave: string | null; template: string; verdict: string; sentence: string; bundle_digest: string; at: Date }>(`select wave, template, verdict, sentence, bundle_digest, at from rollout_verdicts where rollout_id = $1 order by id desc limit $2`, [rolloutId, limit]);
  return r.rows.map((x) => ({ wave: x.wave, template: x.template, verdict: x.verdict, sentence: x.sentence, bundleDigest: x.bundle_digest, atMs: toMs(x.at) }));
}

/** Ids of a project's sites by name. */
export async function siteIds(q: Queryable, projectId: string, names: readonly string[]): Promise<string[]> {
  return (await q.query<{ id: string }>(`select id from sites where project_id = $1 and name = any($2) order by id`, [projectId, names])).rows.map((r) => r.id);
}
/** Units that a rollout ever asked for a generation, by name. */
export async function askedUnits(q: Queryable, rolloutId: string, generation: number): Promise<Set<string>> {
  const r = await q.query<{ unit: string }>(`select distinct m ->> 'unit' as unit from rollout_events e, jsonb_array_elements(e.data) m where e.rollout_id = $1 and e.kind = 'asked' and (m ->> 'to')::int = $2`, [rolloutId, generation]);
  return new Set(r.rows.map((x) => x.unit));
}
/** What agents said last of a rollout's trials, by assignment: also after the trial was taken away. */
export async function trialsSaid(q: Queryable, workloadId: string, rolloutId: string): Promise<Map<string, UnitTrialStatus>> {
  const r = await q.query<{ id: string; trial: UnitTrialStatus }>(`select a.id, o.trial from assignments a join observations o on o.assignment_id = a.id where a.workload_id = $1 and o.trial ->> 'rollout' = $2`, [workloadId, rolloutId]);
  return new Map(r.rows.map((x) => [x.id, x.trial]));
}

/** Requests that each unit answered, by minute and revision, since a time: what its agent's word is held against. */
export async function servedByUnit(q: Queryable, workloadId: string, fromMs: number, toMs: number): Promise<{ assignmentId: string; minuteMs: number; generation: number; requests: number }[]> {
  const r = await q.query<{ assignment_id: string; t: string; generation: number; count: number }>(
    `select assignment_id, (extract(epoch from minute) * 1000)::bigint as t, generation, count from request_minutes where workload_id = $1 and minute >= to_timestamp($2 / 1000.0) and minute < to_timestamp($3 / 1000.0)`,
    [workloadId, fromMs, toMs],
  );
  return r.rows.map((x) => ({ assignmentId: x.assignment_id, minuteMs: Number(x.t), generation: x.generation, requests: x.count }));
}
/** How often nodes of a workload fell silent since a time, and when each came back last. */
export async function flapsByNode(q: Queryable, workloadId: string, sinceMs: number): Promise<Map<string, { times: number; backMs: number }>> {
  const r = await q.query<{ node_id: string; n: string; back: Date | null }>(
    `select s.node_id, count(*) as n, max(s.to_at) as back from silent_spells s where s.from_at >= to_timestamp($2 / 1000.0) and s.node_id in (select node_id from assignments where workload_id = $1 and ended_at is null) group by 1`,
    [workloadId, sinceMs],
  );
  return new Map(r.rows.map((x) => [x.node_id, { times: Number(x.n), backMs: toMsOrNull(x.back) ?? 0 }]));
}

/** Requests of a workload by site since a time, and those of some units. */
export async function requestsBySite(q: Queryable, workloadId: string, sinceMs: number): Promise<{ site: string; requests: number }[]> {
  const r = await q.query<{ site: string; n: string }>(`select s.name as site, sum(m.count)::bigint as n from request_minutes m join sites s on s.id = m.site_id where m.workload_id = $1 and m.minute >= to_timestamp($2 / 1000.0) group by 1`, [workloadId, sinceMs]);
  return r.rows.map((x) => ({ site: x.site, requests: Number(x.n) }));
}
/** Rollouts of a workload that ended, the newest first, with the last inputs that were kept of each. */
export async function endedWithBundles(q: Queryable, workloadId: string, limit: number): Promise<{ number: number; phase: string; template: string | null; body: Uint8Array | null }[]> {
  const r = await q.query<{ number: number; phase: string; template: string | null; body: Buffer | null }>(
    `select r.number, r.phase, v.template, b.body from rollouts r
     left join lateral (select * from rollout_verdicts v where v.rollout_id = r.id order by v.id desc limit 1) v on true
     left join verdict_bundles b on b.project_id = r.project_id and b.digest = v.bundle_digest
     where r.workload_id = $1 and r.ended_at is not null order by r.number desc limit $2`,
    [workloadId, limit],
  );
  return r.rows;
}

/** Held revisions of a project's workloads. */
export async function heldRevisions(q: Queryable, projectId: string): Promise<{ workload: string; generation: number; digest: string; reason: string }[]> {
  return (
    await q.query<{ workload: string; generation: number; digest: string; reason: string }>(
      `select o.name as workload, r.generation, r.digest, r.held_reason as reason from object_revisions r join objects o on o.id = r.object_id
       where o.project_id = $1 and o.deleted_at is null and o.kind = 'Workload' and r.held_reason is not null order by o.name, r.generation desc limit 500`,
      [projectId],
    )
  ).rows;
}
