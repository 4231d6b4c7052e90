/**
 * A test runner for StrykerJS that loads the core with its tests once and tries one mutant after the other in the same
 * process: a mutant costs what its tests take until the first of them fails, and nothing besides. Quick tests, and those
 * that noticed many mutants, come first. Caches that live as long as their file is loaded are emptied between mutants.
 * Mutants of what runs only when a file is loaded are tried by evaluating everything anew.
 */
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import vm from "node:vm";
import { bundled, testsBelow } from "./bundle.mjs";
import { harness } from "./harness.mjs";

const TIMES = "test-times.json";
/** @typedef {{ activate(id: number, limit: number): void, exceeded(): boolean, countInto(counts: Int32Array): void, forget(): void }} Controls */
/** @typedef {import("./harness.mjs").Test & { ms: number, runs: number, kills: number }} Timed */
/** @typedef {{ tests: Timed[], controls: Controls }} Loaded */

class InProcess {
  root = process.cwd();
  core = process.env["HOLDFAST_MUTANTS_OF"] ?? "server/core/placement";
  /** @type {vm.Script | undefined} */ script;
  /** @type {Loaded | undefined} */ loaded;
  /** @type {Record<string, number>} */ times = {};

  capabilities() {
    return { reloadEnvironment: true };
  }

  /** @param {"cover" | "try"} form */
  async scriptOf(form) {
    const file = path.join(this.root, `mutants-${form}.cjs`);
    if (!fs.existsSync(file)) fs.writeFileSync(file, await bundled(this.root, testsBelow(this.core), form));
    return new vm.Script(fs.readFileSync(file, "utf8"), { filename: file });
  }

  /** @param {vm.Script} script @param {number} active the mutant that is on while files are loaded @returns {Loaded} */
  load(script, active = -1) {
    const made = harness((at) => path.join(this.root, at));
    /** @type {{ __mutantsFile?: unknown }} */ (globalThis).__mutantsFile = made.in;
    /** @type {Controls} */
    const controls = script.runInThisContext()(createRequire(path.join(this.root, "package.json")), made.api, active);
    return { controls, tests: made.tests.map((t) => ({ ...t, ms: this.times[t.id] ?? 1, runs: 0, kills: 0 })) };
  }

  async dryRun() {
    fs.rmSync(path.join(this.root, "mutants-try.cjs"), { force: true });
    fs.rmSync(path.join(this.root, "mutants-cover.cjs"), { force: true });
    const counts = () => new Int32Array(100_000);
    const atLoad = counts();
    const script = await this.scriptOf("cover");
    // What is counted while files are loaded goes to the first array.
    /** @type {{ __mutantsCounts?: Int32Array }} */ (globalThis).__mutantsCounts = atLoad;
    const { tests, controls } = this.load(script);
    /** @type {Record<string, Record<string, number>>} */
    const perTest = {};
    for (const t of tests) {
      const mine = counts();
      controls.countInto(mine);
      controls.forget();
      const failed = await failureOf(t);
      if (failed) return { status: "error", errorMessage: `${t.id} fails without any mutant: ${failed}` };
      perTest[t.id] = sparse(mine);
    }
    // Once more in the form that mutants are tried in: shows that tests pass there, too, and how long each takes.
    const tried = (this.loaded = this.load((this.script = await this.scriptOf("try"))));
    for (const pass of [1, 2])
      for (const t of tried.tests) {
        const since = performance.now();
        tried.controls.forget();
        const failed = await failureOf(t);
        if (failed) return { status: "error", errorMessage: `${t.id} fails in pass ${pass} without any mutant: ${failed}` };
        t.ms = this.times[t.id] = performance.now() - since;
      }
    fs.writeFileSync(path.join(this.root, TIMES), JSON.stringify(this.times));
    return {
      status: "complete",
      tests: tried.tests.map((t) => ({ id: t.id, name: t.name, fileName: t.file, timeSpentMs: t.ms, status: 0 })),
      mutantCoverage: { static: sparse(atLoad), perTest },
    };
  }

  /** @param {{ activeMutant: { id: string }, testFilter?: string[], hitLimit?: number, mutantActivation: "runtime" | "static" }} o */
  async mutantRun({ activeMutant, testFilter, hitLimit, mutantActivation }) {
    const id = Number(activeMutant.id);
    if (!this.script) {
      this.times = JSON.parse(fs.readFileSync(path.join(this.root, TIMES), "utf8"));
      this.script = await this.scriptOf("try");
    }
    this.loaded ??= this.load(this.script);
    let { tests, controls } = this.loaded;
    if (mutantActivation === "static") {
      try {
        const { script } = this;
        const fresh = /** @type {Loaded} */ (within(LOAD_LIMIT_MS, () => this.load(script, id)));
        // A mutant by which there are fewer tests than before is noticed, but by none of them.
        if (fresh.tests.length !== tests.length) return { status: "killed", killedBy: [tests[0]?.id ?? ""], failureMessage: "tests are missing", nrOfTests: 0 };
        const known = new Map(tests.map((t) => [t.id, t]));
        tests = fresh.tests.map((t) => Object.assign(t, { kills: known.get(t.id)?.kills ?? 0, runs: known.get(t.id)?.runs ?? 0 }));
        controls = fresh.controls;
      } catch (error) {
        if (isTimeout(error)) return { status: "timeout", reason: "loading does not end" };
        return { status: "killed", killedBy: [tests[0]?.id ?? ""], failureMessage: `while files are loaded: ${textOf(error)}`, nrOfTests: 0 };
      }
    }
    const wanted = testFilter && new Set(testFilter);
    const promise = (/** @type {Timed} */ t) => (t.kills + 0.3) / (t.runs + 3) / (t.ms + 0.1);
    const list = (wanted ? tests.filter((t) => wanted.has(t.id)) : [...tests]).sort((a, b) => promise(b) - promise(a));
    controls.forget();
    controls.activate(id, hitLimit ?? Infinity);
    try {
      for (const [i, t] of list.entries()) {
        t.runs++;
        const failed = await failureOf(t, true);
        if (failed === ENDLESS || controls.exceeded()) return { status: "timeout", reason: "a test does not end" };
        if (!failed) continue;
        t.kills++;
        return { status: "killed", killedBy: [t.id], failureMessage: failed.slice(0, 300), nrOfTests: i + 1 };
      }
      return { status: "survived", nrOfTests: list.length };
    } finally {
      controls.activate(-1, Infinity);
    }
  }
}

const ENDLESS = "does not end";
const LEAST_LIMIT_MS = 600;
const LIMIT_FACTOR = 8;
/** Evaluating everything anew takes less than a second. */
const LOAD_LIMIT_MS = 15_000;
/** Runs a function whose name stands in the global object: only a script can be stopped when it does not end. */
const stoppable = new vm.Script("globalThis.__mutantsRun()");
/** Calls a function, and stops it when it takes longer. @param {number} timeout @param {() => unknown} run */
function within(timeout, run) {
  /** @type {{ __mutantsRun?: unknown }} */ (globalThis).__mutantsRun = run;
  return stoppable.runInThisContext({ timeout });
}
const isTimeout = (/** @type {unknown} */ error) => /** @type {{ code?: string }} */ (error)?.code === "ERR_SCRIPT_EXECUTION_TIMEOUT";

/** What a test says that fails; null when it passes. With `limited` it is stopped after many times the processor time that it usually needs. @param {Timed} t */
async function failureOf(t, limited = false) {
  const limit = Math.max(LEAST_LIMIT_MS, LIMIT_FACTOR * t.ms);
  for (let timeout = Math.round(limit); ; timeout *= 2) {
    const since = process.cpuUsage();
    try {
      const result = limited ? within(timeout, t.run) : t.run();
      if (result instanceof Promise) await result;
      return null;
    } catch (error) {
      if (!isTimeout(error)) return textOf(error) || "failed";
      const used = process.cpuUsage(since);
      // Other programs had the processor meanwhile: it gets another try.
      if ((used.user + used.system) / 1_000 >= limit * 0.7) return ENDLESS;
    }
  }
}
const textOf = (/** @type {unknown} */ error) => (error instanceof Error ? error.message : String(error));

/** @param {Int32Array} counts */
function sparse(counts) {
  /** @type {Record<string, number>} */
  const found = {};
  for (const [id, n] of counts.entries()) if (n > 0) found[id] = n;
  return found;
}

export const strykerPlugins = [{ kind: "TestRunner", name: "in-process", injectableClass: InProcess }];
