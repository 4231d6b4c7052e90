/** What the pages of one node or site, the topology and Home show beside the lists. */
import type { NodeFacts } from "../../core/fleet/facts";
import { oneOrNone, toMs, toMsOrNull } from "../queryable";
import type { Queryable } from "../queryable";
import { like, nodeState, unitState, unwellNodes } from "./fleet-sql";
import type { Asked } from "./fleet-read";

export interface NodeExtras {
  taints: { key: string; value?: string; effect: "noSchedule" }[];
  desiredReason: string | null;
  facts: NodeFacts | null;
  factsAtMs: number | null;
  journalDepth: number;
  firstSeenMs: number | null;
  session: { openedAtMs: number; address: string; gateway: string } | null;
  certificates: { serial: string; notBeforeMs: number; notAfterMs: number; issuedAtMs: number; cause: string }[];
  revoked: { atMs: number; reason: string } | null;
  spells: { fromMs: number; toMs: number | null; reportsReceived: number; reportsDropped: number; corrections: number }[];
}

export async function nodeExtras(db: Queryable, nodeId: string): Promise<NodeExtras | null> {
  const n = await oneOrNone<{ taints: NodeExtras["taints"]; desired_reason: string | null; observed_facts: NodeFacts | null; observed_at: Date | null; journal_depth: number; first_seen_at: Date | null; revoked_at: Date | null; revoked_reason: string | null; opened_at: Date | null; address: string | null; gateway_id: string | null }>(
    db,
    `select n.taints, n.desired_reason, n.observed_facts, n.observed_at, n.journal_depth, n.first_seen_at, i.revoked_at, i.revoked_reason, s.opened_at, s.address, s.gateway_id
     from nodes n left join node_identities i on i.node_id = n.id left join agent_sessions s on s.id = n.session_id and s.closed_at is null and n.connected where n.id = $1`,
    [nodeId],
  );
  if (!n) return null;
  const certificates = await db.query<{ serial: string; not_before: Date; not_after: Date; issued_at: Date; cause: string }>("select serial, not_before, not_after, issued_at, cause from node_certificates where node_id = $1 order by issued_at desc limit 10", [nodeId]);
  const spells = await db.query<{ from_at: Date; to_at: Date | null; reports_received: number; reports_dropped: number; corrections: number }>("select from_at, to_at, reports_received, reports_dropped, corrections from silent_spells where node_id = $1 order by from_at desc limit 20", [nodeId]);
  return {
    taints: n.taints, desiredReason: n.desired_reason, facts: n.observed_facts, factsAtMs: n.observed_facts ? toMsOrNull(n.observed_at) : null, journalDepth: n.journal_depth, firstSeenMs: toMsOrNull(n.first_seen_at),
    session: n.opened_at ? { openedAtMs: toMs(n.opened_at), address: n.address ?? "", gateway: n.gateway_id ?? "" } : null,
    certificates: certificates.rows.map((c) => ({ serial: c.serial, notBeforeMs: toMs(c.not_before), notAfterMs: toMs(c.not_after), issuedAtMs: toMs(c.issued_at), cause: c.cause })),
    revoked: n.revoked_at ? { atMs: toMs(n.revoked_at), reason: n.revoked_reason ?? "" } : null,
    spells: spells.rows.map((s) => ({ fromMs: toMs(s.from_at), toMs: toMsOrNull(s.to_at), reportsReceived: s.reports_received, reportsDropped: s.reports_dropped, corrections: s.corrections })),
  };
}

/** What agents told of a node (or of the nodes of a site), newest first. */
export async function nodeEvents(db: Queryable, o: { nodeId: string } | { siteId: string }, limit: number): Promise<{ atMs: number; receivedMs: number; kind: string; node: string; unit: string | null; message: string }[]> {
  const [where, id] = "nodeId" in o ? ["e.node_id = $1", o.nodeId] : ["e.node_id in (select id from nodes where site_id = $1)", o.siteId];
  const { rows } = await db.query<{ at: Date; received_at: Date; kind: string; node: string; unit: string | null; message: string }>(`select e.at, e.received_at, e.kind, n.name as node, e.unit, e.message from node_events e join nodes n on n.id = e.node_id where ${where} order by e.at desc, e.id desc limit $2`, [id, limit]);
  return rows.map((r) => ({ atMs: toMs(r.at), receivedMs: toMs(r.received_at), kind: r.kind, node: r.node, unit: r.unit, message: r.message }));
}

/** Times in which nodes of a site were out of reach. */
export async function spellsOfSite(db: Queryable, siteId: string, limit: number): Promise<{ node: string; fromMs: number; toMs: number | null; reportsReceived: number }[]> {
  const { rows } = await db.query<{ node: string; from_at: Date; to_at: Date | null; reports_received: number }>("select n.name as node, p.from_at, p.to_at, p.reports_received from silent_spells p join nodes n on n.id = p.node_id where p.site_id = $1 order by p.from_at desc limit $2", [siteId, limit]);
  return rows.map((r) => ({ node: r.node, fromMs: toMs(r.from_at), toMs: toMsOrNull(r.to_at), reportsReceived: r.reports_received }));
}

export interface DoneEntry {
  seq: number;
  atMs: number;
  actor: string;
  actorKind: "person" | "token" | "node" | "system";
  action: string;
  objectKind: string;
  object: string;
  reason: string | null;
}
/** What was done in a project to things of the fleet and to intent (not to people or tokens), newest first. */
export async function recentlyDone(db: Queryable, projectId: string, o: { kinds: readonly string[]; objectId?: string | undefined; limit: number }): Promise<DoneEntry[]> {
  const { rows } = await db.query<{ seq: string; at: Date; actor: string; actor_kind: DoneEntry["actorKind"]; action: string; object_kind: string; object: string; reason: string | null }>(
    o.objectId === undefined
      ? "select seq, at, actor, actor_kind, action, object_kind, object, reason from audit_entries where project_id = $1 and outcome = 'done' and object_kind = any($2) order by seq desc limit $3"
      : "select seq, at, actor, actor_kind, action, object_kind, object, reason from audit_entries where project_id = $1 and outcome = 'done' and object_kind = any($2) and object_id = $4 order by seq desc limit $3",
    o.objectId === undefined ? [projectId, o.kinds, o.limit] : [projectId, o.kinds, o.limit, o.objectId],
  );
  return rows.map((r) => ({ seq: Number(r.seq), atMs: toMs(r.at), actor: r.actor, actorKind: r.actor_kind, action: r.action, objectKind: r.object_kind, object: r.object, reason: r.reason }));
}

export interface TopologyNode {
  id: string;
  siteId: string;
  name: string;
  connected: boolean;
  desiredState: "active" | "cordoned" | "draining" | "decommissioned";
  lastSeenMs: number | null;
  rttMs: number | null;
  generation: { desired: number; applied: number };
}
/** The nodes of each site that a map can show, those that are not well first. */
export async function topologyNodes(db: Queryable, projectId: string, at: Asked, perSite: number): Promise<TopologyNode[]> {
  const { rows } = await db.query<{ id: string; site_id: string; name: string; connected: boolean; desired_state: TopologyNode["desiredState"]; last_seen_at: Date | null; rtt_ms: number | null; desired_generation: number; observed_generation: number }>(
    `select * from (
       select n.id, n.site_id, n.name, n.connected, n.desired_state, n.last_seen_at, n.rtt_ms, n.desired_generation, n.observed_generation,
         row_number() over (partition by n.site_id order by case ${nodeState("$2::float8", "$3::float8")} when 'failing' then 0 when 'degraded' then 1 when 'silent' then 2 when 'pending' then 3 else 4 end, n.name) as place
       from nodes n left join ${unwellNodes("$1", "$2::float8", "$3::float8")} c on c.node_id = n.id
       where n.project_id = $1 and n.desired_state <> 'decommissioned') m
     where place <= $4 order by site_id, place`,
    [projectId, at.nowMs, at.silentAfterMs, perSite],
  );
  return rows.map((r) => ({ id: r.id, siteId: r.site_id, name: r.name, connected: r.connected, desiredState: r.desired_state, lastSeenMs: toMsOrNull(r.last_seen_at), rttMs: r.rtt_ms, generation: { desired: r.desired_generation, applied: r.observed_generation } }));
}

/** Units that should run on these nodes, with their state. */
export async function unitsOnNodes(db: Queryable, nodeIds: readonly string[], at: Asked): Promise<{ nodeId: string; unit: string; workload: string; state: "healthy" | "degraded" | "failing" | "silent" | "pending"; generation: number; served: boolean }[]> {
  const { rows } = await db.query<{ node_id: string; unit: string; workload: string; unit_state: "healthy" | "degraded" | "failing" | "silent" | "pending"; generation: number; served: boolean }>(
    `select a.node_id, a.unit, w.name as workload, ${unitState("$2::float8", "$3::float8")} as unit_state, coalesce(o.generation, a.generation) as generation, coalesce(o.phase = 'running' and o.health in ('healthy', 'unknown'), false) as served
     from assignments a join nodes n on n.id = a.node_id join objects w on w.id = a.workload_id left join observations o on o.assignment_id = a.id
     where a.node_id = any($1) and a.ended_at is null and a.desired = 'run' order by a.unit`,
    [nodeIds, at.nowMs, at.silentAfterMs],
  );
  return rows.map((r) => ({ nodeId: r.node_id, unit: r.unit, workload: r.workload, state: r.unit_state, generation: r.generation, served: r.served }));
}

/** For each site: nodes in contact, all nodes, and the median round trip of the measured ones. */
export async function controlLinks(db: Queryable, projectId: string, at: Asked): Promise<{ siteId: string; connected: number; total: number; rttMs: number | null; lastContactMs: number | null }[]> {
  const { rows } = await db.query<{ site_id: string; live: number; total: number; rtt: number | null; last: Date | null }>(
    `select n.site_id, count(*) filter (where n.last_seen_at > to_timestamp(($2::float8 - $3::float8) / 1000.0))::int as live, count(*)::int as total,
       percentile_cont(0.5) within group (order by n.rtt_ms) filter (where n.last_seen_at > to_timestamp(($2::float8 - $3::float8) / 1000.0)) as rtt, max(n.last_seen_at) as last
     from nodes n where n.project_id = $1 and n.desired_state <> 'decommissioned' group by n.site_id`,
    [projectId, at.nowMs, at.silentAfterMs],
  );
  return rows.map((r) => ({ siteId: r.site_id, connected: r.live, total: r.total, rttMs: r.rtt, lastContactMs: toMsOrNull(r.last) }));
}

/** Workloads that have units on each site, by name. */
export async function workloadNames(db: Queryable, projectId: string): Promise<Map<string, string>> {
  const { rows } = await db.query<{ id: string; name: string }>("select id, name from objects where project_id = $1 and kind = 'Workload'", [projectId]);
  return new Map(rows.map((r) => [r.id, r.name]));
}

/** Rollouts that wait for somebody, and approvals that are open. */
export async function waitingForPeople(db: Queryable, projectId: string): Promise<{ rollouts: { number: number; workload: string; phase: string; reason: string; sinceMs: number }[]; approvals: { id: string; number: number; workload: string; gate: string; requestedAtMs: number }[] }> {
  const r = await db.query<{ number: number; workload: string; phase: string; reason: string; updated_at: Date }>("select r.number, o.name as workload, r.phase, r.reason, r.updated_at from rollouts r join objects o on o.id = r.workload_id where r.project_id = $1 and r.ended_at is null and r.phase in ('holding', 'paused') order by r.number desc limit 20", [projectId]);
  const a = await db.query<{ id: string; number: number; workload: string; gate: string; requested_at: Date }>("select a.id, r.number, o.name as workload, a.gate, a.requested_at from approvals a join rollouts r on r.id = a.rollout_id join objects o on o.id = r.workload_id where a.project_id = $1 and a.state = 'pending' order by a.expires_at limit 20", [projectId]);
  return {
    rollouts: r.rows.map((x) => ({ number: x.number, workload: x.workload, phase: x.phase, reason: x.reason, sinceMs: toMs(x.updated_at) })),
    approvals: a.rows.map((x) => ({ id: x.id, number: x.number, workload: x.workload, gate: x.gate, requestedAtMs: toMs(x.requested_at) })),
  };
}

export interface FoundThing {
  kind: "site" | "node" | "workload" | "unit" | "policy" | "rollout" | "strategy" | "analysis" | "person";
  name: string;
  detail: string;
}
/** Everything whose name contains the words, best first: names that begin with them before others, shorter before longer. */
export async function search(db: Queryable, projectId: string, q: string, limit: number, people: boolean): Promise<FoundThing[]> {
  const { rows } = await db.query<FoundThing>(
    `with hits as (
       (select 'site' as kind, name, title || ', ' || kind || ', ' || jurisdiction as detail from sites where project_id = $1 and deleted_at is null and (name ilike $2 or title ilike $2) order by length(name) limit $4)
       union all (select 'node', n.name, s.name from nodes n join sites s on s.id = n.site_id where n.project_id = $1 and n.desired_state <> 'decommissioned' and n.name ilike $2 order by length(n.name), n.name limit $4)
       union all (select case kind when 'Workload' then 'workload' when 'PlacementPolicy' then 'policy' when 'RolloutStrategy' then 'strategy' else 'analysis' end, name, coalesce(title, 'r' || generation) from objects
         where project_id = $1 and deleted_at is null and kind <> 'Site' and (name ilike $2 or title ilike $2) order by length(name) limit $4)
       union all (select 'unit', a.unit, n.name from assignments a join nodes n on n.id = a.node_id where a.project_id = $1 and a.ended_at is null and a.unit ilike $2 order by length(a.unit), a.unit limit $4)
       union all (select 'rollout', r.number::text, o.name || ', r' || r.from_generation || ' to r' || r.to_generation from rollouts r join objects o on o.id = r.workload_id where r.project_id = $1 and (r.number::text = $3 or o.name ilike $2) order by r.number desc limit $4)
       union all (select 'person', login, name from people where $5 and (login ilike $2 or name ilike $2) order by login limit $4)
     )
     select * from hits order by (lower(name) = lower($3)) desc, (name ilike $3 || '%') desc, length(name), name limit $4`,
    [projectId, like(q), q.replace(/[\\%_]/g, "\\$&"), limit, people],
  );
  return rows;
}
