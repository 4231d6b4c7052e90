import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, renameSync, statSync } from "node:fs";
import { endProcess, killProcess, markOf } from "./processes";
import type { ProcessMark } from "./state";

export type SupervisedOptions = {
  readonly name: string;
  /** Program and arguments, made anew for each start. */
  readonly command: () => readonly string[] | Promise<readonly string[]>;
  readonly environment: Readonly<Record<string, string>>;
  /** Folder it works in: by it a process of the pilot can be told from any other. */
  readonly folder: string;
  readonly logFile: string;
  /** Time between SIGTERM and SIGKILL when it is stopped. */
  readonly graceMs: number;
  /** Told of each start and of each end (null), so that it can be kept. */
  readonly onProcess: (mark: ProcessMark | null) => void;
  /** A child that reads its standard input ends with this process; one that does not outlives it. */
  readonly endsWithUs: boolean;
  readonly firstBackoffMs?: number;
};

const BACKOFF_FIRST_MS = 500;
const BACKOFF_MOST_MS = 30_000;
/** A child that lived this long is thought to have been well, and its next failure starts with a short wait again. */
const WELL_AFTER_MS = 30_000;
const LOG_MAX_BYTES = 5_000_000;

/** A child process that is started again with a growing wait whenever it ends, until it is stopped. */
export class Supervised {
  readonly name: string;
  /** How often it was started again after it had ended. */
  restarts = 0;
  readonly #o: SupervisedOptions;
  #child: ChildProcess | null = null;
  #mark: ProcessMark | null = null;
  #timer: NodeJS.Timeout | null = null;
  #backoffMs: number;
  #stopped = false;
  #lastError: string | null = null;

  constructor(o: SupervisedOptions) {
    this.#o = o;
    this.name = o.name;
    this.#backoffMs = o.firstBackoffMs ?? BACKOFF_FIRST_MS;
  }

  get running(): boolean {
    return this.#child !== null;
  }

  get pid(): number | null {
    return this.#mark?.pid ?? null;
  }

  /** Why it does not run, when it does not. */
  get lastError(): string | null {
    return this.#lastError;
  }

  async start(): Promise<void> {
    if (this.#stopped || this.#child !== null) return;
    try {
      const [program, ...args] = await this.#o.command();
      if (this.#stopped) return;
      this.#spawn(program as string, args);
    } catch (error) {
      this.#lastError = (error as Error).message;
      this.#again();
    }
  }

  /** Kills the process, so that it stops nothing in its turn; it is started again as after any other end. */
  async restart(): Promise<void> {
    if (this.#mark !== null) await killProcess(this.#mark);
  }

  /**
   * Stops it for good. Resolves when the process is gone, with whether it ended in its own way: false when it did not run
   * in this moment, or was ended by a signal before it could tidy up.
   */
  async stop(): Promise<boolean> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const mark = this.#mark;
    const child = this.#child;
    if (mark === null || child === null) return false;
    const exit = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
    await endProcess(mark, this.#o.graceMs);
    await exit;
    return child.exitCode === 0;
  }

  #spawn(program: string, args: readonly string[]): void {
    const log = openLog(this.#o.logFile);
    const startedAtMs = Date.now();
    // A group of its own: Ctrl-C in a terminal reaches this process only, which then stops its children in order.
    const child = spawn(program, args, { detached: true, cwd: this.#o.folder, env: this.#o.environment as NodeJS.ProcessEnv, stdio: [this.#o.endsWithUs ? "pipe" : "ignore", log, log] });
    closeSync(log);
    this.#child = child;
    child.stdin?.on("error", () => undefined);
    child.once("error", (error) => this.#ended(error.message, startedAtMs));
    child.once("exit", (code, signal) => this.#ended(`ended with ${signal ?? `code ${code}`}`, startedAtMs));
    if (child.pid === undefined) return;
    this.#mark = markOf(child.pid);
    this.#o.onProcess(this.#mark);
    this.#lastError = null;
  }

  #ended(why: string, startedAtMs: number): void {
    if (this.#child === null) return;
    this.#child = null;
    this.#mark = null;
    this.#lastError = why;
    this.#o.onProcess(null);
    if (Date.now() - startedAtMs > WELL_AFTER_MS) this.#backoffMs = this.#o.firstBackoffMs ?? BACKOFF_FIRST_MS;
    this.#again();
  }

  #again(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.restarts += 1;
      void this.start();
    }, this.#backoffMs);
    this.#backoffMs = Math.min(BACKOFF_MOST_MS, this.#backoffMs * 2);
  }
}

/** Opens a log to append to; one that has grown too large is kept once, as `.1`, and begun anew. */
function openLog(path: string): number {
  try {
    if (statSync(path).size > LOG_MAX_BYTES) renameSync(path, `${path}.1`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  return openSync(path, "a", 0o600);
}
