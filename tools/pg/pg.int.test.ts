/** The embedded PostgreSQL: what must hold whatever was killed, and wherever its folder lies. */
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dropDatabase, ensureDatabase, onDatabase, startPostgres } from "./index.mjs";
import { stopPostgres } from "./stop.mjs";

type Server = Awaited<ReturnType<typeof startPostgres>>;
const folders: string[] = [];
/** A folder below one that only we may enter, as `/root` or a private home is. */
function privateHome(): string {
  const closed = fs.mkdtempSync(path.join(os.tmpdir(), "holdfast-pg-"));
  fs.chmodSync(closed, 0o700);
  folders.push(closed);
  return path.join(closed, "deeper", "postgres");
}

async function ask<Row extends pg.QueryResultRow>(url: string, text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  // A server that is killed breaks its connections; the query that is under way rejects by itself.
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

const home = privateHome();
let server: Server;
beforeAll(async () => {
  server = await startPostgres({ home, port: 0 });
});
afterAll(async () => {
  for (const folder of folders) {
    await stopPostgres(path.join(folder, "deeper", "postgres"));
    fs.rmSync(folder, { recursive: true, force: true });
  }
});

describe("roles", () => {
  // Guarantee: the application's role owns nothing and can't make tables; the owner can, and is no superuser.
  it("gives the application no table to own", async () => {
    await ask(server.ownerUrl, "create table owned (id int)");
    await expect(ask(server.appUrl, "create table mine (id int)")).rejects.toThrow(/permission denied for schema public/);
    await expect(ask(server.appUrl, "select * from owned")).rejects.toThrow(/permission denied for table owned/);
    expect(await ask(server.adminUrl, "select rolname, rolsuper from pg_roles where rolname like 'holdfast\\_%' order by 1")).toEqual([
      { rolname: "holdfast_admin", rolsuper: true },
      { rolname: "holdfast_app", rolsuper: false },
      { rolname: "holdfast_owner", rolsuper: false },
    ]);
  });

  it("asks for a password, also on the same machine", async () => {
    const without = new URL(server.appUrl);
    without.password = "wrong";
    await expect(ask(without.href, "select 1")).rejects.toThrow(/password authentication failed/);
  });

  it("makes and drops databases of the owner", async () => {
    await ensureDatabase(server.adminUrl, "extra");
    await ensureDatabase(server.adminUrl, "extra");
    expect(await ask(onDatabase(server.ownerUrl, "extra"), "select current_database() as name")).toEqual([{ name: "extra" }]);
    await dropDatabase(server.adminUrl, "extra");
    await expect(ask(onDatabase(server.ownerUrl, "extra"), "select 1")).rejects.toThrow(/does not exist/);
  });
});

describe("starting", () => {
  // Guarantee: a second start on the same folder uses the server that runs there.
  it("adopts a server that is running", async () => {
    const again = await startPostgres({ home });
    expect([again.adopted, again.pid, again.port]).toEqual([true, server.pid, server.port]);
  });

  // Guarantee: nothing that was acknowledged is lost to `kill -9`, and the next start comes back on the same port.
  it("keeps every acknowledged row over kill -9", async () => {
    await ask(server.ownerUrl, "create table kept (id int primary key)");
    let acknowledged = 0;
    const client = new pg.Client({ connectionString: server.ownerUrl });
    client.on("error", () => undefined);
    await client.connect();
    const writing = (async () => {
      for (let id = 0; ; id += 1) {
        await client.query("insert into kept values ($1)", [id]);
        acknowledged = id + 1;
        if (acknowledged === 50) process.kill(server.pid, "SIGKILL");
      }
    })();
    await expect(writing).rejects.toThrow();
    const before = server;
    server = await startPostgres({ home });
    expect([server.adopted, server.port]).toEqual([false, before.port]);
    const [row] = await ask<{ count: number }>(server.ownerUrl, "select count(*)::int as count from kept");
    expect(row?.count).toBeGreaterThanOrEqual(acknowledged);
  });

  // Guarantee: a lock file whose process id now belongs to another program does not keep the database from starting.
  it("starts over a lock file that names another program", async () => {
    await server.stop();
    expect(server.alive()).toBe(false);
    const other = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    try {
      fs.writeFileSync(path.join(home, "data", "postmaster.pid"), `${other.pid}\n/somewhere\n0\n5432\n\n127.0.0.1\n\nready\n`);
      server = await startPostgres({ home });
      expect(server.adopted).toBe(false);
      expect(await ask(server.appUrl, "select 1 as one")).toEqual([{ one: 1 }]);
    } finally {
      other.kill();
    }
  });

  // Guarantee: a first start that was interrupted leaves nothing that a later one takes for a database.
  it("starts after an interrupted first start", async () => {
    const other = privateHome();
    fs.mkdirSync(path.join(other, "data.new"), { recursive: true });
    fs.writeFileSync(path.join(other, "data.new", "PG_VERSION"), "18\n");
    const fresh = await startPostgres({ home: other, port: 0 });
    expect(await ask(fresh.appUrl, "select 1 as one")).toEqual([{ one: 1 }]);
    await fresh.stop();
  });

  it("keeps its passwords to itself", () => {
    expect(fs.statSync(path.join(home, "secrets.json")).mode & 0o077).toBe(0);
    const secrets = Object.values(JSON.parse(fs.readFileSync(path.join(home, "secrets.json"), "utf8")) as Record<string, string>);
    const shown = spawnSync("ps", ["-eo", "args"], { encoding: "utf8" }).stdout;
    expect(secrets.filter((secret) => shown.includes(secret))).toEqual([]);
  });
});
