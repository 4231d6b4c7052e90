/** Rows of rollouts, their events and approvals, and the facts that the rollout planner reads. */
import type { RolloutPlan, RolloutProgress } from "../../core/rollout";
import type { TemplateVerdict, Verdict } from "../../core/analysis";
import { asJson, oneOrNone, toMs, toMsOrNull, type Queryable } from "../queryable";

/** The newest verdict of a rollout as stored; of rollouts that ended before templates named their judge, without what judges say beyond the sentence. */
export type KeptVerdict = Verdict & Partial<Pick<TemplateVerdict, "judge" | "sequential" | "guilty">> & { template?: string; bundleDigest?: string };

export interface RolloutRecord {
  id: string;
  projectId: string;
  number: number;
  workloadId: string;
  workload: string;
  fromGeneration: number;
  toGeneration: number;
  phase: string;
  waveIndex: number;
  stepIndex: number;
  stepStartedAtMs: number;
  plan: RolloutPlan;
  planDigest: string;
  verdict: KeptVerdict | null;
  progress: RolloutProgress;
  reason: string;
  authorId: string;
  author: string;
  version: number;
  createdAtMs: number;
  updatedAtMs: number;
  endedAtMs: number | null;
}

interface RolloutSql {
  id: string; project_id: string; number: number; workload_id: string; workload: string; from_generation: number; to_generation: number; phase: string; wave_index: number; step_index: number;
  step_started_at: Date | null; plan: RolloutPlan; plan_digest: string; verdict: KeptVerdict | null; progress: RolloutProgress | null; reason: string; author_id: string; author: string; version: number; created_at: Date; updated_at: Date; ended_at: Date | null;
}
/** Rollouts that began before progress was kept by wave went through their waves in order. */
function progressOf(r: RolloutSql): RolloutProgress {
  if (r.progress) return r.progress;
  const startedAtMs = toMsOrNull(r.step_started_at) ?? toMs(r.created_at);
  const waves = r.plan.strategy.spec.waves.map((w, i) => (i < r.wave_index ? { step: w.steps.length, startedAtMs } : i === r.wave_index ? { step: r.step_index, startedAtMs } : { step: 0, startedAtMs: null }));
  return { waves, sitesBack: [], accepted: [], held: null, evidence: null };
}
const fromSql = (r: RolloutSql): RolloutRecord => ({
  id: r.id, projectId: r.project_id, number: r.number, workloadId: r.workload_id, workload: r.workload, fromGeneration: r.from_generation, toGeneration: r.to_generation, phase: r.phase,
  waveIndex: r.wave_index, stepIndex: r.step_index, stepStartedAtMs: toMsOrNull(r.step_started_at) ?? toMs(r.created_at), plan: r.plan, planDigest: r.plan_digest, verdict: r.verdict, progress: progressOf(r), reason: r.reason,
  authorId: r.author_id, author: r.author, version: r.version, createdAtMs: toMs(r.created_at), updatedAtMs: toMs(r.updated_at), endedAtMs: toMsOrNull(r.ended_at),
});
const select = `select r.*, o.name as workload from rollouts r join objects o on o.id = r.workload_id`;

export async function byId(q: Queryable, id: string, lock = false): Promise<RolloutRecord | null> {
  const r = await oneOrNone<RolloutSql>(q, `${select} where r.id = $1${lock ? " for update of r" : ""}`, [id]);
  return r ? fromSql(r) : null;
}
export async function byNumber(q: Queryable, projectId: string, number: number, lock = false): Promise<RolloutRecord | null> {
  const r = await oneOrNone<RolloutSql>(q, `${select} where r.project_id = $1 and r.number = $2${lock ? " for update of r" : ""}`, [projectId, number]);
  return r ? fromSql(r) : null;
}
export async function openOfWorkload(q: Queryable, workloadId: string): Promise<RolloutRecord | null> {
  const r = await oneOrNone<RolloutSql>(q, `${select} where r.workload_id = $1 and r.ended_at is null`, [workloadId]);
  return r ? fromSql(r) : null;
}
export async function openOfProject(q: Queryable, projectId: string): Promise<RolloutRecord[]> {
  return (await q.query<RolloutSql>(`${select} where r.project_id = $1 and r.ended_at is null order by r.number`, [projectId])).rows.map(fromSql);
}
/** Ids of all rollouts that have not ended: the keys of the reconciler. */
export async function openIds(q: Queryable): Promise<string[]> {
  return (await q.query<{ id: string }>(`select id from rollouts where ended_at is null order by id`)).rows.map((r) => r.id);
}

/** The next number in a project; holds the project's counter until the transaction ends. */
export async function nextNumber(q: Queryable, projectId: string): Promise<number> {
  await q.query(`select pg_advisory_xact_lock(hashtext('rollout-number'), hashtext($1))`, [projectId]);
  const r = await q.query<{ n: number }>(`select coalesce(max(number), 0) + 1 as n from rollouts where project_id = $1`, [projectId]);
  return Number(r.rows[0]?.n ?? 1);
}

export async function insert(q: Queryable, r: { id: string; projectId: string; number: number; workloadId: string; from: number; to: number; phase: string; plan: RolloutPlan; planDigest: string; progress: RolloutProgress; reason: string; authorId: string; author: string; nowMs: number }): Promise<void> {
  await q.query(
    `insert into rollouts (id, project_id, number, workload_id, from_generation, to_generation, phase, plan, plan_digest, reason, author_id, author, created_at, updated_at, step_started_at, progress)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, to_timestamp($13 / 1000.0), to_timestamp($13 / 1000.0), to_timestamp($13 / 1000.0), $14)`,
    [r.id, r.projectId, r.number, r.workloadId, r.from, r.to, r.phase, asJson(r.plan), r.planDigest, r.reason, r.authorId, r.author, r.nowMs, asJson(r.progress)],
  );
}

export interface RolloutPatch {
  phase?: string;
  waveIndex?: number;
  stepIndex?: number;
  stepStartedAtMs?: number;
  plan?: RolloutPlan;
  planDigest?: string;
  progress?: RolloutProgress;
  verdict?: KeptVerdict | null;
  reason?: string;
  endedAtMs?: number;
}
/** Compare-and-set on the version; false when somebody else changed the rollout meanwhile. */
export async function save(q: Queryable, id: string, version: number, p: RolloutPatch, nowMs: number): Promise<boolean> {
  const r = await q.query(
    `update rollouts set phase = coalesce($3, phase), wave_index = coalesce($4, wave_index), step_index = coalesce($5, step_index),
       step_started_at = coalesce(to_timestamp($6 / 1000.0), step_started_at), plan = coalesce($7::jsonb, plan), plan_digest = coalesce($8, plan_digest),
       verdict = coalesce($9::jsonb, verdict), reason = coalesce($10, reason), ended_at = coalesce(to_timestamp($11 / 1000.0), ended_at),
       updated_at = to_timestamp($12 / 1000.0), progress = coalesce($13::jsonb, progress), version = version + 1
     where id = $1 and version = $2`,
    [id, version, p.phase ?? null, p.waveIndex ?? null, p.stepIndex ?? null, p.stepStartedAtMs ?? null, asJson(p.plan), p.planDigest ?? null, asJson(p.verdict), p.reason ?? null, p.endedAtMs ?? null, nowMs, asJson(p.progress)],
  );
  return r.rowCount === 1;
}
/** Keeps the newest verdict without touching the version: it is evidence, not a decision. */
export async function keepVerdict(q: Queryable, id: string, verdict: KeptVerdict): Promise<void> {
  await q.query(`update rollouts set verdict = $2 where id = $1 and ended_at is null`, [id, asJson(verdict)]);
}

export async function addEvent(q: Queryable, rolloutId: string, e: { kind: string; actor: string | null; text: string; data?: unknown; atMs: number }): Promise<void> {
  await q.query(`insert into rollout_events (rollout_id, at, kind, actor, text, data) values ($1, to_timestamp($2 / 1000.0), $3, $4, $5, $6)`, [rolloutId, e.atMs, e.kind, e.actor, e.text, asJson(e.data)]);
}
export async function events(q: Queryable, rolloutId: string): Promise<{ atMs: number; kind: string; actor: string | null; text: string }[]> {
  const r = await q.query<{ at: Date; kind: string; actor: string | null; text: string }>(`select at, kind, actor, text from rollout_events where rollout_id = $1 order by id desc limit 500`, [rolloutId]);
  return r.rows.map((x) => ({ atMs: toMs(x.at), kind: x.kind, actor: x.actor, text: x.text }));
}

// ── units of the workload, as the planner sees them ─────────────────────────────────────────────────────────────

/** A unit that should run, its node and site by name, and what the agent last said. */
export interface ObservedUnit {
  assignmentId: string;
  version: number;
  unit: string;
  generation: number;
  updatedAtMs: number;
  nodeId: string;
  node: string;
  site: string;
  siteTitle: string;
  connected: boolean;
  lastSeenMs: number | null;
  observed: { generation: number; digest: string; phase: string; health: string; restarts: number; exitCode: number | null; message: string; sinceMs: number; observedAtMs: number } | null;
  incoming: { generation: number; phase: string; health: string; restarts: number; message: string } | null;
}
/** The same with what its site is to people: whom a plan reaches. */
export interface SitedUnit extends ObservedUnit {
  siteKind: string;
  jurisdiction: string;
  timeZone: string;
  siteLabels: Record<string, string>;
}
/** The same with everything that selectors may ask of its node and site: what plans are made from. */
export interface UnitFactsRow extends SitedUnit {
  nodeFacts: Record<string, unknown> | null;
  nodeLabels: Record<string, string>;
  trustTier: string;
  cpuMillis: number;
  memoryBytes: number;
  diskBytes: number;
  siteSpec: Record<string, unknown>;
}
interface ObservedSql {
  id: string; version: number; unit: string; generation: number; updated_at: Date; node_id: string; node: string; site: string; title: string; connected: boolean; last_seen_at: Date | null;
  o_generation: number | null; o_digest: string | null; phase: string | null; health: string | null; restarts: number | null; exit_code: number | null; message: string | null; since_at: Date | null; observed_at: Date | null; incoming: ObservedUnit["incoming"];
}
interface UnitSql extends ObservedSql {
  observed_facts: Record<string, unknown> | null; labels: Record<string, string>; trust_tier: string; cpu_millis: number; memory_bytes: number; disk_bytes: number; site_kind: string; jurisdiction: string; time_zone: string; spec: Record<string, unknown>; site_labels: Record<string, string> | null;
}
const observedColumns = `a.id, a.version, a.unit, a.generation, a.updated_at, n.id as node_id, n.name as node, s.name as site, s.title, n.connected, n.last_seen_at,
            o.generation as o_generation, o.digest as o_digest, o.phase, o.health, o.restarts, o.exit_code, o.message, o.since_at, o.observed_at, o.incoming`;
const unitTables = "assignments a join nodes n on n.id = a.node_id join sites s on s.id = n.site_id";
const shouldRun = "a.workload_id = $1 and a.ended_at is null and a.desired = 'run' order by a.unit";
const observedOf = (x: ObservedSql): ObservedUnit => ({
  assignmentId: x.id, version: x.version, unit: x.unit, generation: x.generation, updatedAtMs: toMs(x.updated_at), nodeId: x.node_id, node: x.node, site: x.site, siteTitle: x.title, connected: x.connected, lastSeenMs: toMsOrNull(x.last_seen_at),
  observed: x.phase === null || x.since_at === null || x.observed_at === null ? null : { generation: x.o_generation ?? 0, digest: x.o_digest ?? "", phase: x.phase, health: x.health ?? "unknown", restarts: x.restarts ?? 0, exitCode: x.exit_code, message: x.message ?? "", sinceMs: toMs(x.since_at), observedAtMs: toMs(x.observed_at) },
  incoming: x.incoming,
});

/** Units that should run and what is said of them: for screens, which need no facts of nodes. */
export async function observedUnitsOf(q: Queryable, workloadId: string): Promise<ObservedUnit[]> {
  return (await q.query<ObservedSql>(`select ${observedColumns} from ${unitTables} left join observations o on o.assignment_id = a.id where ${shouldRun}`, [workloadId])).rows.map(observedOf);
}

/** Units that should run, with what their sites are to people; without the facts of nodes, which are many and large. */
export async function sitedUnitsOf(q: Queryable, workloadId: string): Promise<SitedUnit[]> {
  const r = await q.query<ObservedSql & Pick<UnitSql, "site_kind" | "jurisdiction" | "time_zone" | "site_labels">>(
    `select ${observedColumns}, s.kind as site_kind, s.jurisdiction, s.time_zone, so.labels as site_labels
     from ${unitTables} left join objects so on so.id = s.id left join observations o on o.assignment_id = a.id where ${shouldRun}`,
    [workloadId],
  );
  return r.rows.map((x) => ({ ...observedOf(x), siteKind: x.site_kind, jurisdiction: x.jurisdiction, timeZone: x.time_zone, siteLabels: x.site_labels ?? {} }));
}

/** Units that should run, with their node, site and what the agent last said. `lock` keeps them as they are until the transaction ends. */
export async function unitsOf(q: Queryable, workloadId: string, lock = false): Promise<UnitFactsRow[]> {
  const r = await q.query<UnitSql>(
    `select ${observedColumns}, n.observed_facts, n.labels, n.trust_tier, n.cpu_millis, n.memory_bytes, n.disk_bytes, s.kind as site_kind, s.jurisdiction, s.time_zone, s.spec, so.labels as site_labels
     from ${unitTables} left join objects so on so.id = s.id left join observations o on o.assignment_id = a.id where ${shouldRun}${lock ? " for update of a" : ""}`,
    [workloadId],
  );
  return r.rows.map((x) => ({
    ...observedOf(x), nodeFacts: x.observed_facts, nodeLabels: x.labels, trustTier: x.trust_tier, cpuMillis: x.cpu_millis, memoryBytes: x.memory_bytes, diskBytes: x.disk_bytes, siteKind: x.site_kind, jurisdiction: x.jurisdiction, timeZone: x.time_zone, siteSpec: x.spec, siteLabels: x.site_labels ?? {},
  }));
}

// ── objects that a plan is made from ────────────────────────────────────────────────────────────────────────────

export async function objectByName(q: Queryable, projectId: string, kind: string, name: string): Promise<{ id: string; name: string; generation: number; digest: string; spec: unknown } | null> {
  return (await oneOrNone<{ id: string; name: string; generation: number; digest: string; spec: unknown }>(q, `select id, name, generation, digest, spec from objects where project_id = $1 and kind = $2 and name = $3 and deleted_at is null`, [projectId, kind, name])) ?? null;
}
export async function revision(q: Queryable, objectId: string, generation: number): Promise<{ generation: number; digest: string; manifest: { spec: Record<string, unknown> }; heldReason: string | null; author: string; authorId: string } | null> {
  const r = await oneOrNone<{ generation: number; digest: string; manifest: { spec: Record<string, unknown> }; held_reason: string | null; author: string; author_id: string }>(q, `select generation, digest, manifest, held_reason, author, author_id from object_revisions where object_id = $1 and generation = $2`, [objectId, generation]);
  return r ? { generation: r.generation, digest: r.digest, manifest: r.manifest, heldReason: r.held_reason, author: r.author, authorId: r.author_id } : null;
}
/** Field changes of the revisions after `from` up to `to`, oldest first. */
export async function changesBetween(q: Queryable, objectId: string, from: number, to: number): Promise<{ path: string; before: string | null; after: string | null }[][]> {
  const r = await q.query<{ changes: { path: string; before: string | null; after: string | null }[] }>(`select changes from object_revisions where object_id = $1 and generation > $2 and generation <= $3 order by generation`, [objectId, from, to]);
  return r.rows.map((x) => x.changes);
}
/** Marks a revision as held: applying it again is refused until someone lifts it. */
export async function holdRevision(q: Queryable, objectId: string, generation: number, reason: string): Promise<void> {
  await q.query(`update object_revisions set held_reason = $3 where object_id = $1 and generation = $2`, [objectId, generation, reason]);
}
export async function artifactNames(q: Queryable, projectId: string, digests: readonly string[]): Promise<Map<string, string>> {
  const r = await q.query<{ digest: string; name: string }>(`select digest, name from artifacts where project_id = $1 and digest = any($2)`, [projectId, digests]);
  return new Map(r.rows.map((x) => [x.digest, x.name]));
}
