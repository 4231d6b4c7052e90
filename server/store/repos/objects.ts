/** Objects of the manifest language and their revisions. Values of environment variables are sealed in both. */
import type { ManifestKind } from "../../core/manifest";
import type { ChangeView } from "../../core/views/common";
import { asJson, oneOrNone, toMs } from "../queryable";
import type { Queryable } from "../queryable";

export interface StoredObject {
  id: string;
  projectId: string;
  kind: ManifestKind;
  name: string;
  title: string | null;
  labels: Record<string, string>;
  generation: number;
  digest: string;
  spec: unknown;
  version: number;
  createdAtMs: number;
  updatedAtMs: number;
}
interface ObjectSql { id: string; project_id: string; kind: ManifestKind; name: string; title: string | null; labels: Record<string, string>; generation: number; digest: string; spec: unknown; version: number; created_at: Date; updated_at: Date }
const toObject = (r: ObjectSql): StoredObject => ({ id: r.id, projectId: r.project_id, kind: r.kind, name: r.name, title: r.title, labels: r.labels, generation: r.generation, digest: r.digest, spec: r.spec, version: r.version, createdAtMs: toMs(r.created_at), updatedAtMs: toMs(r.updated_at) });

/** A live object by name; `lock` keeps it as it is until the transaction ends. */
export async function byName(db: Queryable, projectId: string, kind: ManifestKind, name: string, lock = false): Promise<StoredObject | null> {
  const r = await oneOrNone<ObjectSql>(db, `select * from objects where project_id = $1 and kind = $2 and name = $3 and deleted_at is null${lock ? " for update" : ""}`, [projectId, kind, name]);
  return r ? toObject(r) : null;
}
/** An object by id, removed ones too (`removed` says so). */
export async function byId(db: Queryable, id: string): Promise<(StoredObject & { removed: boolean }) | null> {
  const r = await oneOrNone<ObjectSql & { deleted_at: Date | null }>(db, "select * from objects where id = $1", [id]);
  return r ? { ...toObject(r), removed: r.deleted_at !== null } : null;
}
/** Live objects of these kinds, by kind and name. */
export async function ofKinds(db: Queryable, projectId: string, kinds: readonly ManifestKind[]): Promise<StoredObject[]> {
  return (await db.query<ObjectSql>("select * from objects where project_id = $1 and kind = any($2) and deleted_at is null order by kind, name", [projectId, kinds])).rows.map(toObject);
}

export async function insert(db: Queryable, o: Omit<StoredObject, "version" | "createdAtMs" | "updatedAtMs"> & { nowMs: number }): Promise<void> {
  await db.query(
    `insert into objects (id, project_id, kind, name, title, labels, generation, digest, spec, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, to_timestamp($10 / 1000.0), to_timestamp($10 / 1000.0))`,
    [o.id, o.projectId, o.kind, o.name, o.title, asJson(o.labels), o.generation, o.digest, asJson(o.spec), o.nowMs],
  );
}
/** Compare-and-set on the version; false when somebody else was first. */
export async function update(db: Queryable, o: { id: string; version: number; title: string | null; labels: Record<string, string>; generation: number; digest: string; spec: unknown; nowMs: number }): Promise<boolean> {
  const r = await db.query(
    `update objects set title = $3, labels = $4, generation = $5, digest = $6, spec = $7, updated_at = to_timestamp($8 / 1000.0), version = version + 1 where id = $1 and version = $2 and deleted_at is null`,
    [o.id, o.version, o.title, asJson(o.labels), o.generation, o.digest, asJson(o.spec), o.nowMs],
  );
  return r.rowCount === 1;
}
export async function remove(db: Queryable, id: string, version: number, nowMs: number): Promise<boolean> {
  return (await db.query("update objects set deleted_at = to_timestamp($3 / 1000.0), version = version + 1 where id = $1 and version = $2 and deleted_at is null", [id, version, nowMs])).rowCount === 1;
}
/** Says that a workload is another one now (a hold was lifted) without a new revision. */
export async function bumpVersion(db: Queryable, id: string, version: number): Promise<boolean> {
  return (await db.query("update objects set version = version + 1 where id = $1 and version = $2 and deleted_at is null", [id, version])).rowCount === 1;
}

export interface StoredRevision {
  objectId: string;
  generation: number;
  digest: string;
  /** The whole manifest, with sealed environment values. */
  manifest: unknown;
  author: string;
  authorId: string;
  reason: string | null;
  changes: ChangeView[];
  heldReason: string | null;
  templateDigest: string | null;
  gated: boolean;
  createdAtMs: number;
}
interface RevisionSql { object_id: string; generation: number; digest: string; manifest: unknown; author: string; author_id: string; reason: string | null; changes: ChangeView[]; held_reason: string | null; template_digest: string | null; gated: boolean; created_at: Date }
const toRevision = (r: RevisionSql): StoredRevision => ({ objectId: r.object_id, generation: r.generation, digest: r.digest, manifest: r.manifest, author: r.author, authorId: r.author_id, reason: r.reason, changes: r.changes, heldReason: r.held_reason, templateDigest: r.template_digest, gated: r.gated, createdAtMs: toMs(r.created_at) });

export async function insertRevision(db: Queryable, r: Omit<StoredRevision, "heldReason" | "createdAtMs"> & { nowMs: number }): Promise<void> {
  await db.query(
    `insert into object_revisions (object_id, generation, digest, manifest, author, author_id, reason, changes, template_digest, gated, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, to_timestamp($11 / 1000.0))`,
    [r.objectId, r.generation, r.digest, asJson(r.manifest), r.author, r.authorId, r.reason, asJson(r.changes), r.templateDigest, r.gated, r.nowMs],
  );
}
export async function revision(db: Queryable, objectId: string, generation: number): Promise<StoredRevision | null> {
  const r = await oneOrNone<RevisionSql>(db, "select * from object_revisions where object_id = $1 and generation = $2", [objectId, generation]);
  return r ? toRevision(r) : null;
}
/** All revisions without their manifests, newest first. */
export async function revisions(db: Queryable, objectId: string, limit = 500): Promise<Omit<StoredRevision, "manifest">[]> {
  const { rows } = await db.query<RevisionSql>("select object_id, generation, digest, null as manifest, author, author_id, reason, changes, held_reason, template_digest, gated, created_at from object_revisions where object_id = $1 order by generation desc limit $2", [objectId, limit]);
  return rows.map(toRevision);
}
/** What decides which revision should run, of all revisions; without manifests and changes, because every pass reads it. */
export async function revisionFacts(db: Queryable, objectId: string): Promise<Pick<StoredRevision, "generation" | "digest" | "templateDigest" | "heldReason" | "gated" | "createdAtMs">[]> {
  const { rows } = await db.query<RevisionSql>("select generation, digest, template_digest, held_reason, gated, created_at from object_revisions where object_id = $1 order by generation", [objectId]);
  return rows.map((r) => ({ generation: r.generation, digest: r.digest, templateDigest: r.template_digest, heldReason: r.held_reason, gated: r.gated, createdAtMs: toMs(r.created_at) }));
}
export async function setHeld(db: Queryable, objectId: string, generation: number, reason: string | null): Promise<void> {
  await db.query("update object_revisions set held_reason = $3 where object_id = $1 and generation = $2", [objectId, generation, reason]);
}

/** Rollouts of a workload that got everywhere: with the revisions they decide what should run. */
export async function rolloutSuccesses(db: Queryable, workloadId: string, finishedPhases: readonly string[]): Promise<{ toGeneration: number; endedAtMs: number }[]> {
  const { rows } = await db.query<{ to_generation: number; ended_at: Date }>("select to_generation, ended_at from rollouts where workload_id = $1 and ended_at is not null and phase = any($2) order by ended_at", [workloadId, finishedPhases]);
  return rows.map((r) => ({ toGeneration: r.to_generation, endedAtMs: toMs(r.ended_at) }));
}

/** Which of these artifacts are completely stored in the project. */
export async function storedArtifacts(db: Queryable, projectId: string, digests: readonly string[]): Promise<Set<string>> {
  const { rows } = await db.query<{ digest: string }>("select digest from artifacts where project_id = $1 and digest = any($2) and complete", [projectId, digests]);
  return new Set(rows.map((r) => r.digest));
}

/** One page of objects with the author of the newest revision. `after` is the last (kind, name) of the page before. */
export async function page(db: Queryable, projectId: string, o: { kind: ManifestKind | null; q: string | null; after: { kind: string; name: string } | null; limit: number }): Promise<{ items: (StoredObject & { author: string })[]; total: number }> {
  const where = "o.project_id = $1 and o.deleted_at is null and ($2::text is null or o.kind = $2) and ($3::text is null or o.name ilike $3 or o.title ilike $3)";
  const args = [projectId, o.kind, o.q === null || o.q === "" ? null : `%${o.q.replace(/[\\%_]/g, "\\$&")}%`];
  const { rows } = await db.query<ObjectSql & { author: string | null }>(
    `select o.*, r.author from objects o left join object_revisions r on r.object_id = o.id and r.generation = o.generation
     where ${where} and ($4::text is null or (o.kind, o.name) > ($4, $5)) order by o.kind, o.name limit $6`,
    [...args, o.after?.kind ?? null, o.after?.name ?? null, o.limit],
  );
  const total = await db.query<{ n: number }>(`select count(*)::int as n from objects o where ${where}`, args);
  return { items: rows.map((r) => ({ ...toObject(r), author: r.author ?? "" })), total: total.rows[0]?.n ?? 0 };
}

/** Objects that name other objects: workloads their policy and strategy, strategies their templates, by kind and name. */
export async function usedBy(db: Queryable, projectId: string): Promise<{ kind: ManifestKind; name: string; user: string }[]> {
  const { rows } = await db.query<{ kind: ManifestKind; name: string; user: string }>(
    `select 'PlacementPolicy' as kind, spec ->> 'policy' as name, 'workload ' || name as "user" from objects where project_id = $1 and kind = 'Workload' and deleted_at is null and spec ->> 'policy' is not null
     union all select 'RolloutStrategy', spec ->> 'rollout', 'workload ' || name from objects where project_id = $1 and kind = 'Workload' and deleted_at is null and spec ->> 'rollout' is not null
     union all select 'Quota', spec ->> 'quota', 'workload ' || name from objects where project_id = $1 and kind = 'Workload' and deleted_at is null and spec ->> 'quota' is not null
     union all select 'Quota', spec ->> 'parent', 'quota ' || name from objects where project_id = $1 and kind = 'Quota' and deleted_at is null and spec ->> 'parent' is not null
     union all select 'AnalysisTemplate', spec ->> 'analysis', 'strategy ' || name from objects where project_id = $1 and kind = 'RolloutStrategy' and deleted_at is null and spec ->> 'analysis' is not null
     union all select distinct 'AnalysisTemplate', step ->> 'template', 'strategy ' || o.name from objects o, jsonb_array_elements(o.spec -> 'waves') w, jsonb_array_elements(w -> 'steps') step
       where o.project_id = $1 and o.kind = 'RolloutStrategy' and o.deleted_at is null and step ->> 'do' = 'analysis'
     union all select 'RolloutStrategy', r.plan #>> '{strategy,name}', 'rollout ' || r.number from rollouts r where r.project_id = $1 and r.ended_at is null`,
    [projectId],
  );
  return rows;
}
