import pg from "pg";
import type { Logger } from "../platform";

const OID_INT8 = 20;

/** `bigint` as a number. Ours (sizes in bytes, counts, sequence numbers) stay far below 2^53; one that does not is a bug. */
function parseInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error(`${text} from the store does not fit a number`);
  return value;
}

const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: "text" | "binary") =>
    oid === OID_INT8 && format !== "binary" ? parseInt8 : (pg.types.getTypeParser as (o: number, f?: string) => (t: string) => unknown)(oid, format),
};

/**
 * Connection settings from a PostgreSQL address. `sslmode=require` encrypts without checking the certificate, as libpq
 * does; `verify-ca` and `verify-full` check it, with `sslrootcert=FILE` read by node-postgres.
 */
export function connectionSettings(url: string): pg.ClientConfig {
  const address = new URL(url);
  if (address.searchParams.get("sslmode") === "require" && !address.searchParams.has("sslrootcert")) {
    address.searchParams.delete("sslmode");
    return { connectionString: address.href, ssl: { rejectUnauthorized: false } };
  }
  return { connectionString: url };
}

/**
 * A pool with bounds on everything that could hang: connecting (10 s), waiting for a lock (10 s), one statement (30 s),
 * and a transaction in which nothing happens (60 s; it would hold back the change pointers of everybody).
 */
export function createPool(o: { url: string; log: Logger; max: number; name: string }): pg.Pool {
  const pool = new pg.Pool({
    ...connectionSettings(o.url),
    types,
    max: o.max,
    application_name: o.name,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    options: "-c statement_timeout=30000 -c lock_timeout=10000 -c idle_in_transaction_session_timeout=60000 -c timezone=UTC",
  });
  // A connection that idles in the pool and is lost (the server restarted) reports here; the pool has dropped it already.
  pool.on("error", (error) => o.log.warn({ err: error }, "an idle database connection was lost"));
  return pool;
}

/** Codes that say: the same transaction, run again, may well succeed (serialisation failure, deadlock). */
export const isRetryable = (error: unknown): boolean => hasCode(error, ["40001", "40P01"]);

/** Is it a violation of a unique index, of this one when it is named? */
export function isUniqueViolation(error: unknown, index?: string): boolean {
  return hasCode(error, ["23505"]) && (index === undefined || (error as { constraint?: string }).constraint === index);
}

/** Did the database turn it down because this role may not do it? */
export const isNotPermitted = (error: unknown): boolean => hasCode(error, ["42501"]);

function hasCode(error: unknown, codes: readonly string[]): boolean {
  return typeof error === "object" && error !== null && "code" in error && codes.includes(String(error.code));
}
