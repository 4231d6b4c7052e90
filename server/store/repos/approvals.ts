/** Approvals: consent to exactly one plan. Decided ones are never changed again. */
import type { ApproverGroup } from "../../core/manifest/rollout";
import { asJson, oneOrNone, toMs, toMsOrNull, type Queryable } from "../queryable";

export type ApprovalState = "pending" | "approved" | "rejected" | "void" | "expired";
export interface ApprovalRecord {
  id: string;
  projectId: string;
  rolloutId: string;
  gate: string;
  planDigest: string;
  plan: unknown;
  state: ApprovalState;
  requestedAtMs: number;
  expiresAtMs: number;
  decidedById: string | null;
  decidedBy: string | null;
  decidedAtMs: number | null;
  remark: string | null;
  voidReason: string | null;
  groups: ApproverGroup[] | null;
  version: number;
}
/** Somebody's consent to an approval, as it was given. */
export interface ConsentRecord {
  approvalId: string;
  byId: string;
  by: string;
  /** What the person signs in with, as of now; null for service tokens. Read, not kept. */
  login?: string | null | undefined;
  roles: string[];
  remark: string;
  atMs: number;
}
interface Sql {
  id: string; project_id: string; rollout_id: string; gate: string; plan_digest: string; plan: unknown; state: ApprovalState; requested_at: Date; expires_at: Date; decided_by_id: string | null; decided_by: string | null; decided_at: Date | null; remark: string | null; void_reason: string | null; groups: ApproverGroup[] | null; version: number;
}
const fromSql = (r: Sql): ApprovalRecord => ({
  id: r.id, projectId: r.project_id, rolloutId: r.rollout_id, gate: r.gate, planDigest: r.plan_digest, plan: r.plan, state: r.state, requestedAtMs: toMs(r.requested_at), expiresAtMs: toMs(r.expires_at),
  decidedById: r.decided_by_id, decidedBy: r.decided_by, decidedAtMs: toMsOrNull(r.decided_at), remark: r.remark, voidReason: r.void_reason, groups: r.groups, version: r.version,
});

export async function ofRollout(q: Queryable, rolloutId: string): Promise<ApprovalRecord[]> {
  return (await q.query<Sql>(`select * from approvals where rollout_id = $1 order by requested_at, id`, [rolloutId])).rows.map(fromSql);
}
export async function byId(q: Queryable, projectId: string, id: string, lock = false): Promise<ApprovalRecord | null> {
  const r = await oneOrNone<Sql>(q, `select * from approvals where project_id = $1 and id = $2${lock ? " for update" : ""}`, [projectId, id]);
  return r ? fromSql(r) : null;
}
export async function insert(q: Queryable, a: { id: string; projectId: string; rolloutId: string; gate: string; planDigest: string; plan: unknown; groups: readonly ApproverGroup[] | null; nowMs: number; expiresAtMs: number }): Promise<void> {
  await q.query(
    `insert into approvals (id, project_id, rollout_id, gate, plan_digest, plan, state, requested_at, expires_at, groups) values ($1, $2, $3, $4, $5, $6, 'pending', to_timestamp($7 / 1000.0), to_timestamp($8 / 1000.0), $9)`,
    [a.id, a.projectId, a.rolloutId, a.gate, a.planDigest, asJson(a.plan), a.nowMs, a.expiresAtMs, asJson(a.groups)],
  );
}
/** Decides a pending approval; false when it is not pending any more. */
export async function decide(q: Queryable, id: string, d: { state: "approved" | "rejected"; byId: string; by: string; remark: string; nowMs: number }): Promise<boolean> {
  const r = await q.query(`update approvals set state = $2, decided_by_id = $3, decided_by = $4, remark = $5, decided_at = to_timestamp($6 / 1000.0), version = version + 1 where id = $1 and state = 'pending'`, [id, d.state, d.byId, d.by, d.remark, d.nowMs]);
  return r.rowCount === 1;
}
export async function expire(q: Queryable, id: string, nowMs: number): Promise<boolean> {
  const r = await q.query(`update approvals set state = 'expired', decided_at = to_timestamp($2 / 1000.0), version = version + 1 where id = $1 and state = 'pending'`, [id, nowMs]);
  return r.rowCount === 1;
}
/** Voids what was asked or consented for another plan, and says which leaf changed. Returns the ids. */
export async function voidOthers(q: Queryable, rolloutId: string, planDigest: string, reason: string, nowMs: number): Promise<string[]> {
  const r = await q.query<{ id: string }>(
    `update approvals set state = 'void', void_reason = $3, decided_at = coalesce(decided_at, to_timestamp($4 / 1000.0)), version = version + 1
     where rollout_id = $1 and plan_digest <> $2 and state in ('pending', 'approved') returning id`,
    [rolloutId, planDigest, reason, nowMs],
  );
  return r.rows.map((x) => x.id);
}
/** Ends the questions of a rollout that has ended. */
export async function closePending(q: Queryable, rolloutId: string, reason: string, nowMs: number): Promise<void> {
  await q.query(`update approvals set state = 'void', void_reason = $2, decided_at = to_timestamp($3 / 1000.0), version = version + 1 where rollout_id = $1 and state = 'pending'`, [rolloutId, reason, nowMs]);
}

/** Keeps a consent; false when this person gave it before. */
export async function addConsent(q: Queryable, c: ConsentRecord): Promise<boolean> {
  const r = await q.query(`insert into approval_consents (approval_id, person_id, person, roles, remark, at) values ($1, $2, $3, $4, $5, to_timestamp($6 / 1000.0)) on conflict do nothing`, [c.approvalId, c.byId, c.by, c.roles, c.remark, c.atMs]);
  return r.rowCount === 1;
}
/** Consents of approvals, the earliest first. */
export async function consentsOf(q: Queryable, approvalIds: readonly string[]): Promise<ConsentRecord[]> {
  if (approvalIds.length === 0) return [];
  const r = await q.query<{ approval_id: string; person_id: string; person: string; login: string | null; roles: string[]; remark: string; at: Date }>(`select c.*, p.login from approval_consents c left join people p on p.id = c.person_id where c.approval_id = any($1) order by c.at, c.person_id`, [approvalIds]);
  return r.rows.map((x) => ({ approvalId: x.approval_id, byId: x.person_id, by: x.person, login: x.login, roles: x.roles, remark: x.remark, atMs: toMs(x.at) }));
}
/** Counts a consent that did not complete the approval, so that older pictures of it are stale. */
export async function bump(q: Queryable, id: string): Promise<void> {
  await q.query(`update approvals set version = version + 1 where id = $1`, [id]);
}
/** Voids pending questions that showed other evidence than what decided last. Returns the ids. */
export async function voidOtherEvidence(q: Queryable, rolloutId: string, evidence: string, reason: string, nowMs: number): Promise<string[]> {
  const r = await q.query<{ id: string }>(
    `update approvals set state = 'void', void_reason = $3, decided_at = to_timestamp($4 / 1000.0), version = version + 1
     where rollout_id = $1 and state = 'pending' and plan ->> 'evidenceDigest' is distinct from $2 returning id`,
    [rolloutId, evidence, reason, nowMs],
  );
  return r.rows.map((x) => x.id);
}
