import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import pg from "pg";
import { afterAll, describe, expect, inject, it } from "vitest";
import { silentLogger } from "../../platform";
import { testDatabase } from "../../testing/database";
import { programOf } from "../../testing/program";
import { dropDatabase, ensureDatabase, onDatabase, withLogin } from "../../testing/pg-admin";
import { backupToFile, readSequences } from "../backup";
import { openStore } from "../index";
import { checkBackup, restoreFromFile } from "../restore";

const db = testDatabase();
const server = inject("postgres");
const migrations = path.resolve(import.meta.dirname, "../../../prisma/migrations");
const dir = mkdtempSync(path.join(os.tmpdir(), "holdfast-backup-"));
const made: string[] = [];
const file = path.join(dir, "whole.backup");

afterAll(async () => {
  for (const name of made) await dropDatabase(server.adminUrl, name);
  rmSync(dir, { recursive: true, force: true });
});

async function emptyDatabase() {
  const name = `holdfast_restore_${process.pid}_${made.length}`;
  made.push(name);
  await ensureDatabase(server.adminUrl, name);
  const url = onDatabase(server.adminUrl, name);
  return { ownerUrl: withLogin(url, "holdfast_owner", server.passwords.owner), appUrl: withLogin(url, "holdfast_app", server.passwords.app) };
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("set timezone = 'UTC'");
    return await work(client);
  } finally {
    await client.end();
  }
}

const NASTY = "a \"b\" 'c' \\ , ( ) {} \n\t ü 🜁 \\N NULL";
/** What foreign keys ask for. */
const given: Record<string, string> = { person_id: "person-1", site_id: "site-1", object_id: "object-1", endpoint_id: "hook-1" };
const first: Record<string, string> = { people: "person-1", sites: "site-1", objects: "object-1", hook_endpoints: "hook-1" };

/** A row in every table, made from the types of its columns, with values that are hard to write down. */
async function fillEveryTable(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ t: string; c: string; type: string; serial: boolean }>(
    `select c.relname t, a.attname c, format_type(a.atttypid, null) as type, coalesce(pg_get_expr(d.adbin, d.adrelid) like 'nextval%', false) as serial
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname not in ('_prisma_migrations', 'history') order by c.relname, a.attnum`,
  );
  // Columns with a closed set get the first of its members.
  const checks = await client.query<{ t: string; d: string }>("select conrelid::regclass::text t, pg_get_constraintdef(oid) d from pg_constraint where contype = 'c' and connamespace = 'public'::regnamespace");
  const members = new Map(checks.rows.flatMap(({ t, d }) => [...d.matchAll(/^CHECK \(\((\w+) = ANY \(ARRAY\['(\w+)'/g)].map((m) => [`${t}.${m[1]}`, m[2]] as const)));
  const tables = [...new Set(rows.map((r) => r.t))].sort((a, b) => Number(b in first) - Number(a in first));
  for (const t of tables) {
    const columns = rows.filter((r) => r.t === t && !r.serial);
    const valueOf = (c: (typeof columns)[number]): unknown => {
      if (c.c === "id" && c.type === "text" && first[t]) return first[t];
      if (c.type === "text") return members.get(`${t}.${c.c}`) ?? given[c.c] ?? `${NASTY} ${c.c}`;
      if (c.type === "jsonb") return JSON.stringify({ [NASTY]: [1.5, null, { deep: NASTY }] });
      if (c.type === "boolean") return true;
      if (c.type === "bytea") return Buffer.from([0, 1, 92, 39, 34, 255]);
      if (c.type === "double precision[]") return "{0.1,NaN,1e-300,-Infinity,NULL}";
      if (c.type === "text[]") return [NASTY, "", "NULL", "{}"];
      if (c.type === "double precision") return 0.1 + 0.2;
      if (c.type.startsWith("timestamp")) return "2026-11-23T12:34:56.789Z";
      return 7;
    };
    await client.query(`insert into ${t} (${columns.map((c) => `"${c.c}"`).join(", ")}) values (${columns.map((_, i) => `$${i + 1}`).join(", ")})`, columns.map(valueOf));
  }
  return tables;
}

/** Count and digest of every table, as PostgreSQL sees it, independent of the code under test. */
async function digests(url: string, left: readonly string[] = []): Promise<Record<string, string>> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ t: string }>("select relname t from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> all($1) order by 1", [["_prisma_migrations", "changes", "processes", ...left]]);
    const found: Record<string, string> = {};
    for (const { t } of rows) {
      const sum = await client.query<{ n: string; h: string | null }>(`select count(*) n, md5(string_agg(t::text, '|' order by t::text)) h from ${t} t`);
      found[t] = `${sum.rows[0]?.n} ${sum.rows[0]?.h}`;
    }
    return found;
  });
}

/** Tables in which a restore changes something on purpose. */
const settled = ["sessions", "nodes", "agent_sessions", "reconcile_keys", "history", "audit_entries", "audit_names"];

describe("a backup", () => {
  // Guarantee: what was backed up is what is restored: every row of every table, and every sequence.
  it("restores every row of every table into an empty database", async () => {
    const tables = await withClient(db.ownerUrl, fillEveryTable);
    expect(tables.length).toBeGreaterThan(35);
    await db.asOwner("insert into artifact_chunks select 'big', i, decode(repeat(md5(i::text), 20000), 'hex') from generate_series(1, 12) i");
    await db.asOwner("insert into node_samples select 'n', now() - i * interval '1 second', array[i, 0.5] from generate_series(1, 12000) i");
    const result = await backupToFile({ ownerUrl: db.ownerUrl, version: "1.2.3", nowMs: Date.UTC(2026, 10, 23), file });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(existsSync(`${file}.partial`)).toBe(false);
    expect(await checkBackup(file)).toEqual({ header: expect.objectContaining({ version: "1.2.3", at: result.at }) as unknown, tables: result.tables });

    const target = await emptyDatabase();
    await restoreFromFile({ ...target, file, migrations, replace: false, actor: "test" });
    expect(await digests(target.ownerUrl, settled)).toEqual(await digests(db.ownerUrl, settled));
    const count = (url: string, t: string) => withClient(url, async (c) => (await c.query<{ n: string }>(`select count(*) n from ${t}`)).rows[0]?.n);
    for (const t of ["sessions", "nodes", "agent_sessions", "reconcile_keys"]) expect(await count(target.ownerUrl, t)).toBe(await count(db.ownerUrl, t));
    // One more entry than before: the restore itself.
    expect(await withClient(target.ownerUrl, async (c) => (await c.query("select action, after from audit_entries order by seq desc limit 1")).rows[0] as unknown)).toMatchObject({ action: "backup.restore", after: { version: "1.2.3" } });
    const sequences = await withClient(db.ownerUrl, readSequences);
    const restored = await withClient(target.ownerUrl, readSequences);
    const audit = sequences["audit_entries_seq_seq"]?.last ?? 0;
    expect(restored["audit_entries_seq_seq"]?.last).toBe(audit + 1);
    expect(restored["node_events_id_seq"]).toEqual(sequences["node_events_id_seq"]);
    expect(restored["rollout_events_id_seq"]).toEqual(sequences["rollout_events_id_seq"]);
  });

  // Guarantee: after a restore nobody's ended session lives, and agents take the restored state for the newer one.
  it("when restored ends sessions, raises generations, and keeps the application's limits", async () => {
    const target = await emptyDatabase();
    await db.asOwner("update sessions set ended_at = null");
    await db.asOwner("update nodes set desired_generation = 5, observed_generation = 9, connected = true");
    const again = path.join(dir, "again.backup");
    await backupToFile({ ownerUrl: db.ownerUrl, version: "1", nowMs: 0, file: again });
    await restoreFromFile({ ...target, file: again, migrations, replace: false, actor: "test" });
    await withClient(target.ownerUrl, async (c) => {
      expect((await c.query("select 1 from sessions where ended_at is null")).rowCount).toBe(0);
      expect((await c.query("select desired_generation, connected from nodes")).rows).toEqual([{ desired_generation: 100_009, connected: false }]);
      expect((await c.query("select 1 from pg_trigger where tgname = 'history' and tgenabled <> 'O'")).rowCount).toBe(0);
    });
    const store = openStore({ url: target.appUrl, log: silentLogger });
    expect((await store.check()).auditProtected).toBe(true);
    const cursor = await store.changesNow();
    expect((await store.changesSince(cursor, 10)).gap).toBe(false);
    await store.close();
  });

  it("goes into an empty database, into a used one only when told so, and never under somebody's feet", async () => {
    const target = await emptyDatabase();
    const restore = (replace: boolean) => restoreFromFile({ ...target, file, migrations, replace, actor: "test" });
    await restore(false);
    const before = await digests(target.ownerUrl);
    await expect(restore(false)).rejects.toThrow(/holds data/);
    const busy = new pg.Client({ connectionString: target.appUrl, application_name: "holdfast web" });
    await busy.connect();
    await expect(restore(true)).rejects.toThrow(/in use by holdfast_app \(holdfast web\)/);
    await busy.end();
    expect(await digests(target.ownerUrl)).toEqual(before);
    await withClient(target.ownerUrl, (c) => c.query("insert into projects (id, name, title) values ('later', 'later', 'x')"));
    await restore(true);
    expect((await digests(target.ownerUrl))["projects"]).toBe(before["projects"]);
  });

  // Guarantee: a damaged or cut-off backup changes nothing, and is never taken for whole.
  it("that is damaged is refused, and the database stays as it was", async () => {
    const target = await emptyDatabase();
    await restoreFromFile({ ...target, file, migrations, replace: false, actor: "test" });
    const before = await digests(target.ownerUrl);
    const text = gunzipSync(readFileSync(file)).toString("utf8");
    const lines = text.split("\n");
    const cases: [string, Buffer, RegExp][] = [
      ["cut", readFileSync(file).subarray(0, Math.floor(statSync(file).size / 2)), /is not whole/],
      ["no-end", gzipSync(lines.slice(0, -2).join("\n") + "\n"), /is not whole/],
      ["one-letter", gzipSync(text.replace("person-1", "person-2")), /damaged in table/],
      ["row-lost", gzipSync(lines.filter((l) => !l.includes("site-1")).join("\n")), /damaged in table/],
      ["other", gzipSync('{"hello": 1}\n'), /no backup of Holdfast/],
      ["no-gzip", Buffer.from("hello"), /no backup of Holdfast/],
      ["newer", gzipSync(text.replace('"format":1', '"format":2')), /has format 2/],
      ["unknown", gzipSync(text.replace('"migrations":[', '"migrations":[{"name":"99990101000000_later","checksum":"x"},')), /does not know/],
    ];
    for (const [name, bytes, message] of cases) {
      const bad = path.join(dir, name);
      writeFileSync(bad, bytes);
      await expect(restoreFromFile({ ...target, file: bad, migrations, replace: true, actor: "test" }), name).rejects.toThrow(message);
    }
    expect(await digests(target.ownerUrl)).toEqual(before);
  });

  it("that can't be written leaves no file", async () => {
    await expect(backupToFile({ ownerUrl: db.ownerUrl, version: "1", nowMs: 0, file: path.join(dir, "nowhere/x.backup") })).rejects.toThrow(/ENOENT/);
    expect(existsSync(path.join(dir, "nowhere"))).toBe(false);
    writeFileSync(path.join(dir, "empty"), "");
    await expect(checkBackup(path.join(dir, "empty"))).rejects.toThrow(/no backup/);
  });

  // Guarantee: a backup is of one moment, although others write meanwhile.
  it("is of one moment", async () => {
    let stop = false;
    const store = db.openAnother();
    let n = 0;
    const writer = (async () => {
      // Each transaction writes the same number into two tables that are far apart in the file.
      while (!stop) {
        n++;
        await store.inTransaction(async (tx) => {
          await tx.client.query("insert into settings (key, value) values ('twin', to_jsonb($1::int)) on conflict (key) do update set value = excluded.value", [n]);
          await tx.client.query("insert into artifact_chunks (digest, seq, data) values ('twin', $1, '')", [n]);
        });
      }
    })();
    const moving = path.join(dir, "moving.backup");
    await backupToFile({ ownerUrl: db.ownerUrl, version: "1", nowMs: 0, file: moving });
    stop = true;
    await writer;
    const target = await emptyDatabase();
    await restoreFromFile({ ...target, file: moving, migrations, replace: false, actor: "test" });
    const [row] = await withClient(target.ownerUrl, async (c) => (await c.query<{ s: number | null; m: number | null }>("select (select (value #>> '{}')::int from settings where key = 'twin') s, (select max(seq) from artifact_chunks where digest = 'twin') m")).rows);
    expect(row?.m).toBe(row?.s);
  });

  it("is made and restored by one command each", async () => {
    const [backup, restore] = [await programOf("backup"), await programOf("restore")];
    const MIGRATIONS_DIR = migrations;
    const target = await emptyDatabase();
    const byCommand = path.join(dir, "by-command.backup");
    const saved = await backup([byCommand, "--json"], { DATABASE_OWNER_URL: db.ownerUrl });
    expect(saved.err).toBe("");
    expect(saved.code).toBe(0);
    expect((await restore([byCommand, "--check"], {})).out).toMatch(/^whole: \d+ rows/);
    const restored = await restore([byCommand, "--json"], { DATABASE_OWNER_URL: target.ownerUrl, DATABASE_URL: target.appUrl, MIGRATIONS_DIR });
    expect(restored.err).toBe("");
    expect((JSON.parse(restored.out) as { rows: number }).rows).toBe((JSON.parse(saved.out) as { rows: number }).rows);
    const refused = await restore([byCommand], { DATABASE_OWNER_URL: target.ownerUrl, MIGRATIONS_DIR });
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/holds data/);
    expect((await restore([], {})).code).toBe(2);
    expect((await backup(["x"], {})).err).toMatch(/DATABASE_OWNER_URL: is not set/);
  });
});
