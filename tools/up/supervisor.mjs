/** Child processes that are started again, with a growing wait, whenever they end before they are stopped. */
import { spawn } from "node:child_process";
import fs from "node:fs";
import { endProcess, markOf } from "../lib/processes.mjs";

const BACKOFF_FIRST_MS = 250;
const BACKOFF_MOST_MS = 30_000;
/** A child that lived this long is thought to have been well: its next failure starts with a short wait again. */
const WELL_AFTER_MS = 30_000;
const LOG_MAX_BYTES = 20_000_000;

/**
 * @typedef {object} ChildOptions
 * @property {string} name
 * @property {() => { args: string[], env: NodeJS.ProcessEnv }} command  asked anew for each start; run with this Node
 * @property {string} logFile
 * @property {number} graceMs        between SIGTERM and SIGKILL
 * @property {boolean} [mayFinish]   an end with code 0 is wanted, and not started again
 * @property {(mark: import("../lib/processes.mjs").Mark | undefined) => void} onProcess  told of each start and end
 * @property {(text: string) => void} say
 */

export class Child {
  /** @type {ChildOptions} */
  #o;
  /** @type {import("node:child_process").ChildProcess | undefined} */
  #process;
  /** @type {import("../lib/processes.mjs").Mark | undefined} */
  #mark;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  #backoffMs = BACKOFF_FIRST_MS;
  #stopped = false;
  #startedAt = 0;
  /** How often it ended without being told to. */
  failures = 0;
  /** Did it end with code 0, as it may? */
  finished = false;

  /** @param {ChildOptions} o */
  constructor(o) {
    this.#o = o;
    this.name = o.name;
  }

  /** The end of what it wrote, for a message about its failure. */
  lastWords() {
    try {
      return fs.readFileSync(this.#o.logFile, "utf8").slice(-2000).trim().split("\n").slice(-12).join("\n");
    } catch {
      return "";
    }
  }

  start() {
    if (this.#stopped || this.#process) return;
    const { args, env } = this.#o.command();
    if (fs.existsSync(this.#o.logFile) && fs.statSync(this.#o.logFile).size > LOG_MAX_BYTES) fs.renameSync(this.#o.logFile, `${this.#o.logFile}.1`);
    const sink = fs.openSync(this.#o.logFile, "a", 0o600);
    // A group of its own: Ctrl-C reaches us alone, and we stop everything in order.
    const child = spawn(process.execPath, args, { env, stdio: ["ignore", sink, sink], detached: true });
    fs.closeSync(sink);
    this.#process = child;
    this.#startedAt = Date.now();
    this.#mark = child.pid === undefined ? undefined : markOf(child.pid);
    this.#o.onProcess(this.#mark);
    child.once("error", (error) => this.#ended(`could not be started: ${error.message}`));
    child.once("exit", (code, signal) => this.#ended(signal ? `was ended by ${signal}` : `ended with code ${code}`, code));
  }

  /** @param {string} how @param {number | null} [code] */
  #ended(how, code) {
    if (!this.#process) return;
    this.#process = undefined;
    this.#mark = undefined;
    this.#o.onProcess(undefined);
    if (this.#stopped) return;
    if (code === 0 && this.#o.mayFinish) {
      this.finished = true;
      return;
    }
    this.failures += 1;
    if (Date.now() - this.#startedAt > WELL_AFTER_MS) this.#backoffMs = BACKOFF_FIRST_MS;
    this.#o.say(`! ${this.name} ${how}; starting it again in ${this.#backoffMs} ms (${this.#o.logFile})`);
    this.#timer = setTimeout(() => this.start(), this.#backoffMs);
    this.#backoffMs = Math.min(this.#backoffMs * 2, BACKOFF_MOST_MS);
  }

  /** Ends it; it comes back like after any other end. */
  async restart() {
    if (this.#mark) await endProcess(this.#mark, this.#o.graceMs);
  }

  /** Ends it for good; returns when it is gone. Says so when it had to be killed. @param {number} [graceMs] */
  async stop(graceMs = this.#o.graceMs) {
    this.#stopped = true;
    clearTimeout(this.#timer);
    if (!this.#mark) return;
    const willing = await endProcess(this.#mark, graceMs);
    if (!willing) this.#o.say(`! ${this.name} did not end within ${graceMs / 1000} s and was killed`);
  }

  /** Cuts a log that has grown too long, keeping one earlier generation. The child appends, so it goes on at the start. */
  trimLog() {
    const { logFile } = this.#o;
    if (!fs.existsSync(logFile) || fs.statSync(logFile).size <= LOG_MAX_BYTES) return;
    fs.copyFileSync(logFile, `${logFile}.1`);
    fs.truncateSync(logFile, 0);
  }
}
