/** Finding what belongs to an installation although nobody supervises it any more. */
import fs from "node:fs";
import path from "node:path";
import { endProcess, findProcesses } from "../lib/processes.mjs";

/** Has this process a terminal? Then a person uses it (a shell, an editor, a pager), and it is none of ours. @param {number} pid */
function hasTerminal(pid) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[4] !== "0";
  } catch {
    return true;
  }
}

/**
 * Processes of the pilot's nodes (agents, relays, units) that outlived it: agents keep their work running by design, so
 * after a `kill -9` of the pilot they are still there. They are told by the pilot's folder, in which they work or which
 * they were given.
 * @param {string} data
 */
export function leftovers(data) {
  if (!fs.existsSync(data)) return [];
  const pilot = `${path.join(fs.realpathSync(data), "pilot")}${path.sep}`;
  const mine = (/** @type {string} */ text) => `${text}${path.sep}`.startsWith(pilot) || text.includes(`=${pilot}`);
  return findProcesses(({ pid, args, environment, cwd }) => (args.some(mine) || mine(cwd()) || environment().some(mine)) && !hasTerminal(pid));
}

/** Ends them all. @param {string} data @returns {Promise<number>} how many there were */
export async function endLeftovers(data) {
  let ended = 0;
  // A supervising agent or shell may start something while we look: look until nothing is found.
  for (let round = 0; round < 5; round += 1) {
    const found = leftovers(data);
    if (found.length === 0) break;
    ended += found.length;
    await Promise.all(found.map((mark) => endProcess(mark, 3_000)));
  }
  return ended;
}
