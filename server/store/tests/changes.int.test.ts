import pg from "pg";
import { describe, expect, it } from "vitest";
import { testDatabase } from "../../testing/database";
import { until } from "../../testing/until";
import { pruneChanges } from "../changes";

const db = testDatabase();

const add = (key: string, projectId: string | null = "project-default") => db.store.inTransaction(async (tx) => tx.changes.add("node", key, projectId));

/**
 * Reads on from a cursor until this many pointers came. Other databases of the same server (other test files) have
 * transactions too, and hold pointers back for as long as these run.
 */
async function readOn(cursor: string, wanted: number, o: { step?: number; project?: string } = {}) {
  const items: string[] = [];
  await until(`${wanted} pointers came`, async () => {
    const batch = await db.store.changesSince(cursor, o.step ?? 100, o.project);
    expect(batch.gap).toBe(false);
    items.push(...batch.items.map((i) => i.key));
    cursor = batch.cursor;
    return items.length >= wanted && !batch.held;
  });
  return { items, cursor };
}

describe("change pointers", () => {
  it("come in order, once each, however small the steps", async () => {
    const cursor = await db.store.changesNow();
    for (const key of ["a", "b", "c", "d", "e"]) await add(key);
    const seen = (await readOn(cursor, 5, { step: 2 })).items;
    expect(seen).toEqual(["a", "b", "c", "d", "e"]);
  });

  it("are written once for each thing in a transaction, and not at all when it fails", async () => {
    const cursor = await db.store.changesNow();
    await db.store.inTransaction(async (tx) => {
      tx.changes.add("node", "twice", "p");
      tx.changes.add("node", "twice", "p");
    });
    await expect(
      db.store.inTransaction(async (tx) => {
        tx.changes.add("node", "never", "p");
        throw new Error("no");
      }),
    ).rejects.toThrow("no");
    expect((await readOn(cursor, 1)).items).toEqual(["twice"]);
  });

  it("of other projects are left out, and the cursor goes on past them", async () => {
    const cursor = await db.store.changesNow();
    await add("theirs", "project-other");
    await add("ours", "project-mine");
    const mine = await readOn(cursor, 1, { project: "project-mine" });
    expect(mine.items).toEqual(["ours"]);
    expect((await db.store.changesSince(mine.cursor, 10)).items).toEqual([]);
  });

  // Guarantee: a pointer whose transaction took its number early and committed late is not skipped.
  it("that commit out of order are all read", async () => {
    const late = new pg.Client({ connectionString: db.appUrl });
    await late.connect();
    let cursor = await db.store.changesNow();
    await late.query("begin");
    await late.query("insert into changes (topic, key) values ('node', 'early number, late commit')");
    await add("late number, early commit");
    const first = await db.store.changesSince(cursor, 10);
    // What committed is held back as long as something with an earlier place may still come.
    expect(first.items).toEqual([]);
    expect(first.held).toBe(true);
    // Who only asks whether something changed is told at once.
    expect(await db.store.changedSince(cursor, ["node"], "project-default")).toBe(true);
    expect(await db.store.changedSince(cursor, ["site"], "project-default")).toBe(false);
    expect(await db.store.changedSince(cursor, ["node"], "project-other")).toBe(false);
    cursor = first.cursor;
    await late.query("commit");
    await late.end();
    expect((await readOn(cursor, 2)).items).toEqual(["early number, late commit", "late number, early commit"]);
  });

  // Guarantee: a reader that polls while many writers commit in any order sees every pointer exactly once.
  it("are read exactly once under concurrent writers", async () => {
    const WRITERS = 6;
    const EACH = 40;
    const expected = new Set<string>();
    let cursor = await db.store.changesNow();
    const seen: string[] = [];
    let writing = true;
    const reader = (async () => {
      for (;;) {
        const last = !writing;
        const batch = await db.store.changesSince(cursor, 7);
        seen.push(...batch.items.map((i) => i.key));
        cursor = batch.cursor;
        if (last && batch.items.length === 0 && !batch.held) return;
      }
    })();
    const other = db.openAnother();
    await Promise.all(
      Array.from({ length: WRITERS }, async (_, w) => {
        for (let i = 0; i < EACH; i++) {
          const key = `${w}/${i}`;
          expected.add(key);
          // Some transactions stay open across others' commits.
          await (w % 2 ? other : db.store).inTransaction(async (tx) => {
            tx.changes.add("node", key, null);
            if (i % 3 === w % 3) {
              await tx.client.query("select pg_current_xact_id()");
              await tx.client.query("select pg_sleep(0.004)");
            }
          });
        }
      }),
    );
    writing = false;
    await reader;
    expect(seen.length).toBe(WRITERS * EACH);
    expect(new Set(seen)).toEqual(expected);
  });

  it("nudge once a transaction", async () => {
    const nudges: (string | null)[] = [];
    const stop = await db.store.listen("holdfast_changes", (p) => nudges.push(p));
    await db.store.inTransaction(async (tx) => {
      for (let i = 0; i < 50; i++) tx.changes.add("node", `n${i}`, null);
    });
    await until("the nudge came", () => nudges.length > 0);
    expect(nudges).toEqual([""]);
    await stop();
  });

  // Guarantee: whoever comes back too late is told so, instead of missing what was deleted.
  it("that were deleted show as a gap to a reader from before, and to nobody else", async () => {
    const old = await db.store.changesNow();
    await add("old 1");
    await add("old 2");
    const { cursor: current } = await readOn(old, 2);
    expect(await pruneChanges(db.store.read.client, Date.now() + 60_000, 10_000)).toBeGreaterThanOrEqual(2);
    await add("new");
    expect((await readOn(current, 1)).items).toEqual(["new"]);
    const late = await db.store.changesSince(old, 10);
    expect(late.gap).toBe(true);
    expect(late.items.map((i) => i.key)).toEqual(["new"]);
    expect(await db.store.changedSince(old, ["site"], "project-default")).toBe(true);
    expect(await db.store.changedSince(current, ["site"], "project-default")).toBe(false);
    expect((await db.store.changesSince("nonsense", 10)).gap).toBe(true);
    // A cursor of another cluster, or of before a restore, lies in the future.
    expect((await db.store.changesSince("999999999999.0", 10)).gap).toBe(true);
  });

  // Guarantee: a follower gets every pointer in order, also across a lost database connection.
  it("are followed across a lost connection", async () => {
    const other = db.openAnother();
    const seen: string[] = [];
    const stop = await other.followChanges({ onBatch: (b) => void seen.push(...b.items.map((i) => i.key)) });
    await add("before");
    await until("the first came", () => seen.includes("before"));
    await db.cutConnections();
    for (const key of ["after 1", "after 2", "after 3"]) await until("the pointer was written", () => add(key).then(() => true, () => false));
    await until("all came", () => seen.length >= 4);
    expect(seen).toEqual(["before", "after 1", "after 2", "after 3"]);
    await stop();
  });
});
