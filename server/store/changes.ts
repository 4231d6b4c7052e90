import { oneOrNone } from "./queryable";
import type { Queryable } from "./queryable";

/** A pointer: this has changed. It carries no data; whoever cares asks for it by the normal, authorised query. */
export interface ChangePointer {
  topic: string;
  key: string;
  projectId: string | null;
}

/** A pointer as it is read: with its place in the order, and the time of the change. */
export interface ChangeItem extends ChangePointer {
  /** Place in the order, `<transaction>.<id>`: pass it back to go on from there. */
  cursor: string;
  atMs: number;
}

export interface ChangeBatch {
  items: ChangeItem[];
  cursor: string;
  /** True when pointers between the cursor given and now are no longer kept (or never were): look at everything anew. */
  gap: boolean;
  /** True when pointers have been written that can't be given yet, because an older transaction still runs: ask again soon. */
  held: boolean;
}

/** Setting that remembers up to which transaction pointers were deleted. */
const PRUNED_TO = "changes.prunedTo";

/** Writes pointers; called once, at the end of a transaction. */
export async function insertChanges(db: Queryable, pointers: readonly ChangePointer[]): Promise<void> {
  await db.query("insert into changes (topic, key, project_id) select * from unnest($1::text[], $2::text[], $3::text[])", [
    pointers.map((p) => p.topic),
    pointers.map((p) => p.key),
    pointers.map((p) => p.projectId),
  ]);
}

/** Reads a cursor; undefined when it is not one. */
function parseCursor(cursor: string): { xid: string; id: string } | undefined {
  const match = /^(\d{1,19})\.(\d{1,19})$/.exec(cursor);
  return match ? { xid: match[1] ?? "0", id: match[2] ?? "0" } : undefined;
}

/** The cursor of this moment: everything that commits from now on comes after it, in this or a later reading. */
export async function changesNow(db: Queryable): Promise<string> {
  const row = await oneOrNone<{ xmin: string }>(db, "select pg_snapshot_xmin(pg_current_snapshot())::text as xmin");
  return `${row?.xmin ?? "0"}.0`;
}

/**
 * Pointers after a cursor, in the order (transaction, id), and never one beyond the oldest transaction that still runs:
 * a transaction that commits late therefore still comes after every cursor handed out, and no pointer is ever skipped.
 * (Reading by `id > cursor` alone skips rows whose transaction took its id early and committed late.)
 */
export async function changesSince(db: Queryable, cursor: string, limit: number, projectId?: string): Promise<ChangeBatch> {
  const from = parseCursor(cursor);
  if (!from) return { items: [], cursor: await changesNow(db), gap: true, held: false };
  // One statement, so that the horizon, the rows and the mark of deletion come from one snapshot.
  const { rows } = await db.query<{ horizon: string; lost: boolean; held: boolean; xid: string | null; id: string; topic: string; key: string; project_id: string | null; at: Date }>(
    `with edge as materialized (
       select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as horizon,
              coalesce((select (value #>> '{}')::bigint from settings where key = '${PRUNED_TO}'), 0) as pruned_to
     )
     select e.horizon::text, (e.pruned_to >= $1::bigint or $1::bigint > e.horizon) as lost,
            exists (select 1 from changes h where h.xid >= e.horizon and ($4::text is null or h.project_id = $4)) as held, c.xid::text, c.id::text, c.topic, c.key, c.project_id, c.at
     from edge e left join lateral (
       select * from changes
       where (xid, id) > ($1::bigint, $2::bigint) and xid < e.horizon and ($4::text is null or project_id = $4)
       order by xid, id limit $3
     ) c on true
     order by c.xid, c.id`,
    [from.xid, from.id, limit, projectId ?? null],
  );
  const items = rows.flatMap((r) => (r.xid === null ? [] : [{ cursor: `${r.xid}.${r.id}`, topic: r.topic, key: r.key, projectId: r.project_id, atMs: r.at.getTime() }]));
  const horizon = rows[0]?.horizon ?? from.xid;
  const gap = rows[0]?.lost ?? false;
  const next = items.length === limit ? (items.at(-1)?.cursor ?? cursor) : `${horizon}.0`;
  return { items, cursor: next, gap, held: rows[0]?.held ?? false };
}

/**
 * Has anything of these topics changed since a cursor, as far as can be seen? For remembered answers: it also counts what
 * is still held back from readers in order, so that an answer is never older than a change that had committed before.
 */
export async function changedSince(db: Queryable, cursor: string, topics: readonly string[], projectId: string): Promise<boolean> {
  const from = parseCursor(cursor);
  if (!from) return true;
  const row = await oneOrNone<{ changed: boolean }>(
    db,
    `select exists (select 1 from changes where (xid, id) > ($1::bigint, $2::bigint) and project_id = $3 and topic = any($4))
         or coalesce((select (value #>> '{}')::bigint from settings where key = '${PRUNED_TO}'), 0) >= $1::bigint as changed`,
    [from.xid, from.id, projectId, topics],
  );
  return row?.changed ?? true;
}

/** Deletes up to `limit` pointers from before a time, and remembers it, so that late readers learn of the gap. */
export async function pruneChanges(db: Queryable, beforeMs: number, limit: number): Promise<number> {
  const row = await oneOrNone<{ deleted: number }>(
    db,
    `with gone as (
       delete from changes where id in (select id from changes where at < $1 order by at limit $2) returning xid
     ), mark as (
       insert into settings (key, value, updated_at)
       select '${PRUNED_TO}', to_jsonb(max(xid)), now() from gone having count(*) > 0
       on conflict (key) do update set value = to_jsonb(greatest((settings.value #>> '{}')::bigint, (excluded.value #>> '{}')::bigint)), updated_at = now()
     )
     select count(*)::int as deleted from gone`,
    [new Date(beforeMs), limit],
  );
  return row?.deleted ?? 0;
}

/** While pointers are held back, or nudges may be lost: how soon the follower looks again by itself. */
const LOOK_AGAIN_HELD_MS = 25;
const LOOK_AGAIN_MS = 2_000;
const PAGE = 500;

/**
 * Follows the pointers from now on: calls `onBatch` with each new batch, in order and one at a time, until stopped. It
 * looks when nudged, soon again while pointers are held back by an older transaction, and every 2 s whatever happens,
 * because nudges may be lost. A reading that fails is tried again; `onTrouble` hears of it.
 * With `from` it replays what came after that cursor first.
 */
export async function followChanges(o: {
  db: Queryable;
  listen: (fn: () => void) => Promise<() => Promise<void>>;
  from?: string | undefined;
  onBatch: (batch: ChangeBatch) => void | Promise<void>;
  onTrouble?: ((error: unknown) => void) | undefined;
}): Promise<() => Promise<void>> {
  let wake: () => void = () => undefined;
  let nudged = false;
  let stopped = false;
  // Listen first, then note where we are: nothing falls between.
  const unlisten = await o.listen(() => {
    nudged = true;
    wake();
  });
  let cursor = o.from ?? (await changesNow(o.db));
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (nudged || stopped) wake();
    });
  const loop = (async () => {
    while (!stopped) {
      nudged = false;
      let waitMs = LOOK_AGAIN_MS;
      try {
        const batch = await changesSince(o.db, cursor, PAGE);
        if (batch.items.length > 0 || batch.gap) await o.onBatch(batch);
        cursor = batch.cursor;
        if (batch.items.length === PAGE) continue;
        if (batch.held) waitMs = LOOK_AGAIN_HELD_MS;
      } catch (error) {
        o.onTrouble?.(error);
      }
      await pause(waitMs);
    }
  })();
  return async () => {
    stopped = true;
    wake();
    await loop;
    await unlisten();
  };
}
