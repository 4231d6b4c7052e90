/**
 * Three kinds of test, told apart by name: `*.test.ts` touches nothing, `*.sim.test.ts` runs a fake fleet under a fake
 * clock, `*.int.test.ts` uses real PostgreSQL, sockets and processes. Browser stories stand in `e2e/` (Playwright).
 */
import fs from "node:fs";
import path from "node:path";
import { configDefaults, defineConfig } from "vitest/config";

const root = import.meta.dirname;
const globalSetup = path.join(root, "server/testing/global-setup.ts");
const exclude = [...configDefaults.exclude, ".next/**", ".data/**", "dist/**"];
const resolve = { alias: { "@": root } };

export default defineConfig({
  test: {
    reporters: ["default"],
    projects: [
      {
        resolve,
        test: { name: "unit", include: ["**/*.test.{ts,tsx}"], exclude: [...exclude, "**/*.sim.test.ts", "**/*.int.test.ts"], environment: "node", sequence: { groupOrder: 0 } },
      },
      {
        resolve,
        test: { name: "sim", include: ["**/*.sim.test.ts"], exclude, environment: "node", testTimeout: 120_000, sequence: { groupOrder: 1 } },
      },
      {
        resolve,
        test: {
          name: "int",
          include: ["**/*.int.test.ts"],
          exclude,
          environment: "node",
          // One PostgreSQL for the whole run; every file makes a database of its own on it.
          globalSetup: fs.existsSync(globalSetup) ? [globalSetup] : [],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          // Real processes on a machine that others use too: one that was starved once is asked once more, and the runner says so.
          retry: 1,
          // Real processes that wait for each other: more files at once than cores makes the waits meaningless.
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
