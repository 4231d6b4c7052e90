/**
 * `npm run up` as a supervisor: real PostgreSQL and real processes, with small programs in the place of Holdfast's, so that
 * what is tested is starting, watching and stopping alone.
 */
import { execFile, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { isRunning, markOf, type Mark } from "../lib/processes.mjs";
import { readPidFile } from "../pg/postmaster.mjs";
import { freePorts } from "../testing/world.mjs";

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, "../..");
const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "holdfast-up-")));
// Below a folder that only we may enter.
const closed = path.join(folder, "closed");
const data = path.join(closed, "data");
let port = 0;

/** Notes that it runs, and in which order it was told to stop. */
const note = (name: string) => `
const fs = require("node:fs"), path = require("node:path"), http = require("node:http");
const home = path.join(path.dirname(process.env.HOLDFAST_MASTER_KEY_FILE), "fake");
fs.mkdirSync(home, { recursive: true });
fs.writeFileSync(path.join(home, "${name}.json"), JSON.stringify({ pid: process.pid, database: process.env.DATABASE_URL, owner: process.env.DATABASE_OWNER_URL ?? null }));
let last = () => {};
process.on("SIGTERM", () => { last(); fs.appendFileSync(path.join(home, "stopped.log"), "${name}\\n"); process.exit(0); });
const pidOf = (one) => { try { return JSON.parse(fs.readFileSync(path.join(home, one + ".json"), "utf8")).pid; } catch { return 0; } };
const lives = (pid) => { try { return pid > 0 && process.kill(pid, 0); } catch { return false; } };
setInterval(() => {}, 1000);
`;
const esm = (text: string) => `import { createRequire } from "node:module"; const require = createRequire(import.meta.url);${text}`;
const programs: Record<string, string> = {
  "dist/server/migrate.mjs": 'if (!process.env.DATABASE_OWNER_URL) process.exit(2); console.log("the database is current");',
  "dist/server/admin.mjs": esm(`
const fs = require("node:fs"), path = require("node:path");
const file = path.join(path.dirname(process.env.HOLDFAST_MASTER_KEY_FILE), "admin");
if (process.argv[2] === "first-admin") {
  const created = !fs.existsSync(file); fs.writeFileSync(file, "");
  console.log(JSON.stringify({ login: "admin", password: created ? "once-only" : undefined, created }));
} else console.log(JSON.stringify({ token: "t" }));`),
  "dist/server/gateway.mjs": esm(note("gateway")),
  "dist/server/scheduler.mjs": esm(note("scheduler")),
  "dist/server/web.mjs": esm(`${note("web")}
http.createServer((q, a) => { const processes = ["web", "scheduler", "gateway", "pilot"].filter((one) => lives(pidOf(one))).map((name) => ({ name, state: "ready", details: { note: "two nodes" } }));
  a.end(JSON.stringify({ processes })); }).listen(Number(process.env.PORT), process.env.HOST);`),
  // Its agent outlives it, as real ones do when the pilot is killed.
  "dist/pilot/main.cjs": `${note("pilot")}
const nodes = path.join(path.dirname(home), "pilot", "nodes"); fs.mkdirSync(nodes, { recursive: true });
const agent = require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { cwd: nodes, detached: true, stdio: "ignore", env: { PATH: process.env.PATH } });
fs.writeFileSync(path.join(home, "agent.json"), JSON.stringify({ pid: agent.pid }));
last = () => agent.kill();`,
};

beforeAll(async () => {
  port = await freePorts();
  fs.mkdirSync(closed, { mode: 0o700 });
  fs.cpSync(path.join(root, "tools"), path.join(folder, "tools"), { recursive: true });
  for (const file of ["package.json", "package-lock.json"]) fs.copyFileSync(path.join(root, file), path.join(folder, file));
  fs.symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
  fs.writeFileSync(path.join(folder, "tools/build.mjs"), "export async function build() {}\n");
  for (const [file, text] of Object.entries(programs)) {
    fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    fs.writeFileSync(path.join(folder, file), text);
  }
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** The processes of the installation, by name, as they noted themselves. */
function processes(): Record<string, Mark> {
  const home = path.join(data, "fake");
  const found: Record<string, Mark> = {};
  for (const name of ["web", "scheduler", "gateway", "pilot", "agent"]) {
    const file = path.join(home, `${name}.json`);
    const mark = fs.existsSync(file) ? markOf((JSON.parse(fs.readFileSync(file, "utf8")) as { pid: number }).pid) : undefined;
    if (mark) found[name] = mark;
  }
  const database = readPidFile(path.join(data, "postgres/data"));
  const mark = database && markOf(database.pid);
  if (mark) found["postgres"] = mark;
  return found;
}
const stopped = () => (fs.existsSync(path.join(data, "fake/stopped.log")) ? fs.readFileSync(path.join(data, "fake/stopped.log"), "utf8").trim().split("\n") : []);

type Up = { pid: number; said: () => string; ended: Promise<number | null>; kill: (signal: NodeJS.Signals) => void };
const ups: Up[] = [];
async function up(...flags: string[]): Promise<Up> {
  const child = spawn(process.execPath, [path.join(folder, "tools/up.mjs"), "--data", data, "--port", String(port), ...flags], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stdout.on("data", (part: Buffer) => (said += part.toString()));
  child.stderr.on("data", (part: Buffer) => (said += part.toString()));
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const one = { pid: child.pid!, said: () => said, ended, kill: (signal: NodeJS.Signals) => void child.kill(signal) };
  ups.push(one);
  await vi.waitFor(() => expect(said).toMatch(/Holdfast is running/), { timeout: 60_000, interval: 50 });
  return one;
}
afterEach(async () => {
  for (const one of ups.splice(0)) {
    one.kill("SIGTERM");
    await one.ended;
  }
  await run(process.execPath, [path.join(folder, "tools/down.mjs"), "--data", data]);
  // A note of a process that is gone could be taken for another's that has its number by now.
  for (const name of ["web", "scheduler", "gateway", "pilot", "agent"]) fs.rmSync(path.join(data, "fake", `${name}.json`), { force: true });
});

describe("npm run up", () => {
  // Guarantee: the one-time password is shown once; a stop ends everything in order and leaves no process.
  it("starts, says where it is, and stops in order", async () => {
    const first = await up();
    expect(first.said()).toMatch(/one-time password {2}once-only/);
    expect(first.said()).toContain(`http://localhost:${port}`);
    const running = processes();
    expect(Object.keys(running).sort()).toEqual(["agent", "gateway", "pilot", "postgres", "scheduler", "web"]);
    // Only what migrates is told the owner's login.
    expect(JSON.parse(fs.readFileSync(path.join(data, "fake/web.json"), "utf8"))).toMatchObject({ owner: null, database: expect.stringContaining("holdfast_app") as string });
    first.kill("SIGINT");
    expect(await first.ended).toBe(0);
    expect(stopped()).toEqual(["pilot", "web", "scheduler", "gateway"]);
    expect(Object.values(running).filter(isRunning)).toEqual([]);

    const second = await up();
    expect(second.said()).not.toContain("once-only");
  });

  // Guarantee: a second start says that one is running and where, and changes nothing.
  it("says that one is running", async () => {
    await up("--no-pilot");
    const before = processes();
    const { stdout } = await run(process.execPath, [path.join(folder, "tools/up.mjs"), "--data", data]);
    expect(stdout).toContain(`running on this data folder at http://localhost:${port}`);
    expect(processes()).toEqual(before);
  });

  // Guarantee: kill -9 of any process, PostgreSQL included, is made good.
  it.each(["web", "scheduler", "gateway", "pilot", "postgres"])("brings %s back after kill -9", async (name) => {
    const one = await up();
    const before = processes()[name]!;
    process.kill(before.pid, "SIGKILL");
    await vi.waitFor(
      () => {
        const now = processes();
        expect(now[name] && now[name].pid !== before.pid && readPidFile(path.join(data, "postgres/data"))?.ready).toBe(true);
      },
      { timeout: 30_000, interval: 50 },
    );
    expect(one.said()).toMatch(name === "postgres" ? /PostgreSQL ended; starting it again/ : new RegExp(`${name} was ended by SIGKILL`));
  });

  // Guarantee: after kill -9 of `up` itself, the next start clears away what it left, and doubles nothing.
  it("clears away what a killed start left", async () => {
    const one = await up();
    const before = processes();
    one.kill("SIGKILL");
    await one.ended;
    expect(Object.values(before).filter(isRunning).length).toBe(6);
    await up();
    const { postgres: _database, ...servers } = before;
    expect(Object.entries(servers).filter(([name, mark]) => name !== "agent" && isRunning(mark))).toEqual([]);
  });
});

describe("npm run down", () => {
  const down = (...flags: string[]) => run(process.execPath, [path.join(folder, "tools/down.mjs"), "--data", data, ...flags]);

  // Guarantee: down stops what runs, also what a killed `up` and a killed pilot left behind.
  it("stops everything, also after kill -9 of up and the pilot", async () => {
    const one = await up();
    const before = processes();
    one.kill("SIGKILL");
    await one.ended;
    process.kill(before["pilot"]!.pid, "SIGKILL");
    await down();
    expect(Object.entries(before).filter(([, mark]) => isRunning(mark))).toEqual([]);
  });

  // Guarantee: nothing is erased without a yes, and no folder that Holdfast did not make is ever touched.
  it("erases only with a yes, and only its own folder", async () => {
    const one = await up("--no-pilot");
    await expect(down("--erase")).rejects.toMatchObject({ stdout: expect.stringContaining("Nothing was erased") as string });
    expect(isRunning(markOf(one.pid)!)).toBe(true);
    const other = path.join(folder, "photos");
    fs.mkdirSync(other);
    fs.writeFileSync(path.join(other, "one.jpg"), "x");
    await expect(run(process.execPath, [path.join(folder, "tools/down.mjs"), "--data", other, "--erase", "--yes"])).rejects.toMatchObject({ code: 2 });
    expect(fs.existsSync(path.join(other, "one.jpg"))).toBe(true);
    await down("--erase", "--yes");
    expect(fs.existsSync(data)).toBe(false);
    expect(await one.ended).toBe(0);
  });
});

describe("bad input", () => {
  const fails = (...flags: string[]) => run(process.execPath, [path.join(folder, "tools/up.mjs"), ...flags]).then(() => ({ code: 0, stderr: "" }), (error: { code: number; stderr: string }) => error);

  it.each([
    [["--port", "many"], 2, /--port: write a number from 1 to 65534, not "many"/],
    [["--colour"], 2, /Unknown option '--colour'/],
    [["--data", "/dev/null/holdfast"], 1, /ENOTDIR.*\/dev\/null\/holdfast/],
  ])("%j", async (flags, code, message) => {
    const error = await fails(...flags);
    expect([error.code, message.test(error.stderr)]).toEqual([code, true]);
  });

  it("does not take a port that another program uses", async () => {
    const taken = (await import("node:http")).createServer().listen(port, "127.0.0.1");
    try {
      const error = await fails("--data", data, "--port", String(port));
      expect([error.code, error.stderr]).toEqual([1, expect.stringContaining(`Port ${port} on 127.0.0.1 is in use`)]);
    } finally {
      taken.close();
    }
  });

  it("does not take a folder that holds other things", async () => {
    const other = path.join(folder, "other");
    fs.mkdirSync(other);
    fs.writeFileSync(path.join(other, "mine.txt"), "x");
    expect((await fails("--data", other)).stderr).toContain("holds other things (mine.txt)");
  });
});
