import { z } from "zod";
import { role } from "../access/permissions";
import { changeView, pageOf, timeMs } from "./common";

export const meView = z.object({
  id: z.string(),
  login: z.string(),
  name: z.string(),
  mustChangePassword: z.boolean(),
  strength: z.enum(["password", "oidc", "token"]),
  projects: z.array(z.object({ name: z.string(), title: z.string(), roles: z.array(role), permissions: z.array(z.string()) })),
});
export type MeView = z.infer<typeof meView>;
export const personRow = z.object({ id: z.string(), login: z.string(), name: z.string(), email: z.string().nullable(), active: z.boolean(), signIn: z.enum(["password", "oidc", "none"]), roles: z.array(z.object({ project: z.string(), role })), lastSignInMs: timeMs.nullable(), sessions: z.int(), version: z.int() });
export const invitationRow = z.object({ id: z.string(), login: z.string(), role, createdBy: z.string(), createdAtMs: timeMs, expiresAtMs: timeMs, state: z.enum(["open", "used", "expired"]) });
export const serviceTokenRow = z.object({ id: z.string(), name: z.string(), role, createdBy: z.string(), createdAtMs: timeMs, expiresAtMs: timeMs, lastUsedMs: timeMs.nullable(), state: z.enum(["active", "expired", "revoked"]) });
export const joinTokenRow = z.object({ id: z.string(), site: z.string(), createdBy: z.string(), createdAtMs: timeMs, expiresAtMs: timeMs, state: z.enum(["open", "used", "expired", "revoked"]), usedByNode: z.string().nullable() });
/** Shown once: the token and the exact command to enrol a machine. */
export const joinTokenIssued = joinTokenRow.extend({ token: z.string(), command: z.string(), agentUrl: z.string(), agentSha256: z.string().nullable(), authorityFingerprint: z.string() });
export const secretRow = z.object({ name: z.string(), version: z.int(), updatedBy: z.string(), updatedAtMs: timeMs, usedBy: z.array(z.string()) });
export const identityProviderView = z.object({ configured: z.boolean(), issuer: z.string().nullable(), clientId: z.string().nullable(), name: z.string().nullable(), source: z.enum(["environment", "settings", "none"]) });

export const auditRow = z.object({
  seq: z.string(),
  atMs: timeMs,
  actorKind: z.enum(["person", "token", "node", "system"]),
  actorId: z.string(),
  actor: z.string(),
  strength: z.string().nullable(),
  action: z.string(),
  objectKind: z.string(),
  objectId: z.string(),
  object: z.string(),
  outcome: z.enum(["done", "refused"]),
  reason: z.string().nullable(),
  /** The entry as a sentence: who did what to what, and how it ended. */
  sentence: z.string(),
  href: z.string().nullable(),
});
export type AuditRow = z.infer<typeof auditRow>;
export const auditPage = pageOf(auditRow);
export const auditDetail = auditRow.extend({ project: z.string().nullable(), sessionId: z.string().nullable(), requestId: z.string().nullable(), refusal: z.unknown().nullable(), changes: z.array(changeView), before: z.unknown(), after: z.unknown(), related: z.array(auditRow) });

export const healthView = z.object({
  status: z.enum(["ready", "notReady"]),
  version: z.string(),
  processes: z.array(z.object({ id: z.string(), name: z.string(), version: z.string(), state: z.string(), since: z.string(), ageMs: z.int(), details: z.record(z.string(), z.unknown()) })),
});
