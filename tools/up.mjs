/**
 * `npm run up`: from a fresh clone to a running installation on this machine, in one command.
 *
 * Works before anything is installed (only Node's own modules are used until `npm ci` has run), shows every phase with
 * the time it took, and then keeps the processes running until it is told to stop.
 */
import { BadFlag, UP_USAGE, upOptions } from "./up/options.mjs";
import { PortTaken } from "./up/ports.mjs";
import { phases } from "./lib/phases.mjs";

const MIN_NODE = [20, 19];

function nodeIsOldEnough() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = MIN_NODE;
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

async function main() {
  const options = upOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(`${UP_USAGE}\n`);
    return 0;
  }
  if (!nodeIsOldEnough()) throw new BadFlag(`Holdfast needs Node ${MIN_NODE.join(".")} or later; this is ${process.versions.node}.`);
  if (!["linux", "darwin"].includes(process.platform)) throw new BadFlag(`Holdfast runs on Linux and macOS; this is ${process.platform}. On Windows, use WSL.`);
  const { look, take } = await import("./up/instance.mjs");
  const before = look(options.data);
  if (before?.alive) return alreadyRunning(before.note);

  const show = phases();
  const { needsInstall, install } = await import("./up/install.mjs");
  if (needsInstall()) {
    const { inRoot } = await import("./lib/paths.mjs");
    await show.run("installing packages", (note) => install({ logFile: inRoot("dist/logs/npm-ci.log"), note }));
  }
  const got = take(options.data);
  if ("running" in got) return alreadyRunning(got.running);
  // Only now: what follows uses the packages that were just installed.
  const { Installation } = await import("./up/installation.mjs");
  return new Installation({ options, instance: got.taken, left: got.left, show }).runUntilStopped();
}

/** @param {import("./up/instance.mjs").Note} note */
function alreadyRunning(note) {
  const where = note.url ? `at ${note.url}` : "and is still starting";
  process.stdout.write(`Holdfast is ${note.state === "stopping" ? "stopping" : "running"} on this data folder ${where} (process ${note.supervisor.pid}, since ${note.since}).\nStop it with: npm run down\n`);
  return 0;
}

try {
  process.exitCode = (await main()) || (process.exitCode ?? 0);
} catch (error) {
  const known = error instanceof BadFlag || error instanceof PortTaken || /** @type {Error} */ (error).name === "CommandFailed" || !process.env["HOLDFAST_DEBUG"];
  process.stderr.write(`\n${known ? /** @type {Error} */ (error).message : /** @type {Error} */ (error).stack}\n`);
  process.exitCode = error instanceof BadFlag ? 2 : 1;
}
