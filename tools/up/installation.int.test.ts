/** The real programs, started as a person would: one command, the pilot included. */
import { execFile } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { findProcesses, isRunning } from "../lib/processes.mjs";
import { startWorld, type World } from "../testing/world.mjs";
import { health } from "./http.mjs";

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, "../..");
let world: World;

/** Everything that works in or was given the installation's folder. */
const processes = () => {
  const data = fs.realpathSync(world.data);
  return findProcesses(({ args, environment, cwd }) => cwd().startsWith(data) || args.some((arg) => arg.startsWith(data)) || environment().some((one) => one.includes(`=${data}`)));
};

beforeAll(async () => {
  world = await startWorld({ pilot: true });
}, 420_000);
afterAll(() => world?.remove());

// Guarantee: when `up` says that Holdfast runs, every process and the pilot are ready, and the console asks to sign in.
it("reaches a running installation with its pilot", async () => {
  const { status, processes: all } = (await health({ host: "127.0.0.1", port: world.port, tls: false }))!;
  expect([status, all.filter((one) => one.state === "ready").map((one) => one.name).sort()]).toEqual([200, ["gateway", "pilot", "scheduler", "web"]]);
  const home = await fetch(`${world.url}/`);
  expect([home.status, home.url.startsWith(`${world.url}/sign-in`)]).toEqual([200, true]);
  expect([world.login, world.password.length > 12]).toEqual(["admin", true]);
  // Every phase says how long it took.
  for (const phase of ["PostgreSQL", "migrations", "gateway, scheduler and console", "first administrator", "pilot fleet"]) expect(world.output()).toMatch(new RegExp(`✓ ${phase} {2}[\\d.]+ m?s`));
});

it("says where it runs when it is started again", async () => {
  const { stdout } = await run(process.execPath, [path.join(root, "tools/up.mjs"), "--data", world.data]);
  expect(stdout).toContain(`at ${world.url}`);
});

// Guarantee: a stop ends every process, agents and their units too; the next start finds everything as it was.
it("stops without a process left, and starts again with what it had", { timeout: 300_000 }, async () => {
  const before = processes();
  expect(before.length).toBeGreaterThan(20);
  expect(await world.stop("SIGINT")).toBe(0);
  expect(before.filter(isRunning)).toEqual([]);
  expect(processes()).toEqual([]);
  const again = await startWorld({ pilot: true, data: world.data, port: world.port });
  world = again;
  expect(again.password).toBe("");
  expect(again.output()).toContain("9 nodes at 6 sites");
});
