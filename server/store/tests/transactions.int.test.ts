import { describe, expect, it } from "vitest";
import { isRefused } from "../../core/base/refusal";
import { DEFAULT_PROJECT, makeNode, makeSite } from "../../testing/fleet-rows";
import { testDatabase } from "../../testing/database";
import { until } from "../../testing/until";
import { assignments, isUniqueViolation, nodes } from "../index";

const db = testDatabase();

async function node(name: string) {
  const id = await makeNode(db.store, await makeSite(db.store, `site-${name}`), name);
  const found = await nodes.byId(db.store.read.client, id);
  if (!found) throw new Error("not found");
  return found;
}

const unit = (nodeId: string, id: string) => ({ id, projectId: DEFAULT_PROJECT.id, workloadId: "w", unit: "w-0", ordinal: 0, nodeId, generation: 1, digest: "d", desired: "run" as const, cause: "place", decisionId: null, rolloutId: null });

describe("transactions", () => {
  // Guarantee: of any number of writers with the same version, exactly one wins; the others are refused as stale.
  it("let one of twelve concurrent compare-and-sets win", async () => {
    const n = await node("race");
    const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => db.store.inTransaction((tx) => nodes.setDesiredState(tx, n, n.version, "cordoned", "test"))));
    expect(outcomes.filter((o) => o.status === "fulfilled")).toHaveLength(1);
    for (const o of outcomes) if (o.status === "rejected") expect(isRefused(o.reason) && o.reason.holdfastRefusal.code).toBe("stale_version");
    expect(await nodes.byId(db.store.read.client, n.id)).toMatchObject({ version: n.version + 1, desiredState: "cordoned" });
  });

  // Guarantee: no unit is placed twice, whoever schedules at the same time.
  it("place a unit once, with eight placing it at once", async () => {
    const n = await node("once");
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, (_, i) => db.store.inTransaction((tx) => assignments.insertMany(tx.client, [unit(n.id, `a-${i}`)]))));
    expect(outcomes.filter((o) => o.status === "fulfilled")).toHaveLength(1);
    for (const o of outcomes) if (o.status === "rejected") expect(isUniqueViolation(o.reason, "assignments_one_running_unit_key")).toBe(true);
  });

  it("are tried again after a deadlock, and only what committed is there", async () => {
    const [a, b] = [await node("lock-a"), await node("lock-b")];
    const tried = { first: 0, second: 0 };
    const arrived = { first: false, second: false };
    const cross = (name: "first" | "second", mine: string, theirs: string) =>
      db.store.inTransaction(async (tx) => {
        tried[name]++;
        await tx.client.query("update nodes set version = version + 1 where id = $1", [mine]);
        arrived[name] = true;
        await until("both hold a lock", () => arrived.first && arrived.second);
        await tx.client.query("update nodes set version = version + 1 where id = $1", [theirs]);
      });
    await Promise.all([cross("first", a.id, b.id), cross("second", b.id, a.id)]);
    expect(tried.first + tried.second).toBe(3);
    expect((await nodes.byId(db.store.read.client, a.id))?.version).toBe(a.version + 2);
  });

  it("bump the generation of nodes that many touch at once, without deadlock or loss", async () => {
    const list = await Promise.all(["t1", "t2", "t3", "t4"].map(node));
    const ids = list.map((n) => n.id);
    const nudged: (string | null)[] = [];
    const stop = await db.store.listen("holdfast_desired", (p) => nudged.push(p));
    await Promise.all(Array.from({ length: 20 }, (_, i) => db.store.inTransaction((tx) => nodes.touchDesired(tx, i % 2 ? ids : [...ids].reverse()))));
    for (const id of ids) expect((await nodes.byId(db.store.read.client, id))?.desiredGeneration).toBe(20);
    await until("every node was nudged twenty times", () => ids.every((id) => nudged.filter((p) => p === id).length === 20));
    await stop();
  });

  it("run what waits for the commit after it, and not without one", async () => {
    const ran: string[] = [];
    await db.store.inTransaction(async (tx) => tx.afterCommit(() => ran.push("committed")));
    await db.store.inTransaction(async (tx) => {
      tx.afterCommit(() => ran.push("never"));
      throw new Error("no");
    }).catch(() => undefined);
    expect(ran).toEqual(["committed"]);
  });
});

describe("a lost connection", () => {
  // Guarantee: a lost connection never ends the process, and the next transaction works.
  it("fails the transaction in hand, and the next one works", async () => {
    const n = await node("cut");
    await expect(
      db.store.inTransaction(async (tx) => {
        await tx.client.query("update nodes set version = 99 where id = $1", [n.id]);
        await db.cutConnections();
        await tx.client.query("select 1");
      }),
    ).rejects.toThrow();
    await until("the store answers again", () => db.store.read.client.query("select 1").then(() => true, () => false));
    expect((await nodes.byId(db.store.read.client, n.id))?.version).toBe(n.version);
  });

  // Guarantee: after a lost connection listeners hear again, and are told that they may have missed something.
  it("is listened through", async () => {
    const heard: (string | null)[] = [];
    const stop = await db.store.listen("holdfast_keys", (p) => heard.push(p));
    const before = heard.length;
    expect(await db.cutConnections("listener")).toBeGreaterThan(0);
    await until("the listener was told to look at everything", () => heard.slice(before).includes(null));
    await db.store.inTransaction(async (tx) => tx.notify("holdfast_keys", "after"));
    await until("the nudge came", () => heard.includes("after"));
    await stop();
    await db.store.inTransaction(async (tx) => tx.notify("holdfast_keys", "nobody"));
    expect(heard.filter((p) => p !== null)).toEqual(["after"]);
  });
});
