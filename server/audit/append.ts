import type { Actor } from "../core/access/actor";
import type { AuditAction } from "../core/audit";
import { isRefused } from "../core/base/refusal";
import type { Refusal } from "../core/base/refusal";
import type { Store, Tx } from "../store";

/** What a command is about, as far as it is known before it ran. */
export interface AuditSubject {
  action: AuditAction;
  /** Kind and id by which entries of one thing are found again; `object` is its name for people, as it is now. */
  objectKind: string;
  objectId: string;
  object: string;
  /** Null for what concerns the whole installation. */
  projectId: string | null;
  /** Why the person did it, in his or her words. */
  reason?: string | null | undefined;
}

/** What becomes known while a command runs. `nothing` says that nothing was to do, and leaves no entry of success. */
export type AuditNote = Partial<AuditSubject> & { before?: unknown; after?: unknown; nothing?: boolean };

export type AuditEntry = AuditSubject & { actor: Actor; outcome: "done" | "refused"; refusal?: Refusal | undefined; before?: unknown; after?: unknown };

/** Longest name and reason that are kept whole. */
const LONGEST = 2_000;
/** Control characters, line breaks and marks of writing direction would let a name forge lines in exports and terminals. */
// eslint-disable-next-line no-control-regex
const clean = (text: string) => text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, " ").slice(0, LONGEST);
/** A reason may have lines. */
const cleanLines = (text: string) => text.split("\n").map(clean).join("\n").slice(0, LONGEST);

/** Appends one entry in the transaction of the change that it tells of. */
export async function appendAudit(tx: Tx, e: AuditEntry): Promise<{ seq: number }> {
  const reason = e.reason?.trim();
  return tx.audit.append({
    projectId: e.projectId,
    actorKind: e.actor.kind,
    actorId: clean(e.actor.id),
    actor: clean(e.actor.name),
    sessionId: e.actor.sessionId ?? null,
    strength: e.actor.strength ?? null,
    action: e.action,
    objectKind: e.objectKind,
    objectId: clean(e.objectId),
    object: clean(e.object),
    outcome: e.outcome,
    refusal: e.refusal ?? null,
    reason: reason ? cleanLines(reason) : null,
    before: e.before ?? null,
    after: e.after ?? null,
    requestId: e.actor.requestId ?? null,
  });
}

/** Records in a transaction of its own that something was refused. */
export async function recordRefusal(store: Store, actor: Actor, subject: AuditSubject, refusal: Refusal): Promise<void> {
  await store.inTransaction((tx) => appendAudit(tx, { ...subject, actor, outcome: "refused", refusal }));
}

/**
 * Runs a state-changing command: `work` and its audit entry in one transaction, so that there is never one without the
 * other. When `work` refuses, everything is undone, the refusal is recorded in a transaction of its own, and thrown on.
 * A bug (any other error) undoes everything, is thrown on, and leaves no entry. If the entry can't be written, the
 * command fails.
 * `work` may run again after a deadlock, and tells what it finds out through `note` (object, before, after).
 */
export async function auditedCommand<T>(store: Store, actor: Actor, subject: AuditSubject, work: (tx: Tx, note: (n: AuditNote) => void) => Promise<T>): Promise<T> {
  let noted: AuditNote = {};
  try {
    return await store.inTransaction(async (tx) => {
      noted = {};
      const value = await work(tx, (n) => (noted = { ...noted, ...n }));
      if (!noted.nothing) await appendAudit(tx, { ...subject, ...noted, actor, outcome: "done" });
      return value;
    });
  } catch (error) {
    if (!isRefused(error)) throw error;
    // Of a refused command only what names it is kept: its before and after never came to be.
    const { action, objectKind, objectId, object, projectId, reason } = { ...subject, ...noted };
    await recordRefusal(store, actor, { action, objectKind, objectId, object, projectId, reason }, error.holdfastRefusal);
    throw error;
  }
}
