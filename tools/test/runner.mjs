/** Running one test runner: its output is streamed and its closing lines kept; nothing it started outlives it. */
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { ROOT } from "../lib/paths.mjs";
import { endProcess, findProcesses } from "../lib/processes.mjs";

/**
 * @typedef {{ name: string, passed: number, failed: number, skipped: number, closing: string[], ms: number }} Outcome
 */

/** @type {Set<number>} Process groups that run now, to be ended when we are. */
const groups = new Set();

/** Ends every running group at once: for Ctrl-C. */
export function endGroups() {
  for (const pid of groups) {
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // Gone already.
    }
  }
}

/**
 * Runs a program in a group of its own, with everything it prints shown as it comes.
 * @param {{ args: string[], env: NodeJS.ProcessEnv, timeoutMs: number }} o
 * @returns {Promise<{ code: number | string, tail: string[] }>}  tail: its last lines, without colours
 */
export async function streamed({ args, env, timeoutMs }) {
  const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const pid = child.pid ?? 0;
  groups.add(pid);
  let tail = "";
  const take = (/** @type {NodeJS.WriteStream} */ out) => (/** @type {Buffer} */ chunk) => {
    out.write(chunk);
    tail = (tail + chunk.toString("utf8")).slice(-8000);
  };
  child.stdout.on("data", take(process.stdout));
  child.stderr.on("data", take(process.stderr));
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // It ended in this moment.
    }
  }, timeoutMs);
  const code = await new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (status, signal) => resolve(status ?? String(signal)));
  });
  clearTimeout(timer);
  groups.delete(pid);
  // A grandchild that holds our pipe must not keep us waiting: what matters has been read.
  child.stdout.destroy();
  child.stderr.destroy();
  const lines = tail.replace(/\u001b\[[0-9;]*[A-Za-z]/g, "").split("\n").map((line) => line.trimEnd());
  return { code: late ? `no end after ${timeoutMs / 60_000} minutes` : code, tail: lines };
}

/**
 * Processes that belong to this test run: its temporary folder is in their environment or arguments, or they work in it.
 * @param {string} temporary
 */
export function strays(temporary) {
  const names = (/** @type {string} */ text) => `${text}${path.sep}`.includes(`${temporary}${path.sep}`);
  return findProcesses(({ args, environment, cwd }) => names(cwd()) || args.some(names) || environment().some(names));
}

/**
 * Ends what a runner left behind, and says what it was: leaving processes behind is a failure.
 * @param {string} temporary
 * @returns {Promise<string[]>}
 */
export async function endStrays(temporary) {
  const found = strays(temporary);
  const shown = found.map(({ pid }) => {
    try {
      return `${pid} ${fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").slice(0, 160)}`;
    } catch {
      return String(pid);
    }
  });
  for (let round = 0; round < 5 && strays(temporary).length > 0; round += 1) await Promise.all(strays(temporary).map((mark) => endProcess(mark, 1_000)));
  return shown;
}
