import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { locked } from "../lib/lock.mjs";
import { isRunning, markOf } from "../lib/processes.mjs";
import { endStrays, streamed } from "./runner.mjs";

const temporary = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "holdfast-runner-")));
afterAll(() => fs.rmSync(temporary, { recursive: true, force: true }));
const script = (text: string) => {
  const file = path.join(temporary, "script.cjs");
  fs.writeFileSync(file, text);
  return file;
};

describe("a test runner", () => {
  // Guarantee: what a test leaves running is found, named and ended, whether it kept our environment or not.
  it.each([
    ["with our environment", "{ detached: true, stdio: 'ignore' }"],
    ["with none of it, working in our folder", `{ detached: true, stdio: 'ignore', env: {}, cwd: ${JSON.stringify(temporary)} }`],
  ])("has no strays: %s", async (_name, options) => {
    const file = script(`const c = require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], ${options}); console.log("stray " + c.pid); process.exit(0);`);
    const { code, tail } = await streamed({ args: [file], env: { ...process.env, HOLDFAST_TEST_RUN: temporary }, timeoutMs: 20_000 });
    const stray = markOf(Number(/stray (\d+)/.exec(tail.join("\n"))?.[1]))!;
    expect([code, isRunning(stray)]).toEqual([0, true]);
    expect((await endStrays(temporary)).some((line) => line.startsWith(`${stray.pid} `))).toBe(true);
    expect(isRunning(stray)).toBe(false);
    expect(await endStrays(temporary)).toEqual([]);
  });

  // Guarantee: a runner that hangs is ended, and counts as failed.
  it("is ended when it takes too long", async () => {
    const { code } = await streamed({ args: [script("setInterval(() => {}, 1000)")], env: process.env, timeoutMs: 300 });
    expect(code).toMatch(/^no end after/);
  });
});

describe("a lock", () => {
  // Guarantee: a lock whose holder was killed is free.
  it("is free when its holder is gone", async () => {
    const file = path.join(temporary, "held.lock");
    const holder = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    fs.writeFileSync(file, JSON.stringify(markOf(holder.pid!)));
    const waiting = vi.fn();
    const work = locked(file, waiting, async () => "done");
    await vi.waitFor(() => expect(waiting).toHaveBeenCalledWith(expect.objectContaining({ pid: holder.pid })));
    holder.kill("SIGKILL");
    expect(await work).toBe("done");
    expect(fs.existsSync(file)).toBe(false);
  });
});
