import { auditedCommand } from "../../audit";
import { EVERY_PROJECT, rolesFrom } from "../../core/access/actor";
import type { Actor, ProjectRef } from "../../core/access/actor";
import { passwordFault } from "../../core/access/password-rules";
import type { Role } from "../../core/access/permissions";
import { refuseNow } from "../../core/base/refusal";
import { hashToken, newId, newToken } from "../../platform";
import { invitations, people, requireCurrent, sessions } from "../../store";
import type { Tx } from "../../store";
import { DAY_MS, LOGIN_PATTERN, normaliseLogin, tokenPrefix } from "../deps";
import type { AccessDeps, RequestOrigin } from "../deps";
import { hashPassword } from "../password";

const INVITATION_DAYS = 7;
const isInstallationAdministrator = (actor: Actor) => actor.roles(null).includes("administrator");

/** Commands on people and invitations. */
export function peopleCommands(deps: AccessDeps) {
  const { store, clock, env } = deps;

  /** The person, if the actor may manage them from this project: with a role in it, in the installation, or in none yet. */
  async function target(tx: Tx, project: ProjectRef, id: string) {
    const person = await people.byId(tx.client, id);
    const held = person ? await people.membershipsOf(tx.client, id) : [];
    const here = held.length === 0 || held.some((m) => m.projectId === project.id || m.projectId === EVERY_PROJECT);
    if (!person || !here) return refuseNow("not_found", "There is no such person in this project.", "Look at the list of people again.");
    return { person, held };
  }

  async function keepAnAdministrator(tx: Tx, personId: string): Promise<void> {
    const all = await people.installationAdministrators(tx.client);
    if (all.length <= 1 && all.includes(personId)) refuseNow("in_use", "This is the last active administrator of the installation.", "Make somebody else an administrator of the whole installation first.");
  }

  /** Activating and deactivating reach into every project, so they need the right in all of the person's projects. */
  function mayEndAll(actor: Actor, held: readonly { projectId: string }[]): void {
    if (isInstallationAdministrator(actor) || held.every((m) => m.projectId !== EVERY_PROJECT && actor.roles(m.projectId).includes("administrator"))) return;
    refuseNow("forbidden", "This person also has roles where you are not an administrator.", "Take the roles in this project away instead, or ask an administrator of the installation.");
  }

  return {
    async invite(actor: Actor, project: ProjectRef, input: { login: string; role: Role }) {
      const login = normaliseLogin(input.login);
      const id = newId("invitation");
      return auditedCommand(store, actor, { action: "person.invite", objectKind: "invitation", objectId: id, object: login, projectId: project.id }, async (tx, note) => {
        if (!LOGIN_PATTERN.test(login)) return refuseNow("invalid_input", "This is not a login.", "Use 2 to 120 lower-case letters, digits and . _ @ + -, starting with a letter or digit; an e-mail address is fine.", [{ path: "login", message: "not a login", remedy: "Use lower-case letters, digits and . _ @ + -." }]);
        if (await people.byLogin(tx.client, login)) return refuseNow("already_exists", `There is a person '${login}' already.`, "Give that person a role in this project instead.", [{ path: "login", message: "taken", remedy: "Choose another login, or set the roles of the person who has it." }]);
        const token = newToken(tokenPrefix.invitation);
        const nowMs = clock.nowMs();
        const expiresAtMs = nowMs + INVITATION_DAYS * DAY_MS;
        await invitations.insert(tx.client, { id, projectId: project.id, login, role: input.role, tokenHash: hashToken(token), createdBy: actor.name, nowMs, expiresAtMs });
        note({ after: { login, role: input.role, expiresAtMs } });
        tx.changes.add("person", id, project.id);
        const url = new URL(`/sign-in?invitation=${token}`, env.HOLDFAST_PUBLIC_URL).href;
        return { id, login, role: input.role, createdBy: actor.name, createdAtMs: nowMs, expiresAtMs, state: "open" as const, token, url };
      });
    },

    async revokeInvitation(actor: Actor, project: ProjectRef, input: { id: string }) {
      return auditedCommand(store, actor, { action: "invitation.revoke", objectKind: "invitation", objectId: input.id, object: input.id, projectId: project.id }, async (tx, note) => {
        const invitation = await invitations.byId(tx.client, project.id, input.id);
        if (!invitation) return refuseNow("not_found", "There is no such invitation in this project.", "Look at the list of invitations again.");
        if (invitation.usedAtMs !== null) return refuseNow("already_used", "The invitation was accepted already.", "Deactivate the person instead.");
        if (!(await invitations.expire(tx.client, input.id, clock.nowMs()))) return refuseNow("expired", "The invitation has expired already.", "Nothing is left to revoke.");
        note({ object: invitation.login });
        tx.changes.add("person", input.id, project.id);
        return { version: null, message: `The invitation of ${invitation.login} is revoked.` };
      });
    },

    /** Turns an invitation into a person with a password. The token is the proof; nobody is signed in by it. */
    async acceptInvitation(input: { token: string; name: string; password: string }, from: RequestOrigin) {
      const db = store.read.client;
      const hash = hashToken(input.token);
      const seen = await store.inTransaction((tx) => invitations.lockByToken(tx.client, hash));
      if (!seen) return refuseNow("not_found", "This invitation is not known.", "Open the link exactly as you got it, or ask for a new one.");
      const fault = passwordFault(input.password, seen.login, "password");
      if (fault) return refuseNow("invalid_input", `The password can't be used: ${fault.message}`, fault.remedy, [fault]);
      if (await people.byLogin(db, seen.login)) return refuseNow("already_exists", `There is a person '${seen.login}' already.`, "Sign in, or ask for a role.");
      const passwordHash = await hashPassword(input.password);
      const id = newId("person");
      const actor: Actor = { kind: "person", id, name: input.name, requestId: from.requestId, roles: rolesFrom([]) };
      return auditedCommand(store, actor, { action: "invitation.accept", objectKind: "invitation", objectId: seen.id, object: seen.login, projectId: seen.projectId }, async (tx, note) => {
        await people.lockPeople(tx.client);
        const invitation = await invitations.lockByToken(tx.client, hash);
        const nowMs = clock.nowMs();
        if (!invitation || invitation.usedAtMs !== null) return refuseNow("already_used", "This invitation was used already.", "Sign in with the login it was for, or ask for a new one.");
        if (invitation.expiresAtMs <= nowMs) return refuseNow("expired", "This invitation has expired or was revoked.", "Ask an administrator for a new one.");
        if (await people.byLogin(tx.client, invitation.login)) return refuseNow("already_exists", `There is a person '${invitation.login}' already.`, "Sign in, or ask for a role.");
        await people.insert(tx.client, { id, login: invitation.login, name: input.name, email: invitation.login.includes("@") ? invitation.login : null, passwordHash, mustChangePassword: false, oidcIssuer: null, oidcSubject: null }, nowMs);
        await people.addMembership(tx.client, id, invitation.projectId, invitation.role);
        await invitations.markUsed(tx.client, invitation.id, nowMs);
        note({ after: { person: id, role: invitation.role } });
        tx.changes.add("person", id, null);
        return { login: invitation.login };
      });
    },

    async setRoles(actor: Actor, project: ProjectRef, input: { id: string; version: number; roles: Role[]; everywhere: boolean }) {
      const scope = input.everywhere ? EVERY_PROJECT : project.id;
      return auditedCommand(store, actor, { action: "person.setRoles", objectKind: "person", objectId: input.id, object: input.id, projectId: project.id }, async (tx, note) => {
        const { person, held } = await target(tx, project, input.id);
        note({ object: person.login });
        if (input.everywhere && !isInstallationAdministrator(actor)) return refuseNow("forbidden", "Roles for the whole installation are given by its administrators only.", "Ask an administrator of the installation.");
        const before = held.filter((m) => m.projectId === scope).map((m) => m.role);
        if (input.everywhere && before.includes("administrator") && !input.roles.includes("administrator")) await keepAnAdministrator(tx, person.id);
        requireCurrent(await people.bumpVersion(tx.client, person.id, input.version), `person ${person.login}`);
        await people.setMemberships(tx.client, person.id, scope, [...new Set(input.roles)]);
        note({ before: { roles: before.sort(), everywhere: input.everywhere }, after: { roles: [...new Set(input.roles)].sort(), everywhere: input.everywhere } });
        tx.changes.add("person", person.id, null);
        return { version: person.version + 1, message: `${person.name} now holds ${input.roles.length > 0 ? input.roles.join(", ") : "no role"} ${input.everywhere ? "in every project" : `in ${project.name}`}.` };
      });
    },

    async deactivate(actor: Actor, project: ProjectRef, input: { id: string; version: number; reason?: string | undefined }) {
      return auditedCommand(store, actor, { action: "person.deactivate", objectKind: "person", objectId: input.id, object: input.id, projectId: project.id, reason: input.reason ?? null }, async (tx, note) => {
        const { person, held } = await target(tx, project, input.id);
        note({ object: person.login });
        mayEndAll(actor, held);
        if (person.id === actor.id) return refuseNow("in_use", "You can't deactivate yourself.", "Ask another administrator to do it.");
        await keepAnAdministrator(tx, person.id);
        requireCurrent(await people.setActive(tx.client, person.id, input.version, false), `person ${person.login}`);
        const ended = await sessions.endAllOf(tx.client, person.id, clock.nowMs(), null);
        note({ before: { active: person.active }, after: { active: false, sessionsEnded: ended } });
        tx.changes.add("person", person.id, null);
        return { version: person.version + 1, message: `${person.name} is deactivated; ${ended} session${ended === 1 ? " was" : "s were"} ended.` };
      });
    },

    async activate(actor: Actor, project: ProjectRef, input: { id: string; version: number; reason?: string | undefined }) {
      return auditedCommand(store, actor, { action: "person.activate", objectKind: "person", objectId: input.id, object: input.id, projectId: project.id, reason: input.reason ?? null }, async (tx, note) => {
        const { person, held } = await target(tx, project, input.id);
        note({ object: person.login });
        mayEndAll(actor, held);
        requireCurrent(await people.setActive(tx.client, person.id, input.version, true), `person ${person.login}`);
        note({ before: { active: person.active }, after: { active: true } });
        tx.changes.add("person", person.id, null);
        return { version: person.version + 1, message: `${person.name} is active again and can sign in.` };
      });
    },
  };
}
