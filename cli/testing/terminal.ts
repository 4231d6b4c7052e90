import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll } from "vitest";
import { run } from "../main";
import type { ExitCode, Io } from "../io";

export type Ran = { code: ExitCode; out: string; err: string };

const homes: string[] = [];
afterAll(() => {
  for (const home of homes.splice(0)) rmSync(home, { recursive: true, force: true });
});

/** A terminal of a test's own: its home folder, what is typed, and what was written. */
export class Terminal {
  readonly home = mkdtempSync(path.join(os.tmpdir(), "holdfast-terminal-"));
  env: Io["env"];
  /** Answers to questions, in order; none left means that there is no terminal to ask on. */
  answers: string[] = [];
  input = "";
  readonly asked: { question: string; secret: boolean }[] = [];
  slept = 0;

  constructor(env: Io["env"] = {}) {
    homes.push(this.home);
    this.env = { HOME: this.home, ...env };
  }

  async run(...args: string[]): Promise<Ran> {
    let out = "";
    let err = "";
    const code = await run(args, {
      env: this.env,
      version: "0.0.0-test",
      out: (text) => (out += text),
      err: (text) => (err += text),
      readInput: () => Promise.resolve(this.input),
      ask: (question, secret) => {
        this.asked.push({ question, secret });
        return Promise.resolve(this.answers.shift() ?? null);
      },
      sleep: (ms) => {
        this.slept += ms;
        return new Promise((resolve) => setTimeout(resolve, Math.min(ms, 20)));
      },
      nowMs: () => Date.now(),
    });
    return { code, out, err };
  }
}
