/** The suites of `npm test`: how each is run, and how its result is read. */
import fs from "node:fs";
import path from "node:path";
import { check } from "../check.mjs";
import { inRoot } from "../lib/paths.mjs";
import { seconds } from "../lib/phases.mjs";
import { endStrays, streamed } from "./runner.mjs";

const MINUTE_MS = 60_000;

/** @typedef {{ temporary: string, env: NodeJS.ProcessEnv, filters: string[], long: boolean }} Context */

/** @param {string} file */
function readReport(file) {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

/** Lines from the last one that matches on: a runner's own summary. @param {string[]} tail @param {RegExp} first */
function closingFrom(tail, first) {
  const at = tail.findLastIndex((line) => first.test(line));
  return tail.slice(at < 0 ? -6 : at).filter((line) => line.trim() && !/report written to/.test(line));
}

/**
 * The counts, plus one failure for each thing that can go wrong beside a test: the runner itself, and processes that
 * stayed behind.
 * @param {{ name: string, startedAt: number, context: Context, counts: { passed: number, failed: number, skipped: number }, code: number | string, closing: string[], mayBeEmpty: boolean }} o
 * @returns {Promise<import("./runner.mjs").Outcome>}
 */
async function outcome({ name, startedAt, context, counts, code, closing, mayBeEmpty }) {
  let { failed } = counts;
  if (code !== 0 && failed === 0) {
    failed += 1;
    closing.push(`✗ the runner ended with ${code}`);
  }
  if (!mayBeEmpty && counts.passed + failed === 0) {
    failed += 1;
    closing.push("✗ no test was run");
  }
  const stayed = await endStrays(context.temporary);
  if (stayed.length) {
    failed += 1;
    closing.push("✗ processes stayed behind and were ended:", ...stayed.map((line) => `    ${line}`));
  }
  return { name, ...counts, failed, closing, ms: Date.now() - startedAt };
}

/** @param {"unit" | "sim" | "int"} project @param {number} minutes @returns {(context: Context) => Promise<import("./runner.mjs").Outcome>} */
const vitest = (project, minutes) => async (context) => {
  const startedAt = Date.now();
  const report = path.join(context.temporary, `vitest-${project}.json`);
  const { code, tail } = await streamed({
    args: [inRoot("node_modules/vitest/vitest.mjs"), "run", "--project", project, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, "--passWithNoTests", ...context.filters],
    env: context.env,
    timeoutMs: minutes * MINUTE_MS * (context.long ? 6 : 1),
  });
  const read = readReport(report);
  // A file that can't be loaded has no tests that fail: it counts as one.
  const brokenFiles = (read?.testResults ?? []).filter((/** @type {{ status: string, assertionResults: unknown[] }} */ file) => file.status === "failed" && file.assertionResults.length === 0).length;
  const counts = { passed: read?.numPassedTests ?? 0, failed: (read?.numFailedTests ?? 0) + brokenFiles, skipped: (read?.numPendingTests ?? 0) + (read?.numTodoTests ?? 0) };
  return outcome({ name: `${project} (vitest)`, startedAt, context, counts, code, closing: closingFrom(tail, /^\s*Test Files /), mayBeEmpty: context.filters.length > 0 });
};

/** @param {Context} context */
async function browser(context) {
  const startedAt = Date.now();
  const report = path.join(context.temporary, "playwright.json");
  const { code, tail } = await streamed({
    args: [inRoot("node_modules/@playwright/test/cli.js"), "test", "--reporter=list,json", ...(context.filters.length ? ["--pass-with-no-tests"] : []), ...context.filters],
    env: { ...context.env, PLAYWRIGHT_JSON_OUTPUT_NAME: report },
    timeoutMs: 25 * MINUTE_MS * (context.long ? 3 : 1),
  });
  const stats = readReport(report)?.stats;
  const counts = { passed: (stats?.expected ?? 0) + (stats?.flaky ?? 0), failed: stats?.unexpected ?? 0, skipped: stats?.skipped ?? 0 };
  return outcome({ name: "browser (playwright)", startedAt, context, counts, code, closing: closingFrom(tail, /^\s+\d+ (passed|failed|flaky)/), mayBeEmpty: context.filters.length > 0 });
}

/** @returns {Promise<import("./runner.mjs").Outcome>} */
async function checks() {
  const startedAt = Date.now();
  const { passed, failed, lines } = await check();
  return { name: "checks", passed, failed, skipped: 0, closing: lines, ms: Date.now() - startedAt };
}

/** In the order they are run: what fails fastest comes first. */
export const SUITES = /** @type {const} */ ({ checks, unit: vitest("unit", 5), sim: vitest("sim", 8), int: vitest("int", 30), e2e: browser });

/** @param {import("./runner.mjs").Outcome} one */
export const closingOf = (one) => [`── ${one.name}: ${one.passed} passed, ${one.failed} failed${one.skipped ? `, ${one.skipped} skipped` : ""}  (${seconds(one.ms)})`, ...one.closing];
