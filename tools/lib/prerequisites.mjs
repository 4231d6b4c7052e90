/** Programs that tests call and that are no npm packages: found, or installed where that is possible. */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { runLogged } from "./run.mjs";

/** Program → Debian's package that has it. */
const PROGRAMS = /** @type {const} */ ({ openssl: "openssl", ps: "procps" });

/** @param {string} name */
export const onPath = (name) => (process.env["PATH"] ?? "").split(path.delimiter).map((folder) => path.join(folder, name)).find((file) => fs.existsSync(file));

/** How to become root for apt: not at all, by sudo without a password, or not possible. */
function asRoot() {
  if (process.getuid?.() === 0) return [];
  return spawnSync("sudo", ["-n", "true"], { stdio: "ignore" }).status === 0 ? ["sudo", "-n"] : undefined;
}

/**
 * Installs Debian packages, if this is a Debian (or a relative) and we may.
 * @param {string[]} packages @param {string} logFolder
 * @returns {Promise<string | undefined>} why not, or nothing
 */
export async function aptInstall(packages, logFolder) {
  const root = asRoot();
  if (!onPath("apt-get")) return "this system has no apt-get";
  if (!root) return "installing needs root, or sudo without a password";
  const [command = "apt-get", ...prefix] = [...root, "apt-get"];
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  try {
    await runLogged(command, [...prefix, "update"], { logFile: path.join(logFolder, "apt-update.log"), env });
    await runLogged(command, [...prefix, "install", "-y", "--no-install-recommends", ...packages], { logFile: path.join(logFolder, `apt-${packages[0]}.log`), env });
    return undefined;
  } catch (error) {
    return /** @type {Error} */ (error).message;
  }
}

/**
 * Makes sure of the programs that integration tests call.
 * @param {{ logFolder: string, note: (text: string) => void }} o
 */
export async function ensurePrograms({ logFolder, note }) {
  const missing = Object.entries(PROGRAMS).filter(([name]) => !onPath(name));
  if (missing.length === 0) return note(Object.keys(PROGRAMS).map((name) => onPath(name)).join(", "));
  note(`apt-get install ${missing.map(([, from]) => from).join(" ")}`);
  const why = await aptInstall(missing.map(([, from]) => from), logFolder);
  const still = missing.filter(([name]) => !onPath(name));
  if (still.length) throw new Error(`The integration tests need ${still.map(([name]) => name).join(" and ")}, and it could not be installed (${why ?? "the package does not have it"}). Install it and run again.`);
}
