/**
 * `npm run test:mutants [-- --changed] [PATH…]`: changes the placement core in thousands of small ways and counts how many of
 * them the core's own tests notice (StrykerJS). At least 80% have to be. With paths (files, or folders below
 * server/core/placement) only those are changed; with `--changed` what an earlier run found out is kept where neither the
 * code nor the tests changed. What nobody noticed is printed; the whole report goes to dist/mutants.json.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { ROOT } from "./lib/paths.mjs";
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
  const since = performance.now();
  const given = process.argv.slice(2).filter((a) => a !== "--changed");
  const mutate = (given.length > 0 ? given : [CORE]).flatMap((at) => sourcesAt(at.replace(/\/$/, "")));
  const show = phases(process.stdout);
  if (needsInstall()) await show.run("installing packages", (note) => install({ logFile: path.join(ROOT, "dist/logs/npm-ci.log"), note }));
  const { Stryker } = await import("@stryker-mutator/core");
  process.chdir(ROOT);
  const results = (
    await new Stryker({
      testRunner: "in-process",
      plugins: [path.join(ROOT, "tools/mutants/runner.mjs")],
      mutate,
      // All that the core and its tests read.
      ignorePatterns: ["/*", "!/server", "/server/*", "!/server/core", "!/docs", "!/package.json"],
      coverageAnalysis: "perTest",
      concurrency: Math.max(1, Math.min(4, os.availableParallelism())),
      // The runner stops tests that do not end by the processor time they take. This is for what it can't stop.
      timeoutMS: 60_000,
      timeoutFactor: 10,
      testRunnerNodeArgs: ["--max-old-space-size=2048"],
      incremental: true,
      incrementalFile: "dist/mutants-known.json",
      force: !process.argv.includes("--changed"),
      reporters: ["progress-append-only", "json"],
      jsonReporter: { fileName: "dist/mutants.json" },
      tempDirName: "dist/mutants",
      allowConsoleColors: false,
      tsconfigFile: "none.json",
    }).runMutationTest()
  ).filter((r) => mutate.includes(path.relative(ROOT, path.resolve(ROOT, r.fileName))));
  const count = (/** @type {string[]} */ ...states) => results.filter((r) => states.includes(r.status)).length;
  const out = (/** @type {string} */ line) => void process.stdout.write(`${line}\n`);
  for (const file of mutate) {
    const mine = results.filter((r) => path.resolve(ROOT, r.fileName) === path.join(ROOT, file));
    const missed = mine.filter((r) => ["Survived", "NoCoverage"].includes(r.status));
    const noticed = mine.filter((r) => ["Killed", "Timeout"].includes(r.status)).length;
    out(`${`${noticed} of ${noticed + missed.length}`.padStart(13)}  ${file}`);
    if (given.length > 0) for (const m of missed) out(`               ${m.location.start.line}:${m.location.start.column + 1} ${m.mutatorName} → ${String(m.replacement).replace(/\s+/g, " ").slice(0, 100)}${m.status === "NoCoverage" ? " (no test comes by)" : ""}`);
  }
  const killed = count("Killed", "Timeout");
  const all = killed + count("Survived", "NoCoverage");
  const other = results.length - all;
  const percent = all === 0 ? 0 : (100 * killed) / all;
  out(`\n${killed} of ${all} mutants were noticed: ${percent.toFixed(1)}% (at least ${LEAST_PERCENT}% have to be), in ${mutate.length} files and ${Math.round((performance.now() - since) / 1000)} s; ${count("Timeout")} of them because they did not end, ${count("NoCoverage")} of the others are in lines that no test comes by${other > 0 ? `; ${other} could not be tried` : ""}`);
  return percent >= LEAST_PERCENT ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${/** @type {Error} */ (error).stack}\n`);
  process.exitCode = 1;
}
