/**
 * The work queue of the reconcilers: keys without payload, claimed with a lease. Several schedulers share it: a key is
 * held by one of them at a time, and comes free by itself when its holder dies.
 */
import type { Queryable } from "../queryable";
import type { Tx } from "../transaction";

export type LookCause = "nudge" | "wake" | "resync";
export interface ClaimedKey {
  kind: string;
  key: string;
  failures: number;
  cause: LookCause;
}

/** Far enough to mean "not before something nudges", near enough for every client's date type. */
export const NEVER_MS = Date.UTC(2999, 0, 1);

/**
 * Says that keys should be looked at. A key that is being looked at gets one more look (`again`), however often it is
 * touched meanwhile. A resync only marks keys that were not due anyway.
 */
export async function touch(db: Queryable, kind: string, keys: readonly string[], atMs: number, cause: LookCause = "nudge"): Promise<void> {
  if (keys.length === 0) return;
  await db.query(
    `insert into reconcile_keys as k (kind, key, next_look_at, cause)
     select $1, u, to_timestamp($3 / 1000.0), $4 from unnest($2::text[]) u order by u
     on conflict (kind, key) do update set
       cause = excluded.cause,
       next_look_at = least(k.next_look_at, excluded.next_look_at),
       again = k.again or (excluded.cause = 'nudge' and k.claimed_until is not null)
     where excluded.cause = 'nudge' or k.next_look_at > excluded.next_look_at`,
    [kind, [...new Set(keys)], atMs, cause],
  );
}

/** Claims keys that are due: of those due at one moment, workloads of higher priority first. `SKIP LOCKED`: two schedulers that ask at once get different ones and never wait. */
export async function claim(db: Queryable, o: { owner: string; kinds: readonly string[]; nowMs: number; leaseMs: number; limit: number }): Promise<ClaimedKey[]> {
  const { rows } = await db.query<ClaimedKey>(
    `with due as (
       select kind, key from reconcile_keys
       where kind = any($2) and next_look_at <= to_timestamp($3 / 1000.0) and (claimed_until is null or claimed_until <= to_timestamp($3 / 1000.0))
       order by next_look_at, (select (w.spec ->> 'priority')::int from objects w where w.id = reconcile_keys.key) desc nulls last, key limit $5 for update skip locked
     )
     update reconcile_keys k set claimed_by = $1, claimed_until = to_timestamp(($3 + $4) / 1000.0), again = false
     from due where k.kind = due.kind and k.key = due.key
     returning k.kind, k.key, k.failures, k.cause`,
    [o.owner, o.kinds, o.nowMs, o.leaseMs, o.limit],
  );
  return rows;
}

/** Keeps a claim for longer, while a long pass is at work. False when it was lost. */
export async function renew(db: Queryable, owner: string, k: { kind: string; key: string }, untilMs: number): Promise<boolean> {
  const r = await db.query("update reconcile_keys set claimed_until = to_timestamp($4 / 1000.0) where kind = $1 and key = $2 and claimed_by = $3", [k.kind, k.key, owner, untilMs]);
  return r.rowCount === 1;
}

/** Ends a look. A key that was touched meanwhile is due at once; else it is due when the reconciler asked to look again. */
export async function release(db: Queryable, owner: string, k: { kind: string; key: string }, o: { nowMs: number; nextLookAtMs: number | null }): Promise<void> {
  await db.query(
    `update reconcile_keys set claimed_by = null, claimed_until = null, failures = 0, last_error = null, again = false,
       cause = case when again then 'nudge' else 'wake' end,
       next_look_at = case when again then to_timestamp($4 / 1000.0) else to_timestamp($5 / 1000.0) end
     where kind = $1 and key = $2 and claimed_by = $3`,
    [k.kind, k.key, owner, o.nowMs, o.nextLookAtMs ?? NEVER_MS],
  );
}

/** Ends a look that failed: the key rests until `nextLookAtMs`, and remembers what went wrong. */
export async function releaseFailed(db: Queryable, owner: string, k: { kind: string; key: string }, o: { nextLookAtMs: number; error: string }): Promise<void> {
  await db.query(
    `update reconcile_keys set claimed_by = null, claimed_until = null, failures = failures + 1, last_error = $5, again = false, cause = 'wake', next_look_at = to_timestamp($4 / 1000.0)
     where kind = $1 and key = $2 and claimed_by = $3`,
    [k.kind, k.key, owner, o.nextLookAtMs, o.error.slice(0, 1_000)],
  );
}

/** Forgets a key whose object is no more, unless it was touched meanwhile. */
export async function forget(db: Queryable, owner: string, k: { kind: string; key: string }): Promise<void> {
  await db.query("delete from reconcile_keys where kind = $1 and key = $2 and claimed_by = $3 and not again", [k.kind, k.key, owner]);
  await db.query("update reconcile_keys set claimed_by = null, claimed_until = null where kind = $1 and key = $2 and claimed_by = $3", [k.kind, k.key, owner]);
}

/** When the next key is due; null when none is waiting. Keys that somebody holds count from the end of the claim. */
export async function nextDueMs(db: Queryable, kinds: readonly string[]): Promise<number | null> {
  const { rows } = await db.query<{ at: Date | null }>("select min(greatest(next_look_at, coalesce(claimed_until, next_look_at))) as at from reconcile_keys where kind = any($1)", [kinds]);
  const at = rows[0]?.at?.getTime() ?? null;
  return at === null || at >= NEVER_MS ? null : at;
}

/** How many keys are due, for the metric of the backlog. */
export async function backlog(db: Queryable, nowMs: number): Promise<{ kind: string; due: number; failing: number }[]> {
  const { rows } = await db.query<{ kind: string; due: string; failing: string }>(
    "select kind, count(*) filter (where next_look_at <= to_timestamp($1 / 1000.0)) as due, count(*) filter (where failures > 0) as failing from reconcile_keys group by kind",
    [nowMs],
  );
  return rows.map((r) => ({ kind: r.kind, due: Number(r.due), failing: Number(r.failing) }));
}

/**
 * Workloads that a change pointer is about: what a scheduler wakes when an assignment was observed, a node came or went,
 * or a policy changed. A node or site concerns what runs there, daemons, and what still lacks a unit.
 */
export async function workloadsTouchedBy(db: Queryable, pointers: readonly { topic: string; key: string; projectId: string | null }[]): Promise<string[]> {
  const of = (...topics: string[]) => pointers.filter((p) => topics.includes(p.topic)).map((p) => p.key);
  const projects = [...new Set(pointers.filter((p) => ["node", "site"].includes(p.topic)).flatMap((p) => (p.projectId ? [p.projectId] : [])))];
  const policies = [...new Set(pointers.filter((p) => ["policy", "object"].includes(p.topic)).flatMap((p) => (p.projectId ? [p.projectId] : [])))];
  const { rows } = await db.query<{ id: string }>(
    `select workload_id as id from assignments where id = any($1) and ended_at is null
     union select workload_id from assignments where node_id = any($2) and ended_at is null
     union select id from objects where kind = 'Workload' and id = any($3)
     union select id from objects where kind = 'Workload' and deleted_at is null and project_id = any($5) and spec ->> 'policy' is not null
     union select o.id from objects o where o.kind = 'Workload' and o.deleted_at is null and o.project_id = any($4)
       and (o.spec ->> 'kind' = 'daemon' or (o.spec ->> 'replicas')::int > (select count(*) from assignments a where a.workload_id = o.id and a.ended_at is null and a.desired = 'run'))`,
    [of("assignment", "observation"), of("node"), of("workload"), projects, policies],
  );
  return rows.map((r) => r.id);
}

/** Workloads that a resync looks at: all that live, and removed ones that still have units. */
export async function liveWorkloads(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>("select id from objects where kind = 'Workload' and deleted_at is null union select workload_id from assignments where ended_at is null");
  return rows.map((r) => r.id);
}

/** Open rollouts of these workloads, and those that a pointer of a rollout or an approval is about. */
export async function rolloutsTouchedBy(db: Queryable, pointers: readonly { topic: string; key: string }[], workloads: readonly string[]): Promise<string[]> {
  const of = (topic: string) => pointers.filter((p) => p.topic === topic).map((p) => p.key);
  if (workloads.length + of("rollout").length + of("approval").length === 0) return [];
  const { rows } = await db.query<{ id: string }>(
    `select id from rollouts where ended_at is null and (workload_id = any($1) or id = any($2))
     union select r.id from rollouts r join approvals a on a.rollout_id = r.id where r.ended_at is null and a.id = any($3)`,
    [workloads, of("rollout"), of("approval")],
  );
  return rows.map((r) => r.id);
}

/** Touches keys in the transaction of what they are about, and nudges the schedulers when it commits. */
export async function nudge(tx: Tx, kind: string, keys: readonly string[], nowMs: number): Promise<void> {
  if (keys.length === 0) return;
  await touch(tx.client, kind, keys, nowMs);
  // One payload wakes the schedulers; which keys are due they read from the table.
  tx.notify("holdfast_keys", `${kind}:${keys[0]}`);
}

/** Workloads that place by a policy. */
export async function workloadsOfPolicy(db: Queryable, projectId: string, policy: string): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>("select id from objects where project_id = $1 and kind = 'Workload' and deleted_at is null and spec ->> 'policy' = $2", [projectId, policy]);
  return rows.map((r) => r.id);
}

/** Workloads with live units on a node. */
export async function workloadsOnNode(db: Queryable, nodeId: string): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>("select distinct workload_id as id from assignments where node_id = $1 and ended_at is null", [nodeId]);
  return rows.map((r) => r.id);
}

/** Workloads with units on any node of a site. */
export async function workloadsAtSite(db: Queryable, siteId: string): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>("select distinct a.workload_id as id from assignments a join nodes n on n.id = a.node_id where n.site_id = $1 and a.ended_at is null", [siteId]);
  return rows.map((r) => r.id);
}

/** Workloads that would take another node: daemons, and those with fewer units than they ask for. */
export async function hungryWorkloads(db: Queryable, projectId: string): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select o.id from objects o where o.project_id = $1 and o.kind = 'Workload' and o.deleted_at is null
       and (o.spec ->> 'kind' = 'daemon' or (o.spec ->> 'replicas')::int > (select count(*) from assignments a where a.workload_id = o.id and a.ended_at is null and a.desired = 'run'))`,
    [projectId],
  );
  return rows.map((r) => r.id);
}
