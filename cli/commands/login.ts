import type { Command } from "commander";
import { apiOf } from "../client";
import { readConfig, targetOf, writeConfig } from "../config";
import { Ended, exitCodes, usage } from "../io";
import { showOne } from "../output";
import { sessionOf } from "../session";
import type { Context, Globals } from "../session";

/** `login`, `logout`, `whoami`, `password`: who the CLI is. */
export function loginCommands(program: Command, ctx: Context): void {
  const { io } = ctx;

  program
    .command("login")
    .description("log in to a server; asks for the password, or keeps a token that you have")
    .option("--login <name>", "who to log in as; asked for when absent")
    .option("--password-stdin", "read the password from standard input")
    .option("--token <token>", "keep this service token instead of logging in with a password")
    .action(async (o: { login?: string; passwordStdin?: boolean; token?: string }, command: Command) => {
      const flags = command.optsWithGlobals<Globals>();
      const target = targetOf(io, flags);
      ctx.target = target;
      const given = o.token?.trim();
      let token: string;
      let expiresAtMs: number | null = null;
      let must = false;
      if (given) token = given;
      else {
        const login = o.login ?? (await io.ask("Login: ", false));
        const password = o.passwordStdin ? (await io.readInput()).replace(/\r?\n$/, "") : await io.ask("Password: ", true);
        if (!login || password === null) throw usage("There is no terminal to ask on. Give --login and --password-stdin, or --token.");
        const started = await apiOf({ ...target, token: null }).access.signInToken.mutate({ login, password });
        ({ token, expiresAtMs } = started);
        must = started.mustChangePassword;
      }
      const me = await apiOf({ ...target, token }).me.get.query();
      const config = readConfig(io);
      writeConfig(io, { ...config, server: target.server, ...(flags.project ? { project: flags.project } : {}), tokens: { ...config.tokens, [target.server]: { token, login: me.login, expiresAtMs } } });
      io.out(`You are logged in to ${target.server} as ${me.login}.\n`);
      if (must) io.err("Your password was set by somebody else and must be changed first: run `holdfast password`.\n");
      else if (me.projects.length === 0) io.err("You hold no role yet. Ask an administrator for one.\n");
    });

  program
    .command("logout")
    .description("end the session and forget its token")
    .action(async (_o: unknown, command: Command) => {
      const target = targetOf(io, command.optsWithGlobals<Globals>());
      ctx.target = target;
      const config = readConfig(io);
      const kept = config.tokens[target.server];
      if (!kept) throw new Ended(exitCodes.refused, `You are not logged in to ${target.server}.`);
      const { [target.server]: _gone, ...tokens } = config.tokens;
      writeConfig(io, { ...config, tokens });
      // A service token is only forgotten here; a session also ends at the server, if it still stands.
      if (kept.token.startsWith("hfs_")) await apiOf({ ...target, token: kept.token }).me.signOut.mutate().catch(() => undefined);
      io.out(`You are logged out of ${target.server}.\n`);
    });

  program
    .command("whoami")
    .description("who you are to the server, and your roles")
    .action(async (_o: unknown, command: Command) => {
      const s = sessionOf(ctx, command);
      const me = await s.api.me.get.query();
      showOne(io, s.format, me, [["login", me.login], ["name", me.name], ["signed in by", me.strength], ...me.projects.map((p): [string, string] => [`in ${p.name}`, p.roles.join(", ")])]);
    });

  program
    .command("password")
    .description("change your password; other sessions of yours end")
    .option("--stdin", "read the present and the new password from standard input, one a line")
    .action(async (o: { stdin?: boolean }, command: Command) => {
      const s = sessionOf(ctx, command);
      const [current, next] = o.stdin ? (await io.readInput()).split(/\r?\n/) : [await io.ask("Present password: ", true), await io.ask("New password: ", true)];
      if (!current || !next) throw usage("Both passwords are needed. Without a terminal, give them with --stdin, one a line.");
      if (!o.stdin && (await io.ask("New password again: ", true)) !== next) throw usage("The two new passwords differ.");
      const { message } = await s.api.me.changePassword.mutate({ current, next });
      io.out(`${message}\n`);
    });
}
