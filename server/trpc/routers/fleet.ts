import { z } from "zod";
import * as v from "../../core/views";
import { allowed, command, router } from "../init";
import { inputs } from "../inputs";

export const homeRouter = router({
  get: allowed("fleet.read").output(v.homeView).query(({ ctx, input }) => ctx.features.fleet.queries.home(ctx.project, input, ctx.actor)),
});

export const searchRouter = router({
  find: allowed("fleet.read").input(inputs.search).output(z.array(v.searchHit)).query(({ ctx, input }) => ctx.features.fleet.queries.search(ctx.project, input, ctx.actor)),
});

export const fleetRouter = router({
  sites: allowed("fleet.read").output(z.array(v.siteSummary)).query(({ ctx, input }) => ctx.features.fleet.queries.sites(ctx.project, input, ctx.actor)),
  site: allowed("fleet.read").input(inputs.byName).output(v.siteDetail).query(({ ctx, input }) => ctx.features.fleet.queries.site(ctx.project, input, ctx.actor)),
  nodes: allowed("fleet.read").input(inputs.nodes).output(v.nodePage).query(({ ctx, input }) => ctx.features.fleet.queries.nodes(ctx.project, input, ctx.actor)),
  node: allowed("fleet.read").input(inputs.byName).output(v.nodeDetail).query(({ ctx, input }) => ctx.features.fleet.queries.node(ctx.project, input, ctx.actor)),
  topology: allowed("fleet.read").input(inputs.topology).output(v.topologyView).query(({ ctx, input }) => ctx.features.fleet.queries.topology(ctx.project, input, ctx.actor)),
  units: allowed("fleet.read").input(inputs.units).output(v.unitPage).query(({ ctx, input }) => ctx.features.fleet.queries.units(ctx.project, input, ctx.actor)),
  unit: allowed("fleet.read").input(inputs.unit).output(v.unitRow).query(({ ctx, input }) => ctx.features.fleet.queries.unit(ctx.project, input, ctx.actor)),

  cordon: command("fleet.operate", "node.cordon", "node").input(inputs.nodeCommand).output(v.done).mutation(({ ctx, input }) => ctx.features.fleet.commands.cordon(ctx.actor, ctx.project, input)),
  uncordon: command("fleet.operate", "node.uncordon", "node").input(inputs.nodeCommand).output(v.done).mutation(({ ctx, input }) => ctx.features.fleet.commands.uncordon(ctx.actor, ctx.project, input)),
  drain: command("fleet.operate", "node.drain", "node").input(inputs.nodeCommand).output(v.done).mutation(({ ctx, input }) => ctx.features.fleet.commands.drain(ctx.actor, ctx.project, input)),
  decommission: command("fleet.operate", "node.decommission", "node").input(inputs.nodeCommand).output(v.done).mutation(({ ctx, input }) => ctx.features.fleet.commands.decommission(ctx.actor, ctx.project, input)),
  cordonSite: command("fleet.operate", "site.cordon", "site").input(inputs.siteCommand).output(v.done).mutation(({ ctx, input }) => ctx.features.fleet.commands.cordonSite(ctx.actor, ctx.project, input)),
  uncordonSite: command("fleet.operate", "site.uncordon", "site").input(inputs.siteCommand).output(v.done).mutation(({ ctx, input }) => ctx.features.fleet.commands.uncordonSite(ctx.actor, ctx.project, input)),
  drainSite: command("fleet.operate", "site.drain", "site").input(inputs.siteCommand).output(v.done).mutation(({ ctx, input }) => ctx.features.fleet.commands.drainSite(ctx.actor, ctx.project, input)),

  joinTokens: allowed("fleet.enrol").output(z.array(v.joinTokenRow)).query(({ ctx, input }) => ctx.features.identity.queries.joinTokens(ctx.project, input, ctx.actor)),
  createJoinToken: command("fleet.enrol", "joinToken.create", "joinToken").input(inputs.createJoinToken).output(v.joinTokenIssued).mutation(({ ctx, input }) => ctx.features.identity.commands.createJoinToken(ctx.actor, ctx.project, input)),
  revokeJoinToken: command("fleet.enrol", "joinToken.revoke", "joinToken").input(inputs.byId).output(v.done).mutation(({ ctx, input }) => ctx.features.identity.commands.revokeJoinToken(ctx.actor, ctx.project, input)),
  revokeNode: command("fleet.enrol", "node.revoke", "node").input(inputs.revokeNode).output(v.done).mutation(({ ctx, input }) => ctx.features.identity.commands.revokeNode(ctx.actor, ctx.project, input)),
});
