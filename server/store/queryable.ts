import type { Pool, PoolClient } from "pg";

/** What repository functions take first: the pool, or the one connection of a transaction. */
export type Queryable = {
  /** Runs one statement with `$1`-style values. `bigint` columns come as numbers, `timestamptz` as dates, `jsonb` parsed. */
  query<R>(text: string, values?: unknown[]): Promise<{ rows: R[]; rowCount: number }>;
};

/** Narrows node-postgres to `Queryable`. */
export function queryableOf(source: Pool | PoolClient): Queryable {
  return {
    async query<R>(text: string, values?: unknown[]) {
      const result = await (source as Pool).query(text, values as unknown[]);
      return { rows: result.rows as R[], rowCount: result.rowCount ?? 0 };
    },
  };
}

/** The only row, or undefined when there is none. Throws when there are several: the statement was wrong then. */
export async function oneOrNone<R>(db: Queryable, text: string, values?: unknown[]): Promise<R | undefined> {
  const { rows } = await db.query<R>(text, values);
  if (rows.length > 1) throw new Error(`expected at most one row and got ${rows.length}`);
  return rows[0];
}

/** Unix ms of a time from the store. */
export const toMs = (at: Date): number => at.getTime();
/** Unix ms, or null for an absent time. */
export const toMsOrNull = (at: Date | null): number | null => (at === null ? null : at.getTime());
const LONE_SURROGATES = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;
/** PostgreSQL's jsonb has neither NUL nor halves of surrogate pairs; whoever sends them gets the replacement character. */
// eslint-disable-next-line no-control-regex
const storable = (text: string) => text.replace(/\u0000/g, "\uFFFD").replace(LONE_SURROGATES, "\uFFFD");

/** A value for a `jsonb` column: node-postgres would write an array as a PostgreSQL array otherwise. */
export function asJson(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  const text = JSON.stringify(value);
  // What can't be stored is written as an escape: nearly no text has one, and looking at each value takes ten times as long.
  return /\\u(?:0000|d[89a-f])/.test(text) ? storableJson(value) : text;
}
function storableJson(value: unknown): string {
  return JSON.stringify(value, (_, v: unknown) => (typeof v === "string" ? storable(v) : v));
}
