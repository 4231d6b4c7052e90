import { auditedCommand } from "../../audit";
import { EVERY_PROJECT } from "../../core/access/actor";
import type { Actor } from "../../core/access/actor";
import { passwordFault } from "../../core/access/password-rules";
import { refuseNow } from "../../core/base/refusal";
import { newId } from "../../platform";
import { invitations, people, sessions } from "../../store";
import { normaliseLogin } from "../deps";
import type { AccessDeps } from "../deps";
import { hashPassword, inventPassword, verifyPassword } from "../password";
import { countAttempt } from "./sign-in";

/** Changes one's own password. Every other session of the person ends. */
export async function changePassword(deps: AccessDeps, actor: Actor, input: { current: string; next: string }) {
  const { store } = deps;
  const person = actor.kind === "person" ? await people.byId(store.read.client, actor.id) : undefined;
  if (person) await countAttempt(deps, person.login, null);
  const { ok } = await verifyPassword(input.current, person?.passwordHash ?? null);
  const fault = person ? passwordFault(input.next, person.login, "next") : null;
  const hash = ok && !fault ? await hashPassword(input.next) : null;
  return auditedCommand(store, actor, { action: "person.changePassword", objectKind: "person", objectId: actor.id, object: person?.login ?? actor.name, projectId: null }, async (tx, note) => {
    if (!person?.passwordHash) return refuseNow("invalid_input", "This account has no password here.", "Change it at your identity provider, or revoke the service token.");
    if (!ok) return refuseNow("unauthenticated", "The present password is wrong.", "Type the password with which you signed in.", [{ path: "current", message: "wrong", remedy: "Type the password with which you signed in." }]);
    if (fault || hash === null) return refuseNow("invalid_input", `The new password can't be used: ${fault?.message ?? ""}`, fault?.remedy ?? "Choose another.", fault ? [fault] : []);
    if (input.next === input.current) return refuseNow("invalid_input", "The new password is the present one.", "Choose another.", [{ path: "next", message: "the same as before", remedy: "Choose another." }]);
    await people.setPassword(tx.client, person.id, hash, false);
    await invitations.forgetFailures(tx.client, `login:${person.login}`);
    const ended = await sessions.endAllOf(tx.client, person.id, deps.clock.nowMs(), actor.sessionId ?? null);
    note({ after: { otherSessionsEnded: ended } });
    tx.changes.add("person", person.id, null);
    return { version: person.version + 1, message: "Your password is changed; other sessions have ended." };
  });
}

/** Sets a one-time password for somebody who lost theirs; for the command line on the server. Ends all their sessions. */
export async function recoverPassword(deps: AccessDeps, actor: Actor, login: string): Promise<{ login: string; password: string }> {
  const name = normaliseLogin(login);
  const password = inventPassword();
  const hash = await hashPassword(password);
  return auditedCommand(deps.store, actor, { action: "person.recoverPassword", objectKind: "person", objectId: name, object: name, projectId: null }, async (tx, note) => {
    const person = await people.byLogin(tx.client, name);
    if (!person) return refuseNow("not_found", `There is no person '${name}'.`, "Check the login; `people.list` shows everybody.");
    if (person.oidcSubject !== null && person.passwordHash === null) return refuseNow("invalid_input", `${name} signs in at the identity provider and has no password here.`, "Recover the password there.");
    await people.setPassword(tx.client, person.id, hash, true);
    await invitations.forgetFailures(tx.client, `login:${person.login}`);
    const ended = await sessions.endAllOf(tx.client, person.id, deps.clock.nowMs(), null);
    note({ objectId: person.id, after: { mustChangePassword: true, sessionsEnded: ended } });
    tx.changes.add("person", person.id, null);
    return { login: person.login, password };
  });
}

/**
 * Makes the first administrator, with a one-time password that must be changed at the first sign-in. Does nothing when
 * the installation has an active administrator, so that it can be run at every start.
 */
export async function createFirstAdministrator(deps: AccessDeps, actor: Actor, o: { login?: string | undefined } = {}): Promise<{ login: string; password: string | null; created: boolean }> {
  const { store, clock } = deps;
  const first = (await people.activeInstallationAdministrators(store.read.client))[0];
  if (first) return { login: first, password: null, created: false };
  const login = normaliseLogin(o.login ?? "admin");
  const password = inventPassword();
  const hash = await hashPassword(password);
  const id = newId("person");
  return auditedCommand(store, actor, { action: "person.createFirstAdministrator", objectKind: "person", objectId: id, object: login, projectId: null }, async (tx, note) => {
    await people.lockPeople(tx.client);
    const meanwhile = (await people.activeInstallationAdministrators(tx.client))[0];
    if (meanwhile) return refuseNow("already_exists", `There is an administrator already: ${meanwhile}.`, "Sign in, or recover the password on the server.");
    if (await people.byLogin(tx.client, login)) return refuseNow("already_exists", `There is a person '${login}' who is no active administrator.`, "Choose another login with --login.");
    await people.insert(tx.client, { id, login, name: "Administrator", email: null, passwordHash: hash, mustChangePassword: true, oidcIssuer: null, oidcSubject: null }, clock.nowMs());
    await people.addMembership(tx.client, id, EVERY_PROJECT, "administrator");
    note({ after: { login, role: "administrator", everywhere: true } });
    tx.changes.add("person", id, null);
    return { login, password, created: true };
  });
}
