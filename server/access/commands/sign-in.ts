import { auditedCommand } from "../../audit";
import type { Actor } from "../../core/access/actor";
import { rolesFrom } from "../../core/access/actor";
import { lockMsAfter, THROTTLE_FORGET_MS } from "../../core/access/throttle";
import type { ThrottleKind } from "../../core/access/throttle";
import { refuseNow } from "../../core/base/refusal";
import { hashToken, newId, newToken } from "../../platform";
import { invitations, people, sessions } from "../../store";
import type { Tx } from "../../store";
import { LOGIN_PATTERN, normaliseLogin, tokenPrefix } from "../deps";
import type { AccessDeps, RequestOrigin } from "../deps";
import { hashPassword, verifyPassword } from "../password";
import { sessionLifeMs } from "../queries/authenticate";

export type Started = { token: string; sessionId: string; personId: string; name: string; expiresAtMs: number; mustChangePassword: boolean };
type PersonRecord = NonNullable<Awaited<ReturnType<typeof people.byLogin>>>;

/** Whoever is signing in, as the audit log names them: by the login they typed when nobody is known by it. */
function signingIn(person: PersonRecord | undefined, login: string, strength: "password" | "oidc", requestId: string): Actor {
  return { kind: "person", id: person?.id ?? "unknown", name: person?.name ?? (login || "unknown"), strength, requestId, roles: rolesFrom([]) };
}

const loginKey = (login: string) => `login:${login}`;

/**
 * Counts an attempt before it is made and refuses it while its address or login is locked. The address comes first, so
 * that a locked address can't lock logins too. Refusals by the throttle are logged and not audited: otherwise anybody
 * could fill the audit log from outside.
 */
export async function countAttempt(deps: AccessDeps, login: string, address: string | null): Promise<void> {
  const nowMs = deps.clock.nowMs();
  const keys: { kind: ThrottleKind; key: string }[] = [...(address ? [{ kind: "address" as const, key: `address:${address}` }] : []), { kind: "login", key: loginKey(login) }];
  const lockedUntilMs = await deps.store.inTransaction(async (tx) => {
    for (const { kind, key } of keys) {
      const attempt = await invitations.countAttempt(tx.client, key, nowMs, THROTTLE_FORGET_MS);
      if (attempt.lockedUntilMs !== null) return attempt.lockedUntilMs;
      const lockMs = lockMsAfter(kind, attempt.failures);
      if (lockMs > 0) await invitations.lock(tx.client, key, nowMs + lockMs);
    }
    return null;
  });
  if (lockedUntilMs === null) return;
  deps.log.warn({ login, address }, "a sign-in was refused by the throttle");
  const seconds = Math.max(1, Math.ceil((lockedUntilMs - nowMs) / 1_000));
  refuseNow("throttled", "There were too many failed sign-ins.", `Wait ${seconds} s and try again. If you have forgotten the password, an administrator of the server can set a new one.`);
}

/** After a success: forget the login's failures and take back the one attempt counted for the address. */
async function forgetAttempt(tx: Tx, login: string, address: string | null): Promise<void> {
  await invitations.forgetFailures(tx.client, loginKey(login));
  if (address) await invitations.uncountAttempt(tx.client, `address:${address}`);
}

async function startSession(deps: AccessDeps, tx: Tx, person: PersonRecord, strength: "password" | "oidc", kind: "browser" | "cli", from: RequestOrigin): Promise<Started> {
  const nowMs = deps.clock.nowMs();
  // Always a new token: one that was in the browser before the sign-in is worth nothing (session fixation).
  const token = newToken(tokenPrefix.session);
  const id = newId("session");
  const expiresAtMs = nowMs + sessionLifeMs(deps, kind);
  await sessions.insert(tx.client, { id, personId: person.id, kind, tokenHash: hashToken(token), strength, address: from.address, userAgent: from.userAgent?.slice(0, 300) ?? null, nowMs, expiresAtMs });
  await people.signedIn(tx.client, person.id, nowMs);
  tx.changes.add("person", person.id, null);
  return { token, sessionId: id, personId: person.id, name: person.name, expiresAtMs, mustChangePassword: person.mustChangePassword };
}

/** Signs in with login and password. Wrong password, unknown login and deactivated person give one and the same answer. */
export async function signInWithPassword(deps: AccessDeps, input: { login: string; password: string }, kind: "browser" | "cli", from: RequestOrigin): Promise<Started> {
  const login = normaliseLogin(input.login);
  await countAttempt(deps, login, from.address);
  const person = LOGIN_PATTERN.test(login) ? await people.byLogin(deps.store.read.client, login) : undefined;
  const { ok, rehash } = await verifyPassword(input.password, person?.active ? person.passwordHash : null);
  const newHash = ok && rehash ? await hashPassword(input.password) : null;
  const object = { objectKind: "session", objectId: person?.id ?? "unknown", object: login || "unknown" };
  return auditedCommand(deps.store, signingIn(person, login, "password", from.requestId), { action: "session.start", ...object, projectId: null }, async (tx, note) => {
    if (!ok || !person) return refuseNow("unauthenticated", "Login or password is wrong, or the account is deactivated.", "Check both and try again. An administrator can invite you or set a new password on the server.");
    // Between the check and now somebody may have deactivated the person or changed the password.
    const now = await people.byId(tx.client, person.id);
    if (!now?.active || now.passwordHash !== person.passwordHash) return refuseNow("unauthenticated", "The account was changed at this very moment.", "Try again.");
    if (newHash !== null && person.passwordHash !== null) await people.replaceHash(tx.client, person.id, person.passwordHash, newHash);
    await forgetAttempt(tx, login, from.address);
    const started = await startSession(deps, tx, now, "password", kind, from);
    note({ objectId: started.sessionId, after: { kind, strength: "password", address: from.address } });
    return started;
  });
}

export type ProvenIdentity = { issuer: string; subject: string; name: string | null; email: string | null; preferredLogin: string | null };

/**
 * Signs in whoever the identity provider vouches for. A person is known by issuer and subject alone: nobody is adopted
 * by a matching e-mail or login. Somebody new becomes a person without any role, who waits for an administrator.
 */
export async function signInWithIdentity(deps: AccessDeps, proven: ProvenIdentity, from: RequestOrigin): Promise<Started> {
  const known = await people.byIdentity(deps.store.read.client, proven.issuer, proven.subject);
  const asked = normaliseLogin(proven.preferredLogin ?? proven.email ?? proven.subject);
  const actor = signingIn(known, known?.login ?? asked, "oidc", from.requestId);
  return auditedCommand(deps.store, actor, { action: "session.start", objectKind: "session", objectId: known?.id ?? "new", object: known?.login ?? asked, projectId: null }, async (tx, note) => {
    await people.lockPeople(tx.client);
    const person = (await people.byIdentity(tx.client, proven.issuer, proven.subject)) ?? (await meet(deps, tx, proven, asked));
    if (!person.active) return refuseNow("forbidden", "This account is deactivated.", "Ask an administrator to activate it.");
    const started = await startSession(deps, tx, person, "oidc", "browser", from);
    note({ objectId: started.sessionId, object: person.login, after: { kind: "browser", strength: "oidc", address: from.address, newPerson: !known } });
    return started;
  });
}

/** Makes a person of a proven identity, under a login that nobody has. */
async function meet(deps: AccessDeps, tx: Tx, proven: ProvenIdentity, asked: string): Promise<PersonRecord> {
  const base = asked.replace(/[^a-z0-9._@+-]/g, "-").replace(/^[^a-z0-9]+/, "") || "person";
  let login = base.length < 2 ? `${base}-1` : base;
  for (let n = 2; await people.byLogin(tx.client, login); n++) login = `${base.slice(0, 110)}-${n}`;
  const id = newId("person");
  await people.insert(tx.client, { id, login, name: proven.name?.slice(0, 120) || login, email: proven.email?.slice(0, 300) ?? null, passwordHash: null, mustChangePassword: false, oidcIssuer: proven.issuer, oidcSubject: proven.subject }, deps.clock.nowMs());
  const made = await people.byId(tx.client, id);
  if (!made) throw new Error("a person that was just made is not there");
  return made;
}

/** Ends the actor's own session. */
export async function endSession(deps: AccessDeps, actor: Actor): Promise<{ version: null; message: string }> {
  const { sessionId } = actor;
  if (!sessionId) return refuseNow("invalid_input", "A service token has no session to end.", "Revoke the token instead.");
  return auditedCommand(deps.store, actor, { action: "session.end", objectKind: "session", objectId: sessionId, object: actor.name, projectId: null }, async (tx) => {
    await sessions.end(tx.client, sessionId, deps.clock.nowMs());
    tx.changes.add("person", actor.id, null);
    return { version: null, message: "You are signed out." };
  });
}
