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

export interface ThrottleRecord {
  failures: number;
  lockedUntilMs: number | null;
}
/** The latest end of a lock on any of these keys; null when none is locked. */
export async function lockedUntil(db: Queryable, keys: readonly string[], nowMs: number): Promise<number | null> {
  const row = await oneOrNone<{ until: Date | null }>(db, "select max(locked_until) as until from throttles where key = any($1) and locked_until > $2", [[...keys], new Date(nowMs)]);
  return row ? toMsOrNull(row.until) : null;
}
/** Counts one more failure and tells how many there are; older ones than `forgetMs` are forgotten first. */
export async function countFailure(db: Queryable, key: string, nowMs: number, forgetMs: number): Promise<number> {
  const row = await oneOrNone<{ failures: number }>(
    db,
    `insert into throttles as t (key, failures, updated_at) values ($1, 1, $2)
     on conflict (key) do update set failures = case when t.updated_at < $3 then 1 else t.failures + 1 end, updated_at = $2
     returning failures`,
    [key, new Date(nowMs), new Date(nowMs - forgetMs)],
  );
  return row?.failures ?? 1;
}
export async function lock(db: Queryable, key: string, untilMs: number): Promise<void> {
  await db.query("update throttles set locked_until = greatest(locked_until, $2) where key = $1", [key, new Date(untilMs)]);
}
export async function forgetFailures(db: Queryable, keys: readonly string[]): Promise<void> {
  await db.query("delete from throttles where key = any($1)", [[...keys]]);
}
/** Throws away what nobody needs any more. */
export async function pruneThrottles(db: Queryable, beforeMs: number): Promise<void> {
  await db.query("delete from throttles where updated_at < $1 and (locked_until is null or locked_until < $1)", [new Date(beforeMs)]);
}
