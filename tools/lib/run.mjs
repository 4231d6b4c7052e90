/** Runs other programs and waits for them. */
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { ROOT } from "./paths.mjs";

/** A program that ended badly; the message carries the end of what it said. */
export class CommandFailed extends Error {
  name = "CommandFailed";
}

/** @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set();

/** Asks every program that `runLogged` waits for to end: for a stop in the middle of an installation or a build. */
export function endRunning() {
  for (const child of running) child.kill("SIGTERM");
}

/**
 * Runs a program with its output in a log file, and throws CommandFailed with the end of that output when it fails.
 * @param {string} command @param {string[]} args
 * @param {{ logFile: string, cwd?: string, env?: NodeJS.ProcessEnv, onLine?: (line: string) => void }} options
 */
export async function runLogged(command, args, { logFile, cwd = ROOT, env = process.env, onLine }) {
  fs.mkdirSync(path.dirname(logFile), { recursive: true });
  const sink = fs.createWriteStream(logFile);
  const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  let tail = "";
  const take = (/** @type {Buffer} */ chunk) => {
    sink.write(chunk);
    const text = chunk.toString("utf8");
    tail = (tail + text).slice(-6000);
    if (onLine) for (const line of text.split("\n")) if (line.trim()) onLine(line.trim());
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  const code = await new Promise((resolve, reject) => {
    child.once("error", (error) => reject(new CommandFailed(`${command} could not be started: ${error.message}`)));
    child.once("close", (status, signal) => resolve(status ?? signal));
  }).finally(() => running.delete(child));
  await new Promise((resolve) => sink.end(resolve));
  if (code !== 0) throw new CommandFailed(`${[path.basename(command), ...args].join(" ")} ended with ${code}:\n${tail.trim()}\n(all of it: ${logFile})`);
}
