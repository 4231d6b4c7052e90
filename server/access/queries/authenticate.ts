import { rolesFrom } from "../../core/access/actor";
import type { Actor } from "../../core/access/actor";
import { hashToken } from "../../platform";
import { sessions } from "../../store";
import { DAY_MS, HOUR_MS, tokenPrefix } from "../deps";
import type { AccessDeps } from "../deps";

/** Who stands behind a token. */
export type Authenticated = { actor: Actor; mustChangePassword: boolean; kind: "session" | "token"; expiresAtMs: number };

/** "Last seen" is written at most this often: it is for people, not for decisions. */
const TOUCH_EVERY_MS = 60_000;

/**
 * Looks up the session or service token of a request, every time: a deactivated person's session ends at once, and a
 * change of roles is felt by the next request. Null for anything that does not stand.
 */
export function authenticator(deps: AccessDeps) {
  const { store, clock, log } = deps;
  const db = store.read.client;
  const touched = new Map<string, number>();

  function touch(id: string, lastMs: number | null, write: () => Promise<void>): void {
    const nowMs = clock.nowMs();
    if (nowMs - Math.max(lastMs ?? 0, touched.get(id) ?? 0) < TOUCH_EVERY_MS) return;
    if (touched.size > 10_000) touched.clear();
    touched.set(id, nowMs);
    write().catch((error: unknown) => log.warn({ err: error }, "could not note when a session was last seen"));
  }

  return async function authenticate(token: string, requestId?: string): Promise<Authenticated | null> {
    const nowMs = clock.nowMs();
    if (token.length < 20 || token.length > 200) return null;
    if (token.startsWith(`${tokenPrefix.service}_`)) {
      const t = await sessions.standingServiceToken(db, hashToken(token), nowMs);
      if (!t) return null;
      touch(t.id, t.lastUsedMs, () => sessions.touchServiceToken(db, t.id, nowMs));
      const actor: Actor = { kind: "token", id: t.id, name: t.name, strength: "token", roles: rolesFrom([{ projectId: t.projectId, role: t.role }]), ...(requestId ? { requestId } : {}) };
      return { actor, mustChangePassword: false, kind: "token", expiresAtMs: t.expiresAtMs };
    }
    if (!token.startsWith(`${tokenPrefix.session}_`)) return null;
    const s = await sessions.standing(db, hashToken(token), nowMs);
    if (!s) return null;
    touch(s.id, s.lastSeenMs, () => sessions.touch(db, s.id, nowMs));
    const actor: Actor = { kind: "person", id: s.person.id, name: s.person.name, login: s.person.login, sessionId: s.id, strength: s.strength, roles: rolesFrom(s.memberships), ...(requestId ? { requestId } : {}) };
    return { actor, mustChangePassword: s.person.mustChangePassword, kind: "session", expiresAtMs: s.expiresAtMs };
  };
}

/** How long a new session lasts, by its kind. CLI sessions live on a developer's disk and last a week. */
export function sessionLifeMs(deps: AccessDeps, kind: "browser" | "cli"): number {
  return kind === "cli" ? 7 * DAY_MS : (deps.env.SESSION_HOURS ?? 12) * HOUR_MS;
}

