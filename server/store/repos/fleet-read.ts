/** Read models of sites, nodes and units: aggregated in SQL, lists by keyset pages. */
import type { NodeFacts, NodeUsage } from "../../core/fleet/facts";
import type { Counts } from "../../core/fleet";
import { toMs, toMsOrNull } from "../queryable";
import type { Queryable } from "../queryable";
import { sharedOn } from "./demand-columns";
import type { DemandColumns } from "./demand-columns";
import { isSilent, like, narrowing, nodeState, unitCounts, unitServed, unitState, unwellNodes } from "./fleet-sql";

/** When the question is asked, and after how long a node counts as silent. */
export interface Asked {
  nowMs: number;
  silentAfterMs: number;
}
type StateName = "healthy" | "degraded" | "failing" | "silent" | "pending";

interface CountsSql { healthy: number; degraded: number; failing: number; silent: number; pending: number; silent_was_healthy: number; as_of: Date | null }
const toCounts = (r: CountsSql): Counts => ({ healthy: r.healthy, degraded: r.degraded, failing: r.failing, silent: r.silent, pending: r.pending, silentWasHealthy: r.silent_was_healthy, asOfMs: toMsOrNull(r.as_of) });

/** Units that should run, each with its state; for the counts below. `$2` is now, `$3` the silence. */
const unitStates = (where: string): string => `select a.node_id, a.workload_id, a.generation, o.generation as observed_generation, n.site_id, n.last_seen_at, ${unitState("$2::float8", "$3::float8")} as unit_state, ${unitServed} as was_serving
  from assignments a join nodes n on n.id = a.node_id left join observations o on o.assignment_id = a.id
  where a.project_id = $1 and a.ended_at is null and a.desired = 'run' and ${where}`;

/** Counts of units for each site and workload that has any: everything larger is a sum of these. */
export async function countsBySiteAndWorkload(db: Queryable, projectId: string, at: Asked, siteId: string | null = null): Promise<{ siteId: string; workloadId: string; counts: Counts }[]> {
  const { rows } = await db.query<CountsSql & { site_id: string; workload_id: string }>(`select site_id, workload_id, ${unitCounts} from (${unitStates(siteId === null ? "true" : "n.site_id = $4")}) u group by site_id, workload_id`, siteId === null ? [projectId, at.nowMs, at.silentAfterMs] : [projectId, at.nowMs, at.silentAfterMs, siteId]);
  return rows.map((r) => ({ siteId: r.site_id, workloadId: r.workload_id, counts: toCounts(r) }));
}

export interface SiteSummaryRow {
  id: string;
  name: string;
  title: string;
  kind: "cloud-region" | "on-prem" | "grid" | "edge";
  jurisdiction: string;
  timeZone: string;
  spec: { location?: { latitude: number; longitude: number; place: string }; uplink?: { class: string } };
  /** Version of the Site object, for compare-and-set. */
  version: number;
  nodes: Counts;
  lastContactMs: number | null;
  offered: { cpuMillis: number; memoryBytes: number };
  assigned: { cpuMillis: number; memoryBytes: number };
}
/** Sites with counts of their nodes and what is offered and taken there. */
export async function sitesWithNodes(db: Queryable, projectId: string, at: Asked, siteName: string | null = null): Promise<SiteSummaryRow[]> {
  const { rows } = await db.query<Omit<SiteSummaryRow, "timeZone" | "nodes" | "offered" | "assigned" | "lastContactMs"> & CountsSql & { time_zone: string; last_contact: Date | null; cpu: string | null; memory: string | null; taken_cpu: string | null; taken_memory: string | null }>(
    `with chosen as (select s.* from sites s where s.project_id = $1 and s.deleted_at is null and ($4::text is null or s.name = $4)),
     states as (select n.site_id, n.last_seen_at, n.cpu_millis, n.memory_bytes, ${nodeState("$2::float8", "$3::float8")} as unit_state, true as was_serving
       from nodes n left join ${unwellNodes("$1", "$2::float8", "$3::float8")} c on c.node_id = n.id where n.site_id in (select id from chosen) and n.desired_state <> 'decommissioned'),
     counted as (select site_id, ${unitCounts}, max(last_seen_at) as last_contact, sum(cpu_millis)::text as cpu, sum(memory_bytes)::text as memory from states group by site_id),
     taken as (select n.site_id, sum(r.cpu_millis)::text as cpu, sum(r.memory_bytes)::text as memory
       from assignments a join nodes n on n.id = a.node_id join object_revisions r on r.object_id = a.workload_id and r.generation = a.generation
       where a.project_id = $1 and a.ended_at is null and n.site_id in (select id from chosen) group by n.site_id)
     select s.id, s.name, s.title, s.kind, s.jurisdiction, s.time_zone, s.spec, coalesce(o.version, 1) as version,
       coalesce(c.healthy, 0) as healthy, coalesce(c.degraded, 0) as degraded, coalesce(c.failing, 0) as failing, coalesce(c.silent, 0) as silent, coalesce(c.pending, 0) as pending, coalesce(c.silent_was_healthy, 0) as silent_was_healthy, c.as_of,
       c.last_contact, c.cpu, c.memory, t.cpu as taken_cpu, t.memory as taken_memory
     from chosen s left join objects o on o.id = s.id left join counted c on c.site_id = s.id left join taken t on t.site_id = s.id order by s.name`,
    [projectId, at.nowMs, at.silentAfterMs, siteName],
  );
  return rows.map((r) => ({
    id: r.id, name: r.name, title: r.title, kind: r.kind, jurisdiction: r.jurisdiction, timeZone: r.time_zone, spec: r.spec, version: r.version, nodes: toCounts(r), lastContactMs: toMsOrNull(r.last_contact),
    offered: { cpuMillis: Number(r.cpu ?? 0), memoryBytes: Number(r.memory ?? 0) }, assigned: { cpuMillis: Number(r.taken_cpu ?? 0), memoryBytes: Number(r.taken_memory ?? 0) },
  }));
}

export interface NodeSummaryRow {
  id: string;
  name: string;
  projectId: string;
  version: number;
  site: string;
  siteTitle: string;
  siteKind: "cloud-region" | "on-prem" | "grid" | "edge";
  jurisdiction: string;
  desiredState: "active" | "cordoned" | "draining" | "decommissioned";
  trustTier: "none" | "software" | "tpm";
  labels: Record<string, string>;
  connected: boolean;
  lastSeenMs: number | null;
  generation: { desired: number; applied: number };
  usage: NodeUsage | null;
  devices: NodeFacts["devices"];
  agentVersion: string | null;
  rttMs: number | null;
  offered: { cpuMillis: number; memoryBytes: number };
  assigned: { cpuMillis: number; memoryBytes: number };
  units: Counts;
  /** Sort key of the row, for the next page. */
  sortKey: string;
}
type NodeSql = CountsSql & {
  id: string; name: string; project_id: string; version: number; site: string; title: string; site_kind: NodeSummaryRow["siteKind"]; jurisdiction: string; desired_state: NodeSummaryRow["desiredState"]; trust_tier: NodeSummaryRow["trustTier"]; labels: Record<string, string>;
  connected: boolean; last_seen_at: Date | null; desired_generation: number; observed_generation: number; observed_usage: NodeUsage | null; devices: NodeFacts["devices"] | null; observed_version: string | null; rtt_ms: number | null;
  cpu_millis: number; memory_bytes: string; taken_cpu: string | null; taken_memory: string | null; sort_key: string;
};

export const nodeSorts = ["name", "site", "state", "lastSeen", "cpu", "memory"] as const;
export type NodeSort = (typeof nodeSorts)[number];
/** Sort keys as texts that order as their values do, so that one kind of cursor serves all. */
const sortKeys: Record<NodeSort, string> = {
  name: "n.name",
  site: "s.name",
  // The worst first when sorting upwards.
  state: "array_position(array['failing','degraded','silent','pending','healthy'], node_state)::text",
  lastSeen: "to_char(coalesce(n.last_seen_at, 'epoch'::timestamptz) at time zone 'utc', 'YYYYMMDDHH24MISSMS')",
  cpu: "lpad(n.cpu_millis::text, 12, '0')",
  memory: "lpad(n.memory_bytes::text, 20, '0')",
};

export interface NodeFilter {
  q?: string | undefined;
  site?: string | undefined;
  state?: StateName | undefined;
  /** One node by its name, decommissioned or not. */
  name?: string | undefined;
}

/** The nodes that match, with their state where it matters for filter or order; `$2` is now, `$3` the silence. */
function matching(f: NodeFilter, sort: NodeSort, values: unknown[]): string {
  const where = ["n.project_id = $1"];
  const arg = (v: unknown) => `$${values.push(v)}`;
  if (f.site !== undefined) where.push(`s.name = ${arg(f.site)}`);
  where.push(f.name === undefined ? "n.desired_state <> 'decommissioned'" : `n.name = ${arg(f.name)}`);
  if (f.q !== undefined && f.q.trim() !== "") {
    const q = arg(like(f.q.trim()));
    where.push(`(n.name ilike ${q} or s.name ilike ${q} or s.title ilike ${q} or n.labels::text ilike ${q})`);
  }
  const needsState = f.state !== undefined || sort === "state";
  const state = needsState ? nodeState("$2::float8", "$3::float8") : "''";
  const from = `from nodes n join sites s on s.id = n.site_id ${needsState ? `left join ${unwellNodes("$1", "$2::float8", "$3::float8")} c on c.node_id = n.id` : ""} where ${where.join(" and ")}`;
  const states = `select n.*, s.name as site, s.title, s.kind as site_kind, s.jurisdiction, ${state} as node_state ${from}`;
  const wanted = f.state === undefined ? "" : `where node_state = ${arg(f.state)}`;
  return `select * from (${states}) m ${wanted}`;
}

/** One page of nodes. `after` is sort key and name of the last row before. */
export async function nodesPage(db: Queryable, projectId: string, at: Asked, o: NodeFilter & { sort: NodeSort; descending: boolean; after: { key: string; name: string } | null; limit: number }): Promise<{ items: NodeSummaryRow[]; total: number }> {
  const values: unknown[] = [projectId, at.nowMs, at.silentAfterMs];
  const base = matching(o, o.sort, values);
  const key = sortKeys[o.sort].replaceAll("n.", "m.").replaceAll("s.name", "m.site");
  const counting = values.length;
  const cmp = o.descending ? "<" : ">";
  const dir = o.descending ? "desc" : "asc";
  const afterKey = `$${values.push(o.after?.key ?? null)}`;
  const afterName = `$${values.push(o.after?.name ?? null)}`;
  const limit = `$${values.push(o.limit)}`;
  const { rows } = await db.query<NodeSql>(
    `with page as materialized (
       select m.*, ${key} as sort_key from (${base}) m
       where ${afterKey}::text is null or (${key}, m.name) ${cmp} (${afterKey}::text, ${afterName}::text)
       order by sort_key ${dir}, m.name ${dir} limit ${limit}
     ), units as (
       select node_id, ${unitCounts} from (${unitStates("a.node_id in (select id from page)")}) u group by node_id
     ), taken as (
       select a.node_id, sum(r.cpu_millis)::text as cpu, sum(r.memory_bytes)::text as memory from assignments a join object_revisions r on r.object_id = a.workload_id and r.generation = a.generation
       where a.ended_at is null and a.node_id in (select id from page) group by a.node_id
     )
     select p.id, p.name, p.project_id, p.version, p.site, p.title, p.site_kind, p.jurisdiction, p.desired_state, p.trust_tier, p.labels, p.connected, p.last_seen_at, p.desired_generation, p.observed_generation, p.observed_usage,
       p.observed_facts -> 'devices' as devices, p.observed_version, p.rtt_ms, p.cpu_millis, p.memory_bytes::text, t.cpu as taken_cpu, t.memory as taken_memory, p.sort_key,
       coalesce(u.healthy, 0) as healthy, coalesce(u.degraded, 0) as degraded, coalesce(u.failing, 0) as failing, coalesce(u.silent, 0) as silent, coalesce(u.pending, 0) as pending, coalesce(u.silent_was_healthy, 0) as silent_was_healthy, u.as_of
     from page p left join units u on u.node_id = p.id left join taken t on t.node_id = p.id order by p.sort_key ${dir}, p.name ${dir}`,
    values,
  );
  const total = await db.query<{ n: number }>(`select count(*)::int as n from (${base}) m, (select $2::float8, $3::float8) unused`, values.slice(0, counting));
  return { items: rows.map(toNodeSummary), total: total.rows[0]?.n ?? 0 };
}

/** One node as lists show it, decommissioned or not. */
export async function nodeSummary(db: Queryable, projectId: string, at: Asked, name: string): Promise<NodeSummaryRow | null> {
  return (await nodesPage(db, projectId, at, { name, sort: "name", descending: false, after: null, limit: 1 })).items[0] ?? null;
}

function toNodeSummary(r: NodeSql): NodeSummaryRow {
  return {
    id: r.id, name: r.name, projectId: r.project_id, version: r.version, site: r.site, siteTitle: r.title, siteKind: r.site_kind, jurisdiction: r.jurisdiction, desiredState: r.desired_state, trustTier: r.trust_tier, labels: r.labels,
    connected: r.connected, lastSeenMs: toMsOrNull(r.last_seen_at), generation: { desired: r.desired_generation, applied: r.observed_generation }, usage: r.observed_usage, devices: r.devices ?? [], agentVersion: r.observed_version, rttMs: r.rtt_ms,
    offered: { cpuMillis: r.cpu_millis, memoryBytes: Number(r.memory_bytes) }, assigned: { cpuMillis: Number(r.taken_cpu ?? 0), memoryBytes: Number(r.taken_memory ?? 0) }, units: toCounts(r), sortKey: r.sort_key,
  };
}

export interface UnitListRow {
  assignmentId: string;
  unit: string;
  workload: string;
  node: string;
  site: string;
  siteTitle: string;
  desired: "run" | "stop";
  generation: number;
  cause: string;
  updatedAtMs: number;
  decisionId: string | null;
  connected: boolean;
  lastSeenMs: number | null;
  observed: { generation: number; phase: string; health: string; restarts: number; exitCode: number | null; message: string; ports: Record<string, number>; limits: string; cpuMillis: number | null; memoryBytes: number | null; startedMs: number | null; sinceMs: number; atMs: number } | null;
  incoming: { generation: number; phase: string; health: string; message: string } | null;
  devices: Pick<DemandColumns, "deviceCount" | "deviceModel" | "deviceShare" | "sliceProfile" | "sliceCount"> & { on: { slot: number; model: string } | null };
}
interface UnitSql {
  device_count: number | null; device_model: string | null; device_share: number | null; slice_profile: string | null; slice_count: number | null; shared_slot: number | null; shared_model: string | null;
  id: string; unit: string; workload: string; node: string; site: string; title: string; desired: "run" | "stop"; generation: number; cause: string; updated_at: Date; decision_id: string | null; connected: boolean; last_seen_at: Date | null;
  o_generation: number | null; phase: string | null; health: string | null; restarts: number | null; exit_code: number | null; message: string | null; ports: Record<string, number> | null; limits: string | null; o_cpu: number | null; o_memory: string | null; started_at: Date | null; since_at: Date | null; observed_at: Date | null;
  incoming: UnitListRow["incoming"];
}
const unitColumns = `a.id, a.unit, w.name as workload, n.name as node, s.name as site, s.title, a.desired, a.generation, a.cause, a.updated_at, a.decision_id, n.connected, n.last_seen_at,
  o.generation as o_generation, o.phase, o.health, o.restarts, o.exit_code, o.message, o.ports, o.limits, o.cpu_millis as o_cpu, o.memory_bytes::text as o_memory, o.started_at, o.since_at, o.observed_at, o.incoming,
  r.device_count, r.device_model, r.device_share, r.slice_profile, r.slice_count, a.shared_slot, a.shared_model`;
const unitJoins = "from assignments a join objects w on w.id = a.workload_id join nodes n on n.id = a.node_id join sites s on s.id = n.site_id left join observations o on o.assignment_id = a.id left join object_revisions r on r.object_id = a.workload_id and r.generation = a.generation";
const toUnit = (r: UnitSql): UnitListRow => ({
  assignmentId: r.id, unit: r.unit, workload: r.workload, node: r.node, site: r.site, siteTitle: r.title, desired: r.desired, generation: r.generation, cause: r.cause, updatedAtMs: toMs(r.updated_at), decisionId: r.decision_id, connected: r.connected, lastSeenMs: toMsOrNull(r.last_seen_at),
  observed: r.phase === null || r.since_at === null || r.observed_at === null ? null : { generation: r.o_generation ?? 0, phase: r.phase, health: r.health ?? "unknown", restarts: r.restarts ?? 0, exitCode: r.exit_code, message: r.message ?? "", ports: r.ports ?? {}, limits: r.limits ?? "none", cpuMillis: r.o_cpu, memoryBytes: r.o_memory === null ? null : Number(r.o_memory), startedMs: toMsOrNull(r.started_at), sinceMs: toMs(r.since_at), atMs: toMs(r.observed_at) },
  incoming: r.incoming,
  devices: { deviceCount: r.device_count ?? 0, deviceModel: r.device_model, deviceShare: r.device_share, sliceProfile: r.slice_profile, sliceCount: r.slice_count ?? 0, on: sharedOn(r.shared_slot, r.shared_model) },
});

export interface UnitFilter {
  workload?: string | undefined;
  node?: string | undefined;
  site?: string | undefined;
  state?: StateName | undefined;
}
/** One page of live units by name. `after` is unit and assignment of the last row before. */
export async function unitsPage(db: Queryable, projectId: string, at: Asked, o: UnitFilter & { after: { unit: string; id: string } | null; limit: number; /** How many match, when that is known already. */ total?: number | undefined }): Promise<{ items: UnitListRow[]; total: number }> {
  const values: unknown[] = [projectId];
  const where = ["a.project_id = $1", "a.ended_at is null"];
  const arg = (v: unknown) => `$${values.push(v)}`;
  if (o.workload !== undefined) where.push(`a.workload_id = (select id from objects where project_id = $1 and kind = 'Workload' and name = ${arg(o.workload)} and deleted_at is null)`);
  if (o.node !== undefined) where.push(`a.node_id = (select id from nodes where project_id = $1 and name = ${arg(o.node)})`);
  if (o.site !== undefined) where.push(`a.node_id in (select n.id from nodes n join sites s on s.id = n.site_id where s.project_id = $1 and s.name = ${arg(o.site)} and s.deleted_at is null)`);
  if (o.state !== undefined && narrowing[o.state]) where.push(narrowing[o.state] as string);
  if (o.state !== undefined) where.push(`${unitState(`${arg(at.nowMs)}::float8`, `${arg(at.silentAfterMs)}::float8`)} = ${arg(o.state)}`);
  // Counting needs the joins only when the state is asked for.
  const counting = o.state === undefined ? "from assignments a" : "from assignments a join nodes n on n.id = a.node_id left join observations o on o.assignment_id = a.id";
  const total = o.total ?? (await db.query<{ n: number }>(`select count(*)::int as n ${counting} where ${where.join(" and ")}`, [...values])).rows[0]?.n ?? 0;
  const after = `(${arg(o.after?.unit ?? null)}::text is null or (a.unit, a.id) > ($${values.length}, ${arg(o.after?.id ?? null)}::text))`;
  const { rows } = await db.query<UnitSql>(`select ${unitColumns} ${unitJoins} where ${where.join(" and ")} and ${after} order by a.unit, a.id limit ${arg(o.limit)}`, values);
  return { items: rows.map(toUnit), total };
}

/** One unit, ended ones too. */
export async function unitById(db: Queryable, projectId: string, assignmentId: string): Promise<UnitListRow | null> {
  const { rows } = await db.query<UnitSql>(`select ${unitColumns} ${unitJoins} where a.project_id = $1 and a.id = $2`, [projectId, assignmentId]);
  return rows[0] ? toUnit(rows[0]) : null;
}

/** How many nodes of each state a project has. */
export async function nodeStates(db: Queryable, projectId: string, at: Asked): Promise<Record<StateName, number>> {
  const values: unknown[] = [projectId, at.nowMs, at.silentAfterMs];
  const { rows } = await db.query<{ node_state: StateName; n: number }>(`select node_state, count(*)::int as n from (${matching({}, "state", values)}) m group by node_state`, values);
  const found: Record<StateName, number> = { healthy: 0, degraded: 0, failing: 0, silent: 0, pending: 0 };
  for (const r of rows) found[r.node_state] = r.n;
  return found;
}

/** Nodes of each site by state. */
export async function nodeStatesBySite(db: Queryable, projectId: string, at: Asked): Promise<Map<string, Record<StateName, number>>> {
  const values: unknown[] = [projectId, at.nowMs, at.silentAfterMs];
  const { rows } = await db.query<{ site_id: string; node_state: StateName; n: number }>(`select site_id, node_state, count(*)::int as n from (${matching({}, "state", values)}) m group by site_id, node_state`, values);
  const found = new Map<string, Record<StateName, number>>();
  for (const r of rows) {
    const states = found.get(r.site_id) ?? { healthy: 0, degraded: 0, failing: 0, silent: 0, pending: 0 };
    states[r.node_state] = r.n;
    found.set(r.site_id, states);
  }
  return found;
}

/** Units of one workload at each site, by the revision that serves and by state. */
export async function unitsBySite(db: Queryable, projectId: string, workload: string, at: Asked): Promise<Map<string, { generation: number; state: StateName; units: number }[]>> {
  const { rows } = await db.query<{ site_id: string; generation: number; state: StateName; units: number }>(
    `select site_id, generation, state, count(*)::int as units from (
       select n.site_id, coalesce(o.generation, a.generation) as generation, ${unitState("$2::float8", "$3::float8")} as state
       from objects w join assignments a on a.workload_id = w.id and a.ended_at is null and a.desired = 'run' join nodes n on n.id = a.node_id left join observations o on o.assignment_id = a.id
       where w.project_id = $1 and w.kind = 'Workload' and w.deleted_at is null and w.name = $4) u
     group by site_id, generation, state order by generation desc, state`,
    [projectId, at.nowMs, at.silentAfterMs, workload],
  );
  const found = new Map<string, { generation: number; state: StateName; units: number }[]>();
  for (const { site_id, ...r } of rows) {
    const here = found.get(site_id);
    if (here) here.push(r);
    else found.set(site_id, [r]);
  }
  return found;
}

export async function livingNodesOfSite(db: Queryable, siteId: string): Promise<number> {
  return (await db.query<{ n: number }>("select count(*)::int as n from nodes where site_id = $1 and desired_state <> 'decommissioned'", [siteId])).rows[0]?.n ?? 0;
}

/** The unit of this name that should run now. */
export async function runningUnit(db: Queryable, projectId: string, unit: string): Promise<{ id: string; workloadId: string; nodeId: string } | null> {
  const { rows } = await db.query<{ id: string; workload_id: string; node_id: string }>("select id, workload_id, node_id from assignments where project_id = $1 and unit = $2 and ended_at is null order by (desired = 'run') desc, created_at desc limit 1", [projectId, unit]);
  return rows[0] ? { id: rows[0].id, workloadId: rows[0].workload_id, nodeId: rows[0].node_id } : null;
}

/** Units that were asked to stop and have not been closed yet, by site and workload, those on silent nodes apart. */
export async function stoppingUnits(db: Queryable, projectId: string, at: Asked): Promise<{ siteId: string; workloadId: string; silent: number; other: number }[]> {
  const { rows } = await db.query<{ site_id: string; workload_id: string; silent: number; other: number }>(
    `select n.site_id, a.workload_id, count(*) filter (where ${isSilent("$2::float8", "$3::float8")})::int as silent, count(*) filter (where not ${isSilent("$2::float8", "$3::float8")})::int as other
     from assignments a join nodes n on n.id = a.node_id where a.project_id = $1 and a.ended_at is null and a.desired = 'stop' group by 1, 2`,
    [projectId, at.nowMs, at.silentAfterMs],
  );
  return rows.map((r) => ({ siteId: r.site_id, workloadId: r.workload_id, silent: r.silent, other: r.other }));
}
