/** Recorded decisions of the scheduler. */
import { oneOrNone, toMs } from "../queryable";
import type { Queryable } from "../queryable";

export interface StoredDecision {
  id: string;
  workloadId: string;
  workload: string;
  unit: string;
  outcome: "placed" | "unplaced";
  node: string | null;
  site: string | null;
  because: string;
  policyDigest: string;
  generation: number;
  atMs: number;
  /** The time in full, for cursors. */
  at: string;
  candidates: unknown;
}
interface DecisionSql { id: string; workload_id: string; workload: string; unit: string; outcome: "placed" | "unplaced"; node: string | null; site: string | null; because: string; policy_digest: string; generation: number; created_at: Date; at: string; candidates?: unknown }
const toDecision = (r: DecisionSql): StoredDecision => ({ id: r.id, workloadId: r.workload_id, workload: r.workload, unit: r.unit, outcome: r.outcome, node: r.node, site: r.site, because: r.because, policyDigest: r.policy_digest, generation: r.generation, atMs: toMs(r.created_at), at: r.at, candidates: r.candidates ?? null });
const columns = "d.id, d.workload_id, w.name as workload, d.unit, d.outcome, n.name as node, s.name as site, d.because, d.policy_digest, d.generation, d.created_at, d.created_at::text as at";
const joins = "from decisions d join objects w on w.id = d.workload_id left join nodes n on n.id = d.node_id left join sites s on s.id = n.site_id";

/** The candidates of decision d whole: its own, and what it shares with others (see `insertDecisions`), which stands in e. */
export const wholeCandidates = "case when e.id is null then d.candidates else e.doc || d.candidates || jsonb_build_object('candidates', (d.candidates -> 'candidates') || (e.doc -> 'candidates')) end as candidates";
export const evidenceJoin = "left join decision_evidence e on e.id = d.evidence_id";

/** One page, newest first. `before` is time and id of the last row. */
export async function page(db: Queryable, projectId: string, o: { workload?: string | undefined; unit?: string | undefined; before: { at: string; id: string } | null; limit: number }): Promise<{ items: StoredDecision[]; total: number }> {
  const values: unknown[] = [projectId];
  const arg = (v: unknown) => `$${values.push(v)}`;
  const where = ["d.project_id = $1"];
  if (o.workload !== undefined) where.push(`d.workload_id = (select id from objects where project_id = $1 and kind = 'Workload' and name = ${arg(o.workload)} and deleted_at is null)`);
  if (o.unit !== undefined) where.push(`d.unit = ${arg(o.unit)}`);
  const total = await db.query<{ n: number }>(`select count(*)::int as n from decisions d where ${where.join(" and ")}`, [...values]);
  if (o.before) where.push(`(d.created_at, d.id) < (${arg(o.before.at)}::timestamptz, ${arg(o.before.id)})`);
  const { rows } = await db.query<DecisionSql>(`select ${columns} ${joins} where ${where.join(" and ")} order by d.created_at desc, d.id desc limit ${arg(o.limit)}`, values);
  return { items: rows.map(toDecision), total: total.rows[0]?.n ?? 0 };
}

export async function byId(db: Queryable, projectId: string, id: string): Promise<StoredDecision | null> {
  const r = await oneOrNone<DecisionSql>(db, `select ${columns}, ${wholeCandidates} ${joins} ${evidenceJoin} where d.project_id = $1 and d.id = $2`, [projectId, id]);
  return r ? toDecision(r) : null;
}

/** The newest decision about a unit, with its candidates. */
export async function newestOfUnit(db: Queryable, projectId: string, unit: string): Promise<StoredDecision | null> {
  const { rows } = await db.query<DecisionSql>(`select ${columns}, ${wholeCandidates} ${joins} ${evidenceJoin} where d.project_id = $1 and d.unit = $2 order by d.created_at desc, d.id desc limit 1`, [projectId, unit]);
  return rows[0] ? toDecision(rows[0]) : null;
}
