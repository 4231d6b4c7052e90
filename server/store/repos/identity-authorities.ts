import { toMs } from "../queryable";
import type { Queryable } from "../queryable";

/** `active` issues, `trusted` is still believed, `retired` no longer. */
export type AuthorityState = "active" | "trusted" | "retired";
export interface AuthorityRow {
  id: string;
  certificate: string;
  sealedKey: string;
  state: AuthorityState;
  createdAtMs: number;
  notAfterMs: number;
}

/** Authorities that are believed, oldest first. */
export async function believedAuthorities(db: Queryable): Promise<AuthorityRow[]> {
  const { rows } = await db.query<{ id: string; certificate: string; sealed_key: string; state: AuthorityState; created_at: Date; not_after: Date }>(
    "select id, certificate, sealed_key, state, created_at, not_after from authorities where state in ('active', 'trusted') order by created_at, id",
  );
  return rows.map((r) => ({ id: r.id, certificate: r.certificate, sealedKey: r.sealed_key, state: r.state, createdAtMs: toMs(r.created_at), notAfterMs: toMs(r.not_after) }));
}

/** Held until the end of the transaction: only one process makes, changes or retires authorities at a time. */
export async function lockAuthorities(db: Queryable): Promise<void> {
  await db.query("select pg_advisory_xact_lock(hashtextextended('holdfast/authorities', 0))");
}

/** Inserts a new authority as the active one; the one that was active stays believed. */
export async function insertActiveAuthority(db: Queryable, a: { id: string; certificate: string; sealedKey: string; createdAtMs: number; notAfterMs: number }): Promise<void> {
  await db.query("update authorities set state = 'trusted' where state = 'active'");
  await db.query("insert into authorities (id, certificate, sealed_key, state, created_at, not_after) values ($1, $2, $3, 'active', $4, $5)", [a.id, a.certificate, a.sealedKey, new Date(a.createdAtMs), new Date(a.notAfterMs)]);
}

/** Retires authorities, the active one excepted; gives those that changed. */
export async function retireAuthorities(db: Queryable, ids: readonly string[]): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>("update authorities set state = 'retired' where id = any($1) and state = 'trusted' returning id", [ids]);
  return rows.map((r) => r.id);
}

/** Believed authorities that no longer issue and whose every certificate, renewable until `renewableSinceMs`, is gone or revoked. */
export async function authoritiesWithoutLeaves(db: Queryable, renewableSinceMs: number): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select a.id from authorities a where a.state = 'trusted' and not exists (
       select 1 from node_certificates c join node_identities i on i.node_id = c.node_id
       where c.authority_id = a.id and c.not_after >= $1 and i.revoked_at is null)`,
    [new Date(renewableSinceMs)],
  );
  return rows.map((r) => r.id);
}

/** Sealed keys of all authorities; for sealing them anew after the master key was changed. */
export async function sealedAuthorityKeys(db: Queryable): Promise<{ id: string; sealedKey: string }[]> {
  const { rows } = await db.query<{ id: string; sealed_key: string }>("select id, sealed_key from authorities order by id for update");
  return rows.map((r) => ({ id: r.id, sealedKey: r.sealed_key }));
}
export async function setSealedAuthorityKey(db: Queryable, id: string, sealedKey: string): Promise<void> {
  await db.query("update authorities set sealed_key = $2 where id = $1", [id, sealedKey]);
}
