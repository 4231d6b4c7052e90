import type { Command } from "commander";
import { apiOf } from "./client";
import type { Api } from "./client";
import { targetOf } from "./config";
import type { Target } from "./config";
import { Ended, exitCodes, usage } from "./io";
import type { Io } from "./io";
import { outputFormats } from "./output";
import type { OutputFormat } from "./output";

/** Everything a command needs: where to, as whom, in which format. */
export type Session = { io: Io; api: Api; target: Target; project: string; format: OutputFormat };
export type Globals = { server?: string; project?: string; output?: string };
/** A context that commands share: the last target and input file, so that errors can name them. */
export type Context = { io: Io; target: Target | null; file: string | null };

/** Options as they were given at the program or at the command. */
export function sessionOf(ctx: Context, command: Command, o: { anonymous?: boolean } = {}): Session {
  const flags = command.optsWithGlobals<Globals>();
  const format = flags.output ?? "table";
  if (!(outputFormats as readonly string[]).includes(format)) throw usage(`'${format}' is no output format. Use ${outputFormats.join(", ")}.`);
  const target = targetOf(ctx.io, flags);
  ctx.target = target;
  if (!o.anonymous && target.token === null) throw new Ended(exitCodes.refused, `You are not logged in to ${target.server}.\n  Run \`holdfast login\`, or set HOLDFAST_TOKEN to a service token.`);
  return { io: ctx.io, api: apiOf(target), target, project: target.project, format: format as OutputFormat };
}

/** Every page of a list, up to a bound that keeps a slip of the hand from reading a whole fleet for minutes. */
export async function everyPage<T>(read: (page: { cursor: string | null; limit: number }) => Promise<{ items: T[]; nextCursor: string | null }>, most = 20_000): Promise<T[]> {
  const all: T[] = [];
  let cursor: string | null = null;
  do {
    const page: { items: T[]; nextCursor: string | null } = await read({ cursor, limit: 200 });
    all.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null && all.length < most);
  return all;
}

/** A typed answer before something that can't be undone; `--yes` gives it beforehand. */
export async function confirm(s: Session, yes: boolean | undefined, question: string): Promise<void> {
  if (yes) return;
  const answer = await s.io.ask(`${question} [y/N] `, false);
  if (answer === null) throw usage(`${question}\n  There is no terminal to ask on: add --yes.`);
  if (!/^y(es)?$/i.test(answer.trim())) throw new Ended(exitCodes.failure, "Nothing was changed.");
}
