/** Commands of the server that run to their end. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { serverProgram } from "./services.mjs";

const run = promisify(execFile);

/**
 * Runs one of the server's commands and gives the last line it printed. Throws with the end of what it said when it fails.
 * @param {string} name @param {string[]} args @param {NodeJS.ProcessEnv} env
 */
export async function runProgram(name, args, env) {
  try {
    const { stdout } = await run(process.execPath, [serverProgram(name), ...args], { env, maxBuffer: 16e6 });
    return stdout.trim().split("\n").at(-1) ?? "";
  } catch (error) {
    const { stderr, stdout, message } = /** @type {Error & { stderr?: string, stdout?: string }} */ (error);
    throw new Error(`${name} failed: ${(stderr || stdout || message).trim().split("\n").slice(-15).join("\n")}`);
  }
}

/** A token for this run of the pilot: never kept at rest, and the one of the run before is revoked by it. @param {NodeJS.ProcessEnv} env */
export async function pilotToken(env) {
  const made = await runProgram("admin", ["service-token", "--name", "pilot", "--role", "administrator", "--project", "default", "--days", "3650", "--json"], env);
  return String(JSON.parse(made).token);
}

/** Marks a promise as looked after: it is awaited later, and until then its failure is nobody's surprise. @template T @param {Promise<T>} work */
export function quietly(work) {
  work.catch(() => undefined);
  return work;
}
