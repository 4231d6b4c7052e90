/** Sessions of people and service tokens of programs. Only hashes of their tokens are kept. */
import type { Role } from "../../core/access/permissions";
import { oneOrNone, toMs, toMsOrNull } from "../queryable";
import type { Queryable } from "../queryable";
import type { MembershipRecord } from "./access-people";

export type SessionKind = "browser" | "cli";
export interface SessionRecord {
  id: string;
  kind: SessionKind;
  strength: "password" | "oidc";
  expiresAtMs: number;
  lastSeenMs: number;
  person: { id: string; login: string; name: string; mustChangePassword: boolean };
  memberships: MembershipRecord[];
}

export async function insert(
  db: Queryable,
  s: { id: string; personId: string; kind: SessionKind; tokenHash: string; strength: "password" | "oidc"; address: string | null; userAgent: string | null; nowMs: number; expiresAtMs: number },
): Promise<void> {
  await db.query(
    `insert into sessions (id, person_id, kind, token_hash, strength, address, user_agent, created_at, last_seen_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)`,
    [s.id, s.personId, s.kind, s.tokenHash, s.strength, s.address, s.userAgent, new Date(s.nowMs), new Date(s.expiresAtMs)],
  );
}

/** The session of a token with its person and their roles, if it stands: not ended, not expired, person active. One indexed read. */
export async function standing(db: Queryable, tokenHash: string, nowMs: number): Promise<SessionRecord | undefined> {
  const row = await oneOrNone<{ id: string; kind: SessionKind; strength: "password" | "oidc"; expires: Date; seen: Date; person_id: string; login: string; name: string; must: boolean; memberships: MembershipRecord[] }>(
    db,
    `select s.id, s.kind, s.strength, s.expires_at as expires, s.last_seen_at as seen, p.id as person_id, p.login, p.name, p.must_change_password as must,
            coalesce((select json_agg(json_build_object('projectId', m.project_id, 'role', m.role)) from memberships m where m.person_id = p.id), '[]') as memberships
     from sessions s join people p on p.id = s.person_id
     where s.token_hash = $1 and s.ended_at is null and s.expires_at > $2 and p.active`,
    [tokenHash, new Date(nowMs)],
  );
  if (!row) return undefined;
  return { id: row.id, kind: row.kind, strength: row.strength, expiresAtMs: toMs(row.expires), lastSeenMs: toMs(row.seen), person: { id: row.person_id, login: row.login, name: row.name, mustChangePassword: row.must }, memberships: row.memberships };
}

export async function touch(db: Queryable, id: string, nowMs: number): Promise<void> {
  await db.query("update sessions set last_seen_at = $2 where id = $1", [id, new Date(nowMs)]);
}
/** Ends one session; false when it had ended already. */
export async function end(db: Queryable, id: string, nowMs: number): Promise<boolean> {
  const { rowCount } = await db.query("update sessions set ended_at = $2 where id = $1 and ended_at is null", [id, new Date(nowMs)]);
  return rowCount === 1;
}
/** Ends all sessions of a person, or all but one; tells how many. */
export async function endAllOf(db: Queryable, personId: string, nowMs: number, exceptId: string | null): Promise<number> {
  const { rowCount } = await db.query("update sessions set ended_at = $2 where person_id = $1 and ended_at is null and id is distinct from $3", [personId, new Date(nowMs), exceptId]);
  return rowCount;
}

export interface ServiceTokenRecord {
  id: string;
  projectId: string;
  name: string;
  role: Role;
  createdBy: string;
  createdAtMs: number;
  expiresAtMs: number;
  revokedAtMs: number | null;
  lastUsedMs: number | null;
}
type TokenRow = { id: string; project_id: string; name: string; role: Role; created_by: string; created_at: Date; expires_at: Date; revoked_at: Date | null; last_used_at: Date | null };
const tokenOf = (r: TokenRow): ServiceTokenRecord => ({ id: r.id, projectId: r.project_id, name: r.name, role: r.role, createdBy: r.created_by, createdAtMs: toMs(r.created_at), expiresAtMs: toMs(r.expires_at), revokedAtMs: toMsOrNull(r.revoked_at), lastUsedMs: toMsOrNull(r.last_used_at) });
const tokenColumns = "id, project_id, name, role, created_by, created_at, expires_at, revoked_at, last_used_at";

export async function insertServiceToken(db: Queryable, t: { id: string; projectId: string; name: string; role: Role; tokenHash: string; createdBy: string; nowMs: number; expiresAtMs: number }): Promise<void> {
  await db.query("insert into service_tokens (id, project_id, name, role, token_hash, created_by, created_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8)", [t.id, t.projectId, t.name, t.role, t.tokenHash, t.createdBy, new Date(t.nowMs), new Date(t.expiresAtMs)]);
}
/** The service token that stands behind a hash: not revoked, not expired. */
export async function standingServiceToken(db: Queryable, tokenHash: string, nowMs: number): Promise<ServiceTokenRecord | undefined> {
  const row = await oneOrNone<TokenRow>(db, `select ${tokenColumns} from service_tokens where token_hash = $1 and revoked_at is null and expires_at > $2`, [tokenHash, new Date(nowMs)]);
  return row && tokenOf(row);
}
export async function touchServiceToken(db: Queryable, id: string, nowMs: number): Promise<void> {
  await db.query("update service_tokens set last_used_at = $2 where id = $1", [id, new Date(nowMs)]);
}
export async function serviceTokenById(db: Queryable, projectId: string, id: string): Promise<ServiceTokenRecord | undefined> {
  const row = await oneOrNone<TokenRow>(db, `select ${tokenColumns} from service_tokens where project_id = $1 and id = $2`, [projectId, id]);
  return row && tokenOf(row);
}
/** Tokens of a name that were not revoked, expired ones included: a name is held until then. */
export async function unrevokedServiceTokens(db: Queryable, projectId: string, name: string): Promise<ServiceTokenRecord[]> {
  const { rows } = await db.query<TokenRow>(`select ${tokenColumns} from service_tokens where project_id = $1 and name = $2 and revoked_at is null`, [projectId, name]);
  return rows.map(tokenOf);
}
/** Active tokens first, then by age; those long gone are left out. */
export async function listServiceTokens(db: Queryable, projectId: string, nowMs: number): Promise<ServiceTokenRecord[]> {
  const { rows } = await db.query<TokenRow>(
    `select ${tokenColumns} from service_tokens where project_id = $1 and coalesce(revoked_at, expires_at) > $2::timestamptz - interval '30 days'
     order by (revoked_at is null and expires_at > $2) desc, created_at desc, id limit 500`,
    [projectId, new Date(nowMs)],
  );
  return rows.map(tokenOf);
}
/** Revokes; false when it was revoked already. */
export async function revokeServiceToken(db: Queryable, id: string, nowMs: number): Promise<boolean> {
  const { rowCount } = await db.query("update service_tokens set revoked_at = $2 where id = $1 and revoked_at is null", [id, new Date(nowMs)]);
  return rowCount === 1;
}
