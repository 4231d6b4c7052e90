/**
 * A whole installation for a test: `npm run up` as a person would start it, on free ports and a folder of its own.
 */
import { spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { ROOT } from "../lib/paths.mjs";

/** @returns {Promise<number>} a port whose next three are free too, as far as can be told */
export async function freePorts() {
  const tryPort = (/** @type {number} */ port) =>
    new Promise((/** @type {(got: number) => void} */ resolve) => {
      const probe = net.createServer();
      probe.once("error", () => resolve(0));
      probe.listen(port, "127.0.0.1", () => {
        const { port: got } = /** @type {net.AddressInfo} */ (probe.address());
        probe.close(() => resolve(got));
      });
    });
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const first = await tryPort(0);
    if (first > 65_000) continue;
    const others = await Promise.all([1, 2, 3].map((step) => tryPort(first + step)));
    if (others.every(Boolean)) return first;
  }
  throw new Error("no four free ports in a row were found");
}

/**
 * @typedef {object} World
 * @property {string} url       where the console is
 * @property {string} login     of the first administrator
 * @property {string} password  one-time
 * @property {string} data      folder of the installation
 * @property {number} port
 * @property {number} pid       of the supervising process
 * @property {() => string} output   everything `up` has printed
 * @property {(signal?: NodeJS.Signals) => Promise<number | null>} stop  stops it; returns its exit code; keeps the data
 * @property {() => Promise<void>} remove  stops it and removes the data
 */

/**
 * Starts an installation and waits until `up` says that it runs. Throws with what it printed when it ends before.
 * @param {{ pilot?: boolean, data?: string, port?: number, env?: NodeJS.ProcessEnv, waitMs?: number }} [options]
 * @returns {Promise<World>}
 */
export async function startWorld({ pilot = false, data, port, env = process.env, waitMs = 420_000 } = {}) {
  const folder = data ?? fs.mkdtempSync(path.join(os.tmpdir(), "holdfast-world-"));
  const at = port ?? (await freePorts());
  const child = spawn(process.execPath, [path.join(ROOT, "tools/up.mjs"), "--data", folder, "--port", String(at), ...(pilot ? [] : ["--no-pilot"])], { env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  let said = "";
  /** @type {Promise<number | null>} */
  const ended = new Promise((resolve) => child.once("exit", (code) => resolve(code)));
  await new Promise((/** @type {(value: void) => void} */ resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the installation was not up after ${waitMs / 1000} s:\n${said}`)), waitMs);
    const hear = (/** @type {Buffer} */ chunk) => {
      said += chunk.toString("utf8");
      if (!/Holdfast is running \([\s\S]*stop {6}/.test(said)) return;
      clearTimeout(timer);
      resolve();
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    void ended.then((code) => {
      clearTimeout(timer);
      reject(new Error(`the installation ended with ${code}:\n${said}`));
    });
  });
  const stop = async (/** @type {NodeJS.Signals} */ signal = "SIGTERM") => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return ended;
  };
  const signIn = /sign in {3}(\S+) {2}(?:with the one-time password {2}(\S+))?/.exec(said);
  return {
    url: /console {3}(\S+)/.exec(said)?.[1] ?? "",
    login: signIn?.[1] ?? "",
    password: signIn?.[2] ?? "",
    data: folder,
    port: at,
    pid: child.pid ?? 0,
    output: () => said,
    stop,
    remove: async () => {
      await stop();
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}
