/**
 * The embedded database: a real PostgreSQL server, started from the binaries that `npm ci` installed.
 *
 * Works as root (the server then runs as another account), with a data folder below folders that account can't enter,
 * after `kill -9` of anything, and beside a server that is already running on the folder (which is adopted).
 */
import { spawn, spawnSync } from "node:child_process";
import crypto from "node:crypto";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findBinaries } from "./binaries.mjs";
import { APP_ROLE, OWNER_ROLE, ensureDatabase, ensureRoles } from "./databases.mjs";
import { isAlive, readPidFile, runningOn, servesFolder } from "./postmaster.mjs";
import { stopServer } from "./stop.mjs";

export { dropDatabase, ensureDatabase, onDatabase } from "./databases.mjs";

const ADMIN_ROLE = "holdfast_admin";
const POLL_MS = 20;
/** A killed server's orphaned back ends hold its shared memory for a moment; starting again waits this long for them. */
const ORPHAN_WAIT_MS = 20_000;
/** Crash recovery replays the log before the server is ready; this is generous on purpose. */
const READY_WAIT_MS = 120_000;

/**
 * @typedef {object} Options
 * @property {string} home       folder for data, secrets and log; made if missing
 * @property {number} [port]     port wanted (55432); another one is taken, and kept for next time, if it is in use
 * @property {boolean} [durable] false gives up crash safety for speed, for tests only
 * @property {string} [database] name of the database to make (`holdfast`)
 * @property {(line: string) => void} [log]
 *
 * @typedef {object} Running
 * @property {string} adminUrl  superuser, database `postgres`
 * @property {string} ownerUrl  `holdfast_owner`: owns the tables, runs migrations
 * @property {string} appUrl    `holdfast_app`: what the processes connect as
 * @property {number} port
 * @property {number} pid
 * @property {boolean} adopted  true if a server was already running here
 * @property {string} logFile
 * @property {() => boolean} alive      is the server still running?
 * @property {() => Promise<void>} stop stops it, whoever started it; returns when it is gone
 */

/** @param {number} port @returns {Promise<number>} the port if it is free on the loopback address, otherwise 0 */
const tryPort = (port) =>
  new Promise((resolve) => {
    const probe = net.createServer();
    probe.once("error", () => resolve(0));
    probe.listen(port, "127.0.0.1", () => {
      const { port: got } = /** @type {net.AddressInfo} */ (probe.address());
      probe.close(() => resolve(got));
    });
  });

/**
 * Passwords, made once and kept in a file only we can read.
 * @param {string} home
 * @returns {{ admin: string, owner: string, app: string }}
 */
function secrets(home) {
  const file = path.join(home, "secrets.json");
  if (!fs.existsSync(file)) {
    const fresh = () => crypto.randomBytes(24).toString("base64url");
    const making = `${file}.${process.pid}`;
    fs.writeFileSync(making, JSON.stringify({ admin: fresh(), owner: fresh(), app: fresh() }), { mode: 0o600 });
    fs.renameSync(making, file);
  }
  return JSON.parse(fs.readFileSync(file, "utf8"));
}

/**
 * How to name the data folder to the server. Its account may be unable to walk the path to it (a folder above is 0700),
 * but it can always reach its own working directory, which it inherits from us.
 * @param {string} dataDir @param {import("./binaries.mjs").Account} account
 */
function folderFor(dataDir, account) {
  if (account.uid === undefined) return dataDir;
  const walks = spawnSync("/bin/sh", ["-c", 'cd "$0"', dataDir], { ...account, cwd: "/" }).status === 0;
  return walks ? dataDir : "/proc/self/cwd";
}

/**
 * Creates the cluster beside its final name and renames it, so that an interrupted first start leaves nothing behind
 * that looks like a database.
 * @param {{ binaries: import("./binaries.mjs").Binaries, home: string, dataDir: string, password: string, log: (line: string) => void }} o
 */
function initialise({ binaries, home, dataDir, password, log }) {
  const making = `${dataDir}.new`;
  fs.rmSync(making, { recursive: true, force: true });
  fs.mkdirSync(making, { mode: 0o700 });
  const { uid, gid } = binaries.account;
  if (uid !== undefined && gid !== undefined) fs.chownSync(making, uid, gid);
  // initdb takes the first password from a file. It gets one as an open descriptor, because its account may be unable
  // to walk any path of ours; the file is gone before the server first starts.
  const passwordFile = `${making}.password`;
  fs.writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (uid !== undefined && gid !== undefined) fs.chownSync(passwordFile, uid, gid);
  const opened = fs.openSync(passwordFile, "r");
  const made = spawnSync(
    binaries.bin("initdb"),
    ["-D", folderFor(making, binaries.account), "-U", ADMIN_ROLE, "-A", "scram-sha-256", "--pwfile=/dev/fd/3", "-E", "UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"],
    { ...binaries.account, cwd: making, env: serverEnv(), stdio: ["ignore", "pipe", "pipe", opened], encoding: "utf8" },
  );
  fs.closeSync(opened);
  fs.rmSync(passwordFile);
  if (made.status !== 0) throw new Error(`PostgreSQL could not create its data folder in ${home}: ${(made.stderr || String(made.error ?? "")).trim()}`);
  fs.renameSync(making, dataDir);
  log("created a new PostgreSQL data folder");
}

const serverEnv = () => ({ PATH: process.env["PATH"] ?? "/usr/bin:/bin", TZ: "UTC", LC_ALL: "C" });

/** Keeps the log of one earlier generation, so that a server that runs for months can't fill the disk unseen. @param {string} logFile */
function rotate(logFile) {
  if (fs.existsSync(logFile) && fs.statSync(logFile).size > 10_000_000) fs.renameSync(logFile, `${logFile}.1`);
}

/** @param {string} logFile @param {number} from */
const logSince = (logFile, from) => fs.readFileSync(logFile).subarray(from).toString("utf8");

/**
 * Starts the server process and waits until it accepts connections.
 * @param {{ binaries: import("./binaries.mjs").Binaries, dataDir: string, logFile: string, port: number, durable: boolean, log: (line: string) => void }} o
 * @returns {Promise<{ pid: number, port: number }>}
 */
async function launch({ binaries, dataDir, logFile, port: wanted, durable, log }) {
  const startedAt = Date.now();
  for (;;) {
    const port = (await tryPort(wanted)) || (await tryPort(0));
    rotate(logFile);
    const sink = fs.openSync(logFile, "a", 0o600);
    const from = fs.fstatSync(sink).size;
    const settings = {
      port,
      listen_addresses: "127.0.0.1",
      unix_socket_directories: "",
      max_connections: 120,
      shared_buffers: "128MB",
      log_line_prefix: "%m [%p] ",
      ...(durable ? {} : { fsync: "off", synchronous_commit: "off", full_page_writes: "off" }),
    };
    const child = spawn(
      binaries.bin("postgres"),
      ["-D", folderFor(dataDir, binaries.account), ...Object.entries(settings).flatMap(([key, value]) => ["-c", `${key}=${value}`])],
      // Detached: Ctrl-C in the terminal goes to us, and we stop the database last.
      { ...binaries.account, cwd: dataDir, env: serverEnv(), stdio: ["ignore", sink, sink], detached: true },
    );
    fs.closeSync(sink);
    let gone = false;
    child.once("exit", () => (gone = true));
    child.once("error", () => (gone = true));
    while (!gone) {
      const noted = readPidFile(dataDir);
      if (noted?.pid === child.pid && noted?.ready) {
        child.unref();
        return { pid: noted.pid, port };
      }
      if (Date.now() - startedAt > READY_WAIT_MS) {
        child.kill("SIGQUIT");
        throw new Error(`PostgreSQL was not ready after ${READY_WAIT_MS / 1000} s. Its log: ${logFile}`);
      }
      await delay(POLL_MS);
    }
    const said = logSince(logFile, from);
    const passing = /pre-existing shared memory block|lock file "postmaster.pid" already exists|could not bind/.test(said);
    if (!passing || Date.now() - startedAt > ORPHAN_WAIT_MS) throw new Error(`PostgreSQL did not start: ${said.trim() || "it said nothing"}`);
    log("waiting for what is left of the previous PostgreSQL to end");
    await delay(200);
  }
}

/**
 * Starts the embedded PostgreSQL of this folder, or adopts the one that runs there, and makes sure of its two roles and
 * its database. Throws an Error whose message says what to do.
 * @param {Options} options
 * @returns {Promise<Running>}
 */
export async function startPostgres({ home: wantedHome, port = 55432, durable = true, database = "holdfast", log = () => {} }) {
  fs.mkdirSync(wantedHome, { recursive: true, mode: 0o755 });
  const home = fs.realpathSync(wantedHome);
  const dataDir = path.join(home, "data");
  const logFile = path.join(home, "postgres.log");
  const portFile = path.join(home, "port");
  const binaries = findBinaries(log);
  const passwords = secrets(home);
  if (!fs.existsSync(path.join(dataDir, "PG_VERSION"))) initialise({ binaries, home, dataDir, password: passwords.admin, log });

  const found = runningOn(dataDir, log);
  const keptPort = fs.existsSync(portFile) ? Number(fs.readFileSync(portFile, "utf8")) : port;
  const started = found ? await ready(found.pid, dataDir) : undefined;
  const server = started ?? (await launch({ binaries, dataDir, logFile, port: keptPort || port, durable, log }));
  if (started) log(`adopted the PostgreSQL that is running (process ${server.pid})`);
  fs.writeFileSync(portFile, String(server.port));

  const url = (/** @type {string} */ role, /** @type {string} */ password, /** @type {string} */ name) =>
    `postgresql://${role}:${password}@127.0.0.1:${server.port}/${name}`;
  const adminUrl = url(ADMIN_ROLE, passwords.admin, "postgres");
  await ensureRoles(adminUrl, passwords);
  await ensureDatabase(adminUrl, database);
  return {
    adminUrl,
    ownerUrl: url(OWNER_ROLE, passwords.owner, database),
    appUrl: url(APP_ROLE, passwords.app, database),
    port: server.port,
    pid: server.pid,
    adopted: started !== undefined,
    logFile,
    alive: () => isAlive(server.pid) && servesFolder(server.pid, dataDir),
    stop: () => stopServer(server.pid, dataDir),
  };
}

/**
 * Waits until a server that was already there is ready, or gone (then undefined).
 * @param {number} pid @param {string} dataDir
 */
async function ready(pid, dataDir) {
  for (const until = Date.now() + READY_WAIT_MS; Date.now() < until; ) {
    const noted = readPidFile(dataDir);
    if (noted?.pid === pid && noted.ready) return noted;
    if (!servesFolder(pid, dataDir)) return undefined;
    await delay(POLL_MS);
  }
  throw new Error(`A PostgreSQL (process ${pid}) has been starting or stopping on ${dataDir} for ${READY_WAIT_MS / 1000} s. End it, then start again.`);
}
