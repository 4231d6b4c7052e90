/**
 * `npm run bench -- NAME [flags]`: runs `bench/NAME.ts`. The flags are the benchmark's own; with `--json` its last line is
 * one JSON object. The machine is printed first, because a figure without it says nothing.
 */
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { DIST, ROOT, inRoot } from "./lib/paths.mjs";
import { phases } from "./lib/phases.mjs";
import { install, needsInstall } from "./up/install.mjs";

const folder = inRoot("bench");
const names = fs.existsSync(folder) ? fs.readdirSync(folder).filter((file) => /^[a-z0-9-]+\.ts$/.test(file)).map((file) => file.slice(0, -3)).sort() : [];

/** Benchmarks that start the processes and load screens. */
const CONSOLE = new Set(["first-load"]);

/** Memory in GiB, with one digit. @param {number} bytes */
const gib = (bytes) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

/** One line about this machine. */
function machine() {
  const cpus = os.cpus();
  return `machine: ${cpus[0]?.model.trim() ?? "unknown CPU"}, ${cpus.length} cores, ${gib(os.totalmem())}; ${os.type()} ${os.release()} ${os.arch()}; Node ${process.versions.node}; load ${os.loadavg()[0]?.toFixed(1)}`;
}

async function main() {
  const [name, ...flags] = process.argv.slice(2);
  if (!name || name.startsWith("-") || !names.includes(name)) {
    process.stderr.write(`npm run bench -- NAME [flags]\nbenchmarks: ${names.join(", ") || "none yet"}\n`);
    return 2;
  }
  // With --json the progress goes to stderr: stdout ends with the object.
  const show = phases(flags.includes("--json") ? /** @type {NodeJS.WriteStream} */ (process.stderr) : process.stdout);
  if (needsInstall()) await show.run("installing packages", (note) => install({ logFile: `${DIST}/logs/npm-ci.log`, note }));
  const { build } = await import("./build.mjs");
  // What loads screens needs the console; everything else is bundled by itself and needs at most the database's client.
  await build({ show, only: CONSOLE.has(name) ? [] : ["none"] });
  show.say(machine());
  const { endBundler, makeBench } = await import("./build/bundles.mjs");
  const file = await makeBench(name).finally(endBundler);
  const child = spawn(process.execPath, ["--enable-source-maps", file, ...flags], { cwd: ROOT, stdio: "inherit" });
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.on(signal, () => child.kill(signal));
  return new Promise((/** @type {(code: number) => void} */ resolve) => {
    child.once("error", () => resolve(1));
    child.once("close", (code) => resolve(code ?? 1));
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${/** @type {Error} */ (error).message}\n`);
  process.exitCode = 1;
}
