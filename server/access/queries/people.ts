import type { z } from "zod";
import { EVERY_PROJECT } from "../../core/access/actor";
import type { Actor, ProjectRef } from "../../core/access/actor";
import { mayDo, permissions } from "../../core/access/permissions";
import type { Permission } from "../../core/access/permissions";
import { refuseNow } from "../../core/base/refusal";
import type { identityProviderView, invitationRow, MeView, personRow, serviceTokenRow } from "../../core/views";
import { invitations, people, projects, sessions } from "../../store";
import { identityProvider } from "../commands/identity-provider";
import type { AccessDeps } from "../deps";

const allPermissions = Object.keys(permissions) as Permission[];

/** Questions about people, tokens and oneself. */
export function accessQueries(deps: AccessDeps) {
  const { store, clock } = deps;
  const db = store.read.client;
  const found = new Map<string, ProjectRef>();

  return {
    /** A project by its name. Projects are never renamed, so those found are remembered. */
    async project(name: string): Promise<ProjectRef | null> {
      const known = found.get(name);
      if (known) return known;
      const row = await projects.byName(db, name);
      if (!row) return null;
      const ref = { id: row.id, name: row.name };
      found.set(name, ref);
      return ref;
    },

    async me(actor: Actor): Promise<MeView> {
      const person = actor.kind === "person" ? await people.byId(db, actor.id) : undefined;
      const mine = (await projects.all(store.prisma)).map((p) => ({ ...p, roles: actor.roles(p.id) })).filter((p) => p.roles.length > 0);
      return {
        id: actor.id,
        login: person?.login ?? actor.name,
        name: actor.name,
        mustChangePassword: person?.mustChangePassword ?? false,
        strength: actor.strength === "oidc" || actor.strength === "token" ? actor.strength : "password",
        projects: mine.map((p) => ({ name: p.name, title: p.title, roles: p.roles, permissions: allPermissions.filter((x) => mayDo(p.roles, x)) })),
      };
    },

    /** What the sign-in page offers; asked before anybody is signed in. */
    async signInOptions() {
      const provider = await identityProvider(deps);
      return { password: true as const, identityProvider: provider ? { name: provider.name } : null };
    },

    /** Everybody with a role here. Administrators of the installation also see who waits for a first role. */
    async people(project: ProjectRef, _input: unknown, actor: Actor): Promise<z.infer<typeof personRow>[]> {
      const rows = await people.listFor(db, project.id, clock.nowMs(), actor.roles(null).includes("administrator"));
      return rows.map((p) => ({
        id: p.id,
        login: p.login,
        name: p.name,
        email: p.email,
        active: p.active,
        signIn: p.oidcSubject !== null ? ("oidc" as const) : p.hasPassword ? ("password" as const) : ("none" as const),
        roles: p.memberships.map((m) => ({ project: m.projectId === EVERY_PROJECT ? EVERY_PROJECT : m.project, role: m.role })),
        lastSignInMs: p.lastSignInMs,
        sessions: p.active ? p.sessions : 0,
        version: p.version,
      }));
    },

    async invitations(project: ProjectRef): Promise<z.infer<typeof invitationRow>[]> {
      const nowMs = clock.nowMs();
      return (await invitations.list(db, project.id)).map(({ usedAtMs, projectId: _, ...i }) => ({ ...i, state: usedAtMs !== null ? ("used" as const) : i.expiresAtMs <= nowMs ? ("expired" as const) : ("open" as const) }));
    },

    async tokens(project: ProjectRef): Promise<z.infer<typeof serviceTokenRow>[]> {
      const nowMs = clock.nowMs();
      return (await sessions.listServiceTokens(db, project.id, nowMs)).map(({ revokedAtMs, projectId: _, ...t }) => ({ ...t, state: revokedAtMs !== null ? ("revoked" as const) : t.expiresAtMs <= nowMs ? ("expired" as const) : ("active" as const) }));
    },

    async identityProvider(_project: ProjectRef, _input: unknown, actor: Actor): Promise<z.infer<typeof identityProviderView>> {
      if (!actor.roles(null).includes("administrator")) return refuseNow("forbidden", "The identity provider serves the whole installation.", "Ask an administrator of the installation.");
      const p = await identityProvider(deps);
      return p ? { configured: true, issuer: p.issuer, clientId: p.clientId, name: p.name, source: p.source } : { configured: false, issuer: null, clientId: null, name: null, source: "none" };
    },
  };
}
