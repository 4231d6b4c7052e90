import { asJson, oneOrNone } from "../queryable";
import type { Queryable } from "../queryable";

/** A setting's value as it was stored, or undefined. The caller parses it: it may be older than the program. */
export async function get(db: Queryable, key: string): Promise<unknown> {
  return (await oneOrNone<{ value: unknown }>(db, "select value from settings where key = $1", [key]))?.value;
}

/** Writes a setting. */
export async function put(db: Queryable, key: string, value: unknown): Promise<void> {
  await db.query("insert into settings (key, value, updated_at) values ($1, $2, now()) on conflict (key) do update set value = excluded.value, updated_at = now()", [key, asJson(value)]);
}

/** Forgets a setting. */
export async function remove(db: Queryable, key: string): Promise<void> {
  await db.query("delete from settings where key = $1", [key]);
}
