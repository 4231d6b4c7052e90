/** `npm run screens`: pictures of every screen in every state, theme and width, into screens-out/ (ignored by git). */
import { spawnSync } from "node:child_process";
import { build } from "./build.mjs";
import { inRoot } from "./lib/paths.mjs";

await build();
const run = spawnSync(process.execPath, [inRoot("node_modules/@playwright/test/cli.js"), "test", "e2e/screens.spec.ts"], { stdio: "inherit", env: { ...process.env, HOLDFAST_SCREENS_OUT: inRoot("screens-out") } });
process.exit(run.status ?? 1);
