/**
 * `node tools/lockfile.mjs [--write]`: is package-lock.json complete for every platform?
 *
 * npm leaves an optional package out of the lockfile when the registry it was asked at does not have it, which happens
 * with mirrors and the binaries of other platforms. `npm ci` then refuses the lockfile everywhere. With --write the
 * missing entries are added: their exact versions stand in the packages that want them.
 */
import fs from "node:fs";
import { pathToFileURL } from "node:url";
import { inRoot } from "./lib/paths.mjs";

/**
 * @typedef {{ version?: string, dev?: boolean, optional?: boolean, optionalDependencies?: Record<string, string>, os?: string[], cpu?: string[], libc?: string[] }} Entry
 */

const OS = /** @type {const} */ (["android", "darwin", "freebsd", "linux", "openharmony", "win32", "aix", "sunos"]);
const CPU = /** @type {const} */ (["arm64", "arm", "x64", "ia32", "ppc64", "riscv64", "s390x", "loong64", "mips64el", "wasm32"]);

/**
 * What a binary's package is for, from its name, such as `@next/swc-linux-arm64-musl`.
 * @param {string} name @returns {Pick<Entry, "os" | "cpu" | "libc">}
 */
function platformOf(name) {
  const parts = name.split(/[/-]/);
  const os = OS.find((one) => parts.includes(one));
  const cpu = CPU.find((one) => parts.includes(one));
  const libc = parts.some((part) => part.startsWith("musl")) ? "musl" : os === "linux" && parts.some((part) => part.startsWith("gnu")) ? "glibc" : undefined;
  return { ...(os ? { os: [os] } : {}), ...(cpu ? { cpu: [cpu] } : {}), ...(libc ? { libc: [libc] } : {}) };
}

/** Where Node would find a package wanted at a place of the tree. @param {Record<string, Entry>} packages @param {string} from @param {string} name */
function findFrom(packages, from, name) {
  for (let place = from; ; place = place.slice(0, Math.max(0, place.lastIndexOf("/node_modules/")))) {
    const candidate = `${place ? `${place}/` : ""}node_modules/${name}`;
    if (packages[candidate]) return candidate;
    if (place === "") return undefined;
  }
}

/**
 * The entries that are missing, by their place in the tree. Only exact versions can be completed; anything else throws.
 * @param {Record<string, Entry>} packages
 * @returns {Record<string, Entry>}
 */
export function missingEntries(packages) {
  /** @type {Record<string, Entry>} */
  const missing = {};
  for (const [place, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (findFrom(packages, place, name)) continue;
      if (!/^\d+\.\d+\.\d+[-+.\w]*$/.test(version)) throw new Error(`${place} wants ${name}@${version}, which is not in package-lock.json and can't be completed`);
      missing[`node_modules/${name}`] = { version, ...(entry.dev ? { dev: true } : {}), optional: true, ...platformOf(name) };
    }
  }
  return missing;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const file = inRoot("package-lock.json");
  const lock = JSON.parse(fs.readFileSync(file, "utf8"));
  const missing = missingEntries(lock.packages);
  const names = Object.keys(missing);
  if (names.length && process.argv.includes("--write")) {
    const all = { ...lock.packages, ...missing };
    lock.packages = Object.fromEntries(Object.keys(all).sort((a, b) => (a < b ? -1 : 1)).map((place) => [place, all[place]]));
    fs.writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
    process.stdout.write(`package-lock.json: ${names.length} entries added\n`);
  } else {
    process.stdout.write(names.length ? `package-lock.json lacks ${names.length} optional packages, and npm ci refuses it. Run: node tools/lockfile.mjs --write\n${names.join("\n")}\n` : "package-lock.json is complete\n");
    process.exitCode = names.length ? 1 : 0;
  }
}
