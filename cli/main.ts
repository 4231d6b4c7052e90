import { Command, CommanderError } from "commander";
import { endingOf } from "./client";
import { accessCommands } from "./commands/access";
import { hookCommands } from "./commands/hooks";
import { auditCommands } from "./commands/audit";
import { capacityCommands } from "./commands/capacity";
import { completionCommand } from "./commands/completion";
import { fleetCommands } from "./commands/fleet";
import { importCommands } from "./commands/import";
import { loginCommands } from "./commands/login";
import { manifestCommands } from "./commands/manifests";
import { objectCommands } from "./commands/objects";
import { placementCommands } from "./commands/placement";
import { rolloutCommands } from "./commands/rollouts";
import { unitCommands } from "./commands/units";
import { workloadCommands } from "./commands/workloads";
import { exitCodes } from "./io";
import type { ExitCode, Io } from "./io";
import type { Context } from "./session";

/** The whole command line as a tree; also what completion scripts are made from. */
export function programOf(ctx: Context): Command {
  const program = new Command("holdfast")
    .description("Holdfast from the command line: the same API as the console, with the same rights and the same audit log.")
    .version(ctx.io.version, "-V, --version", "the version of this program")
    .option("--server <url>", "address of the console (HOLDFAST_SERVER)")
    .option("--project <name>", "project (HOLDFAST_PROJECT)")
    .option("-o, --output <format>", "table, json or yaml")
    .addHelpText("after", "\nExit codes: 0 done, 1 failure, 2 wrong usage or input, 3 refused, 4 not found, 5 server unreachable, 6 rollout rolled back.")
    .showHelpAfterError("(holdfast --help tells what there is)");
  for (const add of [loginCommands, objectCommands, manifestCommands, importCommands, workloadCommands, unitCommands, placementCommands, capacityCommands, rolloutCommands, fleetCommands, accessCommands, hookCommands, auditCommands, completionCommand]) add(program, ctx);
  const settle = (command: Command): void => {
    command.exitOverride().configureOutput({ writeOut: (t) => ctx.io.out(t), writeErr: (t) => ctx.io.err(t) });
    for (const sub of command.commands) settle(sub);
  };
  settle(program);
  return program;
}

/** Runs one command line (without the program's own name) and gives its exit code. Errors go to standard error. */
export async function run(args: readonly string[], io: Io): Promise<ExitCode> {
  const ctx: Context = { io, target: null, file: null };
  try {
    await programOf(ctx).parseAsync([...args], { from: "user" });
    return exitCodes.ok;
  } catch (error) {
    // Commander has said itself what is wrong; asking for help is no failure.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    const ended = endingOf(error, ctx.target, ctx.file);
    if (ended.message) io.err(`${ended.code === exitCodes.rolloutNotAsAsked ? "" : "Error: "}${ended.message}\n`);
    return ended.code;
  }
}
