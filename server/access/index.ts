import type { Actor } from "../core/access/actor";
import { identityProvider, setIdentityProvider } from "./commands/identity-provider";
import { changePassword, createFirstAdministrator, recoverPassword } from "./commands/password";
import { peopleCommands } from "./commands/people";
import { reportPilot } from "./commands/report-pilot";
import { endSession, signInWithIdentity, signInWithPassword } from "./commands/sign-in";
import type { ProvenIdentity } from "./commands/sign-in";
import { tokenCommands } from "./commands/tokens";
import type { AccessDeps, RequestOrigin } from "./deps";
import { authenticator } from "./queries/authenticate";
import { accessQueries } from "./queries/people";

/**
 * Who may do what: people, their passwords or proven identities, roles by project, sessions, invitations and service
 * tokens. It knows nothing of HTTP, cookies or next-auth: the doors bring a login, a proven identity or a token.
 */
export function createAccess(deps: AccessDeps) {
  return {
    /** Who stands behind a token; null when it does not stand. Asked anew for every request. */
    authenticate: authenticator(deps),
    /** The OpenID Connect provider in force, with its secret: for the sign-in flow only. */
    identityProvider: () => identityProvider(deps),
    queries: accessQueries(deps),
    commands: {
      signInWithPassword: (input: { login: string; password: string }, kind: "browser" | "cli", from: RequestOrigin) => signInWithPassword(deps, input, kind, from),
      signInWithIdentity: (proven: ProvenIdentity, from: RequestOrigin) => signInWithIdentity(deps, proven, from),
      signInForToken: async (input: { login: string; password: string }, from: RequestOrigin) => {
        const { token, expiresAtMs, mustChangePassword } = await signInWithPassword(deps, input, "cli", from);
        return { token, expiresAtMs, mustChangePassword };
      },
      endSession: (actor: Actor) => endSession(deps, actor),
      changePassword: (actor: Actor, input: { current: string; next: string }) => changePassword(deps, actor, input),
      recoverPassword: (actor: Actor, login: string) => recoverPassword(deps, actor, login),
      createFirstAdministrator: (actor: Actor, o?: { login?: string | undefined }) => createFirstAdministrator(deps, actor, o),
      ...peopleCommands(deps),
      ...tokenCommands(deps),
      setIdentityProvider: (actor: Actor, project: Parameters<typeof setIdentityProvider>[2], input: Parameters<typeof setIdentityProvider>[3]) => setIdentityProvider(deps, actor, project, input),
      reportPilot: (actor: Actor, project: Parameters<typeof reportPilot>[2], input: Parameters<typeof reportPilot>[3]) => reportPilot(deps, actor, project, input),
    },
  };
}

export { resealIdentityProvider } from "./commands/identity-provider";
export type Access = ReturnType<typeof createAccess>;
export type { AccessDeps, AccessSettings, RequestOrigin } from "./deps";
export type { Authenticated } from "./queries/authenticate";
export type { ProvenIdentity, Started } from "./commands/sign-in";
