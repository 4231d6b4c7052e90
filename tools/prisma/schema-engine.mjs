#!/usr/bin/env node
/**
 * A stand-in for Prisma's native `schema-engine`, for machines that can't download it.
 *
 * It takes the same arguments and speaks the same JSON-RPC over stdio, one JSON object a line, and is backed by Prisma's
 * own engine compiled to WebAssembly. `prisma.config.ts` points the CLI at it only when the native engine is missing.
 */
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";
import { bindMigrationAwareSqlAdapterFactory } from "@prisma/driver-adapter-utils";
import { adapterFactory, connectionOf, quoted, runOnce } from "./database.mjs";

const args = process.argv.slice(2);
/** Every value given for an option. @param {string} name */
const valuesOf = (name) => args.flatMap((arg, i) => (arg === name && args[i + 1] !== undefined ? [String(args[i + 1])] : []));
/** @type {{ url: string, shadowDatabaseUrl?: string }} */
const datasource = JSON.parse(valuesOf("--datasource")[0] ?? "{}");

/** A line in the engine's log format, which the CLI reads from stderr. @param {string} level @param {string} message @param {object} [fields] */
const log = (level, message, fields = {}) =>
  process.stderr.write(`${JSON.stringify({ timestamp: new Date().toISOString(), level, fields: { message, ...fields }, target: "schema_engine::logger" })}\n`);

/** Prisma's error code for a PostgreSQL or socket error. */
const codeFor = new Map([["3D000", "P1003"], ["28P01", "P1000"], ["ECONNREFUSED", "P1001"]]);

/** The engine's `cli` mode: one command on the database as a whole, then exit. @param {string | undefined} command */
async function databaseCommand(command) {
  const { config } = connectionOf(datasource.url);
  const maintenance = { ...config, database: "postgres" };
  switch (command) {
    case "can-connect-to-database":
      return runOnce(config);
    case "create-database":
      return runOnce(maintenance, `CREATE DATABASE ${quoted(config.database)}`);
    case "drop-database":
      return runOnce(maintenance, `DROP DATABASE IF EXISTS ${quoted(config.database)} WITH (FORCE)`);
    default:
      throw new Error(`the stand-in for Prisma's schema engine does not know the command ${command}`);
  }
}

/** @type {Promise<any> | undefined} The WebAssembly module, loaded once. */
let loading;
async function loadModule() {
  const folder = path.dirname(createRequire(import.meta.url).resolve("@prisma/schema-engine-wasm/schema_engine_bg"));
  const glue = await import(path.join(folder, "schema_engine_bg.js"));
  const { instance } = await WebAssembly.instantiate(fs.readFileSync(path.join(folder, "schema_engine_bg.wasm")), { "./schema_engine_bg.js": glue });
  glue.__wbg_set_wasm(instance.exports);
  /** @type {any} */ (instance.exports)["__wbindgen_start"]();
  return glue;
}

/** Opens the engine on the datasource and the schema files of the command line. */
async function openEngine() {
  loading ??= loadModule();
  const glue = await loading;
  const factory = /** @type {any} */ (bindMigrationAwareSqlAdapterFactory(adapterFactory(datasource)));
  const datamodels = valuesOf("--datamodels").map((file) => [file, fs.readFileSync(file, "utf8")]);
  try {
    return await glue.SchemaEngine.new({ datamodels: datamodels.length ? datamodels : undefined }, () => {}, factory);
  } catch (error) {
    // An adapter's error crosses WebAssembly as a number; the registry has the error itself.
    const id = /External error id#(\d+)/.exec(String(/** @type {Error} */ (error).message))?.[1];
    throw (id !== undefined && factory.errorRegistry.consumeError?.(Number(id))?.error) || error;
  }
}

/** Serves requests until stdin closes and the last one is answered. */
function serve() {
  /** @type {Promise<any> | undefined} */
  let engine;
  let pending = 0;
  let closed = false;
  const leaveWhenIdle = () => {
    if (closed && pending === 0) process.exit(0);
  };
  const write = (/** @type {object} */ message) => process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);

  readline
    .createInterface({ input: process.stdin })
    .on("line", async (line) => {
      const request = JSON.parse(line);
      if (!request.method) return;
      pending += 1;
      try {
        const method = request.method === "getDatabaseVersion" ? "version" : request.method;
        engine ??= openEngine();
        // The WebAssembly build evaluates data loss only from migrations it has already replayed; a diagnosis replays them.
        if (method === "evaluateDataLoss") await (await engine).devDiagnostic({ migrationsList: request.params.migrationsList, filters: request.params.filters });
        const result = await (await engine)[method](request.params ?? null);
        // The native engine prints a diff by calling back; the CLI waits for that call.
        if (method === "diff" && typeof result?.stdout === "string") write({ id: "print-1", method: "print", params: { content: result.stdout } });
        write({ id: request.id, result: result ?? null });
      } catch (error) {
        const { message, code } = /** @type {{ message?: string, code?: string }} */ (error);
        write({ id: request.id, error: { code: 4466, message: "An error happened. Check the data field for details.", data: { is_panic: false, message: String(message ?? error), meta: null, error_code: code } } });
      }
      pending -= 1;
      leaveWhenIdle();
    })
    .on("close", () => {
      closed = true;
      leaveWhenIdle();
    });
}

const cli = args.indexOf("cli");
if (args.includes("--version")) {
  process.stdout.write("schema-engine-cli holdfast-stand-in\n");
} else if (cli < 0) {
  serve();
} else {
  try {
    log("INFO", "start");
    await databaseCommand(args[cli + 1]);
  } catch (error) {
    const { message, code } = /** @type {{ message: string, code?: string }} */ (error);
    log("ERROR", message, { error_code: codeFor.get(code ?? "") ?? "P1001", is_panic: false });
    process.exitCode = 1;
  }
}
