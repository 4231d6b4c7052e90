/**
 * Telling processes apart and ending them. A process id alone names nothing: after a crash it may belong to anything, so
 * it is always kept with the moment the process started.
 */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** @typedef {{ pid: number, startedAt: string }} Mark */

/**
 * When a process started, as text that differs between two processes that had the same id; undefined when there is none
 * or it has ended already.
 * @param {number} pid
 */
export function startOf(pid) {
  if (process.platform === "linux") {
    try {
      // Field 22 of /proc/PID/stat counts clock ticks since boot; the name before it may hold spaces and brackets.
      const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return fields[0] === "Z" ? undefined : `ticks ${fields[19]} boot ${bootId()}`;
    } catch {
      return undefined;
    }
  }
  try {
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim() || undefined;
  } catch {
    return undefined;
  }
}

/** @type {string | undefined} */
let boot;
function bootId() {
  boot ??= fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return boot;
}

/** @param {number} pid @returns {Mark | undefined} */
export function markOf(pid) {
  const startedAt = startOf(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

/** Is this still the same process? @param {Mark} mark */
export const isRunning = (mark) => startOf(mark.pid) === mark.startedAt;

/** @param {number} pid @param {NodeJS.Signals} signal */
function signalQuietly(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended in between, or is not ours to end; the caller looks again.
  }
}

/**
 * Asks a process to end, and ends it after the grace time. Returns when it is gone.
 * @param {Mark} mark @param {number} graceMs
 * @returns {Promise<boolean>} did it end by itself within the grace time?
 */
export async function endProcess(mark, graceMs) {
  if (!isRunning(mark)) return true;
  signalQuietly(mark.pid, "SIGTERM");
  for (const until = Date.now() + graceMs; Date.now() < until; await delay(25)) if (!isRunning(mark)) return true;
  signalQuietly(mark.pid, "SIGKILL");
  for (const until = Date.now() + 5_000; isRunning(mark) && Date.now() < until; ) await delay(25);
  return false;
}

/**
 * Processes of this machine that one of these tests picks (Linux only: elsewhere nothing is found). Never ourselves.
 * @param {(found: { pid: number, args: string[], environment: () => string[], cwd: () => string }) => boolean} pick
 * @returns {Mark[]}
 */
export function findProcesses(pick) {
  if (process.platform !== "linux") return [];
  const read = (/** @type {string} */ file) => {
    try {
      return fs.readFileSync(file, "utf8").split("\0");
    } catch {
      return [];
    }
  };
  const found = [];
  for (const name of fs.readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const cwd = () => {
      try {
        return fs.readlinkSync(`/proc/${pid}/cwd`);
      } catch {
        return "";
      }
    };
    if (!pick({ pid, args: read(`/proc/${pid}/cmdline`), environment: () => read(`/proc/${pid}/environ`), cwd })) continue;
    const mark = markOf(pid);
    if (mark) found.push(mark);
  }
  return found;
}
