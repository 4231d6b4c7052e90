/** Stopping a server. Needs nothing installed: it must work when node_modules is gone. */
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isAlive, runningOn, servesFolder } from "./postmaster.mjs";

const POLL_MS = 20;

/** Signals a fast shutdown and waits; a server that does not end in time is told to end at once. @param {number} pid @param {string} dataDir */
export async function stopServer(pid, dataDir) {
  const here = () => isAlive(pid) && servesFolder(pid, dataDir);
  for (const [signal, waitMs] of /** @type {const} */ ([["SIGINT", 20_000], ["SIGQUIT", 10_000], ["SIGKILL", 5_000]])) {
    if (!here()) return;
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    for (const until = Date.now() + waitMs; Date.now() < until; ) {
      if (!here()) return;
      await delay(POLL_MS);
    }
  }
}

/**
 * Stops whatever server runs on this home folder, without starting one.
 * @param {string} home
 * @returns {Promise<boolean>} was there one?
 */
export async function stopPostgres(home) {
  const dataDir = path.join(path.resolve(home), "data");
  const found = runningOn(dataDir, () => {});
  if (!found) return false;
  await stopServer(found.pid, dataDir);
  return true;
}
