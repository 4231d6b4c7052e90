import { oneOrNone, toMs } from "../queryable";
import type { Queryable } from "../queryable";

/** An artifact as a project sees it; its bytes are kept once, whichever projects have it. */
export interface ArtifactRow {
  digest: string;
  name: string;
  mediaType: string;
  sizeBytes: number;
  storage: string;
  complete: boolean;
  createdBy: string;
  createdAtMs: number;
  /** Workloads whose newest revision names it. */
  usedBy: string[];
}

type Raw = { digest: string; name: string; media_type: string; size_bytes: number; storage: string; complete: boolean; created_by: string; created_at: Date; used_by: string[] | null };
const columns = `a.digest, a.name, a.media_type, a.size_bytes, a.storage, a.complete, a.created_by, a.created_at,
  (select array_agg(distinct o.name order by o.name) from objects o
   where o.project_id = a.project_id and o.kind = 'Workload' and o.deleted_at is null
     and exists (select 1 from jsonb_array_elements(case when jsonb_typeof(o.spec -> 'template' -> 'artifacts') = 'array' then o.spec -> 'template' -> 'artifacts' else '[]'::jsonb end) r where r ->> 'digest' = a.digest)) as used_by`;
const rowOf = (r: Raw): ArtifactRow => ({ digest: r.digest, name: r.name, mediaType: r.media_type, sizeBytes: r.size_bytes, storage: r.storage, complete: r.complete, createdBy: r.created_by, createdAtMs: toMs(r.created_at), usedBy: r.used_by ?? [] });

/** Artifacts of a project, newest first. */
export async function artifactsOf(db: Queryable, projectId: string, limit: number): Promise<ArtifactRow[]> {
  return (await db.query<Raw>(`select ${columns} from artifacts a where a.project_id = $1 order by a.created_at desc, a.digest limit $2`, [projectId, limit])).rows.map(rowOf);
}
export async function artifactOf(db: Queryable, projectId: string, digest: string): Promise<ArtifactRow | undefined> {
  const row = await oneOrNone<Raw>(db, `select ${columns} from artifacts a where a.project_id = $1 and a.digest = $2`, [projectId, digest]);
  return row && rowOf(row);
}

/** Where a digest's bytes are kept, in whichever project; undefined when nowhere. */
export async function storedDigest(db: Queryable, digest: string): Promise<{ storage: string; sizeBytes: number } | undefined> {
  const { rows } = await db.query<{ storage: string; size_bytes: number }>("select storage, size_bytes from artifacts where digest = $1 and complete order by created_at limit 1", [digest]);
  return rows[0] && { storage: rows[0].storage, sizeBytes: rows[0].size_bytes };
}
/** What of an artifact delivery needs; undefined when the project has none of this digest. */
export async function deliverableArtifact(db: Queryable, projectId: string, digest: string): Promise<{ storage: string; sizeBytes: number; mediaType: string } | undefined> {
  const row = await oneOrNone<{ storage: string; size_bytes: number; media_type: string }>(db, "select storage, size_bytes, media_type from artifacts where project_id = $1 and digest = $2 and complete", [projectId, digest]);
  return row && { storage: row.storage, sizeBytes: row.size_bytes, mediaType: row.media_type };
}

/** Held until the transaction ends: two uploads of one digest complete one after the other. */
export async function lockDigest(db: Queryable, digest: string): Promise<void> {
  await db.query("select pg_advisory_xact_lock(hashtextextended('holdfast/artifact/' || $1, 0))", [digest]);
}
/** Reserves an artifact for a project before its bytes are committed, so that nobody removes them meanwhile; what is there stays. */
export async function reserveArtifact(db: Queryable, a: { projectId: string; digest: string; name: string; mediaType: string; sizeBytes: number; storage: string; createdBy: string; createdAtMs: number }): Promise<void> {
  await db.query("insert into artifacts (project_id, digest, name, media_type, size_bytes, storage, complete, created_by, created_at) values ($1, $2, $3, $4, $5, $6, false, $7, $8) on conflict do nothing", [a.projectId, a.digest, a.name, a.mediaType, a.sizeBytes, a.storage, a.createdBy, new Date(a.createdAtMs)]);
}
/** Completes a reserved artifact: `now` it became complete, `before` it was already, `gone` when it was removed meanwhile. */
export async function completeArtifact(db: Queryable, projectId: string, digest: string): Promise<"now" | "before" | "gone"> {
  const { rowCount } = await db.query("update artifacts set complete = true where project_id = $1 and digest = $2 and not complete", [projectId, digest]);
  if (rowCount === 1) return "now";
  return (await deliverableArtifact(db, projectId, digest)) ? "before" : "gone";
}
/** True when some project has the digest, complete or reserved. */
export async function digestHeld(db: Queryable, digest: string): Promise<boolean> {
  return (await db.query("select 1 from artifacts where digest = $1 limit 1", [digest])).rowCount > 0;
}
/** Deletes reservations that were never completed; gives how many there were. */
export async function deleteReservations(db: Queryable, beforeMs: number): Promise<number> {
  return (await db.query("delete from artifacts where not complete and created_at < $1", [new Date(beforeMs)])).rowCount;
}

/** Takes an artifact out of a project; false when it was not there. */
export async function deleteArtifact(db: Queryable, projectId: string, digest: string): Promise<boolean> {
  return (await db.query("delete from artifacts where project_id = $1 and digest = $2", [projectId, digest])).rowCount === 1;
}
/** Workloads of a project of which some revision that a unit still runs, or the newest one, names the digest. */
export async function workloadsNaming(db: Queryable, projectId: string, digest: string): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>(
    `select distinct o.name from objects o join object_revisions r on r.object_id = o.id
     where o.project_id = $1 and o.kind = 'Workload' and o.deleted_at is null and r.manifest -> 'spec' -> 'template' -> 'artifacts' @> jsonb_build_array(jsonb_build_object('digest', $2::text)) order by 1`,
    [projectId, digest],
  );
  return rows.map((r) => r.name);
}

// ── bytes in PostgreSQL: chunks under the digest, or under a temporary key while an upload runs ─────────────────────

export async function putChunk(db: Queryable, key: string, seq: number, data: Uint8Array): Promise<void> {
  await db.query("insert into artifact_chunks (digest, seq, data) values ($1, $2, $3)", [key, seq, data]);
}
export async function readChunk(db: Queryable, key: string, seq: number): Promise<Uint8Array | undefined> {
  return (await oneOrNone<{ data: Uint8Array }>(db, "select data from artifact_chunks where digest = $1 and seq = $2", [key, seq]))?.data;
}
/** Gives chunks their final key, unless that is taken: then they are deleted. The bytes themselves are not copied. */
export async function renameChunks(db: Queryable, from: string, to: string): Promise<void> {
  const taken = await db.query("select 1 from artifact_chunks where digest = $1 limit 1", [to]);
  if (taken.rowCount > 0) await db.query("delete from artifact_chunks where digest = $1", [from]);
  else await db.query("update artifact_chunks set digest = $2 where digest = $1", [from, to]);
}
export async function deleteChunks(db: Queryable, key: string): Promise<void> {
  await db.query("delete from artifact_chunks where digest = $1", [key]);
}
/** Keys of uploads that never ended, such as those of a process that was killed: `upload:<ms>:<id>` from before a time. */
export async function staleUploads(db: Queryable, beforeMs: number): Promise<string[]> {
  const { rows } = await db.query<{ digest: string }>("select distinct digest from artifact_chunks where digest like 'upload:%' and split_part(digest, ':', 2)::bigint < $1", [beforeMs]);
  return rows.map((r) => r.digest);
}
