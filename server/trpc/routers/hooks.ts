import { z } from "zod";
import * as v from "../../core/views";
import { allowed, command, router } from "../init";
import { inputs } from "../inputs";

export const hooksRouter = router({
  list: allowed("hooks.manage").output(z.array(v.hookRow)).query(({ ctx, input }) => ctx.features.hooks.queries.list(ctx.project, input, ctx.actor)),
  deliveries: allowed("hooks.manage").input(inputs.hookDeliveries).output(v.hookDeliveryPage).query(({ ctx, input }) => ctx.features.hooks.queries.deliveries(ctx.project, input, ctx.actor)),
  create: command("hooks.manage", "hook.create", "hook").input(inputs.hookCreate).output(v.hookMade).mutation(({ ctx, input }) => ctx.features.hooks.commands.create(ctx.actor, ctx.project, input)),
  update: command("hooks.manage", "hook.update", "hook").input(inputs.hookUpdate).output(v.done).mutation(({ ctx, input }) => ctx.features.hooks.commands.update(ctx.actor, ctx.project, input)),
  remove: command("hooks.manage", "hook.remove", "hook").input(inputs.byName).output(v.done).mutation(({ ctx, input }) => ctx.features.hooks.commands.remove(ctx.actor, ctx.project, input)),
  rotate: command("hooks.manage", "hook.rotate", "hook").input(inputs.byName).output(v.done.extend({ secret: z.string() })).mutation(({ ctx, input }) => ctx.features.hooks.commands.rotate(ctx.actor, ctx.project, input)),
  test: command("hooks.manage", "hook.test", "hook").input(inputs.byName).output(v.done).mutation(({ ctx, input }) => ctx.features.hooks.commands.test(ctx.actor, ctx.project, input)),
  sendAgain: command("hooks.manage", "hook.sendAgain", "hook").input(inputs.hookSendAgain).output(v.done).mutation(({ ctx, input }) => ctx.features.hooks.commands.sendAgain(ctx.actor, ctx.project, input)),
});
