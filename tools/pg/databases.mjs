/**
 * The two roles Holdfast works with, and databases for them.
 *
 * `holdfast_owner` owns the tables and runs the migrations; `holdfast_app` is what the processes connect as, and owns
 * nothing, so that a table can be append-only for the application (the audit log is). What the application may do with
 * each table is granted by the migrations.
 */
import pg from "pg";

export const OWNER_ROLE = "holdfast_owner";
export const APP_ROLE = "holdfast_app";

/** @param {string} url @param {(client: pg.Client) => Promise<void>} work */
async function withClient(url, work) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

/**
 * Same server and login, another database.
 * @param {string} url @param {string} database
 */
export function onDatabase(url, database) {
  const other = new URL(url);
  other.pathname = `/${encodeURIComponent(database)}`;
  return other.href;
}

/**
 * Creates both roles, or resets their passwords to the given ones. Safe to repeat.
 * @param {string} adminUrl  login of a superuser
 * @param {{ owner: string, app: string }} passwords
 */
export async function ensureRoles(adminUrl, passwords) {
  await withClient(adminUrl, async (client) => {
    const roles = [
      [OWNER_ROLE, passwords.owner, "CREATEDB"], // Prisma's shadow database is made by the owner.
      [APP_ROLE, passwords.app, "NOCREATEDB"],
    ];
    for (const [role, password, rights] of roles) {
      const known = await client.query("select 1 from pg_roles where rolname = $1", [role]);
      const verb = known.rowCount ? "alter" : "create";
      await client.query(`${verb} role ${role} login nosuperuser nocreaterole ${rights} password ${client.escapeLiteral(String(password))}`);
    }
  });
}

/**
 * Makes sure that a database of this name exists, belongs to the owner role, and lets the application in but nobody
 * else. Safe to repeat.
 * @param {string} adminUrl @param {string} name
 */
export async function ensureDatabase(adminUrl, name) {
  await withClient(adminUrl, async (client) => {
    const quoted = client.escapeIdentifier(name);
    const known = await client.query("select 1 from pg_database where datname = $1", [name]);
    if (!known.rowCount) await client.query(`create database ${quoted} owner ${OWNER_ROLE}`);
    await client.query(`revoke all on database ${quoted} from public`);
    await client.query(`grant connect, temporary on database ${quoted} to ${APP_ROLE}`);
  });
  await withClient(onDatabase(adminUrl, name), async (client) => {
    await client.query(`alter schema public owner to ${OWNER_ROLE}`);
    await client.query("revoke create on schema public from public");
    await client.query(`grant usage on schema public to ${APP_ROLE}`);
  });
}

/**
 * Drops a database and ends whoever is connected to it. Does nothing when it is not there.
 * @param {string} adminUrl @param {string} name
 */
export async function dropDatabase(adminUrl, name) {
  await withClient(adminUrl, async (client) => {
    await client.query(`drop database if exists ${client.escapeIdentifier(name)} with (force)`);
  });
}
