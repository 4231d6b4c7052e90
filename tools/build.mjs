/**
 * `npm run build`: makes everything that runs, and only what changed.
 *
 *   dist/server/*.mjs   one file per process or command of the server; libraries stay in node_modules
 *   dist/cli, dist/agent, dist/pilot   single files that need nothing installed beside Node
 *   .next               the console
 *
 * What changed is told by the hashes of exactly the files a target was last made from (kept in dist/.build.json), so a
 * changed test or comment in a folder that a target does not use costs nothing.
 */
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { BUNDLES, closureOf, endBundler, makeBundle } from "./build/bundles.mjs";
import { filesBelow, recall } from "./build/inputs.mjs";
import { locked } from "./lib/lock.mjs";
import { DIST, ROOT, inRoot } from "./lib/paths.mjs";
import { phases } from "./lib/phases.mjs";
import { runLogged } from "./lib/run.mjs";

/**
 * Files that every target depends on: other versions of the libraries make another program.
 */
const COMMON = ["package-lock.json", "tsconfig.json"];
const GENERATED = "server/store/generated/client.ts";

/** The console's inputs: what its pages import by value, and everything that stands beside them (styles, pictures). */
async function consoleInputs() {
  const beside = ["app", "components", "public"].flatMap((folder) => filesBelow(folder)).filter((file) => !/\.test\.tsx?$/.test(file));
  const entries = beside.filter((file) => /^app\/.*\.tsx?$/.test(file));
  const imported = await closureOf(entries);
  const settings = ["next.config.mjs", "postcss.config.mjs"].filter((file) => fs.existsSync(inRoot(file)));
  return [...new Set([...beside, ...imported, ...settings, ...COMMON])];
}

/** @param {import("./build/inputs.mjs").Memory} memory */
async function generateClient(memory) {
  const inputs = ["prisma/schema.prisma", "prisma.config.ts", ...COMMON];
  if (memory.isFresh("prisma client", inputs, [GENERATED])) return "unchanged";
  await runLogged(process.execPath, [inRoot("node_modules/prisma/build/index.js"), "generate"], {
    logFile: path.join(DIST, "logs/prisma-generate.log"),
    env: { ...process.env, PRISMA_HIDE_UPDATE_MESSAGE: "1", CHECKPOINT_DISABLE: "1" },
  });
  memory.note("prisma client", inputs);
  return "generated";
}

/** @param {import("./build/inputs.mjs").Memory} memory */
async function buildConsole(memory) {
  if (filesBelow("app").length === 0) throw new Error("there is no app/ folder to build the console from");
  const inputs = await consoleInputs();
  if (memory.isFresh("console", inputs, [".next/BUILD_ID"])) return "unchanged";
  await runLogged(process.execPath, [inRoot("node_modules/next/dist/bin/next"), "build"], {
    logFile: path.join(DIST, "logs/next-build.log"),
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1", NODE_ENV: "production" },
  });
  memory.note("console", inputs);
  return "built";
}

/**
 * Builds what changed. Every target is tried, so that one broken file shows every fault at once; then throws if any
 * failed.
 * @param {{ show?: import("./lib/phases.mjs").Phases, only?: string[] }} [options]  `only`: parts of targets' names
 */
export async function build({ show = phases(), only = [] } = {}) {
  const waiting = (/** @type {{ pid: number }} */ other) => show.say(`  waiting for another build of this checkout (process ${other.pid})`);
  await locked(path.join(DIST, ".build.lock"), waiting, () => buildAll(show, only).finally(endBundler));
}

/** @param {import("./lib/phases.mjs").Phases} show @param {string[]} only */
async function buildAll(show, only) {
  const wanted = (/** @type {string} */ name) => only.length === 0 || only.some((part) => name.includes(part));
  const memory = recall();
  /** @type {string[]} */
  const faults = [];
  const attempt = async (/** @type {string} */ label, /** @type {(note: (text: string) => void) => Promise<string>} */ work) => {
    try {
      await show.run(label, async (note) => note(await work(note)));
    } catch (error) {
      faults.push(`${label}: ${/** @type {Error} */ (error).message}`);
    }
  };

  await attempt("database client", () => generateClient(memory));
  const bundles = BUNDLES.filter((bundle) => wanted(bundle.output));
  if (bundles.length > 0) await attempt(`programs (${bundles.length})`, async (note) => {
    /** @type {string[]} */
    const made = [];
    /** @type {string[]} */
    const broken = [];
    for (const bundle of bundles) {
      note(bundle.output);
      try {
        const size = await makeBundle(bundle, memory, COMMON);
        if (size !== undefined) made.push(`${path.basename(bundle.output)} ${Math.ceil(size / 1024)} kB`);
      } catch (error) {
        broken.push(`${bundle.output}: ${/** @type {Error} */ (error).message}`);
      }
    }
    note("");
    if (broken.length) throw new Error(broken.join("\n"));
    return made.length ? made.join(", ") : "unchanged";
  });
  if (wanted("console")) await attempt("console", () => buildConsole(memory));
  memory.save();
  if (faults.length) throw new Error(faults.join("\n\n"));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.chdir(ROOT);
  try {
    await build({ only: process.argv.slice(2).filter((arg) => !arg.startsWith("-")) });
  } catch (error) {
    process.stderr.write(`\n${/** @type {Error} */ (error).message}\n`);
    process.exitCode = 1;
  }
}
