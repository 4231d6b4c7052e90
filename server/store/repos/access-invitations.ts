/** Invitations, and how often sign-ins have failed. */
import type { Role } from "../../core/access/permissions";
import { oneOrNone, toMs, toMsOrNull } from "../queryable";
import type { Queryable } from "../queryable";

export interface InvitationRecord {
  id: string;
  projectId: string;
  login: string;
  role: Role;
  createdBy: string;
  createdAtMs: number;
  expiresAtMs: number;
  usedAtMs: number | null;
}
type Row = { id: string; project_id: string; login: string; role: Role; created_by: string; created_at: Date; expires_at: Date; used_at: Date | null };
const columns = "id, project_id, login, role, created_by, created_at, expires_at, used_at";
const of = (r: Row): InvitationRecord => ({ id: r.id, projectId: r.project_id, login: r.login, role: r.role, createdBy: r.created_by, createdAtMs: toMs(r.created_at), expiresAtMs: toMs(r.expires_at), usedAtMs: toMsOrNull(r.used_at) });

export async function insert(db: Queryable, i: { id: string; projectId: string; login: string; role: Role; tokenHash: string; createdBy: string; nowMs: number; expiresAtMs: number }): Promise<void> {
  await db.query("insert into invitations (id, project_id, login, role, token_hash, created_by, created_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8)", [i.id, i.projectId, i.login, i.role, i.tokenHash, i.createdBy, new Date(i.nowMs), new Date(i.expiresAtMs)]);
}
/** The invitation of a token, whatever became of it; locked, so that two who use it at once come one after the other. */
export async function lockByToken(db: Queryable, tokenHash: string): Promise<InvitationRecord | undefined> {
  const row = await oneOrNone<Row>(db, `select ${columns} from invitations where token_hash = $1 for update`, [tokenHash]);
  return row && of(row);
}
export async function byId(db: Queryable, projectId: string, id: string): Promise<InvitationRecord | undefined> {
  const row = await oneOrNone<Row>(db, `select ${columns} from invitations where project_id = $1 and id = $2`, [projectId, id]);
  return row && of(row);
}
export async function markUsed(db: Queryable, id: string, nowMs: number): Promise<void> {
  await db.query("update invitations set used_at = $2 where id = $1", [id, new Date(nowMs)]);
}
/** Ends an open invitation now; false when it was not open. */
export async function expire(db: Queryable, id: string, nowMs: number): Promise<boolean> {
  const { rowCount } = await db.query("update invitations set expires_at = $2 where id = $1 and used_at is null and expires_at > $2", [id, new Date(nowMs)]);
  return rowCount === 1;
}
export async function list(db: Queryable, projectId: string): Promise<InvitationRecord[]> {
  const { rows } = await db.query<Row>(`select ${columns} from invitations where project_id = $1 order by created_at desc, id limit 200`, [projectId]);
  return rows.map(of);
}

/**
 * Counts one attempt under a key before it is made, and tells how many there are now and until when the key is locked.
 * The row stays locked until the transaction ends, so that attempts made at once are counted one after the other.
 * Attempts during a lock are not counted: nobody is kept out longer by a stranger who keeps trying.
 */
export async function countAttempt(db: Queryable, key: string, nowMs: number, forgetMs: number): Promise<{ failures: number; lockedUntilMs: number | null }> {
  const row = await oneOrNone<{ failures: number; locked: Date | null }>(
    db,
    `insert into throttles as t (key, failures, updated_at) values ($1, 1, $2)
     on conflict (key) do update set
       failures = case when t.locked_until > $2 then t.failures when t.updated_at < $3 then 1 else t.failures + 1 end,
       updated_at = case when t.locked_until > $2 then t.updated_at else $2 end
     returning failures, case when locked_until > $2 then locked_until end as locked`,
    [key, new Date(nowMs), new Date(nowMs - forgetMs)],
  );
  return { failures: row?.failures ?? 1, lockedUntilMs: row ? toMsOrNull(row.locked) : null };
}
export async function lock(db: Queryable, key: string, untilMs: number): Promise<void> {
  await db.query("update throttles set locked_until = $2 where key = $1", [key, new Date(untilMs)]);
}
/** Takes back one counted attempt, because it succeeded. */
export async function uncountAttempt(db: Queryable, key: string): Promise<void> {
  await db.query("update throttles set failures = greatest(0, failures - 1) where key = $1", [key]);
}
/** Forgets all failures under a key, its lock included. */
export async function forgetFailures(db: Queryable, key: string): Promise<void> {
  await db.query("delete from throttles where key = $1", [key]);
}
