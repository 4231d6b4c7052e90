import type { Command } from "commander";
import { usage } from "../io";
import { showList, time } from "../output";
import { confirm, sessionOf } from "../session";
import type { Context } from "../session";
import { showPreview } from "./show-preview";

const verbs = {
  cordon: "place no new units on the node; those on it stay",
  uncordon: "open the node for new units again",
  drain: "move the node's units elsewhere, replacements first",
  decommission: "drain the node for good and take it out of the fleet",
} as const;

const siteVerbs = {
  cordon: { procedure: "cordonSite", says: "place no new units at the site; those there stay" },
  uncordon: { procedure: "uncordonSite", says: "open the site's nodes for new units again" },
  drain: { procedure: "drainSite", says: "move all units of the site elsewhere, replacements first" },
} as const;

/** `key=value` pairs of a repeated option. */
function labelsOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      if (at < 1) throw usage(`'${pair}' is no label. Write it as key=value.`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** `node …`, `site …` and `join-token …`. */
export function fleetCommands(program: Command, ctx: Context): void {
  const { io } = ctx;
  const node = program.command("node").description("operate a node");

  for (const verb of Object.keys(verbs) as (keyof typeof verbs)[]) {
    node
      .command(verb)
      .description(verbs[verb])
      .argument("<name>")
      .requiredOption("--reason <text>", "why; kept with the node and in the audit log")
      .option("-y, --yes", "do not ask")
      .action(async (name: string, o: { reason: string; yes?: boolean }, command: Command) => {
        const s = sessionOf(ctx, command);
        const { version } = await s.api.fleet.node.query({ project: s.project, name });
        if ((verb === "drain" || verb === "decommission") && !o.yes) {
          showPreview(io, await s.api.placement.preview.query({ project: s.project, ...(verb === "drain" ? { drainNode: name } : { loseNode: name }) }));
          await confirm(s, false, `${verb === "drain" ? "Drain" : "Decommission"} ${name}?`);
        }
        const { message } = await s.api.fleet[verb].mutate({ project: s.project, name, version, reason: o.reason });
        io.out(`${message}\n`);
      });
  }
  node
    .command("revoke")
    .description("end the node's identity: its connection closes, and it must enrol anew with a join token")
    .argument("<name>")
    .requiredOption("--reason <text>", "why; kept in the audit log")
    .option("-y, --yes", "do not ask")
    .action(async (name: string, o: { reason: string; yes?: boolean }, command: Command) => {
      const s = sessionOf(ctx, command);
      await confirm(s, o.yes, `Revoke the identity of ${name}? It can't come back with its present key.`);
      const { message } = await s.api.fleet.revokeNode.mutate({ project: s.project, name, reason: o.reason });
      io.out(`${message}\n`);
    });

  const site = program.command("site").description("operate all nodes of a site at once");
  for (const [verb, what] of Object.entries(siteVerbs) as [keyof typeof siteVerbs, (typeof siteVerbs)[keyof typeof siteVerbs]][]) {
    site
      .command(verb)
      .description(what.says)
      .argument("<name>")
      .requiredOption("--reason <text>", "why; kept with the nodes and in the audit log")
      .option("-y, --yes", "do not ask")
      .action(async (name: string, o: { reason: string; yes?: boolean }, command: Command) => {
        const s = sessionOf(ctx, command);
        if (verb === "drain" && !o.yes) {
          showPreview(io, await s.api.placement.preview.query({ project: s.project, drainSite: name }));
          await confirm(s, false, `Drain ${name}?`);
        }
        const { message } = await s.api.fleet[what.procedure].mutate({ project: s.project, name, reason: o.reason });
        io.out(`${message}\n`);
      });
  }

  const join = program.command("join-token").description("single-use tokens by which machines enrol");
  join
    .command("create")
    .description("make a token for one machine, with the exact command to run there; it is shown once")
    .requiredOption("--site <name>", "the site the machine stands at")
    .option("--label <key=value>", "a label of the node; may be repeated", (value: string, before: string[]) => [...before, value], [])
    .action(async (o: { site: string; label: string[] }, command: Command) => {
      const s = sessionOf(ctx, command);
      const t = await s.api.fleet.createJoinToken.mutate({ project: s.project, site: o.site, labels: labelsOf(o.label) });
      if (s.format !== "table") return io.out(`${JSON.stringify(t, null, 2)}\n`);
      io.out(`${t.command}\n`);
      io.err(`The token is for one machine at ${t.site}, until ${time(t.expiresAtMs) ?? ""}, and is not shown again.\nAgent: ${t.agentUrl}${t.agentSha256 ? ` (sha256 ${t.agentSha256})` : ""}\n`);
    });
  join
    .command("ls")
    .description("join tokens, the newest first")
    .action(async (_o: unknown, command: Command) => {
      const s = sessionOf(ctx, command);
      const rows = await s.api.fleet.joinTokens.query({ project: s.project });
      showList(io, s.format, [{ title: "id", of: (r) => r.id }, { title: "site", of: (r) => r.site }, { title: "state", of: (r) => r.state }, { title: "until", of: (r) => time(r.expiresAtMs) }, { title: "node", of: (r) => r.usedByNode }, { title: "by", of: (r) => r.createdBy }], rows, "There are no join tokens.");
    });
  join
    .command("revoke")
    .description("end a token that was not used")
    .argument("<id>")
    .action(async (id: string, _o: unknown, command: Command) => {
      const s = sessionOf(ctx, command);
      const { message } = await s.api.fleet.revokeJoinToken.mutate({ project: s.project, id });
      io.out(`${message}\n`);
    });
}
