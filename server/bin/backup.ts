/**
 * `node dist/server/backup.mjs [FILE]`: writes one file with everything that Holdfast keeps in PostgreSQL, in one
 * snapshot, while the processes go on. Run it as the owner (DATABASE_OWNER_URL). The master key is not in it.
 */
import { HOLDFAST_VERSION, backupEnv, readEnvOrExit, systemClock } from "../platform";
import { backupToFile } from "../store/backup";

const env = readEnvOrExit(backupEnv);
const nowMs = systemClock.nowMs();
const args = process.argv.slice(2).filter((a) => a !== "--json");
const json = process.argv.includes("--json");
const file = args[0] ?? `holdfast-${new Date(nowMs).toISOString().slice(0, 19).replaceAll(":", "")}.backup`;
if (args.length > 1 || file.startsWith("-")) {
  console.error("usage: backup [FILE] [--json]");
  process.exit(2);
}
try {
  const result = await backupToFile({ ownerUrl: env.DATABASE_OWNER_URL, version: HOLDFAST_VERSION, nowMs, file, ...(json ? {} : { say: (line: string) => console.log(line) }) });
  const rows = result.tables.reduce((n, t) => n + t.rows, 0);
  console.log(json ? JSON.stringify({ file, at: result.at, rows, tables: result.tables }) : `${file}: ${rows} rows of ${result.tables.length} tables as of ${result.at}. Keep the master key too, elsewhere.`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
