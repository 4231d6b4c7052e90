/**
 * The part of vitest that the core's tests use (describe, it, each, expect), run in this process. Tests of the core touch
 * nothing and keep no state, so thousands of mutants can be tried in one process, without starting a worker for each.
 */
import fs from "node:fs";
import path from "node:path";
import { format } from "node:util";
import vm from "node:vm";
import fc from "fast-check";
import { chai, expect } from "vitest";

/** @typedef {{ id: string, file: string, name: string, run: () => unknown }} Test */

/** The part of a property's cases that is tried. Failing ones are not made smaller: nobody reads them. */
const PART = 1 / 4;
const LEAST_RUNS = 30;

let current = { file: "", key: "", seen: 0 };
/** @type {Map<string, Record<string, string>>} */
const snapshots = new Map();

// Vitest's own needs its worker. Texts only, as vitest writes them beside the tests.
chai.util.overwriteMethod(
  chai.Assertion.prototype,
  "toMatchSnapshot",
  () =>
    /** @this {Chai.AssertionStatic} */
    function () {
      let of = snapshots.get(current.file);
      if (!of) {
        const file = path.join(path.dirname(current.file), "__snapshots__", `${path.basename(current.file)}.snap`);
        snapshots.set(current.file, (of = {}));
        vm.runInNewContext(fs.readFileSync(file, "utf8"), { exports: of });
      }
      const recorded = of[`${current.key} ${++current.seen}`]?.trim();
      if (recorded !== `"${this._obj}"`) throw new Error("it is not as recorded");
    },
);

/** @param {(file: string) => string} fileOf */
export function harness(fileOf) {
  /** @type {Test[]} */
  const tests = [];
  /** @type {string[]} */
  const within = [];
  let file = "";
  const seen = new Map();
  /** @param {string} title @param {() => unknown} run */
  const it = (title, run) => {
    const plain = [...within, title].join(" ");
    const n = (seen.get(`${file}#${plain}`) ?? 0) + 1;
    seen.set(`${file}#${plain}`, n);
    const name = n === 1 ? plain : `${plain} (${n})`;
    const [at, key] = [fileOf(file), [...within, title].join(" > ")];
    const started = () => {
      current = { file: at, key, seen: 0 };
      return run();
    };
    tests.push({ id: `${file}#${name}`, file: at, name, run: started });
  };
  /** @param {string} title @param {() => void} body */
  const describe = (title, body) => {
    within.push(title);
    body();
    within.pop();
  };
  /** @param {(title: string, run: () => unknown) => void} of */
  const each = (of) => (/** @type {readonly unknown[]} */ rows) => (/** @type {string} */ title, /** @type {(...args: unknown[]) => unknown} */ run) => {
    for (const row of rows) {
      const args = Array.isArray(row) ? row : [row];
      const used = title.match(/%[sdijo]/g)?.length ?? 0;
      of(format(title, ...args.slice(0, used)).slice(0, 300), () => run(...args));
    }
  };
  it.each = each(it);
  describe.each = each((title, body) => describe(title, /** @type {() => void} */ (body)));
  const api = {
    vitest: { describe, it, expect },
    fc: {
      ...fc,
      /** @param {import("fast-check").IProperty<unknown[]>} property @param {import("fast-check").Parameters<unknown[]>} [o] */
      assert: (property, o) => {
        const seen = fc.check(property, { seed: 1, ...o, endOnFailure: true, numRuns: Math.max(LEAST_RUNS, Math.ceil((o?.numRuns ?? 100) * PART)) });
        // Not by fc.assert, which writes the whole case down.
        if (seen.failed) throw seen.errorInstance ?? new Error("the property does not hold");
      },
    },
  };
  return { tests, api, in: (/** @type {string} */ at) => void (file = at) };
}
