import { oneOrNone, toMs } from "../queryable";
import type { Queryable } from "../queryable";
import type { NewAuditEntry } from "./audit-entries";

/** An audit entry as it was written. */
export interface StoredAuditEntry extends NewAuditEntry {
  seq: number;
  atMs: number;
  projectName: string | null;
}

/** Which entries to list. Texts match anywhere in a name that an actor or object had, and exactly against ids; absent matches all. */
export interface AuditFilter {
  /** Entries of this project, and those of the whole installation (sign-ins, settings). */
  projectId: string;
  actor?: string | undefined;
  /** A whole code such as `rollout.approve`, or a beginning that ends in a dot (`rollout.`). */
  action?: string | undefined;
  object?: string | undefined;
  outcome?: "done" | "refused" | undefined;
  fromMs?: number | undefined;
  toMs?: number | undefined;
}

interface Row {
  seq: number; at: Date; project_id: string | null; project_name: string | null; actor_kind: NewAuditEntry["actorKind"]; actor_id: string; actor: string; session_id: string | null; strength: string | null;
  action: string; object_kind: string; object_id: string; object: string; outcome: "done" | "refused"; refusal: unknown; reason: string | null; before: unknown; after: unknown; request_id: string | null;
}

const toEntry = (r: Row): StoredAuditEntry => ({
  seq: r.seq, atMs: toMs(r.at), projectId: r.project_id, projectName: r.project_name, actorKind: r.actor_kind, actorId: r.actor_id, actor: r.actor, sessionId: r.session_id, strength: r.strength,
  action: r.action, objectKind: r.object_kind, objectId: r.object_id, object: r.object, outcome: r.outcome, refusal: r.refusal, reason: r.reason, before: r.before, after: r.after, requestId: r.request_id,
});

/** `%` and `_` in what people type are letters, not wildcards. */
const contains = (text: string) => `%${text.replace(/[\\%_]/g, (c) => `\\${c}`)}%`;

/** More names than this are not looked up one by one: entries that match are then so frequent that reading on finds them soon. */
const MOST_NAMES = 200;

/**
 * Ids of the actors or objects with this id or with this text in a name. Null when there are too many to name. The log
 * has millions of entries and few names, so these are searched first.
 */
async function idsNamed(db: Queryable, role: "actor" | "object", text: string): Promise<string[] | null> {
  const { rows } = await db.query<{ id: string }>("select distinct id from audit_names where role = $1 and (id = $2 or name ilike $3) limit $4", [role, text, contains(text), MOST_NAMES + 1]);
  return rows.length > MOST_NAMES ? null : rows.map((r) => r.id);
}

interface Conditions {
  sql: string;
  values: unknown[];
}

/** Conditions and their values; null when nothing can match. Entries without a project belong to every project's log. */
async function where(db: Queryable, f: AuditFilter): Promise<Conditions | null> {
  const values: unknown[] = [f.projectId];
  const parts = ["(e.project_id = $1 or e.project_id is null)"];
  const value = (v: unknown) => `$${values.push(v)}`;
  for (const [role, text] of [["actor", f.actor], ["object", f.object]] as const) {
    if (!text) continue;
    const ids = await idsNamed(db, role, text);
    if (ids?.length === 0) return null;
    parts.push(ids ? `e.${role}_id = any(${value(ids)})` : `(e.${role}_id = ${value(text)} or e.${role} ilike ${value(contains(text))})`);
  }
  if (f.action) parts.push(f.action.endsWith(".") ? `starts_with(e.action, ${value(f.action)})` : `e.action = ${value(f.action)}`);
  // Written out, so that the index of refused entries serves.
  if (f.outcome) parts.push(f.outcome === "refused" ? "e.outcome = 'refused'" : "e.outcome = 'done'");
  if (f.fromMs !== undefined) parts.push(`e.at >= ${value(new Date(f.fromMs))}`);
  if (f.toMs !== undefined) parts.push(`e.at < ${value(new Date(f.toMs))}`);
  return { sql: parts.join(" and "), values };
}

const columns = "e.*, p.name as project_name";
const from = "audit_entries e left join projects p on p.id = e.project_id";

/** Newest first, below a sequence number: a keyset page. */
export async function page(db: Queryable, filter: AuditFilter, o: { belowSeq?: number; limit: number }): Promise<StoredAuditEntry[]> {
  const found = await where(db, filter);
  if (!found) return [];
  const { sql, values } = found;
  values.push(o.belowSeq ?? Number.MAX_SAFE_INTEGER, o.limit);
  const { rows } = await db.query<Row>(`select ${columns} from ${from} where ${sql} and e.seq < $${values.length - 1} order by e.seq desc limit $${values.length}`, values);
  return rows.map(toEntry);
}

/** The most that is counted exactly; a larger total is shown as "at least". */
export const COUNT_LIMIT = 10_000;

/** How many match, counted up to `COUNT_LIMIT`. */
export async function count(db: Queryable, filter: AuditFilter): Promise<number> {
  const found = await where(db, filter);
  if (!found) return 0;
  const { sql, values } = found;
  const row = await oneOrNone<{ n: number }>(db, `select count(*)::int n from (select 1 from audit_entries e where ${sql} limit ${COUNT_LIMIT}) matched`, values);
  return row?.n ?? 0;
}

/** Oldest first, above a sequence number: for exports, which read on until nothing comes. */
export async function following(db: Queryable, filter: AuditFilter, o: { aboveSeq: number; upToSeq: number; limit: number }): Promise<StoredAuditEntry[]> {
  const found = await where(db, filter);
  if (!found) return [];
  const { sql, values } = found;
  values.push(o.aboveSeq, o.upToSeq, o.limit);
  const n = values.length;
  const { rows } = await db.query<Row>(`select ${columns} from ${from} where ${sql} and e.seq > $${n - 2} and e.seq <= $${n - 1} order by e.seq limit $${n}`, values);
  return rows.map(toEntry);
}

const EARLIER_WAIT_MS = 5_000;

/**
 * Waits until every transaction that runs now has ended (5 s at most): numbers are taken when an entry is inserted and
 * seen when its transaction commits, so an entry with a smaller number may still be on its way.
 */
export async function waitForEarlier(db: Queryable): Promise<void> {
  const edge = await oneOrNone<{ xmax: string }>(db, "select pg_snapshot_xmax(pg_current_snapshot())::text as xmax");
  for (const until = performance.now() + EARLIER_WAIT_MS; performance.now() < until; ) {
    const now = await oneOrNone<{ ended: boolean }>(db, "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= $1::bigint as ended", [edge?.xmax ?? "0"]);
    if (now?.ended !== false) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** One entry, if it belongs to the project or to the whole installation. */
export async function bySeq(db: Queryable, projectId: string, seq: number): Promise<StoredAuditEntry | undefined> {
  const row = await oneOrNone<Row>(db, `select ${columns} from ${from} where e.seq = $2 and (e.project_id = $1 or e.project_id is null)`, [projectId, seq]);
  return row && toEntry(row);
}

/** Other entries of the same request, and the nearest ones of the same object, newest first. */
export async function relatedTo(db: Queryable, projectId: string, entry: StoredAuditEntry, limit: number): Promise<StoredAuditEntry[]> {
  const { rows } = await db.query<Row>(
    `with near as (
       (select seq from audit_entries where request_id = $3 order by seq limit $5)
       union (select seq from audit_entries where object_kind = $1 and object_id = $2 and seq < $4 order by seq desc limit $5)
       union (select seq from audit_entries where object_kind = $1 and object_id = $2 and seq > $4 order by seq limit $5)
     )
     select ${columns} from near n join audit_entries e on e.seq = n.seq left join projects p on p.id = e.project_id
     where e.seq <> $4 and (e.project_id = $6 or e.project_id is null)
     order by (e.request_id is not distinct from $3 and $3 is not null) desc, abs(e.seq - $4) limit $5`,
    [entry.objectKind, entry.objectId, entry.requestId, entry.seq, limit, projectId],
  );
  return rows.map(toEntry).sort((a, b) => b.seq - a.seq);
}
