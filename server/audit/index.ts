/**
 * The audit log: every state-changing command leaves one entry, refused ones included, which the application can never
 * change. It knows actors, actions and sentences; it does not know what the commands do.
 */
import type { Actor, ProjectRef } from "../core/access/actor";
import type { Clock } from "../platform";
import type { Store } from "../store";
import { exportAudit } from "./export";
import type { ExportFormat } from "./export";
import { auditQueries } from "./queries";
import type { AuditFilterInput } from "./queries";

export function createAudit(deps: { store: Store; clock: Clock }) {
  return {
    queries: auditQueries(deps.store, deps.clock),
    commands: {
      /** See `exportAudit`. The caller has checked `audit.read`. */
      export: (actor: Actor, project: ProjectRef, input: AuditFilterInput & { format: ExportFormat }) => exportAudit(deps.store, actor, project, input),
    },
  };
}

export { appendAudit, auditedCommand, recordRefusal } from "./append";
export type { AuditEntry, AuditNote, AuditSubject } from "./append";
export type { ExportFormat } from "./export";
export type { AuditFilterInput } from "./queries";
export { auditHref } from "./view";
