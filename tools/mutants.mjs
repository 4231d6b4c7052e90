/**
 * `npm run test:mutants [-- PATH…]`: changes the placement core in thousands of small ways and counts how many of them the
 * core's own tests notice (StrykerJS). At least 80% have to be. All of it takes hours on two cores; with paths (files, or
 * folders below server/core/placement) only those are changed. The report by line goes to dist/mutants.json.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { DIST, ROOT } from "./lib/paths.mjs";
import { phases } from "./lib/phases.mjs";
import { install, needsInstall } from "./up/install.mjs";

const LEAST_PERCENT = 80;
const CORE = "server/core/placement";

/** Every source file at or below a path, tests and what serves only them apart. @param {string} at @returns {string[]} */
function sourcesAt(at) {
  const whole = path.join(ROOT, at);
  if (!fs.existsSync(whole)) throw new Error(`there is nothing at ${at}: give files or folders below ${CORE}`);
  if (fs.statSync(whole).isDirectory()) return fs.readdirSync(whole).flatMap((name) => sourcesAt(`${at}/${name}`));
  return /\.ts$/.test(at) && !/\.test\.ts$|\/testing\.ts$|\/naive\.ts$/.test(at) ? [at] : [];
}

async function main() {
  const mutate = (process.argv.length > 2 ? process.argv.slice(2) : [CORE]).flatMap((at) => sourcesAt(at.replace(/\/$/, "")));
  const show = phases(process.stdout);
  if (needsInstall()) await show.run("installing packages", (note) => install({ logFile: `${DIST}/logs/npm-ci.log`, note }));
  const { Stryker } = await import("@stryker-mutator/core");
  process.chdir(ROOT);
  const results = await new Stryker({
    testRunner: "vitest",
    plugins: ["@stryker-mutator/vitest-runner"],
    vitest: { configFile: "tools/mutants.vitest.ts", related: false },
    mutate,
    coverageAnalysis: "perTest",
    // What runs once, when a file is loaded, is not charged to single tests: each would need a process of its own.
    ignoreStatic: true,
    concurrency: Math.max(1, Math.min(4, os.availableParallelism())),
    timeoutMS: 20_000,
    reporters: ["clear-text", "progress-append-only", "json"],
    clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
    jsonReporter: { fileName: "dist/mutants.json" },
    tempDirName: "dist/mutants",
  }).runMutationTest();
  const count = (/** @type {string[]} */ ...states) => results.filter((r) => states.includes(r.status)).length;
  const killed = count("Killed", "Timeout");
  const all = killed + count("Survived", "NoCoverage");
  const percent = all === 0 ? 0 : (100 * killed) / all;
  process.stdout.write(`\n${killed} of ${all} mutants were noticed: ${percent.toFixed(1)}% (at least ${LEAST_PERCENT}% have to be), in ${mutate.length} files\n`);
  return percent >= LEAST_PERCENT ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${/** @type {Error} */ (error).message}\n`);
  process.exitCode = 1;
}
