/** `npm run down`: stops what `npm run up` runs, and with `--erase` removes everything it keeps. */
import fs from "node:fs";
import readline from "node:readline/promises";
import { endProcess, isRunning } from "./lib/processes.mjs";
import { isDataFolder, look } from "./up/instance.mjs";
import { endLeftovers } from "./up/leftovers.mjs";
import { BadFlag, DOWN_USAGE, downOptions } from "./up/options.mjs";

const STOP_WAIT_MS = 120_000;
const SERVER_GRACE_MS = 15_000;

const say = (/** @type {string} */ text) => void process.stdout.write(`${text}\n`);

/** Stops a supervised installation, or what is left of one whose supervisor died. @param {string} data */
async function stop(data) {
  const found = look(data);
  let stopped = 0;
  if (found?.alive) {
    say(`stopping Holdfast (process ${found.note.supervisor.pid}) …`);
    await endProcess(found.note.supervisor, STOP_WAIT_MS);
    stopped += 1;
  }
  for (const mark of Object.values(look(data)?.note.children ?? {}).filter(isRunning)) {
    await endProcess(mark, SERVER_GRACE_MS);
    stopped += 1;
  }
  stopped += await endLeftovers(data);
  if (fs.existsSync(`${data}/postgres/data`)) {
    const { stopPostgres } = await import("./pg/stop.mjs");
    if (await stopPostgres(`${data}/postgres`)) stopped += 1;
  }
  fs.rmSync(`${data}/instance.json`, { force: true });
  return stopped;
}

/** @param {string} data */
async function agrees(data) {
  if (!process.stdin.isTTY) {
    say(`Nothing was erased: there is no terminal to ask on. Say --yes to erase ${data}.`);
    return false;
  }
  const asking = readline.createInterface({ input: process.stdin, output: process.stdout });
  const answer = await asking.question(`Erase everything in ${data}: database, identities, artifacts, audit log? Type "erase": `);
  asking.close();
  return answer.trim() === "erase";
}

async function main() {
  const options = downOptions(process.argv.slice(2));
  if (options.help) return say(DOWN_USAGE);
  if (!fs.existsSync(options.data)) return say(`There is no installation in ${options.data}.`);
  // Only a folder that we made is ever touched.
  if (!isDataFolder(options.data)) throw new BadFlag(`${options.data} is not a data folder of Holdfast; nothing was done.`);
  if (options.erase && !options.yes && !(await agrees(options.data))) {
    process.exitCode = 1;
    return say("Nothing was stopped or erased.");
  }
  const stopped = await stop(options.data);
  say(stopped ? "Holdfast has stopped." : "Holdfast was not running.");
  if (options.erase) {
    fs.rmSync(options.data, { recursive: true, force: true });
    say(`Erased ${options.data}.`);
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${/** @type {Error} */ (error).message}\n`);
  process.exitCode = error instanceof BadFlag ? 2 : 1;
}
