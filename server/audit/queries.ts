import type { z } from "zod";
import type { ProjectRef } from "../core/access/actor";
import { changedFields } from "../core/audit";
import { refuseNow } from "../core/base/refusal";
import type { auditDetail, auditPage } from "../core/views/access";
import type { Clock } from "../platform";
import { auditEntries } from "../store";
import type { Store } from "../store";
import { rowOf } from "./view";

/** Which entries; every field is optional. A time span includes its start and excludes its end. */
export interface AuditFilterInput {
  actor?: string | undefined;
  action?: string | undefined;
  object?: string | undefined;
  outcome?: "done" | "refused" | undefined;
  fromMs?: number | undefined;
  toMs?: number | undefined;
}

const RELATED = 20;

/** The filter of the store, for one project and what concerns the whole installation. */
export function filterOf(project: ProjectRef, input: AuditFilterInput): auditEntries.AuditFilter {
  const text = (t: string | undefined) => (t?.trim() ? t.trim() : undefined);
  return { projectId: project.id, actor: text(input.actor), action: text(input.action), object: text(input.object), outcome: input.outcome, fromMs: input.fromMs, toMs: input.toMs };
}

export function auditQueries(store: Store, clock: Clock) {
  const db = store.read.client;
  return {
    /** Newest first, by keyset pages. `total` is exact up to 10,000 and no larger than that. */
    async list(project: ProjectRef, input: AuditFilterInput & { cursor?: string | null | undefined; limit: number }): Promise<z.input<typeof auditPage>> {
      const filter = filterOf(project, input);
      const belowSeq = input.cursor ? seqFrom(input.cursor) : undefined;
      const [found, total] = await Promise.all([auditEntries.page(db, filter, { limit: input.limit + 1, ...(belowSeq === undefined ? {} : { belowSeq }) }), auditEntries.count(db, filter)]);
      const items = found.slice(0, input.limit);
      return { items: items.map((e) => rowOf(project.name, e)), nextCursor: found.length > input.limit ? String(items.at(-1)?.seq) : null, total, asOfMs: clock.nowMs() };
    },

    /** One entry with the fields that it changed, and the entries of the same request and object. */
    async get(project: ProjectRef, input: { seq: string }): Promise<z.input<typeof auditDetail>> {
      const entry = await auditEntries.bySeq(db, project.id, seqFrom(input.seq));
      if (!entry) refuseNow("not_found", `There is no audit entry ${input.seq} in project ${project.name}.`, "Look at the list of entries.");
      const related = await auditEntries.relatedTo(db, project.id, entry, RELATED);
      return {
        ...rowOf(project.name, entry),
        project: entry.projectName,
        sessionId: entry.sessionId,
        requestId: entry.requestId,
        refusal: entry.refusal ?? null,
        changes: changedFields(entry.before, entry.after),
        before: entry.before,
        after: entry.after,
        related: related.map((e) => rowOf(project.name, e)),
      };
    },
  };
}

/** The number of an entry from a text; one beyond what numbers can hold is of no entry. */
function seqFrom(text: string): number {
  const seq = Number(text);
  if (!Number.isSafeInteger(seq) || seq < 0) refuseNow("invalid_input", `${text.slice(0, 30)} is not the number of an audit entry.`, "Take the number or the cursor from the list of entries.", [{ path: "cursor", message: "is no number of an entry", remedy: "Take it from the list." }]);
  return seq;
}
