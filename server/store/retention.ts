import { z } from "zod";
import type { PoolClient } from "pg";
import { pruneChanges } from "./changes";
import { queryableOf } from "./queryable";
import type { Queryable } from "./queryable";
import { get, put } from "./repos/settings";

const days = z.number().min(0.01).max(3_650);

/**
 * For how long things are kept. The audit log, manifests with their revisions, rollouts, approvals and identities are
 * kept for good. `historyDays` bounds how far back screens can be asked "as of".
 */
export const retentionSettings = z.object({
  historyDays: days.default(90),
  /** Change pointers: a browser that was away for longer loads its page anew. */
  changesDays: days.default(1),
  /** Usage of nodes and units as reported, one row a report. */
  samplesDays: days.default(14),
  /** Request counts and latency sketches, labelled accuracy by minute. */
  minutesDays: days.default(90),
  /** Single predictions with their labels. */
  predictionsDays: days.default(30),
  /** Events of nodes, sessions of agents, decisions of the scheduler that no living unit rests on. */
  eventsDays: days.default(90),
});
export type RetentionSettings = z.infer<typeof retentionSettings>;

export const RETENTION_SETTING = "retention";

/** The settings in force; a part that can't be read counts as not set. */
export async function readRetention(db: Queryable): Promise<RetentionSettings> {
  const stored = await get(db, RETENTION_SETTING);
  const parsed = retentionSettings.safeParse(stored ?? {});
  return parsed.success ? parsed.data : retentionSettings.parse({});
}

export async function writeRetention(db: Queryable, settings: RetentionSettings): Promise<void> {
  await put(db, RETENTION_SETTING, settings);
}

/** One kind of row that goes, by a condition on `$1`, the moment before which it goes. */
interface Rule {
  table: string;
  where: string;
  keep: keyof RetentionSettings;
}

const rules: readonly Rule[] = [
  { table: "history", where: "valid_to < $1", keep: "historyDays" },
  { table: "node_samples", where: "at < $1", keep: "samplesDays" },
  { table: "unit_samples", where: "at < $1", keep: "samplesDays" },
  { table: "request_minutes", where: "minute < $1", keep: "minutesDays" },
  { table: "quality_minutes", where: "minute < $1", keep: "minutesDays" },
  { table: "predictions", where: "at < $1", keep: "predictionsDays" },
  { table: "waiting_labels", where: "at < $1", keep: "predictionsDays" },
  { table: "node_events", where: "at < $1", keep: "eventsDays" },
  { table: "hook_deliveries", where: "ended_at < $1", keep: "eventsDays" },
  { table: "agent_sessions", where: "closed_at < $1", keep: "eventsDays" },
  { table: "silent_spells", where: "to_at < $1", keep: "eventsDays" },
  { table: "sessions", where: "least(expires_at, ended_at) < $1", keep: "eventsDays" },
  { table: "throttles", where: "updated_at < $1 and coalesce(locked_until, '-infinity') < now()", keep: "eventsDays" },
  { table: "decisions", where: "created_at < $1 and not exists (select 1 from assignments a where a.decision_id = t.id and a.ended_at is null)", keep: "eventsDays" },
  { table: "decision_evidence", where: "created_at < $1 and not exists (select 1 from decisions d where d.evidence_id = t.id)", keep: "eventsDays" },
  { table: "observations", where: "observed_at < $1 and exists (select 1 from assignments a where a.id = t.assignment_id and a.ended_at is not null)", keep: "eventsDays" },
];

const DAY_MS = 86_400_000;
/** A log that nobody has read for this long is dropped, with its request. */
const LOGS_KEPT_MS = 600_000;
const BATCH = 5_000;
/** One run takes no longer than this much work; the next run goes on. */
const MOST_BATCHES = 200;
/** Only one process cleans at a time. */
const RETENTION_LOCK = 7_263_021;

/**
 * Deletes what is older than the settings say, in small transactions, and answers with the number of rows by table.
 * Does nothing (and answers null) while another process is at it. The scheduler calls it now and then.
 */
export async function runRetention(pool: { connect(): Promise<PoolClient> }, nowMs: number): Promise<Record<string, number> | null> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    const db = queryableOf(client);
    const { rows } = await db.query<{ mine: boolean }>("select pg_try_advisory_lock($1) as mine", [RETENTION_LOCK]);
    if (!rows[0]?.mine) return null;
    try {
      return await clean(db, nowMs);
    } finally {
      await db.query("select pg_advisory_unlock($1)", [RETENTION_LOCK]);
    }
  } catch (error) {
    // The lock goes with the connection.
    broken = error as Error;
    throw error;
  } finally {
    client.release(broken);
  }
}

async function clean(db: Queryable, nowMs: number): Promise<Record<string, number>> {
  const settings = await readRetention(db);
  const deleted: Record<string, number> = {};
  let batches = 0;
  const repeat = async (name: string, once: () => Promise<number>) => {
    for (let n = BATCH; n >= BATCH && batches < MOST_BATCHES; batches++) {
      n = await once();
      if (n > 0) deleted[name] = (deleted[name] ?? 0) + n;
    }
  };
  for (const rule of rules) {
    const before = new Date(nowMs - settings[rule.keep] * DAY_MS);
    await repeat(rule.table, async () => {
      const result = await db.query(`delete from ${rule.table} where ctid = any (array(select t.ctid from ${rule.table} t where ${rule.where} limit ${BATCH}))`, [before]);
      return result.rowCount;
    });
  }
  await repeat("changes", () => pruneChanges(db, nowMs - settings.changesDays * DAY_MS, BATCH));
  const logsBefore = new Date(nowMs - LOGS_KEPT_MS);
  await repeat("log_chunks", async () => {
    const result = await db.query(`delete from log_chunks where ctid = any (array(select c.ctid from log_chunks c left join log_requests r on r.id = c.request_id where r.id is null or r.keep_until < $1 limit ${BATCH}))`, [logsBefore]);
    return result.rowCount;
  });
  await repeat("log_requests", async () => (await db.query(`delete from log_requests r where keep_until < $1 and not exists (select 1 from log_chunks c where c.request_id = r.id)`, [logsBefore])).rowCount);
  return deleted;
}
