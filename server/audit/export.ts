import type { Actor, ProjectRef } from "../core/access/actor";
import { csvLine } from "../core/audit";
import { auditEntries } from "../store";
import type { Store } from "../store";
import { appendAudit } from "./append";
import { filterOf } from "./queries";
import type { AuditFilterInput } from "./queries";
import { refusalOf, rowOf } from "./view";
import type { StoredAuditEntry } from "./view";

export const exportFormats = ["csv", "jsonl"] as const;
export type ExportFormat = (typeof exportFormats)[number];

const BATCH = 1_000;
const columns = ["seq", "at", "project", "actorKind", "actorId", "actor", "sessionId", "strength", "action", "objectKind", "objectId", "object", "outcome", "reason", "refusalCode", "refusal", "sentence", "requestId", "before", "after"] as const;

/**
 * The audit log as a stream of text, oldest first, in pieces of up to 1,000 entries. That somebody exported it is an
 * entry of its own, written before the first byte, and the last one in the file (if the filter lets it through).
 * Everything that had committed by then is in it: entries are read up to that number, after every transaction that
 * might still have held a smaller one has ended.
 */
export async function exportAudit(store: Store, actor: Actor, project: ProjectRef, input: AuditFilterInput & { format: ExportFormat }): Promise<AsyncIterable<string>> {
  const filter = filterOf(project, input);
  const { format, ...asked } = input;
  const own = await store.inTransaction((tx) =>
    appendAudit(tx, { actor, action: "audit.export", objectKind: "audit", objectId: project.id, object: project.name, projectId: project.id, outcome: "done", after: { format, ...asked } }),
  );
  await auditEntries.waitForEarlier(store.read.client);
  return pieces(store, project, filter, format, own.seq);
}

async function* pieces(store: Store, project: ProjectRef, filter: auditEntries.AuditFilter, format: ExportFormat, upToSeq: number): AsyncGenerator<string> {
  if (format === "csv") yield csvLine(columns);
  for (let aboveSeq = -1; ; ) {
    const batch = await auditEntries.following(store.read.client, filter, { aboveSeq, upToSeq, limit: BATCH });
    const last = batch.at(-1);
    if (last) yield batch.map((e) => (format === "csv" ? csvOf(project, e) : jsonOf(project, e))).join("");
    if (!last || batch.length < BATCH) return;
    aboveSeq = last.seq;
  }
}

const json = (value: unknown) => (value === null || value === undefined ? null : JSON.stringify(value));

function csvOf(project: ProjectRef, e: StoredAuditEntry): string {
  const refusal = refusalOf(e);
  const { sentence } = rowOf(project.name, e);
  return csvLine([e.seq, new Date(e.atMs).toISOString(), e.projectName, e.actorKind, e.actorId, e.actor, e.sessionId, e.strength, e.action, e.objectKind, e.objectId, e.object, e.outcome, e.reason, refusal?.code ?? null, refusal?.message ?? null, sentence, e.requestId, json(e.before), json(e.after)]);
}

function jsonOf(project: ProjectRef, e: StoredAuditEntry): string {
  const { sentence } = rowOf(project.name, e);
  return `${JSON.stringify({ seq: e.seq, at: new Date(e.atMs).toISOString(), project: e.projectName, actorKind: e.actorKind, actorId: e.actorId, actor: e.actor, sessionId: e.sessionId, strength: e.strength, action: e.action, objectKind: e.objectKind, objectId: e.objectId, object: e.object, outcome: e.outcome, reason: e.reason, refusal: e.refusal, sentence, requestId: e.requestId, before: e.before, after: e.after })}\n`;
}
