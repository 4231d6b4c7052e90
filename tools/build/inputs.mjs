/** Which files a target was made from, by hash; kept between builds. */
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { DIST, ROOT, inRoot } from "../lib/paths.mjs";

const FILE = path.join(DIST, ".build.json");

/**
 * @typedef {object} Memory
 * @property {(target: string, inputs: string[], outputs: string[]) => boolean} isFresh
 *   Are these exactly the files, with the contents, the target was last made from, and are its outputs there?
 * @property {(target: string) => string[] | undefined} inputsOf
 * @property {(target: string, inputs: string[]) => void} note   Remembers what the target has just been made from.
 * @property {() => void} save
 */

/** Hash of a file's contents, or "missing". @param {string} file relative to the checkout */
function hashOf(file) {
  try {
    return crypto.createHash("sha256").update(fs.readFileSync(inRoot(file))).digest("hex").slice(0, 32);
  } catch {
    return "missing";
  }
}

/** @returns {Memory} */
export function recall() {
  /** @type {Record<string, Record<string, string>>} */
  let known = {};
  try {
    known = JSON.parse(fs.readFileSync(FILE, "utf8"));
  } catch {
    // No memory, or a torn one: everything is made again.
  }
  /** @type {Map<string, string>} */
  const hashes = new Map();
  const hash = (/** @type {string} */ file) => {
    const found = hashes.get(file) ?? hashOf(file);
    hashes.set(file, found);
    return found;
  };
  return {
    isFresh(target, inputs, outputs) {
      const before = known[target];
      if (!before || Object.keys(before).length !== new Set(inputs).size) return false;
      return inputs.every((file) => before[file] === hash(file)) && outputs.every((file) => fs.existsSync(inRoot(file)));
    },
    inputsOf: (target) => known[target] && Object.keys(known[target]),
    note(target, inputs) {
      known[target] = Object.fromEntries([...new Set(inputs)].sort().map((file) => [file, hash(file)]));
    },
    save() {
      fs.mkdirSync(DIST, { recursive: true });
      const making = `${FILE}.${process.pid}`;
      fs.writeFileSync(making, JSON.stringify(known));
      fs.renameSync(making, FILE);
    },
  };
}

/** Every file below a folder of the checkout, relative to the checkout. @param {string} folder @returns {string[]} */
export function filesBelow(folder) {
  if (!fs.existsSync(inRoot(folder))) return [];
  return fs
    .readdirSync(inRoot(folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(ROOT, path.join(entry.parentPath, entry.name)))
    .sort();
}
