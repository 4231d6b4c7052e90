/**
 * The store: PostgreSQL, and the only place that knows SQL and Prisma. Rows become values of `core` here.
 * Everything above reads and writes through the functions of `repos`, inside `inTransaction` when it writes.
 */
import { PrismaPg } from "@prisma/adapter-pg";
import type { Pool } from "pg";
import type { Logger } from "../platform";
import { changedSince, changesNow, changesSince, followChanges } from "./changes";
import type { ChangeBatch } from "./changes";
import { PrismaClient } from "./generated/client";
import { Listener } from "./listener";
import type { OnNudge } from "./listener";
import { createPool } from "./pool";
import { oneOrNone, queryableOf } from "./queryable";
import { whenReachable } from "./reachable";
import { runRetention } from "./retention";
import { runTransaction } from "./transaction";
import type { Channel, Repositories, Tx } from "./transaction";

export interface Store {
  /** For hot paths inside `server/store`, and nowhere else. */
  readonly pool: Pool;
  /** For reads that are not hot, inside `server/store`; others pass it on to a repository function. */
  readonly prisma: PrismaClient;
  /** Reads outside a transaction. */
  readonly read: Repositories;
  /** See `runTransaction`: all or nothing, tried again after a deadlock. */
  inTransaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Listens for nudges on a connection of its own; null means "you may have missed some: look at everything". */
  listen(channel: Channel, fn: OnNudge): Promise<() => Promise<void>>;
  /** Change pointers after a cursor; see `changes.ts`. */
  changesSince(cursor: string, limit: number, projectId?: string): Promise<ChangeBatch>;
  /** Has anything of these topics changed in a project since a cursor? For remembered answers; see `changes.ts`. */
  changedSince(cursor: string, topics: readonly string[], projectId: string): Promise<boolean>;
  /** The cursor of this moment, for a reader that starts now. */
  changesNow(): Promise<string>;
  /** Calls back with each batch of new pointers until the returned function is called; see `followChanges`. */
  followChanges(o: { from?: string; onBatch: (batch: ChangeBatch) => void | Promise<void> }): Promise<() => Promise<void>>;
  /** Deletes what is older than the retention settings say; see `retention.ts`. Null while another process is at it. */
  runRetention(nowMs: number): Promise<Record<string, number> | null>;
  /** Is the database there and migrated, and is the audit log append-only for this login? */
  check(): Promise<StoreCheck>;
  /** `check`, once the database answers: waits while it is starting or out of reach. */
  reachable(): Promise<StoreCheck>;
  close(): Promise<void>;
}

/** What `Store.check` found. */
export interface StoreCheck {
  /** Name of the newest migration that was applied; null when none was. */
  migration: string | null;
  /** False when this login could change or delete audit entries (it owns the tables, or is a superuser). */
  auditProtected: boolean;
  latencyMs: number;
}

/** Opens the store. Connections are made when they are needed; nothing is sent yet. */
export function openStore(o: { url: string; log: Logger; max?: number; name?: string }): Store {
  const name = o.name ?? "holdfast";
  const pool = createPool({ url: o.url, log: o.log, max: o.max ?? 10, name });
  const client = queryableOf(pool);
  const listener = new Listener({ url: o.url, log: o.log, name });
  let prisma: PrismaClient | undefined;
  let closing: Promise<void> | undefined;
  const check = async (): Promise<StoreCheck> => {
    const startedMs = performance.now();
    const row = await oneOrNone<{ migration: string | null; writable: boolean }>(
      client,
      `select (select max(migration_name) from _prisma_migrations where finished_at is not null and rolled_back_at is null) as migration,
              has_table_privilege('audit_entries', 'UPDATE') or has_table_privilege('audit_entries', 'DELETE') or has_table_privilege('audit_entries', 'TRUNCATE') as writable`,
    );
    return { migration: row?.migration ?? null, auditProtected: row?.writable === false, latencyMs: performance.now() - startedMs };
  };
  return {
    pool,
    // Made on first use: its query compiler takes 50 ms and some megabytes, which the agents' gateway never needs.
    get prisma() {
      return (prisma ??= new PrismaClient({ adapter: new PrismaPg(pool, { disposeExternalPool: false }) }));
    },
    read: { client },
    inTransaction: (work) => runTransaction(pool, work),
    listen: (channel, fn) => listener.listen(channel, fn),
    changesSince: (cursor, limit, projectId) => changesSince(client, cursor, limit, projectId),
    changedSince: (cursor, topics, projectId) => changedSince(client, cursor, topics, projectId),
    changesNow: () => changesNow(client),
    followChanges: (f) =>
      followChanges({ db: client, listen: (fn) => listener.listen("holdfast_changes", fn), ...f, onTrouble: (error) => o.log.warn({ err: error }, "the change pointers could not be read; trying again") }),
    runRetention: (nowMs) => runRetention(pool, nowMs),
    check,
    reachable: () => whenReachable(check, { log: o.log }),
    close() {
      closing ??= (async () => {
        await listener.close();
        await prisma?.$disconnect();
        await pool.end();
      })();
      return closing;
    },
  };
}

export type { ChangeBatch, ChangeItem, ChangePointer } from "./changes";
export type { OnNudge } from "./listener";
export { isNotPermitted, isUniqueViolation } from "./pool";
export { RETENTION_SETTING, readRetention, retentionSettings, writeRetention } from "./retention";
export type { RetentionSettings } from "./retention";
export type { Queryable } from "./queryable";
export { requireCurrent } from "./transaction";
export type { AuditWriter, ChangeTopic, Channel, Repositories, Tx } from "./transaction";
export { announceProcess } from "./announce";
export type { Announcement } from "./announce";
export { Recent } from "./recent";
export * from "./repos";
