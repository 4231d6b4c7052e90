/**
 * Stands for the product's agent in the pilot's own tests, as a program: joins once with a token, says over its link
 * ten times a second that it is there, and runs one unit, which it stops with itself when it is told to, or by `stop-units`.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { parseArgs } from "node:util";

const text = { type: "string", default: "" } as const;
const { values: o, positionals } = parseArgs({
  allowPositionals: true,
  options: { data: text, name: text, gateway: text, slice: text, "local-port": text, token: text, "ca-fingerprint": text, "stop-units-on-exit": { type: "boolean", default: false } },
});

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const file = join(o.data, "unit.pid");

/** The unit that an agent of this folder started, if it still runs; otherwise 0. */
function before(): number {
  const known = existsSync(file) ? Number(readFileSync(file, "utf8")) : 0;
  return known > 0 && lives(known) ? known : 0;
}
if (positionals[0] === "stop-units") {
  if (before() > 0) process.kill(before(), "SIGKILL");
  process.exit(0);
}

function unit(): number {
  if (before() > 0) return before();
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { detached: true, stdio: "ignore" });
  child.unref();
  writeFileSync(file, String(child.pid));
  return child.pid as number;
}

mkdirSync(join(o.data, "identity"), { recursive: true });
const identityFile = join(o.data, "identity", "identity.json");
if (!existsSync(identityFile)) {
  if (o.token === "") throw new Error("neither an identity nor a token");
  writeFileSync(identityFile, o.token);
}
const identity = readFileSync(identityFile, "utf8");
// Before the unit is there: a stop in between would leave it behind.
process.once("SIGTERM", () => {
  if (o["stop-units-on-exit"] && pid > 0) process.kill(pid, "SIGKILL");
  process.exit(0);
});
let pid = 0;
pid = unit();

function dial(): void {
  const [host = "", port] = o.gateway.split(":");
  const socket = connect({ host, port: Number(port) });
  const beat = setInterval(() => socket.write(`${o.name} ${identity} ${pid}\n`), 100);
  socket.on("error", () => undefined);
  socket.on("close", () => {
    clearInterval(beat);
    setTimeout(dial, 200);
  });
}
dial();
