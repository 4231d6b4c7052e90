import type { Command } from "commander";
import { hookFormats } from "../../server/core/hooks";
import type { HookFormat } from "../../server/core/hooks";
import { usage } from "../io";
import { age, showList, time } from "../output";
import { confirm, sessionOf } from "../session";
import type { Context } from "../session";

/** `hook …`: webhooks of a project. */
export function hookCommands(program: Command, ctx: Context): void {
  const { io } = ctx;
  const hook = program.command("hook").description("webhooks: what happens in the project, told to an address");
  hook
    .command("ls")
    .description("webhooks and how they are doing")
    .action(async (_o: unknown, command: Command) => {
      const s = sessionOf(ctx, command);
      const rows = await s.api.hooks.list.query({ project: s.project });
      showList(io, s.format, [{ title: "name", of: (r) => r.name }, { title: "state", of: (r) => r.state }, { title: "format", of: (r) => r.format }, { title: "events", of: (r) => r.events.join(",") }, { title: "waiting", of: (r) => r.waiting }, { title: "dead", of: (r) => r.dead }, { title: "delivered", of: (r) => age(io.nowMs(), r.lastDeliveredAtMs) }, { title: "url", of: (r) => r.url }], rows, "There are no webhooks.");
    });
  hook
    .command("create")
    .description("make a webhook; its signing secret is shown once")
    .argument("<name>")
    .requiredOption("--url <url>", "where events are posted to")
    .option("--events <list>", "which, separated by commas; 'rollout.*' is all of rollouts", "rollout.*,approval.*")
    .option("--format <format>", hookFormats.join(", "), "structured")
    .action(async (name: string, o: { url: string; events: string; format: string }, command: Command) => {
      if (!(hookFormats as readonly string[]).includes(o.format)) throw usage(`'${o.format}' is no format. Use ${hookFormats.join(", ")}.`);
      const s = sessionOf(ctx, command);
      const made = await s.api.hooks.create.mutate({ project: s.project, name, url: o.url, format: o.format as HookFormat, events: o.events.split(",").map((e) => e.trim()).filter((e) => e !== "") });
      if (s.format !== "table") return io.out(`${JSON.stringify(made, null, 2)}\n`);
      io.out(`${made.secret}\n`);
      io.err(`Webhook '${made.name}' is made. The receiver checks signatures with this secret; it is not shown again.\n`);
    });
  hook
    .command("test")
    .description("send a test event")
    .argument("<name>")
    .action(async (name: string, _o: unknown, command: Command) => {
      const s = sessionOf(ctx, command);
      io.out(`${(await s.api.hooks.test.mutate({ project: s.project, name })).message}\n`);
    });
  hook
    .command("deliveries")
    .description("what was sent, and how it went; newest first")
    .argument("<name>")
    .option("--state <state>", "waiting, delivered or dead")
    .option("--limit <n>", "how many", "50")
    .action(async (name: string, o: { state?: string; limit: string }, command: Command) => {
      const state = (["waiting", "delivered", "dead"] as const).find((x) => x === o.state);
      if (o.state !== undefined && !state) throw usage(`'${o.state}' is no state. Use waiting, delivered or dead.`);
      const s = sessionOf(ctx, command);
      const { items } = await s.api.hooks.deliveries.query({ project: s.project, name, limit: Number(o.limit), ...(state ? { state } : {}) });
      showList(io, s.format, [{ title: "id", of: (r) => r.id }, { title: "state", of: (r) => r.state }, { title: "attempts", of: (r) => r.attempts }, { title: "status", of: (r) => r.status ?? "" }, { title: "made", of: (r) => age(io.nowMs(), r.createdAtMs) }, { title: "next", of: (r) => time(r.nextAttemptAtMs) }, { title: "event", of: (r) => r.sentence }, { title: "fault", of: (r) => r.error ?? "" }], items, "Nothing was sent yet.");
    });
  hook
    .command("send-again")
    .description("send dead letters again: one, or all")
    .argument("<name>")
    .option("--delivery <id>", "only this one")
    .action(async (name: string, o: { delivery?: string }, command: Command) => {
      const s = sessionOf(ctx, command);
      io.out(`${(await s.api.hooks.sendAgain.mutate({ project: s.project, name, ...(o.delivery ? { delivery: o.delivery } : {}) })).message}\n`);
    });
  for (const [verb, state, text] of [["off", "off", "tell it nothing more"], ["on", "active", "tell it again"]] as const) {
    hook
      .command(verb)
      .description(text)
      .argument("<name>")
      .action(async (name: string, _o: unknown, command: Command) => {
        const s = sessionOf(ctx, command);
        const found = (await s.api.hooks.list.query({ project: s.project })).find((h) => h.name === name);
        io.out(`${(await s.api.hooks.update.mutate({ project: s.project, name, version: found?.version ?? 0, state })).message}\n`);
      });
  }
  hook
    .command("rotate")
    .description("a new signing secret; the old one signs beside it for a day")
    .argument("<name>")
    .action(async (name: string, _o: unknown, command: Command) => {
      const s = sessionOf(ctx, command);
      const { secret, message } = await s.api.hooks.rotate.mutate({ project: s.project, name });
      io.out(`${secret}\n`);
      io.err(`${message}\n`);
    });
  hook
    .command("rm")
    .description("remove a webhook")
    .argument("<name>")
    .option("-y, --yes", "do not ask")
    .action(async (name: string, o: { yes?: boolean }, command: Command) => {
      const s = sessionOf(ctx, command);
      await confirm(s, o.yes, `Remove webhook ${name} from project ${s.project}, with what is on its way to it?`);
      io.out(`${(await s.api.hooks.remove.mutate({ project: s.project, name })).message}\n`);
    });
}
