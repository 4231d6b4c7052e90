import type { NodeFacts } from "../../core/fleet/facts";
import { asJson, oneOrNone, toMsOrNull } from "../queryable";
import type { Queryable } from "../queryable";

/** What the gateway needs to know of a node when its agent says hello. */
export interface SessionNode {
  id: string;
  name: string;
  projectId: string;
  project: string;
  siteId: string;
  site: string;
  desiredGeneration: number;
  observedGeneration: number;
  reportsStoredTo: number;
  lastSeenMs: number | null;
  previousSessionId: string | null;
  wasConnected: boolean;
}

/**
 * Gives the node's session to this agent: whoever held it before is fenced off by `session_id`, which every later write
 * of a session names. The row is locked, so that of two agents that say hello at once one is first and superseded.
 */
export async function takeSession(
  db: Queryable,
  s: { sessionId: string; nodeId: string; gatewayId: string; address: string; agentVersion: string; facts: NodeFacts; appliedGeneration: number; journalDepth: number; atMs: number },
): Promise<SessionNode | undefined> {
  const row = await oneOrNone<{ id: string; name: string; project_id: string; project: string; site_id: string; site: string; desired_generation: number; observed_generation: number; reports_stored_to: number; last_seen_at: Date | null; session_id: string | null; connected: boolean }>(
    db,
    `select n.id, n.name, n.project_id, p.name as project, n.site_id, s.name as site, n.desired_generation, n.observed_generation, n.reports_stored_to, n.last_seen_at, n.session_id, n.connected
     from nodes n join projects p on p.id = n.project_id join sites s on s.id = n.site_id where n.id = $1 for no key update of n`,
    [s.nodeId],
  );
  if (!row) return undefined;
  const at = new Date(s.atMs);
  await db.query(
    `update nodes set session_id = $2, connected = true, address = $3, observed_version = $4, observed_facts = $5, observed_generation = $6, journal_depth = $7,
       cpu_millis = $8, memory_bytes = $9, disk_bytes = $10, last_seen_at = $11, first_seen_at = coalesce(first_seen_at, $11) where id = $1`,
    [s.nodeId, s.sessionId, s.address, s.agentVersion, asJson(s.facts), s.appliedGeneration, s.journalDepth, s.facts.offered.cpuMillis, Math.round(s.facts.offered.memoryBytes), Math.round(s.facts.offered.diskBytes), at],
  );
  await db.query("update agent_sessions set closed_at = $2, close_reason = 'superseded' where node_id = $1 and closed_at is null", [s.nodeId, at]);
  await db.query("insert into agent_sessions (id, node_id, gateway_id, address, opened_at) values ($1, $2, $3, $4, $5)", [s.sessionId, s.nodeId, s.gatewayId, s.address, at]);
  return {
    id: row.id, name: row.name, projectId: row.project_id, project: row.project, siteId: row.site_id, site: row.site, desiredGeneration: row.desired_generation,
    observedGeneration: row.observed_generation, reportsStoredTo: row.reports_stored_to, lastSeenMs: toMsOrNull(row.last_seen_at), previousSessionId: row.session_id, wasConnected: row.connected,
  };
}

/** Ends a session; true when it was still the node's current one, which then counts as not connected. */
export async function endSession(db: Queryable, s: { sessionId: string; nodeId: string; reason: string; atMs: number }): Promise<boolean> {
  await db.query("update agent_sessions set closed_at = $2, close_reason = $3 where id = $1 and closed_at is null", [s.sessionId, new Date(s.atMs), s.reason]);
  const { rowCount } = await db.query("update nodes set connected = false where id = $1 and session_id = $2 and connected", [s.nodeId, s.sessionId]);
  return rowCount === 1;
}

/** One node's signs of life since the last writing. */
export interface SignOfLife {
  nodeId: string;
  sessionId: string;
  seenMs: number;
  appliedGeneration: number | null;
  journalDepth: number | null;
  rttMs: number | null;
  /** When the last whole observation came, if one came and changed nothing. */
  observedMs: number | null;
}

/**
 * Writes the signs of life of many nodes in one statement. Gives the sessions that are still current; a session that is
 * missing was superseded. A node that was taken for silent while its signs of life waited here counts as connected again;
 * one whose session has ended does not, however late its last signs are written.
 * Rows are locked in the order of ids, as everywhere, so that two writers can't deadlock.
 */
export async function recordLife(db: Queryable, signs: readonly SignOfLife[]): Promise<Set<string>> {
  const { rows } = await db.query<{ session_id: string }>(
    `with said as (
       select * from unnest($1::text[], $2::text[], $3::float8[], $4::int[], $5::int[], $6::float8[], $7::float8[]) as x(node_id, session_id, seen, applied, depth, rtt, observed)
     ), held as (
       select n.id from nodes n join said s on n.id = s.node_id and n.session_id = s.session_id order by n.id for no key update of n
     )
     update nodes n set connected = n.connected or not exists (select 1 from agent_sessions a where a.id = n.session_id and a.closed_at is not null and a.close_reason <> 'silent'),
       last_seen_at = greatest(n.last_seen_at, to_timestamp(s.seen / 1000.0)),
       observed_generation = coalesce(s.applied, n.observed_generation), journal_depth = coalesce(s.depth, n.journal_depth), rtt_ms = coalesce(s.rtt, n.rtt_ms),
       observed_at = greatest(n.observed_at, to_timestamp(s.observed / 1000.0))
     from said s join held h on h.id = s.node_id where n.id = s.node_id and n.session_id = s.session_id
     returning n.session_id`,
    [signs.map((s) => s.nodeId), signs.map((s) => s.sessionId), signs.map((s) => s.seenMs), signs.map((s) => s.appliedGeneration), signs.map((s) => s.journalDepth), signs.map((s) => s.rttMs), signs.map((s) => s.observedMs)],
  );
  return new Set(rows.map((r) => r.session_id));
}

/** Writes changed facts; false when the session is no longer the node's. */
export async function recordFacts(db: Queryable, s: { nodeId: string; sessionId: string; facts: NodeFacts }): Promise<boolean> {
  const { rowCount } = await db.query("update nodes set observed_facts = $3, cpu_millis = $4, memory_bytes = $5, disk_bytes = $6 where id = $1 and session_id = $2", [
    s.nodeId, s.sessionId, asJson(s.facts), s.facts.offered.cpuMillis, Math.round(s.facts.offered.memoryBytes), Math.round(s.facts.offered.diskBytes),
  ]);
  return rowCount === 1;
}

/**
 * Locks the node for a report of this session and gives the highest report number that is stored; undefined when the
 * session is no longer the node's.
 */
export async function lockReports(db: Queryable, nodeId: string, sessionId: string): Promise<number | undefined> {
  const row = await oneOrNone<{ reports_stored_to: number }>(db, "select reports_stored_to from nodes where id = $1 and session_id = $2 for no key update", [nodeId, sessionId]);
  return row?.reports_stored_to;
}

/** Advances the highest stored report number and keeps the newest usage, in the transaction that stored the reports. */
export async function advanceReports(db: Queryable, nodeId: string, storedTo: number, usage: { atMs: number } | null): Promise<void> {
  await db.query(
    `update nodes set reports_stored_to = $2,
       observed_usage = case when $3::jsonb is null or ($3::jsonb ->> 'atMs')::float8 < coalesce((observed_usage ->> 'atMs')::float8, 0) then observed_usage else $3::jsonb end
     where id = $1`,
    [nodeId, storedTo, asJson(usage)],
  );
}

/** Appends events that the gateway itself has to tell of a node, such as a desired state that is too large to send. */
export async function insertGatewayEvent(db: Queryable, e: { nodeId: string; atMs: number; kind: string; message: string }): Promise<void> {
  await db.query("insert into node_events (node_id, at, kind, message) values ($1, $2, $3, $4)", [e.nodeId, new Date(e.atMs), e.kind, e.message]);
}

/** Which session is each node's, by node. */
export async function currentSessions(db: Queryable, nodeIds: readonly string[]): Promise<Map<string, string | null>> {
  const { rows } = await db.query<{ id: string; session_id: string | null }>("select id, session_id from nodes where id = any($1)", [nodeIds]);
  return new Map(rows.map((r) => [r.id, r.session_id]));
}
