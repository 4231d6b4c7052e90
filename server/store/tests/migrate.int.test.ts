import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import pg from "pg";
import { afterAll, describe, expect, inject, it } from "vitest";
import { dropDatabase, ensureDatabase, onDatabase, withLogin } from "../../testing/pg-admin";
import "../../testing/global-setup";
import { MigrationFailed, migrate, pendingMigrations, readMigrations } from "../migrate";

const server = inject("postgres");
const real = path.resolve(import.meta.dirname, "../../../prisma/migrations");
const dir = mkdtempSync(path.join(os.tmpdir(), "holdfast-migrate-"));
const names: string[] = [];

/** A fresh, empty database. */
async function fresh() {
  const name = `holdfast_migrate_${process.pid}_${names.length}`;
  names.push(name);
  await ensureDatabase(server.adminUrl, name);
  const url = onDatabase(server.adminUrl, name);
  return { ownerUrl: withLogin(url, "holdfast_owner", server.passwords.owner), appUrl: withLogin(url, "holdfast_app", server.passwords.app) };
}

/** A folder with the real migrations and these more. */
function folderWith(more: Record<string, string>): string {
  const folder = mkdtempSync(path.join(dir, "m-"));
  cpSync(real, folder, { recursive: true });
  for (const [name, sql] of Object.entries(more)) {
    mkdirSync(path.join(folder, name), { recursive: true });
    writeFileSync(path.join(folder, name, "migration.sql"), sql);
  }
  return folder;
}

const tables = async (url: string) => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ n: string }>("select table_name n from information_schema.tables where table_schema = 'public' order by 1");
  await client.end();
  return rows.map((r) => r.n);
};

afterAll(async () => {
  for (const name of names) await dropDatabase(server.adminUrl, name);
  rmSync(dir, { recursive: true, force: true });
});

describe("migrations", () => {
  it("are applied once, in order, and a second run finds nothing to do", async () => {
    const db = await fresh();
    const all = readMigrations(real).map((m) => m.name);
    expect(await migrate({ ...db, folder: real })).toEqual(all);
    expect(await migrate({ ...db, folder: real })).toEqual([]);
  });

  // Guarantee: several processes that start at once migrate once.
  it("run once although four processes start at once", async () => {
    const db = await fresh();
    const done = await Promise.all(Array.from({ length: 4 }, () => migrate({ ...db, folder: real })));
    expect(done.filter((d) => d.length > 0)).toHaveLength(1);
  });

  // Guarantee: a migration that fails leaves nothing behind, and is tried again the next time.
  it("that fail leave nothing behind", async () => {
    const db = await fresh();
    await migrate({ ...db, folder: real });
    const broken = folderWith({ "99990101000000_broken": "create table half (id int); select no_such_function();" });
    await expect(migrate({ ...db, folder: broken })).rejects.toThrow(/99990101000000_broken failed and left nothing behind/);
    expect(await tables(db.ownerUrl)).not.toContain("half");
    const mended = folderWith({ "99990101000000_broken": "create table whole (id int);" });
    expect(await migrate({ ...db, folder: mended })).toEqual(["99990101000000_broken"]);
  });

  it("that were edited afterwards, or are of a newer version, are refused with what to do", async () => {
    const db = await fresh();
    await migrate({ ...db, folder: folderWith({ "99990101000000_more": "select 1;" }) });
    await expect(migrate({ ...db, folder: folderWith({ "99990101000000_more": "select 2;" }) })).rejects.toThrow(/was edited after it was applied/);
    await expect(migrate({ ...db, folder: real })).rejects.toThrow(/used by a newer version/);
    await expect(migrate({ ...db, folder: path.join(dir, "nowhere") })).rejects.toBeInstanceOf(MigrationFailed);
  });

  it("give the application its rights on tables of later migrations", async () => {
    const db = await fresh();
    await migrate({ ...db, folder: folderWith({ "99990101000000_table": "create table later (id serial primary key, what text);" }) });
    const app = new pg.Client({ connectionString: db.appUrl });
    await app.connect();
    await app.query("insert into later (what) values ('x')");
    expect((await app.query("select * from later")).rows).toEqual([{ id: 1, what: "x" }]);
    await expect(app.query("truncate later")).rejects.toMatchObject({ code: "42501" });
    await app.end();
  });

  it("that are missing are named", async () => {
    const db = await fresh();
    const client = new pg.Client({ connectionString: db.ownerUrl });
    await client.connect();
    expect(await pendingMigrations(client, real)).toEqual(readMigrations(real).map((m) => m.name));
    await migrate({ ...db, folder: real });
    expect(await pendingMigrations(client, real)).toEqual([]);
    await client.end();
  });

  // Guarantee: pointers of another cluster, whose transaction numbers lie in the future, do not stay in a copied database.
  it("remove change pointers that another cluster wrote", async () => {
    const db = await fresh();
    await migrate({ ...db, folder: real });
    const client = new pg.Client({ connectionString: db.ownerUrl });
    await client.connect();
    await client.query("insert into changes (xid, topic, key) values (9000000000, 'node', 'from afar')");
    await migrate({ ...db, folder: real });
    expect((await client.query("select 1 from changes where key = 'from afar'")).rowCount).toBe(0);
    await client.end();
  });

  it("say so when the application's login does not work, or owns the tables", async () => {
    const db = await fresh();
    await expect(migrate({ ...db, appUrl: withLogin(db.appUrl, "holdfast_nobody", "wrong"), folder: real })).rejects.toThrow(/DATABASE_URL does not work/);
    const said: string[] = [];
    await migrate({ ownerUrl: db.ownerUrl, appUrl: db.ownerUrl, folder: real, say: (line) => said.push(line) });
    expect(said.join("\n")).toMatch(/could change the audit log/);
  });
});
