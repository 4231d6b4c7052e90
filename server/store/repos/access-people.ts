/** People, what they may do where, and how they prove who they are. */
import type { Role } from "../../core/access/permissions";
import { oneOrNone, toMsOrNull } from "../queryable";
import type { Queryable } from "../queryable";

export interface PersonRecord {
  id: string;
  login: string;
  name: string;
  email: string | null;
  passwordHash: string | null;
  mustChangePassword: boolean;
  oidcIssuer: string | null;
  oidcSubject: string | null;
  active: boolean;
  version: number;
}
export interface MembershipRecord {
  projectId: string;
  role: Role;
}
export interface PersonListed extends Omit<PersonRecord, "passwordHash"> {
  hasPassword: boolean;
  lastSignInMs: number | null;
  /** Sessions that have not ended. */
  sessions: number;
  memberships: (MembershipRecord & { project: string })[];
}

const columns = `p.id, p.login, p.name, p.email, p.password_hash as "passwordHash", p.must_change_password as "mustChangePassword",
  p.oidc_issuer as "oidcIssuer", p.oidc_subject as "oidcSubject", p.active, p.version`;

export const byId = (db: Queryable, id: string): Promise<PersonRecord | undefined> => oneOrNone(db, `select ${columns} from people p where id = $1`, [id]);
/** Logins are kept in lower case: `Ada` and `ada` are one person. */
export const byLogin = (db: Queryable, login: string): Promise<PersonRecord | undefined> => oneOrNone(db, `select ${columns} from people p where p.login = lower($1)`, [login]);
export const byIdentity = (db: Queryable, issuer: string, subject: string): Promise<PersonRecord | undefined> =>
  oneOrNone(db, `select ${columns} from people p where oidc_issuer = $1 and oidc_subject = $2`, [issuer, subject]);

export async function insert(db: Queryable, p: Omit<PersonRecord, "active" | "version">, nowMs: number): Promise<void> {
  await db.query(
    `insert into people (id, login, name, email, password_hash, must_change_password, oidc_issuer, oidc_subject, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [p.id, p.login, p.name, p.email, p.passwordHash, p.mustChangePassword, p.oidcIssuer, p.oidcSubject, new Date(nowMs)],
  );
}

/** Sets a new password. `version` moves on, so that a screen with the old one learns of it. */
export async function setPassword(db: Queryable, id: string, hash: string, mustChange: boolean): Promise<void> {
  await db.query("update people set password_hash = $2, must_change_password = $3, version = version + 1 where id = $1", [id, hash, mustChange]);
}
/** Replaces the hash of an unchanged password by one of the present cost; only if it is still the same hash. */
export async function replaceHash(db: Queryable, id: string, before: string, after: string): Promise<void> {
  await db.query("update people set password_hash = $3 where id = $1 and password_hash = $2", [id, before, after]);
}
export async function signedIn(db: Queryable, id: string, nowMs: number): Promise<void> {
  await db.query("update people set last_sign_in_at = $2 where id = $1", [id, new Date(nowMs)]);
}
/** Compare-and-set: see `requireCurrent`. */
export const setActive = (db: Queryable, id: string, version: number, active: boolean): Promise<{ rowCount: number }> =>
  db.query("update people set active = $3, version = version + 1 where id = $1 and version = $2", [id, version, active]);
export const bumpVersion = (db: Queryable, id: string, version: number): Promise<{ rowCount: number }> =>
  db.query("update people set version = version + 1 where id = $1 and version = $2", [id, version]);

export async function membershipsOf(db: Queryable, personId: string): Promise<MembershipRecord[]> {
  const { rows } = await db.query<MembershipRecord>(`select project_id as "projectId", role from memberships where person_id = $1 order by project_id, role`, [personId]);
  return rows;
}
/** Adds one role; does nothing when it is held already. */
export async function addMembership(db: Queryable, personId: string, projectId: string, role: Role): Promise<void> {
  await db.query("insert into memberships (person_id, project_id, role) values ($1, $2, $3) on conflict do nothing", [personId, projectId, role]);
}
/** Makes these the person's roles in one project ("*": the installation). */
export async function setMemberships(db: Queryable, personId: string, projectId: string, roles: readonly Role[]): Promise<void> {
  await db.query("delete from memberships where person_id = $1 and project_id = $2", [personId, projectId]);
  if (roles.length > 0) await db.query("insert into memberships (person_id, project_id, role) select $1, $2, unnest($3::text[])", [personId, projectId, [...roles]]);
}
/** How many active people are administrators of the whole installation; locks their memberships until the transaction ends. */
export async function installationAdministrators(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select p.id from memberships m join people p on p.id = m.person_id where m.project_id = '*' and m.role = 'administrator' and p.active order by p.id for update of m`,
  );
  return rows.map((r) => r.id);
}

/** Logins of the active administrators of the whole installation, the oldest first. */
export async function activeInstallationAdministrators(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ login: string }>(
    "select p.login from memberships m join people p on p.id = m.person_id where m.project_id = '*' and m.role = 'administrator' and p.active order by p.created_at, p.id",
  );
  return rows.map((r) => r.login);
}

/** One at a time: whoever makes people holds this lock until the transaction ends. */
export async function lockPeople(db: Queryable): Promise<void> {
  await db.query("select pg_advisory_xact_lock(hashtext('holdfast.people'))");
}

/** Everybody with a role in the project or in the whole installation, and on request those who wait for a first role; by login. */
export async function listFor(db: Queryable, projectId: string, nowMs: number, withWaiting: boolean): Promise<PersonListed[]> {
  const { rows } = await db.query<Omit<PersonListed, "lastSignInMs"> & { lastSignIn: Date | null }>(
    `select p.id, p.login, p.name, p.email, p.password_hash is not null as "hasPassword", p.must_change_password as "mustChangePassword", p.oidc_issuer as "oidcIssuer",
            p.oidc_subject as "oidcSubject", p.active, p.version, p.last_sign_in_at as "lastSignIn",
            (select count(*)::int from sessions s where s.person_id = p.id and s.ended_at is null and s.expires_at > $2) as sessions,
            coalesce((select json_agg(json_build_object('projectId', m.project_id, 'project', coalesce(j.name, m.project_id), 'role', m.role) order by m.project_id, m.role)
               from memberships m left join projects j on j.id = m.project_id where m.person_id = p.id and m.project_id in ($1, '*')), '[]') as memberships
     from people p
     where exists (select 1 from memberships m where m.person_id = p.id and m.project_id in ($1, '*'))
        or ($3 and not exists (select 1 from memberships m where m.person_id = p.id))
     order by p.login`,
    [projectId, new Date(nowMs), withWaiting],
  );
  return rows.map(({ lastSignIn, ...r }) => ({ ...r, lastSignInMs: toMsOrNull(lastSignIn) }));
}
