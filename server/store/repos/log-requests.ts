/** Requests for a unit's log, and what the gateway delivered for them. Kept only while somebody reads. */
import type { Queryable } from "../queryable";

export async function openLogRequest(q: Queryable, r: { id: string; projectId: string; nodeId: string; assignmentId: string; tailBytes: number; follow: boolean; keepUntilMs: number }): Promise<void> {
  await q.query(
    `insert into log_requests (id, project_id, node_id, assignment_id, tail_bytes, follow, state, keep_until) values ($1, $2, $3, $4, $5, $6, 'waiting', to_timestamp($7 / 1000.0))`,
    [r.id, r.projectId, r.nodeId, r.assignmentId, r.tailBytes, r.follow, r.keepUntilMs],
  );
}

/** Keeps a request alive while it is read; null when there is none (any more) in the project. */
export async function keepLogRequest(q: Queryable, projectId: string, id: string, keepUntilMs: number): Promise<{ state: "waiting" | "open" | "ended"; error: string | null; nodeId: string; createdAtMs: number } | null> {
  const r = await q.query<{ state: "waiting" | "open" | "ended"; error: string | null; node_id: string; created_ms: string }>(
    `update log_requests set keep_until = greatest(keep_until, to_timestamp($3 / 1000.0)) where id = $1 and project_id = $2
     returning state, error, node_id, (extract(epoch from created_at) * 1000)::bigint as created_ms`,
    [id, projectId, keepUntilMs],
  );
  const x = r.rows[0];
  return x ? { state: x.state, error: x.error, nodeId: x.node_id, createdAtMs: Number(x.created_ms) } : null;
}

/** Chunks after a sequence number, in order; at most `limit`. */
export async function readLogChunks(q: Queryable, id: string, afterSeq: number, limit: number): Promise<{ seq: number; offset: number; text: string }[]> {
  const r = await q.query<{ seq: number; offset: string; text: string }>(`select seq, "offset", text from log_chunks where request_id = $1 and seq > $2 order by seq limit $3`, [id, afterSeq, limit]);
  return r.rows.map((x) => ({ seq: x.seq, offset: Number(x.offset), text: x.text }));
}
