import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

export type Running = { process: ChildProcess; output(): string; stop(signal?: NodeJS.Signals): Promise<number | null> };

/** Starts a program of this checkout and waits for a line of its output. What it wrote is in the error when it ends first. */
export async function startProgram(args: string[], env: Record<string, string>, ready: RegExp): Promise<Running> {
  const child = spawn(process.execPath, args, { cwd: root, env: { PATH: "/usr/bin:/bin", NODE_ENV: "production", ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const over = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  await new Promise<void>((resolve, reject) => {
    const look = (chunk: Buffer): void => {
      output += chunk.toString("utf8");
      if (ready.test(output)) resolve();
    };
    child.stdout.on("data", look);
    child.stderr.on("data", look);
    void over.then((code) => reject(new Error(`${args[0] ?? ""} ended with ${String(code)}:\n${output}`)));
  });
  return {
    process: child,
    output: () => output,
    stop: (signal = "SIGTERM") => {
      child.kill(signal);
      return over;
    },
  };
}

/** The web process from `dist`, on a database; with the screens, unless told otherwise. */
export async function startWeb(o: { databaseUrl: string; port: number; screens: boolean; tls?: boolean; env?: Record<string, string> }): Promise<Running & { url: string }> {
  const url = `${o.tls ? "https" : "http"}://localhost:${o.port}`;
  const running = await startProgram(
    ["dist/server/web.mjs"],
    { DATABASE_URL: o.databaseUrl, HOLDFAST_MASTER_KEY: Buffer.alloc(32, 7).toString("base64"), HOLDFAST_PUBLIC_URL: url, PORT: String(o.port), HOST: "127.0.0.1", HOLDFAST_SCREENS: o.screens ? "1" : "0", ...o.env },
    /"msg":"web is ready"/,
  );
  return { ...running, url };
}
