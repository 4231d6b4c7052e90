/**
 * How the schema-engine stand-in reaches PostgreSQL: Prisma's own `pg` adapter, with three faults of adapter-pg 7.10
 * worked round. Each fault is named where it is handled, so that it can go when the adapter is mended.
 */
import crypto from "node:crypto";
import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";

/** PostgreSQL's one-byte "char" (not char(n)), which the adapter does not know; the catalogue queries use it a lot. */
const OID_SINGLE_CHAR = 18;
const OID_TEXT = 25;
/** `ColumnTypeEnum.Character` of driver-adapter-utils: what the engine expects for a "char" column. */
const COLUMN_TYPE_CHARACTER = 6;

/**
 * A PostgreSQL address as separate fields. A `connectionString` would win over the `database` given beside it, and the
 * shadow database would then be the real one.
 * @param {string} address
 */
export function connectionOf(address) {
  const url = new URL(address);
  const ssl = url.searchParams.get("sslmode");
  return {
    schema: url.searchParams.get("schema") ?? undefined,
    config: {
      host: url.hostname,
      port: Number(url.port || 5432),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database: decodeURIComponent(url.pathname.slice(1)) || "postgres",
      ...(ssl && ssl !== "disable" ? { ssl: { rejectUnauthorized: ssl.startsWith("verify") } } : {}),
    },
  };
}

/**
 * Runs one statement (or none: then it only connects) on a database of the server.
 * @param {pg.ClientConfig} config @param {string} [sql]
 */
export async function runOnce(config, sql) {
  const client = new pg.Client(config);
  await client.connect();
  try {
    if (sql) await client.query(sql);
  } finally {
    await client.end();
  }
}

/** @param {string} name */
export const quoted = (name) => `"${name.replaceAll('"', '""')}"`;

/** Works round the faults in one connection (or transaction) of the adapter. @param {any} queryable */
function mended(queryable) {
  const performIO = queryable.performIO.bind(queryable);
  const queryRaw = queryable.queryRaw.bind(queryable);
  /** @type {number[]} */
  let singleChars = [];
  // Fault 1: "char" is unmapped and throws. Read it as text, then tell the engine what it was.
  queryable.performIO = async (/** @type {unknown} */ query) => {
    const result = await performIO(query);
    singleChars = [];
    result.fields?.forEach((/** @type {{ dataTypeID: number }} */ field, /** @type {number} */ i) => {
      if (field.dataTypeID !== OID_SINGLE_CHAR) return;
      field.dataTypeID = OID_TEXT;
      singleChars.push(i);
    });
    return result;
  };
  queryable.queryRaw = async (/** @type {unknown} */ query) => {
    const result = await queryRaw(query);
    for (const i of singleChars) result.columnTypes[i] = COLUMN_TYPE_CHARACTER;
    return result;
  };
  // Fault 2: scripts are split on every ";", which breaks function bodies. PostgreSQL takes a script as it is.
  queryable.executeScript = async (/** @type {string} */ script) => {
    try {
      await queryable.underlyingDriver().query(script);
    } catch (error) {
      queryable.onError(error);
    }
  };
  if (queryable.startTransaction) {
    const startTransaction = queryable.startTransaction.bind(queryable);
    queryable.startTransaction = async (/** @type {unknown} */ level) => mended(await startTransaction(level));
  }
  return queryable;
}

/**
 * The adapter factory the engine works with.
 * @param {{ url: string, shadowDatabaseUrl?: string }} datasource
 */
export function adapterFactory(datasource) {
  const { config, schema } = connectionOf(datasource.url);
  const factory = /** @type {any} */ (new PrismaPg({ ...config, max: 1 }, { schema }));
  const connect = factory.connect.bind(factory);
  factory.connect = async () => mended(await connect());
  // Fault 3: the adapter's own shadow database ignores the name it made (see connectionOf).
  factory.connectToShadowDb = async () => {
    if (datasource.shadowDatabaseUrl) return mended(await new PrismaPg(connectionOf(datasource.shadowDatabaseUrl).config).connect());
    const database = `prisma_migrate_shadow_db_${crypto.randomUUID()}`;
    await runOnce(config, `CREATE DATABASE ${quoted(database)}`);
    const shadow = mended(await new PrismaPg({ ...config, database, max: 1 }, { schema }).connect());
    const dispose = shadow.dispose.bind(shadow);
    shadow.dispose = async () => {
      await dispose();
      await runOnce(config, `DROP DATABASE IF EXISTS ${quoted(database)} WITH (FORCE)`);
    };
    return shadow;
  };
  return factory;
}
