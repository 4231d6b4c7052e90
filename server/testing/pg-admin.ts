/** What tests do as a superuser: roles, and databases that are copies of a migrated template. */
import pg from "pg";

/** The server of a run, as the set-up hands it to the test files. */
export interface TestServer {
  adminUrl: string;
  template: string;
  passwords: { owner: string; app: string };
}

export async function asAdmin<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

export function onDatabase(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${database}`;
  return other.href;
}

export function withLogin(url: string, user: string, password: string): string {
  const other = new URL(url);
  other.username = user;
  other.password = password;
  return other.href;
}

export async function ensureRoles(adminUrl: string, passwords: { owner: string; app: string }): Promise<void> {
  await asAdmin(adminUrl, async (client) => {
    for (const [role, password, rights] of [["holdfast_owner", passwords.owner, "createdb"], ["holdfast_app", passwords.app, "nocreatedb"]] as const) {
      const known = await client.query("select 1 from pg_roles where rolname = $1", [role]);
      await client.query(`${known.rowCount ? "alter" : "create"} role ${role} login nosuperuser nocreaterole ${rights} password ${pg.escapeLiteral(password)}`);
    }
  });
}

export async function ensureDatabase(adminUrl: string, name: string): Promise<void> {
  await dropDatabase(adminUrl, name);
  await asAdmin(adminUrl, async (client) => {
    await client.query(`create database ${pg.escapeIdentifier(name)} owner holdfast_owner`);
  });
  await asAdmin(onDatabase(adminUrl, name), async (client) => {
    await client.query("alter schema public owner to holdfast_owner");
    await client.query("grant usage on schema public to holdfast_app");
  });
}

export async function dropDatabase(adminUrl: string, name: string): Promise<void> {
  await asAdmin(adminUrl, async (client) => {
    await client.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`);
  });
}
