/** One running installation: what is started, in which order, what is watched meanwhile, and how it is stopped. */
import fs from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { build } from "../build.mjs";
import { inRoot } from "../lib/paths.mjs";
import { seconds } from "../lib/phases.mjs";
import { endProcess, isRunning } from "../lib/processes.mjs";
import { endRunning } from "../lib/run.mjs";
import { startPostgres } from "../pg/index.mjs";
import { health, isReadySince } from "./http.mjs";
import { readJson } from "./instance.mjs";
import { endLeftovers } from "./leftovers.mjs";
import { choosePorts } from "./ports.mjs";
import { pilotToken, quietly, runProgram } from "./programs.mjs";
import { environmentOf, serverProgram } from "./services.mjs";
import { summary } from "./summary.mjs";
import { Child } from "./supervisor.mjs";

const WATCH_MS = 500;
const READY_WAIT_MS = 120_000;
const PILOT_WAIT_MS = 240_000;
const SERVER_GRACE_MS = 15_000;
/** The pilot stops its agents, and they their units: that takes as long as the slowest unit's drain. */
const PILOT_GRACE_MS = 45_000;
const EARLY_FAILURES = 4;

/** Thrown inside a start when a stop was asked for: the start is left, and the stop goes on. */
class Stopped extends Error {
  name = "Stopped";
}

export class Installation {
  /** @type {Child[]} In the order of starting; stopped in this order backwards. */
  #children = [];
  /** @type {import("../pg/index.mjs").Running | undefined} */
  #database;
  #stopping = false;
  #failed = false;
  /** @type {() => void} */
  #stop = () => {};
  #stopAsked = new Promise((/** @type {(value: void) => void} */ resolve) => (this.#stop = resolve));
  #startedAt = Date.now();

  /**
   * @param {{ options: ReturnType<typeof import("./options.mjs").upOptions>, instance: import("./instance.mjs").Instance,
   *   left: Record<string, import("../lib/processes.mjs").Mark>, show: import("../lib/phases.mjs").Phases }} o
   */
  constructor({ options, instance, left, show }) {
    this.options = options;
    this.instance = instance;
    this.left = left;
    this.show = show;
  }

  /** Starts everything, keeps it running, and stops it when asked. @returns {Promise<number>} exit code */
  async runUntilStopped() {
    let asked = 0;
    const ask = () => {
      asked += 1;
      if (asked > 1) return this.#endAtOnce();
      this.#stopping = true;
      endRunning();
      this.#stop();
    };
    // Whoever read our output may be gone (`npm run up | head`); that ends nothing.
    for (const out of [process.stdout, process.stderr]) out.on("error", () => undefined);
    process.on("uncaughtException", (error) => {
      this.show.say(`! stopping, because of a fault in the supervisor: ${error.stack ?? error.message}`);
      process.exitCode = 1;
      ask();
    });
    for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) process.on(signal, ask);
    /** @type {unknown} */
    let failure;
    try {
      await this.#start();
      await this.#watch();
    } catch (error) {
      // What was broken off by the stop itself is no failure.
      if (!(error instanceof Stopped) && !this.#stopping) failure = error;
      this.#failed = failure !== undefined;
    }
    this.#stopping = true;
    await this.#stopAll();
    if (failure) throw failure;
    return 0;
  }

  /** Leaves the start as soon as a stop was asked for. */
  #goOn() {
    if (this.#stopping) throw new Stopped();
  }

  /** @template T @param {string} label @param {(note: (text: string) => void) => Promise<T>} work */
  async #phase(label, work) {
    this.#goOn();
    const result = await this.show.run(label, work);
    this.#goOn();
    return result;
  }

  async #start() {
    const { options, instance, show } = this;
    await build({ show });
    this.#goOn();
    if (Object.values(this.left).some(isRunning)) {
      await this.#phase("clearing away what a crash left running", async () => {
        for (const mark of Object.values(this.left).reverse()) await endProcess(mark, SERVER_GRACE_MS);
      });
    }
    instance.update({ children: {} });
    const ports = await choosePorts({ folder: options.data, host: options.host, asked: options.port, say: show.say });
    const database = await this.#phase("PostgreSQL", (note) => this.#startDatabase(note));
    this.#database = database;
    const told = () => environmentOf({ folder: options.data, host: options.host, ports, database: this.#database ?? database });
    await this.#phase("migrations", async (note) => note(await runProgram("migrate", [], told().ownerEnv)));

    const { url } = told();
    instance.update({ url });
    const at = { host: options.host, port: ports.web, tls: url.startsWith("https:") && Boolean(process.env["HOLDFAST_TLS_CERT"]) };
    // These need the database alone: they run while the servers start, and are waited for in their own phases.
    const firstAdmin = quietly(runProgram("admin", ["first-admin", "--json"], told().ownerEnv));
    const token = options.pilot ? quietly(pilotToken(told().ownerEnv)) : undefined;
    await this.#phase("gateway, scheduler and console", async (note) => {
      this.#add("gateway", () => ({ args: [serverProgram("gateway")], env: { ...told().env, OPS_PORT: String(ports.gatewayOps) } }));
      this.#add("scheduler", () => ({ args: [serverProgram("scheduler")], env: { ...told().env, OPS_PORT: String(ports.schedulerOps) } }));
      this.#add("web", () => ({ args: [serverProgram("web")], env: told().env }));
      await this.#untilReady(at, ["web", "scheduler", "gateway"], READY_WAIT_MS, note);
    });
    const admin = await this.#phase("first administrator", async (note) => {
      /** @type {{ login: string, password?: string, created: boolean }} */
      const made = JSON.parse(await firstAdmin);
      note(made.created ? `${made.login}, created` : "there is one already");
      return made;
    });
    let pilot = "";
    if (token) pilot = await this.#startPilot(ports, told, at, token);
    instance.update({ state: "running" });
    show.say(summary({ url, admin, pilot, host: options.host, data: options.data, took: seconds(Date.now() - this.#startedAt) }));
  }

  /** @param {(text: string) => void} note */
  async #startDatabase(note) {
    const database = await startPostgres({ home: this.instance.file("postgres"), log: note });
    note(`port ${database.port}${database.adopted ? ", was running" : ""}`);
    return database;
  }

  /** @param {string} name @param {() => { args: string[], env: NodeJS.ProcessEnv }} command @param {{ graceMs?: number, mayFinish?: boolean }} [more] */
  #add(name, command, { graceMs = SERVER_GRACE_MS, mayFinish = false } = {}) {
    const child = new Child({
      name,
      command,
      graceMs,
      mayFinish,
      logFile: this.instance.file("logs", `${name}.log`),
      onProcess: (mark) => this.instance.child(name, mark),
      say: this.show.say,
    });
    this.#children.push(child);
    child.start();
    return child;
  }

  /**
   * Waits until all of these processes say they are ready.
   * @param {Parameters<typeof health>[0]} at @param {string[]} names @param {number} waitMs @param {(text: string) => void} note
   */
  async #untilReady(at, names, waitMs, note) {
    const until = Date.now() + waitMs;
    const from = Date.now();
    /** @type {string[]} */
    let missing = names;
    while (Date.now() < until) {
      this.#goOn();
      const now = await health(at);
      missing = names.filter((name) => !now?.processes.some((one) => one.name === name && isReadySince(one, from)));
      if (now && missing.length === 0) return note("");
      note(`waiting for ${missing.join(", ")}`);
      const broken = this.#children.find((child) => names.includes(child.name) && child.failures >= EARLY_FAILURES);
      if (broken) throw new Error(`${broken.name} does not stay up. The end of its log (${this.instance.file("logs", `${broken.name}.log`)}):\n${broken.lastWords()}`);
      await delay(150);
    }
    const words = this.#children.filter((child) => missing.includes(child.name)).map((child) => `${child.name}:\n${child.lastWords()}`);
    throw new Error(`not ready after ${waitMs / 1000} s: ${missing.join(", ")}. Logs: ${this.instance.file("logs")}\n${words.join("\n")}`);
  }

  /**
   * @param {import("./ports.mjs").Ports} ports @param {() => ReturnType<typeof environmentOf>} told @param {Parameters<typeof health>[0]} at
   * @param {Promise<string>} made  its token
   * @returns {Promise<string>} what to say of it
   */
  async #startPilot(ports, told, at, made) {
    const { options, instance, show } = this;
    const token = await made;
    const local = ["0.0.0.0", "::"].includes(options.host) ? "127.0.0.1" : options.host;
    try {
      await this.#phase("pilot fleet", async (note) => {
        const child = this.#add(
          "pilot",
          // The token travels in the environment: arguments are shown to everybody by `ps`.
          () => ({
            args: [inRoot("dist/pilot/main.cjs"), "--data", options.data, "--server", `${at.tls ? "https" : "http"}://${local === "127.0.0.1" ? "localhost" : local}:${ports.web}`, "--gateway", `${local}:${ports.gateway}`],
            env: { ...told().env, HOLDFAST_TOKEN: token },
          }),
          { graceMs: PILOT_GRACE_MS, mayFinish: true },
        );
        const from = Date.now();
        const until = from + PILOT_WAIT_MS;
        for (;;) {
          this.#goOn();
          if (child.finished) return note(child.lastWords().split("\n").at(-1) ?? "");
          const report = (await health(at))?.processes.find((one) => one.name === "pilot");
          const remark = report?.details?.note;
          if (report && isReadySince(report, from)) return note(remark ?? "");
          note(remark ?? "starting");
          if (Date.now() > until) throw new Error(remark ?? child.lastWords());
          await delay(250);
        }
      });
      return "";
    } catch (error) {
      if (error instanceof Stopped) throw error;
      show.say(`! the pilot is not ready yet: ${/** @type {Error} */ (error).message}`);
      return `not ready; see ${instance.file("logs", "pilot.log")}`;
    }
  }

  /** Until a stop is asked for: brings the database back if it dies, and keeps the logs bounded. */
  async #watch() {
    let ticks = 0;
    while (!this.#stopping) {
      await Promise.race([this.#stopAsked, delay(WATCH_MS)]);
      if (this.#stopping) return;
      if (this.#database && !this.#database.alive()) await this.#reviveDatabase(this.#database);
      ticks += 1;
      if (ticks % 120 === 0) for (const child of this.#children) child.trimLog();
    }
  }

  /** @param {import("../pg/index.mjs").Running} lost */
  async #reviveDatabase(lost) {
    this.show.say("! PostgreSQL ended; starting it again");
    try {
      this.#database = await startPostgres({ home: this.instance.file("postgres"), log: () => {} });
    } catch (error) {
      this.show.say(`! ${/** @type {Error} */ (error).message}; trying again`);
      return;
    }
    // Its port was taken meanwhile: everybody has to be told the new one.
    if (this.#database.appUrl !== lost.appUrl) for (const child of this.#children) await child.restart();
  }

  async #stopAll() {
    const { show, instance } = this;
    instance.update({ state: "stopping" });
    for (const child of [...this.#children].reverse()) await show.run(`stopping ${child.name}`, () => child.stop());
    if (this.#database) await show.run("stopping PostgreSQL", () => this.#database?.stop());
    const ended = await endLeftovers(this.options.data);
    if (ended) show.say(`! ended ${ended} processes that had stayed behind`);
    instance.release();
    show.say(this.#failed ? "Everything that was started has been stopped." : "Holdfast has stopped.");
  }

  /** A second Ctrl-C: no more waiting. */
  #endAtOnce() {
    this.show.say("\nending everything at once");
    const marks = /** @type {Record<string, { pid: number }>} */ (readJson(this.instance.file("instance.json"))?.["children"] ?? {});
    for (const { pid } of [...Object.values(marks), ...(this.#database ? [{ pid: this.#database.pid }] : [])]) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // Gone already.
      }
    }
    fs.rmSync(this.instance.file("instance.json"), { force: true });
    process.exit(130);
  }
}
