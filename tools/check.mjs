/**
 * `npm run check`: types, lint, the ladder, dead code. All at error, each run whatever the others say, so that one run
 * shows every fault.
 */
import { spawn } from "node:child_process";
import { pathToFileURL } from "node:url";
import { ROOT, inRoot } from "./lib/paths.mjs";
import { seconds } from "./lib/phases.mjs";

/** Folders whose imports the ladder speaks about. */
const CRUISED = ["server", "agent", "cli", "pilot", "app", "components", "bench", "tools", "e2e"];

const CHECKS = [
  { name: "lockfile", program: "../tools/lockfile.mjs", args: [] },
  { name: "types (tsc)", program: "typescript/bin/tsc", args: ["--noEmit", "-p", "."] },
  { name: "lint (eslint)", program: "eslint/bin/eslint.js", args: ["--max-warnings", "0", "."] },
  { name: "ladder (dependency-cruiser)", program: "dependency-cruiser/bin/dependency-cruise.mjs", args: ["--config", ".dependency-cruiser.cjs", ...CRUISED] },
  { name: "dead code (knip)", program: "knip/bin/knip.js", args: ["--no-config-hints"] },
];

/** @param {string} program @param {string[]} args @returns {Promise<number>} */
const shown = (program, args) =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [inRoot("node_modules", program), ...args], { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] });
    child.once("error", () => resolve(1));
    child.once("close", (code) => resolve(code ?? 1));
  });

/**
 * Runs the checks and says how each ended.
 * @returns {Promise<{ passed: number, failed: number, lines: string[] }>}
 */
export async function check() {
  let failed = 0;
  const lines = [];
  for (const { name, program, args } of CHECKS) {
    process.stdout.write(`\n── ${name}\n`);
    const startedAt = Date.now();
    const code = await shown(program, args);
    if (code !== 0) failed += 1;
    lines.push(`${code === 0 ? "✓" : "✗"} ${name}  ${seconds(Date.now() - startedAt)}`);
  }
  return { passed: CHECKS.length - failed, failed, lines };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { failed, lines } = await check();
  process.stdout.write(`\n${lines.join("\n")}\n`);
  process.exitCode = failed ? 1 : 0;
}
