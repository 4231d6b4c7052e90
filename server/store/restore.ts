import { createHash, randomUUID } from "node:crypto";
import type { Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import { createGunzip } from "node:zlib";
import pg from "pg";
import { z } from "zod";
import { BACKUP_FORMAT, tablesInOrder } from "./backup";
import type { BackupHeader } from "./backup";
import { insertAuditEntry } from "./repos/audit-entries";
import { migrate, readMigrations } from "./migrate";
import { connectionSettings } from "./pool";
import { queryableOf } from "./queryable";

/** Why a backup can't be restored; the message says what to do. */
export class RestoreFailed extends Error {
  override name = "RestoreFailed";
}

const header = z.object({ holdfast: z.literal("backup"), format: z.int(), version: z.string(), at: z.string(), server: z.string(), migrations: z.array(z.object({ name: z.string(), checksum: z.string() })) });
const item = z.union([
  z.string(),
  z.object({ table: z.string() }),
  z.object({ end: z.string(), rows: z.int(), sha256: z.string() }),
  z.object({ sequences: z.record(z.string(), z.object({ last: z.int(), called: z.boolean() })) }),
  z.object({ complete: z.literal(true), tables: z.int(), rows: z.int() }),
]);

/** What a reader of a backup does with its parts; each is awaited before the next. */
interface Reader {
  begin(header: BackupHeader): Promise<void>;
  rows(table: string, rows: string[]): Promise<void>;
  sequences(values: Record<string, { last: number; called: boolean }>): Promise<void>;
}

export interface RestoreResult {
  header: BackupHeader;
  tables: { name: string; rows: number; sha256: string }[];
}

const MOST_ROWS = 2_000;
const BATCH_CHARACTERS = 4_000_000;

/** Reads a backup and checks every sum; throws `RestoreFailed` at the first thing that is not as it should be. */
export async function readBackup(file: string, reader: Reader): Promise<RestoreResult> {
  const tables: RestoreResult["tables"] = [];
  let head: BackupHeader | undefined;
  let open: { name: string; hash: Hash; count: number; rows: string[]; characters: number } | undefined;
  let complete = false;
  try {
    for await (const line of linesOf(file)) {
      if (!head) {
        const parsed = header.safeParse(parse(line));
        if (!parsed.success) throw new RestoreFailed(`${file} is no backup of Holdfast.`);
        if (parsed.data.format !== BACKUP_FORMAT) throw new RestoreFailed(`${file} has format ${parsed.data.format}; this version reads ${BACKUP_FORMAT}. Restore it with Holdfast ${parsed.data.version}.`);
        head = parsed.data;
        await reader.begin(head);
        continue;
      }
      const parsed = item.safeParse(parse(line));
      if (!parsed.success || complete) throw damaged(file, open?.name);
      const part = parsed.data;
      if (typeof part === "string") {
        if (!open) throw damaged(file);
        open.hash.update(line).update("\n");
        open.rows.push(part);
        open.characters += part.length;
        open.count++;
        if (open.rows.length >= MOST_ROWS || open.characters >= BATCH_CHARACTERS) {
          await reader.rows(open.name, open.rows);
          open.rows = [];
          open.characters = 0;
        }
      } else if ("table" in part) {
        if (open) throw damaged(file, open.name);
        open = { name: part.table, hash: createHash("sha256"), count: 0, rows: [], characters: 0 };
      } else if ("end" in part) {
        if (!open || open.name !== part.end || open.count !== part.rows || open.hash.digest("hex") !== part.sha256) throw damaged(file, part.end);
        if (open.rows.length > 0) await reader.rows(open.name, open.rows);
        tables.push({ name: part.end, rows: part.rows, sha256: part.sha256 });
        open = undefined;
      } else if ("sequences" in part) await reader.sequences(part.sequences);
      else {
        if (open || part.tables !== tables.length) throw damaged(file);
        complete = true;
      }
    }
  } catch (error) {
    const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
    if (code.startsWith("Z_") || code === "ERR_BUFFER_OUT_OF_BOUNDS") throw head ? notWhole(file) : new RestoreFailed(`${file} is no backup of Holdfast.`);
    if (error instanceof Error && "syscall" in error && "path" in error) throw new RestoreFailed(`${file} can't be read: ${error.message}`);
    throw error;
  }
  if (!head) throw new RestoreFailed(`${file} is no backup of Holdfast.`);
  if (!complete) throw notWhole(file);
  return { header: head, tables };
}

/** Lines of a gzip file. An error of the disk or of the compression is thrown where the lines are read. */
async function* linesOf(file: string): AsyncGenerator<string> {
  const source = createReadStream(file);
  const unzip = createGunzip();
  source.on("error", (error) => unzip.destroy(error));
  source.pipe(unzip);
  const decoder = new StringDecoder("utf8");
  try {
    let rest = "";
    for await (const chunk of unzip) {
      const lines = (rest + decoder.write(chunk as Buffer)).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
    if (rest !== "") yield rest;
  } finally {
    source.destroy();
    unzip.destroy();
  }
}

const notWhole = (file: string) => new RestoreFailed(`${file} is not whole: its end is missing. Use another backup.`);

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const damaged = (file: string, table?: string) => new RestoreFailed(`${file} is damaged${table ? ` in table ${table}` : ""}: a sum does not agree. Use another backup.`);

const readsOnly: Reader = { begin: () => Promise.resolve(), rows: () => Promise.resolve(), sequences: () => Promise.resolve() };

/** Reads a backup to its end without a database. */
export const checkBackup = (file: string): Promise<RestoreResult> => readBackup(file, readsOnly);

type Known = ReadonlyMap<string, ReturnType<typeof readMigrations>[number]>;

/** The migrations of a backup as this version has them, or why it can't be restored here. */
function checkMigrations(head: BackupHeader, known: Known) {
  return head.migrations.map((m) => {
    const here = known.get(m.name);
    if (!here) throw new RestoreFailed(`The backup is of Holdfast ${head.version} and has migration ${m.name}, which this version does not know. Restore it with a version that does.`);
    if (here.checksum !== m.checksum) throw new RestoreFailed(`Migration ${m.name} is another one in the backup than here. Restore it with Holdfast ${head.version}.`);
    return here;
  });
}

/**
 * Restores a backup in one transaction: the schema as of the backup's migrations, all rows, the sequences; then newer
 * migrations are applied. A database that holds data is refused, unless `replace` says that all of it may go; one that
 * somebody is connected to is refused always. If anything fails, the database is as it was.
 *
 * What a restore changes on purpose is in `settle`.
 */
export async function restoreFromFile(o: { ownerUrl: string; file: string; migrations: string; replace: boolean; appUrl?: string; actor: string; say?: (line: string) => void }): Promise<RestoreResult> {
  const known = new Map(readMigrations(o.migrations).map((m) => [m.name, m]));
  const client = new pg.Client({ ...connectionSettings(o.ownerUrl), application_name: "holdfast restore", connectionTimeoutMillis: 15_000 });
  await client.connect();
  let result: RestoreResult;
  try {
    await client.query("set client_min_messages = warning; set timezone = 'UTC'; set datestyle = 'ISO'; set intervalstyle = 'postgres'");
    await refuseUnlessFree(client, o.replace);
    // Read to the end first: most that can be wrong with a backup is found before anything is locked.
    await readBackup(o.file, { ...readsOnly, begin: async (head) => void checkMigrations(head, known) });
    await client.query("begin");
    result = await readBackup(o.file, {
      begin: (head) => emptySchema(client, checkMigrations(head, known)),
      async rows(table, rows) {
        const name = pg.escapeIdentifier(table);
        await client.query(`insert into ${name} select * from unnest($1::text[]::${name}[])`, [rows]);
      },
      async sequences(values) {
        for (const [name, v] of Object.entries(values)) await client.query("select setval($1::regclass, $2, $3)", [`public.${pg.escapeIdentifier(name)}`, v.last, v.called]);
      },
    });
    for (const table of await tablesInOrder(client)) await client.query(`alter table ${pg.escapeIdentifier(table)} enable trigger user`);
    await settle(client, result, o.actor);
    await client.query("commit");
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw error;
  } finally {
    await client.end();
  }
  await migrate({ ownerUrl: o.ownerUrl, folder: o.migrations, ...(o.appUrl ? { appUrl: o.appUrl } : {}), ...(o.say ? { say: o.say } : {}) });
  return result;
}

async function refuseUnlessFree(client: pg.Client, replace: boolean): Promise<void> {
  // Of others this login sees little more than the name; background workers have none.
  const others = await client.query<{ who: string }>("select distinct usename || coalesce(' (' || nullif(application_name, '') || ')', '') as who from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and usename is not null");
  if (others.rows.length > 0) throw new RestoreFailed(`The database is in use by ${others.rows.map((r) => r.who).join(", ")}. Stop web, scheduler and gateway first.`);
  if (replace) return;
  const there = await client.query<{ n: string }>("select relname as n from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and relname in ('people', 'nodes', 'objects', 'audit_entries')");
  for (const { n } of there.rows) {
    const some = await client.query(`select 1 from ${pg.escapeIdentifier(n)} limit 1`);
    if (some.rowCount) throw new RestoreFailed("The database holds data. Restore into an empty one, or say --replace to lose what it holds.");
  }
}

/** An empty schema as these migrations make it, without the rows that they insert, and with its triggers at rest. */
async function emptySchema(client: pg.Client, migrations: readonly { name: string; sql: string; checksum: string }[]): Promise<void> {
  await client.query("drop schema public cascade; create schema public; grant usage on schema public to holdfast_app");
  await client.query(
    `create table _prisma_migrations (
       id varchar(36) primary key not null, checksum varchar(64) not null, finished_at timestamptz, migration_name varchar(255) not null,
       logs text, rolled_back_at timestamptz, started_at timestamptz not null default now(), applied_steps_count integer not null default 0)`,
  );
  for (const m of migrations) {
    await client.query(m.sql);
    await client.query("insert into _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count) values ($1, $2, $3, now(), now(), 1)", [randomUUID(), m.checksum, m.name]);
  }
  const tables = await tablesInOrder(client);
  await client.query(`truncate ${tables.map((t) => pg.escapeIdentifier(t)).join(", ")}`);
  for (const t of tables) await client.query(`alter table ${pg.escapeIdentifier(t)} disable trigger user`);
}

/**
 * Sets right what was true of the old cluster or the old moment only.
 * - Sessions end: one that was ended after the backup was made must not come alive again.
 * - Nodes count as not connected, and the generation of their desired state is raised beyond any that an agent may have
 *   applied since, so that agents take the restored state for the newer one.
 * - Claims of reconcilers are let go.
 * - The mark of deleted change pointers goes: it is a transaction number of the old cluster.
 * - The restore is an audit entry.
 */
async function settle(client: pg.Client, result: RestoreResult, actor: string): Promise<void> {
  await client.query("update sessions set ended_at = now() where ended_at is null");
  await client.query("update nodes set connected = false, session_id = null, desired_generation = greatest(desired_generation, observed_generation) + 100000");
  await client.query("update agent_sessions set closed_at = now(), close_reason = 'restored from a backup' where closed_at is null");
  await client.query("update reconcile_keys set claimed_by = null, claimed_until = null, next_look_at = now()");
  await client.query("delete from settings where key = 'changes.prunedTo'");
  await insertAuditEntry(queryableOf(client as unknown as pg.PoolClient), {
    projectId: null, actorKind: "system", actorId: "restore", actor, sessionId: null, strength: null, action: "backup.restore", objectKind: "backup", objectId: result.header.at, object: result.header.at, outcome: "done", refusal: null, reason: null,
    before: null, after: { version: result.header.version, at: result.header.at, rows: result.tables.reduce((n, t) => n + t.rows, 0) }, requestId: null,
  });
}
