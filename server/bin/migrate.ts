/**
 * `node dist/server/migrate.mjs`: applies missing migrations as the owner of the tables, and ends. Safe to run again and
 * from several places at once. Code 0 when the database is current, 1 when it is not, 2 for bad configuration.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { migrateEnv, readEnvOrExit } from "../platform";
import { migrate } from "../store/migrate";

/** `prisma/migrations` of the checkout or image this program lies in: two levels above dist/server and server/bin alike. */
function defaultFolder(): string {
  return path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../prisma/migrations");
}

const env = readEnvOrExit(migrateEnv);
const startedMs = Date.now();
const folder = env.MIGRATIONS_DIR ?? (existsSync(defaultFolder()) ? defaultFolder() : path.resolve("prisma/migrations"));
try {
  const applied = await migrate({ ownerUrl: env.DATABASE_OWNER_URL, folder, ...(env.DATABASE_URL ? { appUrl: env.DATABASE_URL } : {}), say: (line) => console.log(line) });
  console.log(applied.length === 0 ? "the database is current" : `the database is current: ${applied.length} migration${applied.length === 1 ? "" : "s"} applied in ${Date.now() - startedMs} ms`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
