import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);
const hasProc = existsSync("/proc/self/stat");

/** One line of /proc/PID/stat, the fields that are used (proc(5)): times in clock ticks, memory in pages. */
export type ProcessStat = { pid: number; state: string; parent: number; group: number; session: number; userTicks: number; systemTicks: number; startTicks: string; residentPages: number };

/** Reads a line of /proc/PID/stat; the name in parentheses may itself hold blanks and parentheses. Null when it is none. */
export function parseStat(line: string): ProcessStat | null {
  const open = line.indexOf("(");
  const close = line.lastIndexOf(")");
  if (open < 0 || close < open) return null;
  const f = line.slice(close + 2).trim().split(" ");
  const n = (index: number): number => Number(f[index - 3]);
  const state = f[0];
  const startTicks = f[19];
  if (state === undefined || startTicks === undefined) return null;
  return { pid: Number(line.slice(0, open)), state, parent: n(4), group: n(5), session: n(6), userTicks: n(14), systemTicks: n(15), startTicks, residentPages: n(24) };
}

/** What the system says of a process; null when there is none (or it is only waiting to be collected). */
export async function statOf(pid: number): Promise<ProcessStat | null> {
  try {
    const stat = parseStat(await readFile(`/proc/${pid}/stat`, "utf8"));
    return stat === null || stat.state === "Z" || stat.state === "X" ? null : stat;
  } catch {
    return null;
  }
}

/** Start time of a process, in a form that is only compared with itself; null when there is no such process. */
export async function startTimeOf(pid: number): Promise<string | null> {
  if (hasProc) return (await statOf(pid))?.startTicks ?? null;
  try {
    // Systems without /proc: ps tells the start to the second.
    const { stdout } = await run("ps", ["-o", "lstart=", "-p", String(pid)]);
    return stdout.trim() || null;
  } catch {
    return null;
  }
}

/** Arguments of a process; empty when it is gone or not ours to read. */
export async function argumentsOf(pid: number): Promise<string[]> {
  try {
    if (hasProc) return (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0").slice(0, -1);
    return (await run("ps", ["-o", "args=", "-ww", "-p", String(pid)])).stdout.trim().split(" ");
  } catch {
    return [];
  }
}

/** All processes of a process group; empty without /proc. */
export async function groupOf(group: number): Promise<ProcessStat[]> {
  if (!hasProc) return [];
  const found: ProcessStat[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await statOf(Number(name));
    if (stat && (stat.group === group || stat.session === group)) found.push(stat);
  }
  return found;
}

/** Sends a signal to a process (positive) or a process group (negative); false when there is none. */
export function send(target: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(target, signal);
    return true;
  } catch {
    return false;
  }
}
