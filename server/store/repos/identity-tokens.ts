import { asJson, oneOrNone, toMs, toMsOrNull } from "../queryable";
import type { Queryable } from "../queryable";

export interface JoinTokenRow {
  id: string;
  projectId: string;
  project: string;
  siteId: string;
  site: string;
  /** False when the site was removed meanwhile. */
  siteThere: boolean;
  labels: Record<string, string>;
  createdBy: string;
  createdAtMs: number;
  expiresAtMs: number;
  usedAtMs: number | null;
  usedByNodeId: string | null;
  usedByNode: string | null;
  revokedAtMs: number | null;
}

const columns = `t.id, t.project_id, p.name as project, t.site_id, s.name as site, s.deleted_at is null as site_there, t.labels, t.created_by, t.created_at, t.expires_at, t.used_at, t.used_by_node_id, n.name as used_by_node, t.revoked_at
  from join_tokens t join projects p on p.id = t.project_id join sites s on s.id = t.site_id left join nodes n on n.id = t.used_by_node_id`;
type Raw = { id: string; project_id: string; project: string; site_id: string; site: string; site_there: boolean; labels: Record<string, string>; created_by: string; created_at: Date; expires_at: Date; used_at: Date | null; used_by_node_id: string | null; used_by_node: string | null; revoked_at: Date | null };
const rowOf = (r: Raw): JoinTokenRow => ({ id: r.id, projectId: r.project_id, project: r.project, siteId: r.site_id, site: r.site, siteThere: r.site_there, labels: r.labels, createdBy: r.created_by, createdAtMs: toMs(r.created_at), expiresAtMs: toMs(r.expires_at), usedAtMs: toMsOrNull(r.used_at), usedByNodeId: r.used_by_node_id, usedByNode: r.used_by_node, revokedAtMs: toMsOrNull(r.revoked_at) });

export async function insertJoinToken(db: Queryable, t: { id: string; projectId: string; siteId: string; tokenHash: string; labels: Record<string, string>; createdBy: string; createdAtMs: number; expiresAtMs: number }): Promise<void> {
  await db.query("insert into join_tokens (id, project_id, site_id, token_hash, labels, created_by, created_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8)", [t.id, t.projectId, t.siteId, t.tokenHash, asJson(t.labels), t.createdBy, new Date(t.createdAtMs), new Date(t.expiresAtMs)]);
}

/** The newest tokens of a project. */
export async function joinTokensOf(db: Queryable, projectId: string, limit: number): Promise<JoinTokenRow[]> {
  const { rows } = await db.query<Raw>(`select ${columns} where t.project_id = $1 order by t.created_at desc, t.id desc limit $2`, [projectId, limit]);
  return rows.map(rowOf);
}

export async function joinTokenById(db: Queryable, projectId: string, id: string): Promise<JoinTokenRow | undefined> {
  const row = await oneOrNone<Raw>(db, `select ${columns} where t.project_id = $1 and t.id = $2`, [projectId, id]);
  return row && rowOf(row);
}

/** The token of this hash, locked until the transaction ends: a second use at the same moment waits, and then sees the first. */
export async function lockJoinToken(db: Queryable, tokenHash: string): Promise<JoinTokenRow | undefined> {
  const row = await oneOrNone<Raw>(db, `select ${columns} where t.token_hash = $1 for update of t`, [tokenHash]);
  return row && rowOf(row);
}

/** Marks a token used; false when it was used or revoked already. */
export async function useJoinToken(db: Queryable, id: string, nodeId: string, atMs: number): Promise<boolean> {
  const { rowCount } = await db.query("update join_tokens set used_at = $3, used_by_node_id = $2 where id = $1 and used_at is null and revoked_at is null", [id, nodeId, new Date(atMs)]);
  return rowCount === 1;
}

/** Revokes an unused token; false when it was used or revoked already. */
export async function revokeJoinToken(db: Queryable, projectId: string, id: string, atMs: number): Promise<boolean> {
  const { rowCount } = await db.query("update join_tokens set revoked_at = $3 where project_id = $1 and id = $2 and used_at is null and revoked_at is null", [projectId, id, new Date(atMs)]);
  return rowCount === 1;
}
