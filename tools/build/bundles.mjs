/** The programs, and how each is bundled. */
import fs from "node:fs";
import path from "node:path";
import * as esbuild from "esbuild";
import { ROOT, inRoot } from "../lib/paths.mjs";

/**
 * @typedef {object} Bundle
 * @property {string} entry   source file
 * @property {string} output  the one file that is made
 * @property {"server" | "single"} kind  server: ESM, libraries stay in node_modules; single: CommonJS with all inside
 * @property {boolean} [minify]
 * @property {boolean} [executable]
 * @property {number} [maxBytes]
 */

/** The agent travels over thin links; a bigger one fails the build. */
const AGENT_MAX_BYTES = 2 * 1024 * 1024;

/** @type {readonly Bundle[]} */
export const BUNDLES = [
  ...["migrate", "admin", "web", "scheduler", "gateway", "backup", "restore"].map((name) => /** @type {const} */ ({ entry: `server/bin/${name}.ts`, output: `dist/server/${name}.mjs`, kind: "server" })),
  { entry: "server/bin/cli.ts", output: "dist/cli/holdfast.cjs", kind: "single", executable: true },
  { entry: "agent/main.ts", output: "dist/agent/holdfast-agent.cjs", kind: "single", minify: true, executable: true, maxBytes: AGENT_MAX_BYTES },
  ...["main", "serve", "client", "relay", "ctl"].map((name) => /** @type {const} */ ({ entry: `pilot/${name}.ts`, output: `dist/pilot/${name}.cjs`, kind: "single" })),
];

/** @returns {esbuild.BuildOptions} */
const common = () => ({
  absWorkingDir: ROOT,
  bundle: true,
  write: false,
  metafile: true,
  platform: "node",
  target: "node20.19",
  charset: "utf8",
  legalComments: "none",
  logLevel: "silent",
  tsconfig: "tsconfig.json",
});

/** @param {Bundle} bundle @returns {esbuild.BuildOptions} */
const optionsFor = (bundle) =>
  bundle.kind === "server"
    ? { ...common(), entryPoints: [bundle.entry], outfile: bundle.output, format: "esm", packages: "external", sourcemap: "linked" }
    : {
        ...common(),
        entryPoints: [bundle.entry],
        outfile: bundle.output,
        format: "cjs",
        minify: bundle.minify ?? false,
        // Names stay readable in stack traces of a minified agent.
        keepNames: bundle.minify ?? false,
        // A CommonJS file has no import.meta; these are what it would say.
        define: { "import.meta.url": "__fileUrl", "import.meta.dirname": "__dirname", "import.meta.filename": "__filename" },
        banner: { js: `${bundle.executable ? "#!/usr/bin/env node\n" : ""}const __fileUrl = require("node:url").pathToFileURL(__filename).href;` },
        // Speed-ups that `ws` takes if somebody installed them.
        external: ["bufferutil", "utf-8-validate"],
      };

/** Our own files among what a bundle was made from. @param {esbuild.Metafile} metafile */
const ownInputs = (metafile) => Object.keys(metafile.inputs).filter((file) => !file.startsWith("node_modules/") && !file.includes(":"));

/** One sentence per fault, with place. @param {unknown} error */
function plain(error) {
  const errors = /** @type {Partial<esbuild.BuildFailure>} */ (error).errors;
  if (!errors) return error;
  return new Error(errors.map((one) => (one.location ? `${one.location.file}:${one.location.line}:${one.location.column} ` : "") + one.text).join("\n"));
}

/**
 * Makes one program if anything it is made from changed. The file is replaced in one step, so a program that is started
 * meanwhile is the old or the new one, never half of one.
 * @param {Bundle} bundle @param {import("./inputs.mjs").Memory} memory @param {string[]} alsoFrom
 * @returns {Promise<number | undefined>} its size in bytes, or undefined if nothing had changed
 */
export async function makeBundle(bundle, memory, alsoFrom) {
  if (!fs.existsSync(inRoot(bundle.entry))) throw new Error(`${bundle.entry} does not exist`);
  const before = memory.inputsOf(bundle.output);
  if (before && memory.isFresh(bundle.output, before, [bundle.output])) return undefined;
  const result = await esbuild.build(optionsFor(bundle)).catch((error) => {
    throw plain(error);
  });
  const outputs = result.outputFiles ?? [];
  const main = outputs.find((file) => path.relative(ROOT, file.path) === bundle.output);
  const size = main?.contents.length ?? 0;
  if (bundle.maxBytes && size > bundle.maxBytes) {
    const largest = Object.entries(result.metafile?.outputs[bundle.output]?.inputs ?? {}).sort(([, a], [, b]) => b.bytesInOutput - a.bytesInOutput).slice(0, 5);
    throw new Error(`is ${size} bytes, more than the ${bundle.maxBytes} allowed. Largest parts: ${largest.map(([file, { bytesInOutput }]) => `${file} ${bytesInOutput}`).join(", ")}`);
  }
  for (const file of outputs) {
    fs.mkdirSync(path.dirname(file.path), { recursive: true });
    const making = `${file.path}.${process.pid}`;
    fs.writeFileSync(making, file.contents, { mode: bundle.executable ? 0o755 : 0o644 });
    fs.renameSync(making, file.path);
  }
  if (result.metafile) memory.note(bundle.output, [...ownInputs(result.metafile), bundle.entry, ...alsoFrom, "tools/build/bundles.mjs"]);
  return size;
}

/**
 * Our own files that these import by value, directly or not: imports of types alone don't count, because they are not in
 * what runs.
 * @param {string[]} entries
 */
export async function closureOf(entries) {
  const assets = Object.fromEntries([".css", ".svg", ".png", ".ico", ".woff2", ".webp"].map((ending) => [ending, /** @type {const} */ ("empty")]));
  const result = await esbuild
    .build({ ...common(), entryPoints: entries, outdir: "dist/none", format: "esm", packages: "external", jsx: "automatic", loader: assets })
    .catch((error) => {
      throw plain(error);
    });
  return result.metafile ? ownInputs(result.metafile) : [];
}

/** Bundles one benchmark, which may reach everywhere. @param {string} name @returns {Promise<string>} the file to run */
export async function makeBench(name) {
  const outfile = `dist/bench/${name}.mjs`;
  await esbuild.build({ ...common(), write: true, entryPoints: [`bench/${name}.ts`], outfile, format: "esm", packages: "external", sourcemap: "linked" }).catch((error) => {
    throw plain(error);
  });
  return inRoot(outfile);
}

/** Ends the bundler's helper process, which would stay as long as we do. */
export const endBundler = () => esbuild.stop();
