/** Lists of rollouts and approvals: by the outlines of their plans, without the targets that large plans name. */
import type { ApproverGroup } from "../../core/manifest/rollout";
import type { RolloutPlan } from "../../core/rollout";
import type { KeptVerdict } from "./rollouts";
import { toMs, toMsOrNull } from "../queryable";
import type { Queryable } from "../queryable";
import type { ApprovalState } from "./approvals";

/** A plan without its targets: how many each wave has, and what they add up to. Kept by a trigger. */
export type PlanOutline = Omit<RolloutPlan, "waves"> & { waves: { name: string; count: number }[]; units: number; nodes: number; sites: string[] };
/** What an approver is shown, in the same way. */
export type ApprovableOutline = { [key: string]: unknown } & { waves: { name: string; steps: string[]; count: number }[]; units: number; nodes: number; sites: string[] };

export interface ListedRollout {
  id: string;
  number: number;
  workloadId: string;
  workload: string;
  fromGeneration: number;
  toGeneration: number;
  phase: string;
  waveIndex: number;
  outline: PlanOutline;
  reason: string;
  author: string;
  createdAtMs: number;
  updatedAtMs: number;
  endedAtMs: number | null;
}

interface RolloutSql {
  id: string; number: number; workload_id: string; workload: string; from_generation: number; to_generation: number; phase: string; wave_index: number; outline: PlanOutline; reason: string; author: string; created_at: Date; updated_at: Date; ended_at: Date | null;
}

/** One page, newest first. `before` is the number after which to go on. */
export async function rolloutPage(q: Queryable, projectId: string, o: { workload?: string | undefined; open?: boolean | undefined; before: number | null; limit: number }): Promise<{ items: ListedRollout[]; total: number }> {
  const where = `r.project_id = $1 and ($2::text is null or o.name = $2) and ($3::boolean is null or (r.ended_at is null) = $3)`;
  const args = [projectId, o.workload ?? null, o.open ?? null];
  const { rows } = await q.query<RolloutSql>(
    `select r.id, r.number, r.workload_id, o.name as workload, r.from_generation, r.to_generation, r.phase, r.wave_index, r.outline, r.reason, r.author, r.created_at, r.updated_at, r.ended_at
     from rollouts r join objects o on o.id = r.workload_id where ${where} and ($4::int is null or r.number < $4) order by r.number desc limit $5`,
    [...args, o.before, o.limit],
  );
  const total = await q.query<{ n: number }>(`select count(*)::int as n from rollouts r join objects o on o.id = r.workload_id where ${where}`, args);
  return {
    items: rows.map((r) => ({
      id: r.id, number: r.number, workloadId: r.workload_id, workload: r.workload, fromGeneration: r.from_generation, toGeneration: r.to_generation, phase: r.phase, waveIndex: r.wave_index, outline: r.outline, reason: r.reason, author: r.author,
      createdAtMs: toMs(r.created_at), updatedAtMs: toMs(r.updated_at), endedAtMs: toMsOrNull(r.ended_at),
    })),
    total: total.rows[0]?.n ?? 0,
  };
}

export interface TargetCounts {
  total: number;
  updated: number;
  healthy: number;
  failing: number;
  silent: number;
}

/**
 * Units of workloads, counted as the planner sees them (the twin of `targetsFrom` in server/rollouts; a test holds the two
 * together): `updated` have been seen on the generation given for their workload.
 */
export async function targetCounts(q: Queryable, workloads: readonly { id: string; toGeneration: number }[], at: { nowMs: number; silentAfterMs: number }): Promise<Map<string, TargetCounts>> {
  if (workloads.length === 0) return new Map();
  const serves = "(o.phase = 'running' and o.health in ('healthy', 'unknown'))";
  // The observation of the generation that is asked for: the one that starts beside the other, or the one that serves.
  const inTrouble = `(case when (o.incoming ->> 'generation')::int = a.generation then o.incoming ->> 'health' = 'unhealthy' or o.incoming ->> 'phase' in ('backoff', 'failed')
    when o.generation = a.generation then o.health = 'unhealthy' or o.phase in ('backoff', 'failed') else false end)`;
  const { rows } = await q.query<TargetCounts & { workload_id: string }>(
    `select workload_id, count(*)::int as total, count(*) filter (where not away and observed = wanted)::int as updated, count(*) filter (where not away and well)::int as healthy,
            count(*) filter (where not away and (trouble or (observed is not null and not well)))::int as failing, count(*) filter (where away)::int as silent
     from (
       select a.workload_id, w.generation as wanted, o.generation as observed, coalesce(${serves}, false) as well, coalesce(${inTrouble}, false) as trouble,
              (n.last_seen_at is null or n.last_seen_at <= to_timestamp(($3::float8 - $4::float8) / 1000.0)) as away
       from unnest($1::text[], $2::int[]) as w(id, generation) join assignments a on a.workload_id = w.id and a.ended_at is null and a.desired = 'run'
       join nodes n on n.id = a.node_id left join observations o on o.assignment_id = a.id
     ) u group by workload_id`,
    [workloads.map((w) => w.id), workloads.map((w) => w.toGeneration), at.nowMs, at.silentAfterMs],
  );
  return new Map(rows.map(({ workload_id, ...counts }) => [workload_id, counts]));
}

export interface ListedApproval {
  id: string;
  version: number;
  rolloutId: string;
  number: number;
  workloadId: string;
  workload: string;
  toGeneration: number;
  gate: string;
  state: ApprovalState;
  planDigest: string;
  plan: ApprovableOutline;
  rollout: PlanOutline;
  verdict: KeptVerdict | null;
  author: string;
  authorId: string;
  /** Who wrote the revision that is rolled out. */
  revisionAuthorId: string | null;
  requestedAtMs: number;
  expiresAtMs: number;
  decidedBy: string | null;
  decidedAtMs: number | null;
  remark: string | null;
  voidReason: string | null;
  groups: ApproverGroup[] | null;
  /** Where it stands in the list: pass the last one's back for the next page. */
  rank: number;
  key: number;
}

interface ApprovalSql {
  id: string; version: number; rollout_id: string; number: number; workload_id: string; workload: string; to_generation: number; gate: string; state: ApprovalState; plan_digest: string; outline: ApprovableOutline; rollout_outline: PlanOutline; verdict: KeptVerdict | null; author: string; author_id: string;
  revision_author_id: string | null; requested_at: Date; expires_at: Date; decided_by: string | null; decided_at: Date | null; remark: string | null; void_reason: string | null; groups: ApproverGroup[] | null; rank: number; key: number;
}

/** One page: pending ones by expiry first, then the decided ones, newest first. */
export async function approvalPage(q: Queryable, projectId: string, o: { state?: ApprovalState | undefined; after: { rank: number; key: number; id: string } | null; limit: number }): Promise<{ items: ListedApproval[]; total: number }> {
  const ranked = `select a.id, a.rollout_id, case when state = 'pending' then 0 else 1 end as rank,
      (case when state = 'pending' then extract(epoch from expires_at) * 1000 else -extract(epoch from coalesce(decided_at, requested_at)) * 1000 end)::bigint as key
    from approvals a where project_id = $1 and ($2::text is null or state = $2)`;
  const { rows } = await q.query<ApprovalSql>(
    `select x.rank, x.key, a.id, a.version, a.rollout_id, a.gate, a.state, a.plan_digest, a.outline, a.requested_at, a.expires_at, a.decided_by, a.decided_at, a.remark, a.void_reason, a.groups,
            r.number, r.workload_id, w.name as workload, r.to_generation, r.outline as rollout_outline, r.verdict, r.author, r.author_id, v.author_id as revision_author_id
     from (select * from (${ranked}) y where $3::int is null or (rank, key, id) > ($3, $4::bigint, $5) order by rank, key, id limit $6) x
     join approvals a on a.id = x.id join rollouts r on r.id = a.rollout_id join objects w on w.id = r.workload_id
     left join object_revisions v on v.object_id = r.workload_id and v.generation = r.to_generation
     order by x.rank, x.key, x.id`,
    [projectId, o.state ?? null, o.after?.rank ?? null, o.after?.key ?? null, o.after?.id ?? null, o.limit],
  );
  const total = await q.query<{ n: number }>(`select count(*)::int as n from approvals where project_id = $1 and ($2::text is null or state = $2)`, [projectId, o.state ?? null]);
  return {
    items: rows.map((r) => ({
      id: r.id, version: r.version, rolloutId: r.rollout_id, number: r.number, workloadId: r.workload_id, workload: r.workload, toGeneration: r.to_generation, gate: r.gate, state: r.state, planDigest: r.plan_digest, plan: r.outline, rollout: r.rollout_outline,
      verdict: r.verdict, author: r.author, authorId: r.author_id, revisionAuthorId: r.revision_author_id, requestedAtMs: toMs(r.requested_at), expiresAtMs: toMs(r.expires_at), decidedBy: r.decided_by, decidedAtMs: toMsOrNull(r.decided_at), remark: r.remark, voidReason: r.void_reason, groups: r.groups,
      rank: r.rank, key: r.key,
    })),
    total: total.rows[0]?.n ?? 0,
  };
}
