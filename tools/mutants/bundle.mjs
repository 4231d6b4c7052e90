/**
 * Builds the instrumented core and its tests into one script that can switch mutants on and off, in one of two forms:
 * `cover` counts which mutants each test comes by; `try` leaves the counting out, and asks for the mutant that is on by
 * comparing two numbers. StrykerJS asks by a call and counts by text keys, which makes the planner twenty times slower.
 */
import fs from "node:fs";
import path from "node:path";
import { build } from "esbuild";

/** Variables and functions that the replaced calls use; they live in the function around the whole bundle. */
const HEAD = `
let __active = -1, __hits = 0, __limit = Infinity, __counts = globalThis.__mutantsCounts ?? new Int32Array(0), __loading = true;
const __forgetful = [];
function __hit() { if (++__hits > __limit) throw new Error("hit limit"); return true; }
function __cov(...ids) { for (const id of ids) __counts[id]++; return 0; }
const __WeakMap = globalThis.WeakMap;
class WeakMap {
  constructor() { this.inner = new __WeakMap(); if (__loading) __forgetful.push(this); }
  get(k) { return this.inner.get(k); }
  has(k) { return this.inner.has(k); }
  set(k, v) { this.inner.set(k, v); return this; }
  delete(k) { return this.inner.delete(k); }
}
`;
const FOOT = `
__loading = false;
return {
  activate(id, limit) { __active = id; __limit = limit; __hits = 0; },
  exceeded() { return __hits > __limit; },
  countInto(counts) { __counts = counts; },
  forget() { for (const m of __forgetful) m.inner = new __WeakMap(); },
};
`;

/** Every file below a folder that is a pure test. @param {string} folder @returns {string[]} */
export function testsBelow(folder) {
  return fs
    .readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((e) => (e.isDirectory() ? testsBelow(`${folder}/${e.name}`) : /\.test\.ts$/.test(e.name) && !/\.(sim|int)\.test\.ts$/.test(e.name) ? [`${folder}/${e.name}`] : []));
}

/**
 * The text of a function expression `(require, api, active) => controls`. Modules are evaluated by calling it: so a mutant of what runs
 * once, when a file is loaded, is tried by calling it anew.
 * @param {string} root of the sandbox @param {string[]} tests relative to it @param {"cover" | "try"} form
 */
export async function bundled(root, tests, form) {
  const entry = tests.map((t) => `globalThis.__mutantsFile(${JSON.stringify(t)}); require(${JSON.stringify(`./${t}`)});`).join("\n");
  const result = await build({
    stdin: { contents: entry, resolveDir: root, sourcefile: "entry.cjs", loader: "js" },
    bundle: true,
    write: false,
    platform: "node",
    format: "cjs",
    target: "node20",
    logLevel: "error",
    absWorkingDir: root,
    packages: "external",
    plugins: [
      {
        name: "mutants",
        setup(b) {
          b.onResolve({ filter: /^(vitest|fast-check)$/ }, (args) => ({ path: args.path, namespace: "api" }));
          b.onLoad({ filter: /.*/, namespace: "api" }, (args) => ({ loader: "js", contents: args.path === "vitest" ? "export const { describe, it, expect } = __api.vitest;" : "export default __api.fc;" }));
          b.onLoad({ filter: /[\\/]server[\\/]core[\\/].*\.ts$/ }, (args) => ({ loader: "ts", resolveDir: path.dirname(args.path), contents: switched(fs.readFileSync(args.path, "utf8"), form).replaceAll("import.meta.dirname", JSON.stringify(path.dirname(args.path))) }));
        },
      },
    ],
  });
  return `(function (require, __api, __first) {${HEAD}__active = __first;const module = { exports: {} }, exports = module.exports;\n${result.outputFiles[0]?.text ?? ""}\n${FOOT}})`;
}

/** @param {string} text @param {"cover" | "try"} form */
function switched(text, form) {
  return text
    .replace(/stryMutAct_9fa48\("(\d+)"\)/g, "(__active === $1 && __hit())")
    .replace(/stryCov_9fa48\(((?:"\d+"(?:, )?)+)\)/g, (_all, /** @type {string} */ ids) => (form === "try" ? "0" : `__cov(${ids.replaceAll('"', "")})`));
}
