/** A lock that belongs to a process: it is free again when that process is gone, however it went. */
import fs from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isRunning, markOf } from "./processes.mjs";

/** @param {string} file @returns {import("./processes.mjs").Mark | undefined} */
function holderOf(file) {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

/**
 * Does the work while no other process does work under the same lock file.
 * @template T
 * @param {string} file @param {(note: { pid: number }) => void} waiting  told once if another process holds it
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function locked(file, waiting, work) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const mine = JSON.stringify(markOf(process.pid));
  let told = false;
  for (;;) {
    // The content is there before the name is: nobody ever reads a lock whose holder is not written yet.
    const making = `${file}.${process.pid}`;
    fs.writeFileSync(making, mine);
    try {
      fs.linkSync(making, file);
      break;
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
    } finally {
      fs.rmSync(making, { force: true });
    }
    const holder = holderOf(file);
    if (!holder || !isRunning(holder)) {
      fs.rmSync(file, { force: true });
      continue;
    }
    if (!told) waiting(holder);
    told = true;
    await delay(200);
  }
  try {
    return await work();
  } finally {
    fs.rmSync(file, { force: true });
  }
}
