import { oneOrNone } from "../queryable";
import type { Queryable } from "../queryable";

/** What somebody asked to read of a unit's log. */
export interface LogRequestRow {
  id: string;
  projectId: string;
  nodeId: string;
  assignmentId: string;
  tailBytes: number;
  follow: boolean;
  state: "waiting" | "open" | "ended";
}
const columns = `id, project_id as "projectId", node_id as "nodeId", assignment_id as "assignmentId", tail_bytes as "tailBytes", follow, state`;

export const logRequestById = (db: Queryable, id: string) => oneOrNone<LogRequestRow>(db, `select ${columns} from log_requests where id = $1`, [id]);

/** Requests of a node that nobody has answered to the end and somebody still reads. */
export async function liveLogRequests(db: Queryable, nodeId: string, nowMs: number): Promise<LogRequestRow[]> {
  return (await db.query<LogRequestRow>(`select ${columns} from log_requests where node_id = $1 and state <> 'ended' and keep_until > $2 order by created_at, id`, [nodeId, new Date(nowMs)])).rows;
}

/** Marks a request as open: the agent was asked. Gives where its chunks stand, when it was open before. */
export async function markLogOpen(db: Queryable, id: string): Promise<{ nextSeq: number; nextOffset: number }> {
  await db.query("update log_requests set state = 'open' where id = $1 and state = 'waiting'", [id]);
  const row = await oneOrNone<{ seq: number; offset: number; bytes: number }>(db, `select seq, "offset", octet_length(text) as bytes from log_chunks where request_id = $1 order by seq desc limit 1`, [id]);
  return row ? { nextSeq: row.seq + 1, nextOffset: row.offset + row.bytes } : { nextSeq: 0, nextOffset: 0 };
}

/** Appends a chunk and drops the oldest beyond `keep`; false when the request is gone. */
export async function appendLogChunk(db: Queryable, c: { requestId: string; seq: number; offset: number; text: string }, keep: number): Promise<boolean> {
  const { rowCount } = await db.query(`insert into log_chunks (request_id, seq, "offset", text) select $1, $2, $3, $4 where exists (select 1 from log_requests where id = $1) on conflict do nothing`, [c.requestId, c.seq, c.offset, c.text]);
  if (c.seq >= keep) await db.query("delete from log_chunks where request_id = $1 and seq <= $2", [c.requestId, c.seq - keep]);
  return rowCount === 1;
}

export async function endLogRequest(db: Queryable, id: string, error: string | null): Promise<void> {
  await db.query("update log_requests set state = 'ended', error = coalesce(error, $2) where id = $1 and state <> 'ended'", [id, error]);
}

/** Which of these nobody reads any more. */
export async function unreadLogRequests(db: Queryable, ids: readonly string[], nowMs: number): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>("select x.id from unnest($1::text[]) as x(id) left join log_requests r on r.id = x.id where r.id is null or r.keep_until < $2 or r.state = 'ended'", [ids, new Date(nowMs)]);
  return rows.map((r) => r.id);
}

/** Deletes requests, with their chunks, that nobody has read since a time. */
export async function deleteUnreadLogs(db: Queryable, beforeMs: number): Promise<number> {
  const { rows } = await db.query<{ id: string }>("delete from log_requests where keep_until < $1 returning id", [new Date(beforeMs)]);
  if (rows.length > 0) await db.query("delete from log_chunks where request_id = any($1)", [rows.map((r) => r.id)]);
  return rows.length;
}
