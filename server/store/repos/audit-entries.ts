import { asJson } from "../queryable";
import type { Queryable } from "../queryable";

/** An audit entry to be written; its number and time are the database's own. */
export interface NewAuditEntry {
  projectId: string | null;
  actorKind: "person" | "token" | "node" | "system";
  actorId: string;
  /** What people call the actor, as it was then. */
  actor: string;
  sessionId: string | null;
  strength: string | null;
  action: string;
  objectKind: string;
  objectId: string;
  object: string;
  outcome: "done" | "refused";
  refusal: unknown;
  reason: string | null;
  before: unknown;
  after: unknown;
  requestId: string | null;
}

/** Appends one entry. The application's role can do nothing else with this table but read it. */
export async function insertAuditEntry(db: Queryable, e: NewAuditEntry): Promise<{ seq: number }> {
  const { rows } = await db.query<{ seq: number }>(
    `insert into audit_entries (project_id, actor_kind, actor_id, actor, session_id, strength, action, object_kind, object_id, object, outcome, refusal, reason, before, after, request_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) returning seq`,
    [e.projectId, e.actorKind, e.actorId, e.actor, e.sessionId, e.strength, e.action, e.objectKind, e.objectId, e.object, e.outcome, asJson(e.refusal), e.reason, asJson(e.before), asJson(e.after), e.requestId],
  );
  return { seq: rows[0]?.seq ?? 0 };
}
