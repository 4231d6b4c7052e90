import type { z } from "zod";
import { sentenceOf } from "../core/audit";
import type { AuditRow } from "../core/views/access";
import { refusal } from "../core/base/refusal";
import type { auditEntries } from "../store";

export type StoredAuditEntry = auditEntries.StoredAuditEntry;

/** The refusal of an entry, if it can still be read. */
export function refusalOf(e: StoredAuditEntry): z.infer<typeof refusal> | null {
  const parsed = refusal.safeParse(e.refusal);
  return parsed.success ? parsed.data : null;
}

/** Pages of the console by the kind of object; kinds without a page of their own have none. */
const pages: Record<string, ((p: string, e: StoredAuditEntry) => string) | undefined> = {
  node: (p, e) => `${p}/fleet/nodes/${encodeURIComponent(e.object)}`,
  site: (p, e) => `${p}/fleet/sites/${encodeURIComponent(e.object)}`,
  workload: (p, e) => `${p}/workloads/${encodeURIComponent(e.object)}`,
  policy: (p, e) => `${p}/policies/${encodeURIComponent(e.object)}`,
  rollout: (p, e) => {
    const number = /(\d+)\s*$/.exec(e.object)?.[1];
    return number ? `${p}/rollouts/${number}` : `${p}/rollouts`;
  },
  approval: (p, e) => `${p}/approvals/${encodeURIComponent(e.objectId)}`,
  person: (p) => `${p}/settings/people`,
  invitation: (p) => `${p}/settings/people`,
  joinToken: (p) => `${p}/settings/join`,
  token: (p) => `${p}/settings/tokens`,
  secret: (p) => `${p}/settings/secrets`,
  hook: (p) => `${p}/settings/hooks`,
};

/** The console's page of what an entry is about; null for kinds without one. */
export function auditHref(project: string, e: StoredAuditEntry): string | null {
  return pages[e.objectKind]?.(`/p/${encodeURIComponent(e.projectName ?? project)}`, e) ?? null;
}

/** An entry as lists show it. `project` is the name of the project whose log is looked at. */
export function rowOf(project: string, e: StoredAuditEntry): AuditRow {
  return {
    seq: String(e.seq),
    atMs: e.atMs,
    actorKind: e.actorKind,
    actorId: e.actorId,
    actor: e.actor,
    strength: e.strength,
    action: e.action,
    objectKind: e.objectKind,
    objectId: e.objectId,
    object: e.object,
    outcome: e.outcome,
    reason: e.reason,
    sentence: sentenceOf({ actor: e.actor, actorKind: e.actorKind, action: e.action, object: e.object, outcome: e.outcome, reason: e.reason, refusal: refusalOf(e)?.message ?? null }),
    href: auditHref(project, e),
  };
}
