/**
 * A test of the rules: one planted violation for each, so that a rule that matches nothing is found out.
 */
import { execFile } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = path.resolve(import.meta.dirname, "..");
const require = createRequire(import.meta.url);
const run = promisify(execFile);

type Tree = Record<string, string>;

/** Writes files into a fresh folder that has the project's own configuration. */
function plant(tree: Tree, settings: string[]): string {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "holdfast-rules-")));
  for (const file of settings) fs.copyFileSync(path.join(root, file), path.join(folder, file));
  for (const [file, text] of Object.entries(tree)) {
    fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    fs.writeFileSync(path.join(folder, file), text);
  }
  return folder;
}

/** Runs a program and gives what it printed, whatever its exit code. */
async function output(command: string, args: string[], cwd: string): Promise<string> {
  try {
    return (await run(command, args, { cwd, maxBuffer: 64e6 })).stdout;
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => fs.rmSync(folder, { recursive: true, force: true })));

describe("the ladder", () => {
  /** Rule → the file that breaks it, and what it says. Targets exist, each as one line. */
  const planted: Record<string, [file: string, text: string]> = {
    "no-upward-from-core": ["server/core/up.ts", 'import "../protocol/words";'],
    "no-upward-from-protocol": ["server/protocol/up.ts", 'import "../platform/index";'],
    "no-upward-from-platform": ["server/platform/up.ts", 'import "../store/index";'],
    "no-upward-from-store": ["server/store/up.ts", 'import "../audit/index";'],
    "no-upward-from-audit": ["server/audit/up.ts", 'import "../fleet/index";'],
    "no-upward-from-features": ["server/fleet/up.ts", 'import "../trpc/index";'],
    "no-upward-from-doors": ["server/gateway/up.ts", 'import "../bin/start";'],
    "no-upward-from-bin": ["server/bin/up.ts", 'import "../../components/card";'],
    "no-cycles": ["server/platform/ring-a.ts", 'import "./ring-b";'],
    "core-is-pure": ["server/core/impure.ts", 'import "node:fs";'],
    "features-only-through-index": ["server/fleet/inside.ts", 'import "../rollouts/commands";'],
    "doors-do-not-import-each-other": ["server/scheduler/talks.ts", 'import "../gateway/index";'],
    "only-store-touches-prisma": ["server/fleet/sql.ts", 'import type { Client } from "pg"; export type C = Client;'],
    "only-the-peoples-door-knows-trpc": ["server/fleet/transport.ts", 'import "@trpc/server";'],
    "screens-see-types-and-core-only": ["components/value.ts", 'import { appRouter } from "../server/trpc/index"; export const r = appRouter;'],
    "screens-take-types-from-trpc": ["app/type.ts", 'import type { Row } from "../server/store/index"; export type R = Row;'],
    "screens-reach-the-server-in-one-place": ["components/server.ts", 'import "../app/_server/session";'],
    "agent-sees-protocol-only": ["agent/curious.ts", 'import type { Row } from "../server/store/index"; export type R = Row;'],
    "clients-see-types-and-core-only": ["cli/value.ts", 'import { appRouter } from "../server/trpc/index"; export const r = appRouter;'],
    "clients-take-types-from-trpc": ["pilot/type.ts", 'import type { Row } from "../server/store/index"; export type R = Row;'],
    "tests-stay-out-of-production": ["server/platform/helped.ts", 'import "../testing/database";'],
    "no-development-libraries-in-production": ["server/platform/developing.ts", 'import { it } from "vitest"; it();'],
    "no-unresolvable": ["server/platform/lost.ts", 'import "./nowhere";'],
  };
  /** What the ladder allows, next to what it forbids: a rule must not shout at these. */
  const allowed: Tree = {
    "server/core/pure.ts": 'import { z } from "zod"; export const schema = z;',
    "server/core/pure.test.ts": 'import { it } from "vitest"; import "node:fs"; it();',
    "server/protocol/words.ts": 'import "../core/pure"; export const word = 1;',
    "server/platform/index.ts": 'import "node:fs"; export const platform = 1;',
    "server/platform/ring-b.ts": 'import "./ring-a";',
    "server/store/index.ts": 'import { Client } from "pg"; export type Row = { client: Client };',
    "server/audit/index.ts": 'import "../store/index"; export const audit = 1;',
    "server/fleet/index.ts": 'import "../audit/index"; import "../rollouts/index"; export const fleet = 1;',
    "server/rollouts/index.ts": 'import "./commands"; export const rollouts = 1;',
    "server/rollouts/commands.ts": "export const commands = 1;",
    "server/trpc/index.ts": 'import "@trpc/server"; import "../fleet/index"; export const appRouter = 1; export type AppRouter = typeof appRouter;',
    "server/gateway/index.ts": 'import "../fleet/index"; export const gateway = 1;',
    "server/bin/start.ts": 'import "../gateway/index"; import "../trpc/index"; import "../../cli/good"; export const start = 1;',
    "server/testing/database.ts": 'import { Client } from "pg"; export const database = Client;',
    "components/card.ts": 'import { schema } from "../server/core/pure"; import type { AppRouter } from "../server/trpc/index"; export const card = schema; export type R = AppRouter;',
    "app/_server/session.ts": 'import { appRouter } from "../../server/trpc/index"; export const session = appRouter;',
    "agent/good.ts": 'import "../server/protocol/words"; import "../server/core/pure";',
    "cli/good.ts": 'import type { AppRouter } from "../server/trpc/index"; import "../server/core/pure"; export type R = AppRouter;',
  };
  const library = (name: string): Tree => ({
    [`node_modules/${name}/package.json`]: JSON.stringify({ name, version: "1.0.0", main: "index.js", types: "index.d.ts" }),
    [`node_modules/${name}/index.js`]: "module.exports = {};",
    [`node_modules/${name}/index.d.ts`]: "export declare const z: number; export declare class Client {} export declare function it(): void;",
  });

  type Violation = { from: string; to: string; rule: { name: string; severity: string } };
  let violations: Violation[] = [];

  beforeAll(async () => {
    const tree: Tree = {
      ...allowed,
      ...Object.fromEntries(Object.values(planted)),
      ...library("zod"), ...library("pg"), ...library("vitest"), ...library("@trpc/server"),
      "package.json": JSON.stringify({ name: "planted", dependencies: { zod: "1.0.0", pg: "1.0.0", "@trpc/server": "1.0.0" }, devDependencies: { vitest: "1.0.0" } }),
    };
    const folder = plant(tree, [".dependency-cruiser.cjs", "tsconfig.json"]);
    folders.push(folder);
    const cruiser = path.join(root, "node_modules/dependency-cruiser/bin/dependency-cruise.mjs");
    const shown = await output(process.execPath, [cruiser, "--config", ".dependency-cruiser.cjs", "--output-type", "json", "server", "app", "components", "agent", "cli", "pilot"], folder);
    violations = (JSON.parse(shown) as { summary: { violations: Violation[] } }).summary.violations;
  });

  // Guarantee: every rule of the ladder has a planted violation, so none can be added unseen.
  it("has a planted violation for every rule", () => {
    const { forbidden } = require("../.dependency-cruiser.cjs") as { forbidden: { name: string; severity: string }[] };
    expect(forbidden.map((rule) => rule.name).sort()).toEqual(Object.keys(planted).sort());
    expect(forbidden.filter((rule) => rule.severity !== "error")).toEqual([]);
  });

  // Guarantee: every rule reports its planted violation by name, as an error.
  it.each(Object.entries(planted))("%s reports %s", (name, [file]) => {
    const found = violations.filter((violation) => violation.from === file).map((violation) => `${violation.rule.severity} ${violation.rule.name}`);
    expect(found).toContain(`error ${name}`);
  });

  // Guarantee: what the ladder allows is not reported.
  it.each(Object.keys(allowed).filter((file) => !file.includes("ring-")))("%s is fine", (file) => {
    expect(violations.filter((violation) => violation.from === file).map((violation) => violation.rule.name)).toEqual([]);
  });
});

describe("the bans", () => {
  const coreRules: Record<string, string> = {
    "Date.now": "export const now = () => Date.now();",
    "new Date()": "export const now = () => new Date();",
    "Date()": "export const now = () => Date();",
    "Math.random": "export const roll = () => Math.random();",
    await: "export const wait = (p: Promise<void>) => { const f = async () => { await p; }; return f; };",
    async: "export const f = async () => 1;",
    "for await": "export async function all(x: AsyncIterable<number>) { for await (const one of x) void one; }",
    process: "export const pid = () => process.pid;",
    fetch: 'export const get = () => fetch("http://127.0.0.1");',
    setTimeout: "export const later = () => setTimeout(() => 1, 1);",
    setInterval: "export const often = () => setInterval(() => 1, 1);",
    console: 'export const say = () => console.log("x");',
  };
  const elsewhere: Record<string, [file: string, rule: string, text: string]> = {
    "process.env": ["server/fleet/env.ts", "no-restricted-properties", "export const home = () => process.env.HOME;"],
    "process.env taken apart": ["server/fleet/env2.ts", "no-restricted-properties", "export const home = () => { const { env } = process; return env; };"],
    "process as a module": ["server/fleet/env3.ts", "no-restricted-imports", 'import { env } from "node:process"; export const home = env;'],
    "a promise nobody waits for": ["server/fleet/promise.ts", "@typescript-eslint/no-floating-promises", "const f = async () => 1; export const g = () => { f(); };"],
    "a forgotten case": ["server/fleet/case.ts", "@typescript-eslint/switch-exhaustiveness-check", 'export const f = (x: "a" | "b") => { switch (x) { case "a": return 1; } return 2; };'],
    any: ["server/fleet/any.ts", "@typescript-eslint/no-explicit-any", "export const f = (x: any) => x;"],
    "a hook in a condition": ["components/hook.tsx", "react-hooks/rules-of-hooks", 'import { useState } from "react"; export function Card(p: { on: boolean }) { if (p.on) useState(1); return null; }'],
    "a sleep in a test": ["e2e/sleep.spec.ts", "no-restricted-syntax", "declare const page: { waitForTimeout(ms: number): void }; page.waitForTimeout(1);"],
    "a skipped test": ["server/fleet/skipped.test.ts", "no-restricted-syntax", 'import { it } from "vitest"; it.skip("x", () => undefined);'],
  };
  const fine: Tree = {
    "server/platform/env.ts": "export const read = () => process.env;",
    "server/core/given.ts": "export const at = (ms: number) => new Date(ms).toISOString();",
  };
  const core = Object.entries(coreRules).map(([name, text], i) => [name, `server/core/planted-${i}.ts`, text] as const);
  let found = new Map<string, string[]>();

  beforeAll(async () => {
    const tree: Tree = {
      ...fine,
      ...Object.fromEntries(core.map(([, file, text]) => [file, text])),
      ...Object.fromEntries(Object.values(elsewhere).map(([file, , text]) => [file, text])),
    };
    const folder = plant(tree, ["eslint.config.mjs", "tsconfig.json", "package.json"]);
    folders.push(folder);
    fs.symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
    const shown = await output(process.execPath, [path.join(root, "node_modules/eslint/bin/eslint.js"), "--format", "json", "."], folder);
    const results = JSON.parse(shown) as { filePath: string; messages: { ruleId: string; severity: number }[] }[];
    found = new Map(results.map((result) => [path.relative(folder, result.filePath), result.messages.filter((m) => m.severity === 2).map((m) => m.ruleId)]));
  });

  // Guarantee: core can't use a clock, randomness, waiting, the process, the network, timers or the console.
  it.each(core)("core may not use %s", (_name, file) => {
    const ours = ["no-restricted-syntax", "no-restricted-globals", "no-restricted-properties"];
    expect(found.get(file)?.some((rule) => ours.includes(rule))).toBe(true);
  });

  it.each(Object.entries(elsewhere))("reports %s", (_name, [file, rule]) => {
    expect(found.get(file)).toContain(rule);
  });

  it.each(Object.keys(fine))("%s is fine", (file) => {
    expect(found.get(file)).toEqual([]);
  });
});

describe("the compiler and knip", () => {
  // Guarantee: reading an element that may not be there is a type error.
  it("refuses an unchecked index", async () => {
    const folder = plant({ "server/a.ts": "export const f = (x: string[]) => x[0].length;" }, ["tsconfig.json"]);
    folders.push(folder);
    fs.symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
    expect(await output(process.execPath, [path.join(root, "node_modules/typescript/bin/tsc"), "--noEmit", "-p", "."], folder)).toContain("TS2532");
  });

  // Guarantee: a file nobody imports and an export nobody uses are reported.
  it("finds dead files and exports", async () => {
    const folder = plant(
      {
        "server/bin/web.ts": 'import { used } from "../platform/some"; void used;',
        "server/platform/some.ts": "export const used = 1; export const unusedExport = 2;",
        "server/platform/deadFile.ts": "export const x = 1;",
        "package.json": JSON.stringify({ name: "planted", type: "module" }),
      },
      ["knip.json", "tsconfig.json"],
    );
    folders.push(folder);
    fs.symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
    const shown = await output(process.execPath, [path.join(root, "node_modules/knip/bin/knip.js"), "--no-config-hints"], folder);
    expect(shown).toContain("deadFile.ts");
    expect(shown).toContain("unusedExport");
  });
});
