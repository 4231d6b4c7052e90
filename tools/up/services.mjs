/** The programs of one installation, with what each is told. */
import crypto from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { inRoot } from "../lib/paths.mjs";

/** On one machine there is no reason to wait long before a node counts as silent. Both can be set from outside. */
const HEARTBEAT_MS = 2_000;
const SILENT_AFTER_MS = 6_000;

/** The master key of this installation: made once, 32 random bytes, readable by us alone. @param {string} folder */
export function masterKeyFile(folder) {
  const file = path.join(folder, "master.key");
  if (!fs.existsSync(file)) {
    const making = `${file}.${process.pid}`;
    fs.writeFileSync(making, `${crypto.randomBytes(32).toString("base64")}\n`, { mode: 0o600 });
    fs.renameSync(making, file);
  }
  return file;
}

/** An address under which other machines reach this one, when it listens to them. @param {string} host */
function reachableName(host) {
  if (["127.0.0.1", "::1", "localhost"].includes(host)) return "127.0.0.1";
  if (!["0.0.0.0", "::"].includes(host)) return host;
  const outer = Object.values(os.networkInterfaces()).flat().find((one) => one && !one.internal && one.family === "IPv4");
  return outer?.address ?? "127.0.0.1";
}

/**
 * What every process is told. A variable that was set by whoever started us wins, except for where the database is.
 * @param {{ folder: string, host: string, ports: import("./ports.mjs").Ports, database: { appUrl: string, ownerUrl: string } }} o
 */
export function environmentOf({ folder, host, ports, database }) {
  const name = reachableName(host);
  const shown = name === "127.0.0.1" ? "localhost" : name;
  const scheme = process.env["HOLDFAST_TLS_CERT"] ? "https" : "http";
  /** @type {NodeJS.ProcessEnv} */
  const env = {
    NODE_ENV: "production",
    NEXT_TELEMETRY_DISABLED: "1",
    HOLDFAST_MASTER_KEY_FILE: masterKeyFile(folder),
    HOLDFAST_PUBLIC_URL: `${scheme}://${shown}:${ports.web}`,
    GATEWAY_PUBLIC_ADDRESS: `${name}:${ports.gateway}`,
    AGENT_HEARTBEAT_MS: String(HEARTBEAT_MS),
    AGENT_SILENT_AFTER_MS: String(SILENT_AFTER_MS),
    ...withoutNpm(process.env),
    HOST: host,
    PORT: String(ports.web),
    GATEWAY_HOST: host,
    GATEWAY_PORT: String(ports.gateway),
    DATABASE_URL: database.appUrl,
  };
  return { env, ownerEnv: { ...env, DATABASE_OWNER_URL: database.ownerUrl }, url: String(env["HOLDFAST_PUBLIC_URL"]) };
}

/** npm tells its scripts a lot about itself that is none of our programs' business. @param {NodeJS.ProcessEnv} source */
const withoutNpm = (source) => Object.fromEntries(Object.entries(source).filter(([name]) => !/^npm_|^INIT_CWD$|^NODE_ENV$|^DATABASE_(OWNER_)?URL$/.test(name)));

/** @param {string} name */
export const serverProgram = (name) => inRoot("dist/server", `${name}.mjs`);
