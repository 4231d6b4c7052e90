/** The `holdfast` command: the terminal around `cli/`. */
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { run } from "../../cli/main";
import type { Io } from "../../cli/io";
import { cliEnv, readEnvOrExit } from "../platform/env";
import { HOLDFAST_VERSION } from "../platform/version";

/** Asks on the terminal; what is typed for a secret is not shown. */
function ask(question: string, secret: boolean): Promise<string | null> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return Promise.resolve(null);
  const hidden = new Writable({ write: (_chunk, _encoding, done) => done() });
  process.stderr.write(question);
  const lines = createInterface({ input: process.stdin, output: secret ? hidden : process.stderr, terminal: true });
  return new Promise((resolve) => {
    let answered = false;
    lines.on("SIGINT", () => process.exit(130));
    lines.on("close", () => {
      if (!answered) resolve(null);
    });
    lines.question("", (answer) => {
      answered = true;
      lines.close();
      if (secret) process.stderr.write("\n");
      resolve(answer);
    });
  });
}

async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString("utf8");
}

const io: Io = {
  env: readEnvOrExit(cliEnv),
  version: HOLDFAST_VERSION,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  readInput,
  ask,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  nowMs: () => Date.now(),
};
// A reader that went away (`| head`) is no error of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
void run(process.argv.slice(2), io).then((code) => {
  process.exitCode = code;
});
