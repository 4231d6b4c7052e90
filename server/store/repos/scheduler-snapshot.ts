/** What the scheduler reads for one pass, and how it writes what was decided. */
import type { ObservedUnit } from "../../core/fleet";
import { asJson, toMs, toMsOrNull } from "../queryable";
import type { Queryable } from "../queryable";
import { sharedOn } from "./demand-columns";

/** A device that a node shares, by its number there, and the thousandths that are taken of it. */
export interface SharedRow {
  slot: number;
  model: string;
  millis: number;
}

export interface FleetNodeRow {
  id: string;
  name: string;
  projectId: string;
  labels: Record<string, string>;
  taints: { key: string; value?: string }[];
  trustTier: string;
  desiredState: "active" | "cordoned" | "draining" | "decommissioned";
  desiredReason: string | null;
  connected: boolean;
  lastSeenMs: number | null;
  observedAtMs: number | null;
  version: number;
  desiredGeneration: number;
  observedGeneration: number;
  arch: string;
  os: string;
  engines: string[];
  devices: { vendor: string; model: string; memoryMiB: number | null; slices?: { profile: string; uuid: string | null }[] | null }[];
  cpuMillis: number;
  memoryBytes: number;
  diskBytes: number;
  site: { name: string; title: string; kind: string; jurisdiction: string; timeZone: string; spec: unknown; labels: Record<string, string> };
  /** `devices` are whole ones by the model asked for; `shared` those of which units have shares; `slices` by MIG profile. */
  load: { cpuMillis: number; memoryBytes: number; diskBytes: number; devices: Record<string, number>; shared: SharedRow[]; slices: Record<string, number> };
}

interface NodeSql {
  id: string; name: string; project_id: string; labels: Record<string, string>; taints: { key: string; value?: string }[]; trust_tier: string; desired_state: FleetNodeRow["desiredState"]; desired_reason: string | null; connected: boolean; last_seen_at: Date | null; observed_at: Date | null;
  version: number; desired_generation: number; observed_generation: number; arch: string | null; os: string | null; engines: string[] | null; devices: FleetNodeRow["devices"] | null; cpu_millis: number; memory_bytes: string; disk_bytes: string;
  site_id: string; load_cpu: string | null; load_memory: string | null; load_disk: string | null; load_devices: Record<string, number> | null; load_shared: SharedRow[] | null; load_slices: Record<string, number> | null;
}

/** Nodes with their site, what they offer and what live assignments take of it. Either named ones, or all that are not decommissioned. */
export async function fleetNodes(db: Queryable, projectId: string, nodeIds: readonly string[] | null = null): Promise<FleetNodeRow[]> {
  const { rows } = await db.query<NodeSql>(
    `with taken as (
       select a.node_id, sum(r.cpu_millis) as cpu, sum(r.memory_bytes) as memory, sum(r.disk_bytes) as disk
       from assignments a join object_revisions r on r.object_id = a.workload_id and r.generation = a.generation
       where a.ended_at is null and a.project_id = $1 and ($2::text[] is null or a.node_id = any($2))
       group by a.node_id
     ), accelerators as (
       select d.node_id, jsonb_object_agg(d.model, d.n) as devices
       from (select a.node_id, coalesce(r.device_model, '') as model, sum(r.device_count) + count(*) filter (where r.device_share is not null and a.shared_slot is null) as n
             from assignments a join object_revisions r on r.object_id = a.workload_id and r.generation = a.generation
             where a.ended_at is null and a.project_id = $1 and (r.device_count > 0 or r.device_share is not null) and ($2::text[] is null or a.node_id = any($2)) group by 1, 2) d
       group by d.node_id
     ), opened as (
       select d.node_id, jsonb_agg(jsonb_build_object('slot', d.slot, 'model', d.model, 'millis', d.millis) order by d.slot) as shared
       from (select a.node_id, a.shared_slot as slot, a.shared_model as model, sum(r.device_share) as millis
             from assignments a join object_revisions r on r.object_id = a.workload_id and r.generation = a.generation
             where a.ended_at is null and a.project_id = $1 and r.device_share is not null and a.shared_slot is not null and ($2::text[] is null or a.node_id = any($2)) group by 1, 2, 3) d
       group by d.node_id
     ), slices as (
       select d.node_id, jsonb_object_agg(d.profile, d.n) as slices
       from (select a.node_id, r.slice_profile as profile, sum(r.slice_count) as n
             from assignments a join object_revisions r on r.object_id = a.workload_id and r.generation = a.generation
             where a.ended_at is null and a.project_id = $1 and r.slice_count > 0 and ($2::text[] is null or a.node_id = any($2)) group by 1, 2) d
       group by d.node_id
     )
     select n.id, n.name, n.project_id, n.labels, n.taints, n.trust_tier, n.desired_state, n.desired_reason, n.connected, n.last_seen_at, n.observed_at, n.version, n.desired_generation, n.observed_generation,
       n.observed_facts ->> 'arch' as arch, n.observed_facts ->> 'os' as os,
       (select array_agg(e ->> 'type') from jsonb_array_elements(n.observed_facts -> 'engines') e) as engines, n.observed_facts -> 'devices' as devices,
       n.cpu_millis, n.memory_bytes::text, n.disk_bytes::text, n.site_id,
       t.cpu::text as load_cpu, t.memory::text as load_memory, t.disk::text as load_disk, x.devices as load_devices, o.shared as load_shared, m.slices as load_slices
     from nodes n left join taken t on t.node_id = n.id left join accelerators x on x.node_id = n.id left join opened o on o.node_id = n.id left join slices m on m.node_id = n.id
     where n.project_id = $1 and (case when $2::text[] is null then n.desired_state <> 'decommissioned' else n.id = any($2) end)
     order by n.name`,
    [projectId, nodeIds],
  );
  // Sites apart, and not with each of their nodes: their manifests would be read thousands of times.
  const siteRows = await db.query<{ id: string; name: string; title: string; kind: string; jurisdiction: string; time_zone: string; spec: unknown; labels: Record<string, string> | null }>(
    "select s.id, s.name, s.title, s.kind, s.jurisdiction, s.time_zone, s.spec, o.labels from sites s left join objects o on o.id = s.id where s.project_id = $1",
    [projectId],
  );
  const sites = new Map(siteRows.rows.map((x) => [x.id, { name: x.name, title: x.title, kind: x.kind, jurisdiction: x.jurisdiction, timeZone: x.time_zone, spec: x.spec, labels: x.labels ?? {} }]));
  const nowhere: FleetNodeRow["site"] = { name: "", title: "", kind: "", jurisdiction: "", timeZone: "UTC", spec: {}, labels: {} };
  return rows.map((r) => ({
    id: r.id, name: r.name, projectId: r.project_id, labels: r.labels, taints: r.taints, trustTier: r.trust_tier, desiredState: r.desired_state, desiredReason: r.desired_reason, connected: r.connected, lastSeenMs: toMsOrNull(r.last_seen_at), observedAtMs: toMsOrNull(r.observed_at),
    version: r.version, desiredGeneration: r.desired_generation, observedGeneration: r.observed_generation, arch: r.arch ?? "", os: r.os ?? "", engines: r.engines ?? [], devices: r.devices ?? [],
    cpuMillis: r.cpu_millis, memoryBytes: Number(r.memory_bytes), diskBytes: Number(r.disk_bytes),
    site: sites.get(r.site_id) ?? nowhere,
    load: { cpuMillis: Number(r.load_cpu ?? 0), memoryBytes: Number(r.load_memory ?? 0), diskBytes: Number(r.load_disk ?? 0), devices: r.load_devices ?? {}, shared: r.load_shared ?? [], slices: r.load_slices ?? {} },
  }));
}

/** Nodes that these assignments stand on. */
export async function nodesOfAssignments(db: Queryable, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  return (await db.query<{ node_id: string }>("select distinct node_id from assignments where id = any($1)", [ids])).rows.map((r) => r.node_id);
}

/** When each living node was in contact: the part of the fleet that changes without a change pointer. */
export async function contacts(db: Queryable, projectId: string): Promise<Map<string, { connected: boolean; lastSeenMs: number | null }>> {
  const { rows } = await db.query<{ id: string; connected: boolean; last_seen_at: Date | null }>("select id, connected, last_seen_at from nodes where project_id = $1 and desired_state <> 'decommissioned'", [projectId]);
  return new Map(rows.map((r) => [r.id, { connected: r.connected, lastSeenMs: toMsOrNull(r.last_seen_at) }]));
}

export interface OwnUnitRow {
  id: string;
  unit: string;
  ordinal: number;
  nodeId: string;
  generation: number;
  desired: "run" | "stop";
  version: number;
  updatedAtMs: number;
  observed: ObservedUnit | null;
  /** The device that its share is of. */
  on: { slot: number; model: string } | null;
}
/** Live assignments of a workload with what the agents say of them. */
export async function ownUnits(db: Queryable, workloadId: string): Promise<OwnUnitRow[]> {
  const { rows } = await db.query<{ id: string; unit: string; ordinal: number; node_id: string; generation: number; desired: "run" | "stop"; version: number; updated_at: Date; shared_slot: number | null; shared_model: string | null; o_generation: number | null; phase: string | null; health: string | null; restarts: number | null; exit_code: number | null; message: string | null; since_at: Date | null }>(
    `select a.id, a.unit, a.ordinal, a.node_id, a.generation, a.desired, a.version, a.updated_at, a.shared_slot, a.shared_model, o.generation as o_generation, o.phase, o.health, o.restarts, o.exit_code, o.message, o.since_at
     from assignments a left join observations o on o.assignment_id = a.id where a.workload_id = $1 and a.ended_at is null order by a.ordinal, a.unit, a.id`,
    [workloadId],
  );
  return rows.map((r) => ({
    id: r.id, unit: r.unit, ordinal: r.ordinal, nodeId: r.node_id, generation: r.generation, desired: r.desired, version: r.version, updatedAtMs: toMs(r.updated_at), on: sharedOn(r.shared_slot, r.shared_model),
    observed: r.phase === null || r.since_at === null ? null : { generation: r.o_generation ?? 0, phase: r.phase, health: r.health ?? "unknown", restarts: r.restarts ?? 0, exitCode: r.exit_code, message: r.message ?? "", sinceMs: toMs(r.since_at) },
  }));
}

/** Batch: pieces of work that have run to completion, with the revision they ran. */
export async function completedPieces(db: Queryable, workloadId: string): Promise<{ ordinal: number; generation: number }[]> {
  const { rows } = await db.query<{ ordinal: number; generation: number }>(
    "select distinct ordinal, generation from assignments where workload_id = $1 and ended_at is not null and cause = 'completed'",
    [workloadId],
  );
  return rows;
}

/** Nodes that have lately used any of these artifacts, and which. Agents keep artifacts for a week after their last use. */
export async function warmNodes(db: Queryable, projectId: string, digests: readonly string[], nowMs: number): Promise<Map<string, Set<string>>> {
  const found = new Map<string, Set<string>>();
  if (digests.length === 0) return found;
  const { rows } = await db.query<{ node_id: string; digest: string }>(
    `select distinct a.node_id, art ->> 'digest' as digest
     from object_revisions r cross join lateral jsonb_array_elements(r.manifest #> '{spec,template,artifacts}') art
       join assignments a on a.workload_id = r.object_id and a.generation = r.generation
     where a.project_id = $1 and art ->> 'digest' = any($2) and (a.ended_at is null or a.ended_at > to_timestamp($3 / 1000.0) - interval '7 days')`,
    [projectId, digests, nowMs],
  );
  for (const r of rows) {
    const held = found.get(r.node_id) ?? new Set<string>();
    found.set(r.node_id, held.add(r.digest));
  }
  return found;
}

/**
 * Locks the nodes that a plan places units on, in the order of their ids, and tells whether each is as the plan saw it.
 * Whoever places on a node bumps `desired_generation`, whoever cordons it bumps `version`: so a plan that was made
 * against an older picture is found out here, and no node is ever given more than it offers.
 */
export async function nodesAreAsSeen(db: Queryable, seen: readonly { id: string; version: number; desiredGeneration: number }[]): Promise<boolean> {
  if (seen.length === 0) return true;
  const { rows } = await db.query<{ id: string; version: number; desired_generation: number }>("select id, version, desired_generation from nodes where id = any($1) order by id for no key update", [seen.map((n) => n.id)]);
  const now = new Map(rows.map((r) => [r.id, r]));
  return seen.every((n) => now.get(n.id)?.version === n.version && now.get(n.id)?.desired_generation === n.desiredGeneration);
}

/** True when none of these nodes has given a sign of life since the plan saw them; holds them so until the transaction ends. */
export async function areStillSilent(db: Queryable, seen: readonly { id: string; lastSeenMs: number | null }[]): Promise<boolean> {
  if (seen.length === 0) return true;
  const { rows } = await db.query<{ id: string; last_seen_at: Date | null }>("select id, last_seen_at from nodes where id = any($1) order by id for share", [seen.map((n) => n.id)]);
  const now = new Map(rows.map((r) => [r.id, r.last_seen_at === null ? null : toMs(r.last_seen_at)]));
  return seen.every((n) => now.get(n.id) === n.lastSeenMs);
}

/** True when a workload is as the plan saw it; holds it so until the transaction ends. */
export async function workloadIsAsSeen(db: Queryable, id: string, version: number): Promise<boolean> {
  const { rows } = await db.query("select 1 from objects where id = $1 and version = $2 for share", [id, version]);
  return rows.length === 1;
}

/** Asks units to stop, if they are as the plan saw them; gives the ids of those that were. */
export async function askToStop(db: Queryable, list: readonly { id: string; version: number; cause: string }[], nowMs: number): Promise<Set<string>> {
  if (list.length === 0) return new Set();
  const { rows } = await db.query<{ id: string }>(
    `update assignments a set desired = 'stop', cause = x.cause, version = a.version + 1, updated_at = to_timestamp($4 / 1000.0)
     from unnest($1::text[], $2::int[], $3::text[]) as x(id, version, cause) where a.id = x.id and a.version = x.version and a.ended_at is null and a.desired = 'run' returning a.id`,
    [list.map((a) => a.id), list.map((a) => a.version), list.map((a) => a.cause), nowMs],
  );
  return new Set(rows.map((r) => r.id));
}

/** Ends assignments that are over, if they are as the plan saw them. Cause "completed" is what a batch remembers its finished pieces by. */
export async function end(db: Queryable, list: readonly { id: string; version: number; cause: string }[], nowMs: number): Promise<Set<string>> {
  if (list.length === 0) return new Set();
  const { rows } = await db.query<{ id: string }>(
    `update assignments a set ended_at = to_timestamp($3 / 1000.0), desired = 'stop', version = a.version + 1, updated_at = to_timestamp($3 / 1000.0), cause = case when x.cause = 'completed' then x.cause else a.cause end
     from unnest($1::text[], $2::int[], $4::text[]) as x(id, version, cause) where a.id = x.id and a.version = x.version and a.ended_at is null returning a.id`,
    [list.map((a) => a.id), list.map((a) => a.version), nowMs, list.map((a) => a.cause)],
  );
  return new Set(rows.map((r) => r.id));
}

/** Moves units to another revision in place, if they are as the plan saw them. */
export async function setGenerations(db: Queryable, list: readonly { id: string; version: number; generation: number; digest: string }[], cause: string, nowMs: number): Promise<Set<string>> {
  if (list.length === 0) return new Set();
  const { rows } = await db.query<{ id: string }>(
    `update assignments a set generation = x.generation, digest = x.digest, cause = $5, version = a.version + 1, updated_at = to_timestamp($6 / 1000.0)
     from unnest($1::text[], $2::int[], $3::int[], $4::text[]) as x(id, version, generation, digest) where a.id = x.id and a.version = x.version and a.ended_at is null and a.desired = 'run' returning a.id`,
    [list.map((a) => a.id), list.map((a) => a.version), list.map((a) => a.generation), list.map((a) => a.digest), cause, nowMs],
  );
  return new Set(rows.map((r) => r.id));
}

/** Writes off everything that was to run on a node; gives what it was. */
export async function writeOffNode(db: Queryable, nodeId: string, nowMs: number): Promise<{ id: string; unit: string; workloadId: string }[]> {
  const { rows } = await db.query<{ id: string; unit: string; workload_id: string }>(
    "update assignments set ended_at = to_timestamp($2 / 1000.0), desired = 'stop', version = version + 1, updated_at = to_timestamp($2 / 1000.0) where node_id = $1 and ended_at is null returning id, unit, workload_id",
    [nodeId, nowMs],
  );
  return rows.map((r) => ({ id: r.id, unit: r.unit, workloadId: r.workload_id }));
}

// ── decisions ───────────────────────────────────────────────────────────────────────────────────────────────────────

export interface NewDecision {
  id: string;
  projectId: string;
  workloadId: string;
  unit: string;
  outcome: "placed" | "unplaced";
  nodeId: string | null;
  because: string;
  policyDigest: string;
  generation: number;
  /** What is the decision's own: the best candidates, and the policy's name. */
  candidates: Readonly<Record<string, unknown>>;
  /** What it shares with others of its kind: counts by reason, and nodes named for them. Stored once for all of a batch. */
  evidence: Readonly<Record<string, unknown>>;
  atMs: number;
}
export async function insertDecisions(db: Queryable, list: readonly NewDecision[]): Promise<void> {
  if (list.length === 0) return;
  const evidence = new Map<string, string>();
  const evidenceOf = list.map((d) => {
    const text = asJson(d.evidence) ?? "{}";
    const id = evidence.get(text) ?? `evidence-${d.id}`;
    evidence.set(text, id);
    return id;
  });
  await db.query("insert into decision_evidence (id, doc, created_at) select id, d::jsonb, to_timestamp($3 / 1000.0) from unnest($1::text[], $2::text[]) as x(id, d)", [[...evidence.values()], [...evidence.keys()], list[0]?.atMs]);
  await db.query(
    `insert into decisions (id, project_id, workload_id, unit, outcome, node_id, because, policy_digest, generation, candidates, created_at, evidence_id)
     select id, p, w, u, o, n, b, d, g, c::jsonb, to_timestamp(t / 1000.0), e
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::int[], $10::text[], $11::float8[], $12::text[]) as x(id, p, w, u, o, n, b, d, g, c, t, e)`,
    [list.map((d) => d.id), list.map((d) => d.projectId), list.map((d) => d.workloadId), list.map((d) => d.unit), list.map((d) => d.outcome), list.map((d) => d.nodeId), list.map((d) => d.because), list.map((d) => d.policyDigest), list.map((d) => d.generation), list.map((d) => asJson(d.candidates)), list.map((d) => d.atMs), evidenceOf],
  );
}
/** The newest decision about each of these units. */
export async function latestDecisions(db: Queryable, projectId: string, units: readonly string[]): Promise<Map<string, { outcome: string; because: string; generation: number }>> {
  const { rows } = await db.query<{ unit: string; outcome: string; because: string; generation: number }>(
    `select u as unit, d.outcome, d.because, d.generation from unnest($2::text[]) u cross join lateral (select outcome, because, generation from decisions where project_id = $1 and unit = u order by created_at desc, id desc limit 1) d`,
    [projectId, units],
  );
  return new Map(rows.map((r) => [r.unit, r]));
}

/** How many live assignments a node has, stopping ones included. */
export async function liveCount(db: Queryable, nodeId: string): Promise<number> {
  return (await db.query<{ n: number }>("select count(*)::int as n from assignments where node_id = $1 and ended_at is null", [nodeId])).rows[0]?.n ?? 0;
}
