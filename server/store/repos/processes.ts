import { asJson, toMs } from "../queryable";
import type { Queryable } from "../queryable";

export const processStates = ["starting", "ready", "stopping", "failing"] as const;
export type ProcessState = (typeof processStates)[number];

/** A process without a beat for this long is taken for gone. */
export const PROCESS_GONE_AFTER_MS = 15_000;

export interface ProcessRow {
  id: string;
  name: string;
  version: string;
  state: ProcessState;
  sinceMs: number;
  /** Age of the last beat by the database's clock, so that two machines' clocks need not agree. */
  ageMs: number;
  details: Record<string, unknown>;
}

/** Writes a process's row, and removes rows of processes that have been gone for ten minutes. */
export async function beat(db: Queryable, p: { id: string; name: string; version: string; state: ProcessState; sinceMs: number; details: Record<string, unknown> }): Promise<void> {
  await db.query(
    `insert into processes (id, name, version, state, since, heartbeat_at, details) values ($1, $2, $3, $4, $5, now(), $6)
     on conflict (id) do update set state = excluded.state, since = excluded.since, heartbeat_at = now(), details = excluded.details, version = excluded.version`,
    [p.id, p.name, p.version, p.state, new Date(p.sinceMs), asJson(p.details)],
  );
  await db.query("delete from processes where heartbeat_at < now() - interval '10 minutes'");
}

/** Removes the row of a process that stopped in order. */
export async function farewell(db: Queryable, id: string): Promise<void> {
  await db.query("delete from processes where id = $1", [id]);
}

/** Every process that has beaten lately, by name. */
export async function livingProcesses(db: Queryable): Promise<ProcessRow[]> {
  const { rows } = await db.query<{ id: string; name: string; version: string; state: ProcessState; since: Date; age_ms: number; details: Record<string, unknown> }>(
    `select id, name, version, state, since, details, greatest(0, extract(epoch from clock_timestamp() - heartbeat_at) * 1000)::float8 as age_ms
     from processes where heartbeat_at > now() - make_interval(secs => $1) order by name, id`,
    [PROCESS_GONE_AFTER_MS / 1_000],
  );
  return rows.map((r) => ({ id: r.id, name: r.name, version: r.version, state: r.state, sinceMs: toMs(r.since), ageMs: Math.round(r.age_ms), details: r.details }));
}
