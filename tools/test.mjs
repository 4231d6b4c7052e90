/**
 * `npm test`: installs what is needed, builds, and runs checks, unit, simulation, integration and browser tests. Every
 * suite is run whatever the others say. The last line is "N passed, N failed".
 *
 *   --only checks,unit,sim,int,e2e   these suites alone
 *   --long                           exhaustive runs (HOLDFAST_LONG=1): more examples, longer simulations
 *   PATH …                           only test files whose path contains one of these
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { DIST, inRoot } from "./lib/paths.mjs";
import { phases } from "./lib/phases.mjs";
import { endRunning } from "./lib/run.mjs";
import { install, needsInstall } from "./up/install.mjs";

const ALL = /** @type {const} */ (["checks", "unit", "sim", "int", "e2e"]);

/** A folder for everything this run writes; other accounts can walk through it, because PostgreSQL may run as one. */
function temporaryFolder() {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "holdfast-test-")));
  fs.chmodSync(folder, 0o755);
  return folder;
}

async function main() {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { only: { type: "string", multiple: true }, long: { type: "boolean", default: false } } });
  const asked = (values.only ?? []).flatMap((one) => one.split(","));
  const unknown = asked.find((one) => !ALL.some((suite) => suite === one));
  if (unknown !== undefined) throw new Error(`--only: there is no suite "${unknown}"; there are ${ALL.join(", ")}`);
  const suites = ALL.filter((suite) => asked.length === 0 || asked.includes(suite));
  const filters = positionals;

  const show = phases();
  if (needsInstall()) await show.run("installing packages", (note) => install({ logFile: path.join(DIST, "logs/npm-ci.log"), note }));
  // Only now: these use the packages that were just installed.
  const { ensureChromium } = await import("./lib/browser.mjs");
  const { ensurePrograms } = await import("./lib/prerequisites.mjs");
  const { build } = await import("./build.mjs");
  const { SUITES, closingOf } = await import("./test/suites.mjs");
  const { endGroups, endStrays } = await import("./test/runner.mjs");

  const temporary = temporaryFolder();
  /** @type {NodeJS.ProcessEnv} */
  const env = { ...process.env, TMPDIR: temporary, HOLDFAST_TEST_RUN: temporary, NEXT_TELEMETRY_DISABLED: "1", ...(values.long ? { HOLDFAST_LONG: "1" } : {}) };
  const cleanUp = async () => {
    endGroups();
    await endStrays(temporary);
    fs.rmSync(temporary, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  // A stop ends what runs now; the loop below then starts nothing more, and cleans up as always.
  let stopped = false;
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    process.on(signal, () => {
      stopped = true;
      endGroups();
      endRunning();
    });
  }

  /** @type {import("./test/runner.mjs").Outcome[]} */
  const outcomes = [];
  try {
    if (suites.includes("int")) await show.run("programs for the tests", (note) => ensurePrograms({ logFolder: path.join(DIST, "logs"), note }));
    if (suites.includes("e2e")) {
      await show.run("a browser for the tests", async (note) => {
        const found = await ensureChromium({ logFolder: path.join(DIST, "logs"), note });
        env["CHROMIUM_PATH"] = found.path;
        note(`${found.path}, from ${found.from}`);
      });
    }
    const broken = await build({ show, only: suites.every((suite) => suite === "unit" || suite === "sim") ? ["nothing but the database client"] : [] }).then(
      () => undefined,
      (/** @type {Error} */ error) => error.message,
    );
    if (broken !== undefined) {
      process.stderr.write(`\n${broken}\n`);
      outcomes.push({ name: "build", passed: 0, failed: 1, skipped: 0, closing: [broken.split("\n")[0] ?? ""], ms: 0 });
    }
    // Without programs there is nothing to integrate; what needs none is still worth knowing.
    const possible = broken === undefined ? suites : suites.filter((suite) => suite !== "int" && suite !== "e2e");
    for (const suite of possible) {
      if (stopped) throw new Error("stopped before all was run");
      process.stdout.write(`\n━━ ${suite}\n`);
      outcomes.push(await SUITES[suite]({ temporary, env, filters, long: values.long }));
    }
    if (stopped) throw new Error("stopped before all was run");
  } catch (error) {
    process.stderr.write(`\n${/** @type {Error} */ (error).message}\n`);
    outcomes.push({ name: "preparation", passed: 0, failed: 1, skipped: 0, closing: [String(/** @type {Error} */ (error).message).split("\n")[0] ?? ""], ms: 0 });
  } finally {
    await cleanUp();
  }
  return report(outcomes, closingOf);
}

/** @param {import("./test/runner.mjs").Outcome[]} outcomes @param {(one: import("./test/runner.mjs").Outcome) => string[]} closingOf */
function report(outcomes, closingOf) {
  const sum = (/** @type {"passed" | "failed" | "skipped"} */ key) => outcomes.reduce((total, one) => total + one[key], 0);
  const skipped = sum("skipped");
  process.stdout.write(`\n${outcomes.flatMap(closingOf).join("\n")}\n\n${sum("passed")} passed, ${sum("failed")} failed${skipped ? `, ${skipped} skipped` : ""}\n`);
  return sum("failed") === 0 && sum("passed") > 0 ? 0 : 1;
}

process.chdir(inRoot());
try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${/** @type {Error} */ (error).message}\n\n0 passed, 1 failed\n`);
  process.exitCode = 1;
}
