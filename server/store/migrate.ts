import { createHash, randomUUID } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import pg from "pg";
import { connectionSettings } from "./pool";

/** The advisory lock that Prisma Migrate itself takes, so that the CLI and this runner never run at once. */
const PRISMA_LOCK = 72_707_369;
/** Roles in the migrations' SQL. */
const APP_ROLE = "holdfast_app";

/** Why migrations could not run; the message says what to do. */
export class MigrationFailed extends Error {
  override name = "MigrationFailed";
}

interface Migration {
  name: string;
  sql: string;
  /** SHA-256 of the file, as Prisma Migrate keeps it. */
  checksum: string;
}

/** Migrations of a folder, oldest first. */
export function readMigrations(folder: string): Migration[] {
  if (!existsSync(folder)) throw new MigrationFailed(`There is no folder of migrations at ${folder}. Set MIGRATIONS_DIR to the prisma/migrations that came with this version.`);
  return readdirSync(folder)
    .filter((name) => existsSync(path.join(folder, name, "migration.sql")))
    .sort()
    .map((name) => {
      const sql = readFileSync(path.join(folder, name, "migration.sql"), "utf8");
      return { name, sql, checksum: createHash("sha256").update(sql).digest("hex") };
    });
}

/**
 * Applies what is missing, as the owner of the tables, each migration in one transaction, and keeps Prisma Migrate's own
 * table, lock and checksum format: `prisma migrate status` agrees with it, and the Prisma CLI (341 MB) need not be
 * deployed. Safe to run from several processes at once, and again.
 * @param o.appUrl the application's login; its role is made when it is missing and the owner may make roles
 * @returns names of the migrations that were applied now
 */
export async function migrate(o: { ownerUrl: string; folder: string; appUrl?: string; say?: (line: string) => void }): Promise<string[]> {
  const say = o.say ?? (() => undefined);
  const migrations = readMigrations(o.folder);
  const client = new pg.Client({ ...connectionSettings(o.ownerUrl), application_name: "holdfast migrate", connectionTimeoutMillis: 15_000 });
  await client.connect();
  try {
    await client.query("set client_min_messages = warning");
    await checkServer(client);
    await client.query("select pg_advisory_lock($1)", [PRISMA_LOCK]);
    await ensureAppRole(client, o.appUrl, say);
    await client.query(
      `create table if not exists _prisma_migrations (
         id varchar(36) primary key not null, checksum varchar(64) not null, finished_at timestamptz, migration_name varchar(255) not null,
         logs text, rolled_back_at timestamptz, started_at timestamptz not null default now(), applied_steps_count integer not null default 0)`,
    );
    const applied = await missing(client, migrations, say);
    await client.query(`grant select on _prisma_migrations to ${APP_ROLE}`);
    await dropForeignPointers(client);
    if (o.appUrl) await checkAppLogin(o.appUrl, say);
    return applied;
  } finally {
    await client.end();
  }
}

/** Names of the migrations that this program has and the database has not. */
export async function pendingMigrations(client: Pick<pg.Client, "query">, folder: string): Promise<string[]> {
  const known = await client.query<{ there: string | null }>("select to_regclass('public._prisma_migrations') as there");
  const names = readMigrations(folder).map((m) => m.name);
  if (!known.rows[0]?.there) return names;
  const done = await client.query<{ n: string }>("select migration_name n from _prisma_migrations where finished_at is not null and rolled_back_at is null");
  const have = new Set(done.rows.map((r) => r.n));
  return names.filter((n) => !have.has(n));
}

async function missing(client: pg.Client, migrations: readonly Migration[], say: (line: string) => void): Promise<string[]> {
  const rows = await client.query<{ n: string; s: string; finished: boolean }>("select migration_name n, checksum s, finished_at is not null as finished from _prisma_migrations where rolled_back_at is null");
  const have = new Map(rows.rows.map((r) => [r.n, r]));
  const known = new Set(migrations.map((m) => m.name));
  const newer = [...have.keys()].filter((n) => !known.has(n));
  if (newer.length > 0) throw new MigrationFailed(`The database has migrations that this version does not know (${newer.join(", ")}): it was used by a newer version. Run that version, or restore a backup of before.`);
  const applied: string[] = [];
  for (const m of migrations) {
    const before = have.get(m.name);
    if (before && !before.finished) throw new MigrationFailed(`Migration ${m.name} was begun by the Prisma CLI and did not finish. Mend it with \`prisma migrate resolve\`.`);
    if (before && before.s !== m.checksum) throw new MigrationFailed(`Migration ${m.name} was edited after it was applied. Put the file back as it was, and write a new migration.`);
    if (before) continue;
    await apply(client, m);
    say(`applied ${m.name}`);
    applied.push(m.name);
  }
  return applied;
}

/** One migration in one transaction; one that must run outside (a concurrent index) says so in its first line. */
async function apply(client: pg.Client, m: Migration): Promise<void> {
  const outside = m.sql.startsWith("-- holdfast: outside a transaction");
  const note = () => client.query("insert into _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count) values ($1, $2, $3, now(), now(), 1)", [randomUUID(), m.checksum, m.name]);
  try {
    if (!outside) await client.query("begin");
    await client.query(m.sql);
    await note();
    if (!outside) await client.query("commit");
  } catch (error) {
    if (!outside) await client.query("rollback");
    throw new MigrationFailed(`Migration ${m.name} failed and left nothing behind: ${(error as Error).message}`, { cause: error });
  }
}

async function checkServer(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ v: number; version: string }>("select current_setting('server_version_num')::int v, current_setting('server_version') version");
  const found = rows[0];
  if (found && found.v < 150_000) throw new MigrationFailed(`This is PostgreSQL ${found.version}; Holdfast needs 15 or newer.`);
}

/** The role that the migrations grant to. The embedded database has it; elsewhere it is made here if that is allowed. */
async function ensureAppRole(client: pg.Client, appUrl: string | undefined, say: (line: string) => void): Promise<void> {
  const known = await client.query("select 1 from pg_roles where rolname = $1", [APP_ROLE]);
  if (known.rowCount) return;
  const login = appUrl ? new URL(appUrl) : undefined;
  const own = login && decodeURIComponent(login.username) === APP_ROLE && login.password ? ` login password ${pg.escapeLiteral(decodeURIComponent(login.password))}` : " nologin";
  try {
    await client.query(`create role ${APP_ROLE}${own}`);
    say(`made the role ${APP_ROLE}`);
  } catch (error) {
    throw new MigrationFailed(`The role ${APP_ROLE} is not there, and this login may not make it (${(error as Error).message}). As a superuser: CREATE ROLE ${APP_ROLE} LOGIN PASSWORD '…';`, { cause: error });
  }
}

/**
 * Change pointers are ordered by the cluster's transaction numbers. In a database that was copied from another cluster
 * they may lie in the future and would be read far too late; nobody waits for them, so they go.
 */
async function dropForeignPointers(client: pg.Client): Promise<void> {
  await client.query("delete from changes where xid > pg_snapshot_xmax(pg_current_snapshot())::text::bigint");
}

/** Does the application's login work, and is it not the owner? */
async function checkAppLogin(appUrl: string, say: (line: string) => void): Promise<void> {
  const app = new pg.Client({ ...connectionSettings(appUrl), connectionTimeoutMillis: 15_000 });
  try {
    await app.connect();
    const { rows } = await app.query<{ name: string; may: boolean; writes: boolean }>(
      `select current_user as name, has_table_privilege('audit_entries', 'SELECT') as may,
              has_table_privilege('audit_entries', 'UPDATE') or has_table_privilege('audit_entries', 'DELETE') as writes`,
    );
    const login = rows[0];
    if (login && !login.may) throw new MigrationFailed(`DATABASE_URL logs in as ${login.name}, which may not read the tables. As the owner of that role: GRANT ${APP_ROLE} TO ${pg.escapeIdentifier(login.name)};`);
    if (login?.writes) say(`warning: DATABASE_URL logs in as ${login.name}, which could change the audit log. Use a role that does not own the tables, such as ${APP_ROLE}.`);
  } catch (error) {
    if (error instanceof MigrationFailed) throw error;
    throw new MigrationFailed(`The migrations are applied, but DATABASE_URL does not work: ${(error as Error).message}`, { cause: error });
  } finally {
    await app.end().catch(() => undefined);
  }
}
