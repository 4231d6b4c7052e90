import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { ProcessMark } from "./state";

/**
 * When a process started, as text that differs between two processes that had the same pid; null when there is
 * none, or when it has ended and nobody has asked for its exit code yet.
 */
export function startOf(pid: number): string | null {
  try {
    // Field 22 of /proc/PID/stat counts clock ticks since boot; the name before it may hold spaces and brackets.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? null : `ticks ${fields[19]}`;
  } catch {
    if (process.platform === "linux") return null;
  }
  try {
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim() || null;
  } catch {
    return null;
  }
}

/** The mark of a process that runs now. */
export function markOf(pid: number): ProcessMark | null {
  const startedAt = startOf(pid);
  return startedAt === null ? null : { pid, startedAt };
}

/** Whether exactly this process still runs. */
export function stillRuns(mark: ProcessMark): boolean {
  return startOf(mark.pid) === mark.startedAt;
}

/** Ends exactly this process: SIGTERM, and SIGKILL after `graceMs`. Resolves when it is gone; at once when it is not there. */
export async function endProcess(mark: ProcessMark, graceMs: number): Promise<void> {
  const deadline = Date.now() + graceMs;
  signal(mark, "SIGTERM");
  while (stillRuns(mark) && Date.now() < deadline) await pause(50);
  await killProcess(mark);
}

/** Ends exactly this process with SIGKILL, so that it can do nothing more. Resolves when it is gone. */
export async function killProcess(mark: ProcessMark): Promise<void> {
  signal(mark, "SIGKILL");
  while (stillRuns(mark)) await pause(50);
}

function signal(mark: ProcessMark, name: NodeJS.Signals): void {
  if (!stillRuns(mark)) return;
  try {
    process.kill(mark.pid, name);
  } catch (error) {
    // It ended between the look and the signal.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Resolves after some time. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
