import { z } from "zod";
import * as v from "../../core/views";
import { allowed, command, open, router, signedIn } from "../init";
import { inputs } from "../inputs";

export const meRouter = router({
  get: signedIn.output(v.meView).query(({ ctx }) => ctx.features.access.queries.me(ctx.actor)),
  changePassword: signedIn.meta({ access: { kind: "session" }, action: "person.changePassword", objectKind: "person" }).input(inputs.changePassword).output(v.done).mutation(({ ctx, input }) => ctx.features.access.commands.changePassword(ctx.actor, input)),
  signOut: signedIn.meta({ access: { kind: "session" }, action: "session.end", objectKind: "session" }).output(v.done).mutation(({ ctx }) => ctx.features.access.commands.endSession(ctx.actor)),
});

/** The only procedures without a session: how one gets one. */
export const accessRouter = router({
  options: open.output(z.object({ password: z.literal(true), identityProvider: z.object({ name: z.string() }).nullable() })).query(({ ctx }) => ctx.features.access.queries.signInOptions()),
  signInToken: open
    .meta({ access: { kind: "public" }, action: "session.start", objectKind: "session" })
    .input(inputs.signIn)
    .output(z.object({ token: z.string(), expiresAtMs: v.timeMs, mustChangePassword: z.boolean() }))
    .mutation(({ ctx, input }) => ctx.features.access.commands.signInForToken(input, ctx.origin)),
  acceptInvitation: open
    .meta({ access: { kind: "public" }, action: "invitation.accept", objectKind: "invitation" })
    .input(inputs.acceptInvitation)
    .output(z.object({ login: z.string() }))
    .mutation(({ ctx, input }) => ctx.features.access.commands.acceptInvitation(input, ctx.origin)),
});

export const peopleRouter = router({
  list: allowed("people.read").output(z.array(v.personRow)).query(({ ctx, input }) => ctx.features.access.queries.people(ctx.project, input, ctx.actor)),
  invite: command("people.manage", "person.invite", "invitation").input(inputs.invite).output(v.invitationRow.extend({ token: z.string(), url: z.string() })).mutation(({ ctx, input }) => ctx.features.access.commands.invite(ctx.actor, ctx.project, input)),
  setRoles: command("people.manage", "person.setRoles", "person").input(inputs.setRoles).output(v.done).mutation(({ ctx, input }) => ctx.features.access.commands.setRoles(ctx.actor, ctx.project, input)),
  deactivate: command("people.manage", "person.deactivate", "person").input(inputs.personCommand).output(v.done).mutation(({ ctx, input }) => ctx.features.access.commands.deactivate(ctx.actor, ctx.project, input)),
  activate: command("people.manage", "person.activate", "person").input(inputs.personCommand).output(v.done).mutation(({ ctx, input }) => ctx.features.access.commands.activate(ctx.actor, ctx.project, input)),
});

export const invitationsRouter = router({
  list: allowed("people.read").output(z.array(v.invitationRow)).query(({ ctx, input }) => ctx.features.access.queries.invitations(ctx.project, input, ctx.actor)),
  revoke: command("people.manage", "invitation.revoke", "invitation").input(inputs.byId).output(v.done).mutation(({ ctx, input }) => ctx.features.access.commands.revokeInvitation(ctx.actor, ctx.project, input)),
});

export const tokensRouter = router({
  list: allowed("tokens.manage").output(z.array(v.serviceTokenRow)).query(({ ctx, input }) => ctx.features.access.queries.tokens(ctx.project, input, ctx.actor)),
  create: command("tokens.manage", "token.create", "token").input(inputs.createToken).output(v.serviceTokenRow.extend({ token: z.string() })).mutation(({ ctx, input }) => ctx.features.access.commands.createToken(ctx.actor, ctx.project, input)),
  revoke: command("tokens.manage", "token.revoke", "token").input(inputs.byId).output(v.done).mutation(({ ctx, input }) => ctx.features.access.commands.revokeToken(ctx.actor, ctx.project, input)),
});

export const settingsRouter = router({
  identityProvider: allowed("settings.manage").output(v.identityProviderView).query(({ ctx, input }) => ctx.features.access.queries.identityProvider(ctx.project, input, ctx.actor)),
  setIdentityProvider: command("settings.manage", "settings.setIdentityProvider", "settings").input(inputs.setIdentityProvider).output(v.done).mutation(({ ctx, input }) => ctx.features.access.commands.setIdentityProvider(ctx.actor, ctx.project, input)),
});

export const pilotRouter = router({
  report: command("fleet.operate", "pilot.report", "process").input(inputs.pilotReport).output(v.done).mutation(({ ctx, input }) => ctx.features.access.commands.reportPilot(ctx.actor, ctx.project, input)),
});

export const auditRouter = router({
  list: allowed("audit.read").input(inputs.auditList).output(v.auditPage).query(({ ctx, input }) => ctx.features.audit.queries.list(ctx.project, input, ctx.actor)),
  get: allowed("audit.read").input(inputs.auditGet).output(v.auditDetail).query(({ ctx, input }) => ctx.features.audit.queries.get(ctx.project, input, ctx.actor)),
});
