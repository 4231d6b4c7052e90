import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { z } from "zod";
import type { Io } from "./io";
import { usage } from "./io";

const configFile = z.object({
  server: z.string().optional(),
  project: z.string().optional(),
  /** Tokens by server, so that one machine may be logged in to several. */
  tokens: z.record(z.string(), z.object({ token: z.string(), login: z.string(), expiresAtMs: z.number().nullable() })).default({}),
});
export type Config = z.infer<typeof configFile>;

const fileOf = (io: Io): string => path.join(io.env.XDG_CONFIG_HOME ?? path.join(io.env.HOME ?? homedir(), ".config"), "holdfast", "config.json");

/** What `holdfast login` has left; empty when there is nothing or it can't be read. */
export function readConfig(io: Io): Config {
  try {
    return configFile.parse(JSON.parse(readFileSync(fileOf(io), "utf8")));
  } catch {
    return { tokens: {} };
  }
}

/** Writes it for this account alone (0600), in one step. */
export function writeConfig(io: Io, config: Config): void {
  const file = fileOf(io);
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const next = `${file}.${process.pid}`;
  writeFileSync(next, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  chmodSync(next, 0o600);
  renameSync(next, file);
}

export type Target = { server: string; token: string | null; project: string };

/** Server, token and project of this call: flags first, then the environment, then what login left. */
export function targetOf(io: Io, flags: { server?: string | undefined; project?: string | undefined }): Target {
  const config = readConfig(io);
  const server = (flags.server ?? io.env.HOLDFAST_SERVER ?? config.server)?.replace(/\/+$/, "");
  if (!server) throw usage("No server is known. Run `holdfast login --server https://…`, or set HOLDFAST_SERVER.");
  if (!/^https?:\/\//.test(server)) throw usage(`'${server}' is not an address. Write it as https://holdfast.example.org.`);
  return { server, token: io.env.HOLDFAST_TOKEN ?? config.tokens[server]?.token ?? null, project: flags.project ?? io.env.HOLDFAST_PROJECT ?? config.project ?? "default" };
}
