import { asJson, oneOrNone, toMsOrNull } from "../queryable";
import type { Queryable } from "../queryable";

/** A node as far as its identity goes. The pair (node, key) never changes. */
export interface NodeIdentityRow {
  nodeId: string;
  node: string;
  projectId: string;
  project: string;
  siteId: string;
  site: string;
  spkiSha256: string;
  joinTokenId: string | null;
  revokedAtMs: number | null;
  revokedReason: string | null;
  reportsStoredTo: number;
}

const columns = `i.node_id, n.name as node, n.project_id, p.name as project, n.site_id, s.name as site, i.spki_sha256, i.join_token_id, i.revoked_at, i.revoked_reason, n.reports_stored_to
  from node_identities i join nodes n on n.id = i.node_id join projects p on p.id = n.project_id join sites s on s.id = n.site_id`;
type Raw = { node_id: string; node: string; project_id: string; project: string; site_id: string; site: string; spki_sha256: string; join_token_id: string | null; revoked_at: Date | null; revoked_reason: string | null; reports_stored_to: number };
const rowOf = (r: Raw): NodeIdentityRow => ({ nodeId: r.node_id, node: r.node, projectId: r.project_id, project: r.project, siteId: r.site_id, site: r.site, spkiSha256: r.spki_sha256, joinTokenId: r.join_token_id, revokedAtMs: toMsOrNull(r.revoked_at), revokedReason: r.revoked_reason, reportsStoredTo: r.reports_stored_to });

export async function identityOfNode(db: Queryable, nodeId: string): Promise<NodeIdentityRow | undefined> {
  const row = await oneOrNone<Raw>(db, `select ${columns} where i.node_id = $1`, [nodeId]);
  return row && rowOf(row);
}
export async function identityByName(db: Queryable, projectId: string, name: string): Promise<NodeIdentityRow | undefined> {
  const row = await oneOrNone<Raw>(db, `select ${columns} where n.project_id = $1 and n.name = $2`, [projectId, name]);
  return row && rowOf(row);
}
export async function identityByKey(db: Queryable, spkiSha256: string): Promise<NodeIdentityRow | undefined> {
  const row = await oneOrNone<Raw>(db, `select ${columns} where i.spki_sha256 = $1`, [spkiSha256]);
  return row && rowOf(row);
}

/** A new node and its identity. Unique violations: the name is taken in the project, or the key is another node's. */
export async function insertEnrolledNode(db: Queryable, n: { id: string; projectId: string; siteId: string; name: string; labels: Record<string, string>; trustTier: string; spkiSha256: string; joinTokenId: string; atMs: number }): Promise<void> {
  await db.query("insert into nodes (id, project_id, site_id, name, labels, trust_tier, created_at) values ($1, $2, $3, $4, $5, $6, $7)", [n.id, n.projectId, n.siteId, n.name, asJson(n.labels), n.trustTier, new Date(n.atMs)]);
  await db.query("insert into node_identities (node_id, spki_sha256, join_token_id, created_at) values ($1, $2, $3, $4)", [n.id, n.spkiSha256, n.joinTokenId, new Date(n.atMs)]);
}

/** Whether the name is taken in the project; a node's name is never used twice. */
export async function nodeNameTaken(db: Queryable, projectId: string, name: string): Promise<boolean> {
  return (await oneOrNone(db, "select 1 from nodes where project_id = $1 and name = $2", [projectId, name])) !== undefined;
}

/** Revokes a node's identity for good; false when it was revoked already. */
export async function revokeIdentity(db: Queryable, nodeId: string, reason: string, atMs: number): Promise<boolean> {
  const { rowCount } = await db.query("update node_identities set revoked_at = $2, revoked_reason = $3 where node_id = $1 and revoked_at is null", [nodeId, new Date(atMs), reason]);
  return rowCount === 1;
}

/** Which of these nodes may not have a session any more: revoked, or without a certificate that is valid at this time. */
export async function unfitForSession(db: Queryable, nodeIds: readonly string[], nowMs: number): Promise<{ nodeId: string; why: "revoked" | "expired" }[]> {
  const { rows } = await db.query<{ node_id: string; revoked: boolean }>(
    `select i.node_id, i.revoked_at is not null as revoked from node_identities i
     where i.node_id = any($1) and (i.revoked_at is not null or not exists (select 1 from node_certificates c where c.node_id = i.node_id and c.not_after > $2))`,
    [nodeIds, new Date(nowMs)],
  );
  return rows.map((r) => ({ nodeId: r.node_id, why: r.revoked ? "revoked" : "expired" }));
}

export async function insertNodeCertificate(db: Queryable, c: { serial: string; nodeId: string; authorityId: string; notBeforeMs: number; notAfterMs: number; issuedAtMs: number; cause: "enrol" | "renew" | "late-renew" }): Promise<void> {
  await db.query("insert into node_certificates (serial, node_id, authority_id, not_before, not_after, issued_at, cause) values ($1, $2, $3, $4, $5, $6, $7)", [c.serial, c.nodeId, c.authorityId, new Date(c.notBeforeMs), new Date(c.notAfterMs), new Date(c.issuedAtMs), c.cause]);
}
