import { toMs } from "../queryable";
import type { Queryable } from "../queryable";

/** Only one gateway at a time looks for nodes that fell silent; the others go on. Held until the transaction ends. */
export async function tryLockSpells(db: Queryable): Promise<boolean> {
  const { rows } = await db.query<{ ok: boolean }>("select pg_try_advisory_xact_lock(hashtextextended('holdfast/spells', 0)) as ok");
  return rows[0]?.ok === true;
}

/**
 * Opens a silent spell for each node that has said nothing since `silentSinceMs`, from its last sign of life on, and marks
 * it as not connected: its session is dead, whichever gateway held it. Gives the nodes.
 */
export async function openSpells(db: Queryable, o: { silentSinceMs: number; at: Date; newId: () => string; limit: number }): Promise<{ nodeId: string; node: string; projectId: string; siteId: string; fromMs: number }[]> {
  const { rows } = await db.query<{ id: string; name: string; project_id: string; site_id: string; last_seen_at: Date }>(
    `select n.id, n.name, n.project_id, n.site_id, n.last_seen_at from nodes n
     where n.last_seen_at < $1 and n.desired_state <> 'decommissioned' and not exists (select 1 from silent_spells s where s.node_id = n.id and s.to_at is null)
     order by n.id limit $2 for no key update of n skip locked`,
    [new Date(o.silentSinceMs), o.limit],
  );
  if (rows.length === 0) return [];
  const { rows: opened } = await db.query<{ node_id: string }>(
    `insert into silent_spells (id, node_id, site_id, project_id, from_at)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[]) on conflict do nothing returning node_id`,
    [rows.map(() => o.newId()), rows.map((r) => r.id), rows.map((r) => r.site_id), rows.map((r) => r.project_id), rows.map((r) => r.last_seen_at)],
  );
  const ids = new Set(opened.map((r) => r.node_id));
  await db.query("update nodes set connected = false where id = any($1) and connected", [[...ids]]);
  // Sessions of a gateway that was killed are closed by nobody else.
  await db.query("update agent_sessions set closed_at = $2, close_reason = 'silent' where node_id = any($1) and closed_at is null", [[...ids], o.at]);
  return rows.filter((r) => ids.has(r.id)).map((r) => ({ nodeId: r.id, node: r.name, projectId: r.project_id, siteId: r.site_id, fromMs: toMs(r.last_seen_at) }));
}

/** Closes the open spell of a node that is back; undefined when there was none. */
export async function closeSpell(db: Queryable, nodeId: string, atMs: number): Promise<{ id: string; toMs: number } | undefined> {
  const { rows } = await db.query<{ id: string }>("update silent_spells set to_at = $2 where node_id = $1 and to_at is null returning id", [nodeId, new Date(atMs)]);
  return rows[0] && { id: rows[0].id, toMs: atMs };
}

/** Closes open spells of nodes that were heard after all, at the time they were heard; gives the nodes. */
export async function closeSpellsOfHeard(db: Queryable, heard: readonly { nodeId: string; seenMs: number }[]): Promise<{ nodeId: string; projectId: string }[]> {
  const { rows } = await db.query<{ nodeId: string; projectId: string }>(
    `update silent_spells s set to_at = greatest(s.from_at, to_timestamp(h.seen / 1000.0)) from unnest($1::text[], $2::float8[]) as h(node_id, seen)
     where s.to_at is null and s.node_id = h.node_id and to_timestamp(h.seen / 1000.0) > s.from_at returning s.node_id as "nodeId", s.project_id as "projectId"`,
    [heard.map((h) => h.nodeId), heard.map((h) => h.seenMs)],
  );
  return rows;
}

/** The newest spell of a node that ended after a time: reports from before its end may still be on their way. */
export async function recentSpell(db: Queryable, nodeId: string, endedAfterMs: number): Promise<{ id: string; toMs: number } | undefined> {
  const { rows } = await db.query<{ id: string; to_at: Date }>("select id, to_at from silent_spells where node_id = $1 and to_at > $2 order by from_at desc limit 1", [nodeId, new Date(endedAfterMs)]);
  return rows[0] && { id: rows[0].id, toMs: toMs(rows[0].to_at) };
}

/** Adds to what was found after a spell: reports that waited in the journal, reports that were lost, units that were corrected. */
export async function addToSpell(db: Queryable, id: string, add: { received: number; dropped: number; corrections: number }): Promise<void> {
  await db.query("update silent_spells set reports_received = reports_received + $2, reports_dropped = reports_dropped + $3, corrections = corrections + $4 where id = $1", [id, add.received, add.dropped, add.corrections]);
}
