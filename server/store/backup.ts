import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { PassThrough } from "node:stream";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import pg from "pg";
import { connectionSettings } from "./pool";

/**
 * A backup is one gzip file of lines, each a JSON value: a header; for each table a line that names it, one line a row
 * (PostgreSQL's own text form of the row) and a line that closes it with the number of rows and their SHA-256; the
 * sequences; and a last line without which the file is incomplete. It depends on no version of PostgreSQL and on no
 * other program (the embedded PostgreSQL comes without pg_dump), and restores into 15 to 18. See docs/backup.md.
 */
export const BACKUP_FORMAT = 1;

export interface BackupHeader {
  holdfast: "backup";
  format: number;
  version: string;
  at: string;
  server: string;
  migrations: { name: string; checksum: string }[];
}
export interface TableEnd {
  end: string;
  rows: number;
  sha256: string;
}
export interface Sequences {
  sequences: Record<string, { last: number; called: boolean }>;
}
export interface BackupEnd {
  complete: true;
  tables: number;
  rows: number;
}

/**
 * What is not state, and would be wrong elsewhere: change pointers are ordered by this cluster's transaction numbers, and
 * processes are those that run now. Prisma's table is made anew by the migrations.
 */
const leftOut = new Set(["_prisma_migrations", "changes", "processes"]);

/** Rows are fetched in batches of about this many characters, whatever their size (artifact chunks have 2 million each). */
const BATCH_CHARACTERS = 4_000_000;
const MOST_ROWS = 5_000;

export interface BackupResult {
  tables: { name: string; rows: number; sha256: string }[];
  at: string;
}

/** Tables of the schema that a backup holds, those that others refer to first. */
export async function tablesInOrder(client: Pick<pg.Client, "query">): Promise<string[]> {
  const { rows } = await client.query<{ name: string; refers: string[] }>(
    `select c.relname as name, array(select distinct r.relname::text from pg_constraint k join pg_class r on r.oid = k.confrelid where k.contype = 'f' and k.conrelid = c.oid and r.oid <> c.oid) as refers
     from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' order by c.relname`,
  );
  const left = new Map(rows.filter((r) => !leftOut.has(r.name)).map((r) => [r.name, r.refers]));
  const ordered: string[] = [];
  while (left.size > 0) {
    const free = [...left].filter(([, refers]) => refers.every((r) => !left.has(r))).map(([name]) => name);
    if (free.length === 0) throw new Error("tables refer to each other in a circle; a backup can't order them");
    for (const name of free) left.delete(name);
    ordered.push(...free);
  }
  return ordered;
}

/** Values of all sequences. */
export async function readSequences(client: Pick<pg.Client, "query">): Promise<Sequences["sequences"]> {
  const { rows } = await client.query<{ name: string }>("select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'S' order by relname");
  const found: Sequences["sequences"] = {};
  for (const { name } of rows) {
    const value = await client.query<{ last_value: string; is_called: boolean }>(`select last_value::text, is_called from ${pg.escapeIdentifier(name)}`);
    const row = value.rows[0];
    if (row) found[name] = { last: Number(row.last_value), called: row.is_called };
  }
  return found;
}

/**
 * Reads every table in one snapshot (repeatable read), while the processes go on working, and writes lines to `out`.
 * Back-pressure is heeded: no more than a batch is held in memory.
 */
export async function dump(o: { ownerUrl: string; version: string; nowMs: number; out: Writable; say?: (line: string) => void }): Promise<BackupResult> {
  const client = new pg.Client({ ...connectionSettings(o.ownerUrl), application_name: "holdfast backup", connectionTimeoutMillis: 15_000 });
  await client.connect();
  const line = async (text: string) => {
    if (o.out.destroyed) throw o.out.errored ?? new Error("the backup's file was closed before it was whole");
    if (o.out.write(`${text}\n`)) return;
    await new Promise<void>((resolve, reject) => {
      const done = (error?: Error) => {
        o.out.off("drain", done).off("error", done).off("close", closed);
        if (error instanceof Error) reject(error);
        else resolve();
      };
      const closed = () => done(new Error("the backup's file was closed before it was whole"));
      o.out.on("drain", done).on("error", done).on("close", closed);
    });
  };
  const tables: BackupResult["tables"] = [];
  try {
    await client.query("set statement_timeout = 0; set idle_in_transaction_session_timeout = 0; set timezone = 'UTC'; set datestyle = 'ISO'; set extra_float_digits = 1; set bytea_output = 'hex'; set intervalstyle = 'postgres'");
    await client.query("begin isolation level repeatable read, read only");
    const migrations = (await client.query<{ name: string; checksum: string }>("select migration_name as name, checksum from _prisma_migrations where finished_at is not null and rolled_back_at is null order by migration_name")).rows;
    const server = (await client.query<{ v: string }>("select current_setting('server_version') v")).rows[0]?.v ?? "?";
    const at = new Date(o.nowMs).toISOString();
    await line(JSON.stringify({ holdfast: "backup", format: BACKUP_FORMAT, version: o.version, at, server, migrations } satisfies BackupHeader));
    for (const name of await tablesInOrder(client)) {
      await line(JSON.stringify({ table: name }));
      const done = await dumpTable(client, name, line);
      await line(JSON.stringify({ end: name, ...done } satisfies TableEnd));
      tables.push({ name, ...done });
      if (done.rows > 0) o.say?.(`${name}: ${done.rows}`);
    }
    await line(JSON.stringify({ sequences: await readSequences(client) } satisfies Sequences));
    await client.query("commit");
    await line(JSON.stringify({ complete: true, tables: tables.length, rows: tables.reduce((n, t) => n + t.rows, 0) } satisfies BackupEnd));
    return { tables, at };
  } finally {
    await client.end();
  }
}

/** Digest of a table: its rows as text, in the order of the primary key, one a line. */
async function dumpTable(client: pg.Client, name: string, line: (text: string) => Promise<void>): Promise<{ rows: number; sha256: string }> {
  const hash = createHash("sha256");
  const table = pg.escapeIdentifier(name);
  const key = await client.query<{ column: string }>(
    "select a.attname as column from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey) where i.indrelid = $1::regclass and i.indisprimary order by array_position(i.indkey::int2[], a.attnum)",
    [`public.${table}`],
  );
  const order = key.rows.map((k) => pg.escapeIdentifier(k.column)).join(", ");
  await client.query(`declare rows no scroll cursor for select t::text as r from ${table} t${order ? ` order by ${order}` : ""}`);
  let rows = 0;
  for (let batch = 1; ; ) {
    const fetched = await client.query<{ r: string }>(`fetch ${batch} from rows`);
    let characters = 0;
    for (const { r } of fetched.rows) {
      const text = JSON.stringify(r);
      hash.update(text).update("\n");
      characters += text.length;
      await line(text);
    }
    rows += fetched.rows.length;
    if (fetched.rows.length < batch) break;
    batch = Math.max(1, Math.min(MOST_ROWS, batch * 4, Math.floor((BATCH_CHARACTERS * fetched.rows.length) / Math.max(1, characters))));
  }
  await client.query("close rows");
  return { rows, sha256: hash.digest("hex") };
}

/**
 * Writes a backup to a file that only this account can read. It is written beside its name, flushed to the disk and then
 * renamed: a file of that name is always a whole backup.
 */
export async function backupToFile(o: { ownerUrl: string; version: string; nowMs: number; file: string; say?: (line: string) => void }): Promise<BackupResult> {
  const partial = `${o.file}.partial`;
  const lines = new PassThrough({ highWaterMark: 1 << 20 });
  const target = createWriteStream(partial, { mode: 0o600 });
  const written = pipeline(lines, createGzip({ level: 6 }), target);
  const dumped = dump({ ...o, out: lines }).then(
    (result) => {
      lines.end();
      return result;
    },
    (error: unknown) => {
      lines.destroy(error as Error);
      throw error;
    },
  );
  try {
    const [result] = await Promise.all([dumped, written]);
    const handle = await open(partial, "r");
    await handle.sync();
    await handle.close();
    await rename(partial, o.file);
    return result;
  } catch (error) {
    await Promise.allSettled([dumped, written]);
    await rm(partial, { force: true });
    throw error;
  }
}
