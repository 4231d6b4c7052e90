/**
 * `node dist/server/restore.mjs FILE [--replace] [--check]`: restores a backup in one transaction, as the owner
 * (DATABASE_OWNER_URL), with the other processes stopped. `--check` only reads the file and its sums.
 */
import { existsSync } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { backupEnv, readEnvOrExit } from "../platform";
import { checkBackup, restoreFromFile } from "../store/restore";

const args = process.argv.slice(2);
const flags = new Set(args.filter((a) => a.startsWith("--")));
const [file, ...rest] = args.filter((a) => !a.startsWith("--"));
const unknown = [...flags].filter((f) => !["--replace", "--check", "--json"].includes(f));
if (!file || rest.length > 0 || unknown.length > 0) {
  console.error(`${unknown.length > 0 ? `unknown: ${unknown.join(" ")}\n` : ""}usage: restore FILE [--replace] [--check] [--json]`);
  process.exit(2);
}
const beside = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../prisma/migrations");
const json = flags.has("--json");
try {
  if (!existsSync(file)) throw new Error(`There is no file ${file}.`);
  const result = await (async () => {
    if (flags.has("--check")) return checkBackup(file);
    const env = readEnvOrExit(backupEnv);
    const migrations = env.MIGRATIONS_DIR ?? (existsSync(beside) ? beside : path.resolve("prisma/migrations"));
    return restoreFromFile({ ownerUrl: env.DATABASE_OWNER_URL, file, migrations, replace: flags.has("--replace"), actor: `restore at ${hostname()}`, ...(env.DATABASE_URL ? { appUrl: env.DATABASE_URL } : {}), ...(json ? {} : { say: (line: string) => console.log(line) }) });
  })();
  const rows = result.tables.reduce((n, t) => n + t.rows, 0);
  const { at, version } = result.header;
  console.log(json ? JSON.stringify({ file, at, version, rows, tables: result.tables }) : `${flags.has("--check") ? "whole" : "restored"}: ${rows} rows of ${result.tables.length} tables as of ${at}, Holdfast ${version}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
