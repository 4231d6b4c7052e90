import type { FleetStatus } from "./fleet";
import type { ModelApplied } from "./models";
import { SITES } from "./plan";
import { stillRuns } from "./processes";
import type { PilotDoor, PilotFolder } from "./state";

export const USAGE = `npm run pilot -- COMMAND [--data DIR] [--json]
  status           how the pilot is: links, agents, what is cut off
  cut SITE         cut a site off: its link carries nothing and nobody is told
  heal SITE        join it again
  promote-better   apply the better model (digits-v2); its canary waits for somebody's approval
  try-worse        apply the worse model (digits-v3); its canary is caught by measured accuracy
  remove           take the pilot out of Holdfast and stop it
  restore          let a removed pilot be set up again at the next start
sites: ${SITES.join(", ")}`;

export type CommandContext = { readonly folder: PilotFolder; readonly json: boolean; readonly print: (text: string) => void; readonly complain: (text: string) => void };

/** One line of the door's answer to a command that takes a while. */
export type DoorLine = { readonly say: string } | { readonly done: true } | { readonly error: { readonly message: string; readonly remedy: string } };

/** Runs one command against the running pilot. Returns the exit code: 0 done, 1 refused or failed, 2 wrong use. */
export async function runCommand([command, argument]: readonly string[], context: CommandContext): Promise<number> {
  const site = (): string => {
    if (argument === undefined || !SITES.includes(argument)) throw new WrongUse(`name one of the pilot's sites: ${SITES.join(", ")}`);
    return argument;
  };
  try {
    switch (command) {
      case "status": return showStatus(await ask<FleetStatus>(context, "GET", "/status"), context);
      case "cut": return showStatus(await ask<FleetStatus>(context, "POST", `/cut/${site()}`), context);
      case "heal": return showStatus(await ask<FleetStatus>(context, "POST", `/heal/${site()}`), context);
      case "promote-better": return showModel(await ask<ModelApplied>(context, "POST", "/model/digits-v2"), context);
      case "try-worse": return showModel(await ask<ModelApplied>(context, "POST", "/model/digits-v3"), context);
      case "remove": return await remove(context);
      case "restore": return restore(context);
      default: throw new WrongUse(`there is no command "${command}"`);
    }
  } catch (error) {
    context.complain((error as Error).message);
    if (!(error instanceof WrongUse)) return 1;
    context.complain(USAGE);
    return 2;
  }
}

class WrongUse extends Error {}

function call({ folder }: CommandContext, method: "GET" | "POST", path: string): Promise<Response> {
  const door: PilotDoor | null = folder.readDoor();
  if (door === null || !stillRuns(door)) throw new Error(`no pilot runs on ${folder.path}. Start it with "npm run up", or name its data folder with --data.`);
  return fetch(`http://127.0.0.1:${door.port}${path}`, { method, headers: { authorization: `Bearer ${door.secret}` } });
}

async function ask<T>(context: CommandContext, method: "GET" | "POST", path: string): Promise<T> {
  const body = (await (await call(context, method, path)).json()) as T & { error?: { message: string; remedy: string } };
  if (body.error !== undefined) throw new Error(`${body.error.message}; ${body.error.remedy}`);
  return body;
}

function showStatus(status: FleetStatus, { json, print }: CommandContext): number {
  if (json) print(JSON.stringify(status));
  else {
    print(`pilot: ${status.state}; ${status.note}`);
    for (const { site, cutSinceMs, link } of status.sites) print(`  ${site.padEnd(16)} ${cutSinceMs === null ? "joined" : `cut off since ${new Date(cutSinceMs).toISOString()}`} (simulated link: ${link})`);
    for (const { name, pid, running, restarts, lastError } of status.processes) print(`  ${name.padEnd(22)} ${running ? `runs as ${pid}` : `does not run: ${lastError ?? "not started"}`}${restarts > 0 ? `, started again ${restarts} times` : ""}`);
  }
  return 0;
}

function showModel(applied: ModelApplied, { json, print }: CommandContext): number {
  if (json) print(JSON.stringify(applied));
  else if (!applied.changed) print(`digits has ${applied.model} already; nothing was changed`);
  else {
    print(`digits revision ${applied.generation ?? "?"} with ${applied.model}: ${applied.consequence}`);
    if (applied.rolloutUrl !== null) print(`watch it: ${applied.rolloutUrl}`);
  }
  return 0;
}

/** Tells the pilot to take itself out, and shows what it does. Done when the pilot says so; a silent end is a failure. */
async function remove(context: CommandContext): Promise<number> {
  const answer = await call(context, "POST", "/remove");
  let done = false;
  for (const line of await linesOf(answer, (text) => context.print(text))) {
    if ("error" in line) throw new Error(`${line.error.message}; ${line.error.remedy}`);
    done = "done" in line;
  }
  if (!done) throw new Error('the pilot ended before it was removed; start it with "npm run up" and remove it again');
  context.print('the pilot is removed; its history stays in the audit log. "npm run pilot -- restore" brings it back at the next start');
  return 0;
}

/** Reads an answer line by line; what is said is shown at once, the rest is returned. */
async function linesOf(answer: Response, show: (text: string) => void): Promise<DoorLine[]> {
  const rest: DoorLine[] = [];
  let waiting = "";
  const decoder = new TextDecoder();
  for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
    const lines = (waiting + decoder.decode(chunk, { stream: true })).split("\n");
    waiting = lines.pop() as string;
    for (const line of lines) {
      const read = JSON.parse(line) as DoorLine;
      if ("say" in read) show(read.say);
      else rest.push(read);
    }
  }
  return rest;
}

function restore({ folder, print }: CommandContext): number {
  if (folder.removedAt === null) print("the pilot was not removed; there is nothing to restore");
  else print('the pilot will be set up again at the next "npm run up"');
  folder.restore();
  return 0;
}
