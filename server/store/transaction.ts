import type { Pool, PoolClient } from "pg";
import { refuseNow } from "../core/base/refusal";
import { insertAuditEntry } from "./repos/audit-entries";
import type { NewAuditEntry } from "./repos/audit-entries";
import { insertChanges } from "./changes";
import type { ChangePointer } from "./changes";
import { isRetryable } from "./pool";
import { queryableOf } from "./queryable";
import type { Queryable } from "./queryable";

/** What repository functions are called with. */
export interface Repositories {
  readonly client: Queryable;
}

/** Writes audit entries in the transaction of the change; used by `server/audit`, which knows actors and sentences. */
export interface AuditWriter {
  append(entry: NewAuditEntry): Promise<{ seq: number }>;
}

/** Channels of NOTIFY: nudges only, nothing depends on their arrival. */
export const channels = ["holdfast_changes", "holdfast_desired", "holdfast_logs", "holdfast_keys", "holdfast_revoked", "holdfast_sessions"] as const;
export type Channel = (typeof channels)[number];

/** Change topics: what kind of thing has changed. */
export const changeTopics = [
  "project", "node", "site", "workload", "policy", "object", "assignment", "observation", "decision", "rollout", "approval",
  "artifact", "person", "token", "secret", "hook", "audit", "process", "telemetry",
] as const;
export type ChangeTopic = (typeof changeTopics)[number];

/** One transaction: state, audit entry and change pointers, all or nothing. */
export interface Tx extends Repositories {
  readonly audit: AuditWriter;
  /** Collects a pointer ("this has changed, ask for it"); the pointers are written once, at the end. */
  readonly changes: { add(topic: ChangeTopic, key: string, projectId: string | null): void };
  /** Nudges listeners when the transaction commits. Equal nudges of one transaction become one. */
  notify(channel: Channel, payload?: string): void;
  /** Runs after the commit, and not at all without one: for metrics and in-process nudges. It must not throw. */
  afterCommit(fn: () => void): void;
}

const ATTEMPTS = 6;

/** Waits a little longer each time, at random, so that two that collided do not collide again. */
const pause = (attempt: number) => new Promise<void>((resolve) => setTimeout(resolve, Math.random() * 20 * 2 ** attempt));

/**
 * Runs `work` in a transaction (read committed: what must not change meanwhile is guarded by compare-and-set on a
 * version, or locked by `FOR UPDATE`). Serialisation failures and deadlocks are tried again from the start, so `work`
 * must do nothing but database work.
 */
export async function runTransaction<T>(pool: Pool, work: (tx: Tx) => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    const client = await pool.connect();
    try {
      return await attemptOnce(client, work);
    } catch (error) {
      if (attempt + 1 >= ATTEMPTS || !isRetryable(error)) throw error;
    }
    await pause(attempt);
  }
}

async function attemptOnce<T>(client: PoolClient, work: (tx: Tx) => Promise<T>): Promise<T> {
  const db = queryableOf(client);
  const pointers = new Map<string, ChangePointer>();
  const nudges = new Map<string, { channel: Channel; payload: string }>();
  const after: (() => void)[] = [];
  const addPointer = (topic: ChangeTopic, key: string, projectId: string | null) => void pointers.set(`${topic}\0${key}\0${projectId}`, { topic, key, projectId });
  const tx: Tx = {
    client: db,
    audit: {
      append: async (entry) => {
        const written = await insertAuditEntry(db, entry);
        addPointer("audit", String(written.seq), entry.projectId);
        return written;
      },
    },
    changes: { add: addPointer },
    notify: (channel, payload = "") => void nudges.set(`${channel}\0${payload}`, { channel, payload }),
    afterCommit: (fn) => void after.push(fn),
  };
  let broken: Error | undefined;
  // A connection that dies between two statements reports here; the statement that follows rejects by itself.
  const onError = (error: Error) => (broken = error);
  client.on("error", onError);
  try {
    await db.query("begin");
    const value = await work(tx);
    if (pointers.size > 0) {
      await insertChanges(db, [...pointers.values()]);
      tx.notify("holdfast_changes");
    }
    if (nudges.size > 0) {
      const list = [...nudges.values()];
      await db.query("select pg_notify(c, p) from unnest($1::text[], $2::text[]) as n(c, p)", [list.map((n) => n.channel), list.map((n) => n.payload)]);
    }
    await db.query("commit");
    for (const fn of after) fn();
    return value;
  } catch (error) {
    await db.query("rollback").catch((failed: unknown) => (broken = failed as Error));
    throw error;
  } finally {
    client.off("error", onError);
    client.release(broken);
  }
}

/**
 * Refuses with `stale_version` unless a compare-and-set changed exactly one row.
 * ```ts
 * requireCurrent(await db.query("update nodes set …, version = version + 1 where id = $1 and version = $2", [id, version]), "node fra-1");
 * ```
 */
export function requireCurrent(result: { rowCount: number }, what: string): void {
  if (result.rowCount === 1) return;
  refuseNow("stale_version", `The ${what} was changed by somebody else meanwhile.`, "Look at it as it is now, then try again.");
}
