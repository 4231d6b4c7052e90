/**
 * What can be known about a server from its data folder: is a server of ours running on it, is it ready, on which port.
 */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

/** @param {number} pid */
export function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
  }
}

/**
 * Is this process a PostgreSQL server working on this data folder? A process id alone proves nothing: after a crash or a
 * reboot it may belong to anything. A server's working directory is always its data folder.
 * @param {number} pid @param {string} dataDir
 */
export function servesFolder(pid, dataDir) {
  if (process.platform === "linux") {
    try {
      return fs.readlinkSync(`/proc/${pid}/cwd`) === fs.realpathSync(dataDir) && /postgres/.test(fs.readFileSync(`/proc/${pid}/cmdline`, "utf8"));
    } catch {
      return false;
    }
  }
  const shown = spawnSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" });
  return shown.status === 0 && shown.stdout.includes(dataDir);
}

/**
 * Reads `postmaster.pid`: line 1 is the process id, line 4 the port, line 8 the state.
 * @param {string} dataDir
 * @returns {{ pid: number, port: number, ready: boolean } | undefined}
 */
export function readPidFile(dataDir) {
  try {
    const lines = fs.readFileSync(path.join(dataDir, "postmaster.pid"), "utf8").split("\n");
    return { pid: Number(lines[0]), port: Number(lines[3]), ready: (lines[7] ?? "").trim() === "ready" };
  } catch {
    return undefined;
  }
}

/**
 * The server that runs on this data folder now. A pid file that some other process's id stands in is removed, because
 * PostgreSQL itself would refuse to start over it.
 * @param {string} dataDir @param {(line: string) => void} log
 */
export function runningOn(dataDir, log) {
  const noted = readPidFile(dataDir);
  if (!noted) return undefined;
  if (servesFolder(noted.pid, dataDir)) return noted;
  log(`removing the lock file of a PostgreSQL that is gone (process ${noted.pid})`);
  fs.rmSync(path.join(dataDir, "postmaster.pid"), { force: true });
  return undefined;
}
