import { describe, expect, it } from "vitest";
import { Registry } from "prom-client";
import { schedulerKeys } from "../../store";
import { until } from "../../testing/until";
import { SILENT_MS, project, workload } from "./fleet";
import { emptyWorld } from "./world";

const { db, clock, world } = emptyWorld();

describe("several schedulers", () => {
  // Guarantee: two schedulers at once never double a unit nor overcommit a node, and together place all that fits.
  it("share the work safely", async () => {
    const { f } = await world({ kiel: 3, fra: 3 }, { cpu: 500 });
    for (let i = 0; i < 8; i++) await f.apply(workload(`w${i}`, { replicas: 4, cpu: 100 }));
    const a = f.scheduler();
    const b = f.scheduler({ store: db.openAnother() });
    await a.start();
    await b.start();
    const count = async () => Number((await db.asOwner<{ n: string }>("select count(*) as n from assignments where ended_at is null"))[0]?.n);
    try {
      await until("all that fits is placed", async () => (await count()) === 30, 30_000);
    } finally {
      await a.stop();
      await b.stop();
    }
    const doubled = await db.asOwner("select unit from assignments where ended_at is null group by workload_id, unit having count(*) > 1");
    expect(doubled).toEqual([]);
    expect(await f.overcommitted()).toEqual([]);
    // 6 nodes of 500 hold 30 units of 100: not one is left out while there is room.
    expect(await count()).toBe(30);
  });

  // Guarantee: two that keep apart over a site never get there at once, on whatever nodes, also when the rule came after one was planned.
  it("keep units apart that are placed at the same moment", async () => {
    const { f } = await world({ kiel: 4 });
    const { planFor } = await import("../../placement");
    const { applyPlan } = await import("../apply-plan");
    const at = { nowMs: clock.nowMs(), silentAfterMs: SILENT_MS };
    const idOf = async (name: string) => (await db.asOwner<{ id: string }>("select id from objects where kind = 'Workload' and name = $1", [name]))[0]?.id ?? "";
    const apart = (name: string, from: string) => workload(name, { extra: `affinity: {apart: [{from: ${from}, over: site}]}` });
    for (let i = 0; i < 6; i++) {
      const [a, b] = [`a${i}`, `b${i}`];
      await f.apply(workload(b));
      const unaware = await planFor(db.store.read.client, await idOf(b), at);
      await f.apply(apart(a, b));
      const plans = [i % 3 === 0 ? unaware : await planFor(db.store.read.client, await idOf(b), at), await planFor(db.store.read.client, await idOf(a), at)];
      expect(plans.map((p) => p?.plan.place.length)).toEqual([1, 1]);
      const never = () => Promise.resolve(null);
      const done = await Promise.all((i % 2 ? plans : plans.reverse()).map((p) => applyPlan(db.store, p as never, never)));
      expect(done.sort()).toEqual(["applied", "stale"]);
    }
  });

  // Guarantee: a plan made from an old picture of a node is found out and made anew, never applied.
  it("recompute a stale plan", async () => {
    const { f, s } = await world({ kiel: 1 }, { cpu: 100 });
    await f.apply(workload("one", { cpu: 100 }));
    await f.apply(workload("two", { cpu: 100 }));
    const { planFor } = await import("../../placement");
    const { applyPlan } = await import("../apply-plan");
    const ids = await db.asOwner<{ id: string }>("select id from objects where kind = 'Workload' order by name");
    const at = { nowMs: clock.nowMs(), silentAfterMs: SILENT_MS };
    const plans = await Promise.all(ids.map((o) => planFor(db.store.read.client, o.id, at)));
    expect(plans.map((p) => p?.plan.place.length)).toEqual([1, 1]);
    const never = () => Promise.resolve(null);
    expect(await applyPlan(db.store, plans[0] as never, never)).toBe("applied");
    expect(await applyPlan(db.store, plans[1] as never, never)).toBe("stale");
    expect(await f.overcommitted()).toEqual([]);
    await s.loop.resync();
    await s.loop.drain();
    expect(await f.units("two")).toEqual([]);
  });

  // Guarantee: a plan made before a node was cordoned puts nothing there.
  it("do not place on a node that was cordoned meanwhile", async () => {
    const { f } = await world({ kiel: 1 });
    await f.apply(workload("one"));
    const { planFor } = await import("../../placement");
    const { applyPlan } = await import("../apply-plan");
    const id = (await db.asOwner<{ id: string }>("select id from objects where kind = 'Workload'"))[0]?.id ?? "";
    const plan = await planFor(db.store.read.client, id, { nowMs: clock.nowMs(), silentAfterMs: SILENT_MS });
    await f.fleet.commands.cordon(f.ada, project, { name: "kiel-1", version: 1, reason: "disk" });
    expect(await applyPlan(db.store, plan as never, () => Promise.resolve(null))).toBe("stale");
    expect(await f.units("one")).toEqual([]);
  });

  // Guarantee: a node that speaks again between the look and the write has lost nothing.
  it("do not give up units of a node that is back meanwhile", async () => {
    const { f, s } = await world({ kiel: 1, fra: 1 });
    await f.apply(workload("one", { extra: "disconnect: {lostAfter: 10m}" }));
    await s.loop.resync();
    await s.loop.drain();
    await f.obey();
    const [unit] = await f.units("one");
    clock.advance(700_000);
    const { planFor } = await import("../../placement");
    const { applyPlan } = await import("../apply-plan");
    const id = (await db.asOwner<{ id: string }>("select id from objects where kind = 'Workload'"))[0]?.id ?? "";
    await f.obey({ silent: [unit?.node ?? ""] });
    const plan = await planFor(db.store.read.client, id, { nowMs: clock.nowMs(), silentAfterMs: SILENT_MS });
    expect(plan?.plan.stop.map((x) => x.cause)).toEqual(["replace"]);
    await f.obey();
    expect(await applyPlan(db.store, plan as never, () => Promise.resolve(null))).toBe("stale");
    await s.loop.resync();
    await s.loop.drain();
    expect(await f.units("one")).toEqual([unit]);
  });

  // Guarantee: a scheduler that dies with a claim in hand holds things up for its lease and no longer.
  it("take over the keys of one that was killed", async () => {
    const { f } = await world({ kiel: 2 });
    await f.apply(workload("web", { replicas: 2 }));
    const claimed = await schedulerKeys.claim(db.store.read.client, { owner: "dead", kinds: ["workload"], nowMs: clock.nowMs(), leaseMs: 30_000, limit: 10 });
    expect(claimed).toHaveLength(1);
    const s = f.scheduler();
    await s.loop.drain();
    expect(await f.units("web")).toEqual([]);
    clock.advance(30_001);
    await f.obey();
    await s.loop.drain();
    expect(await f.units("web")).toHaveLength(2);
  });

  // Guarantee: a connection that is cut in the middle of a pass leaves no half of a plan, and the pass is made again.
  it("converge although connections are cut all the time", async () => {
    const { f } = await world({ kiel: 2, fra: 2 });
    for (let i = 0; i < 6; i++) await f.apply(workload(`w${i}`, { replicas: 3 }));
    const store = db.openAnother();
    const s = f.scheduler({ store, leaseMs: 1_000 });
    await s.start();
    let cuts = 0;
    try {
      await until("all is placed in spite of the cuts", async () => {
        if (cuts < 25) cuts += await db.cutConnections("test");
        clock.advance(200);
        await f.obey();
        return Number((await db.asOwner<{ n: string }>("select count(*) as n from assignments where ended_at is null"))[0]?.n) === 18;
      }, 40_000);
    } finally {
      await s.stop();
    }
    expect(cuts).toBeGreaterThan(0);
    expect(await db.asOwner("select unit from assignments where ended_at is null group by workload_id, unit having count(*) > 1")).toEqual([]);
    // State, decision and audit entry share a transaction: none without the others.
    expect(await db.asOwner("select id from assignments a where not exists (select 1 from decisions d where d.id = a.decision_id)")).toEqual([]);
  });
});

describe("the queue", () => {
  // Guarantee: a nudge wakes a scheduler; when it is lost, the resync finds the work and counts it as a correction.
  it("counts what only the resync found", async () => {
    const { f } = await world({ kiel: 1 });
    const registry = new Registry();
    const s = f.scheduler({ registry });
    await f.apply(workload("web"));
    await db.asOwner("delete from reconcile_keys");
    await s.loop.resync();
    await s.loop.drain();
    expect(await registry.getSingleMetricAsString("holdfast_reconcile_corrections_total")).toMatch(/\{kind="workload"\} 1/);
    const before = await f.units("web");
    await s.loop.resync();
    await s.loop.drain();
    expect(await f.units("web")).toEqual(before);
    expect(await registry.getSingleMetricAsString("holdfast_reconcile_corrections_total")).toMatch(/\{kind="workload"\} 1/);
  });

  // Guarantee: a key that is touched while it is looked at gets one more look; two that ask at once never hold one key.
  it("looks once more at a key that was touched meanwhile", async () => {
    const q = db.store.read.client;
    await schedulerKeys.touch(q, "t", ["k"], clock.nowMs());
    const mine = await schedulerKeys.claim(q, { owner: "a", kinds: ["t"], nowMs: clock.nowMs(), leaseMs: 1_000, limit: 5 });
    expect(mine).toHaveLength(1);
    expect(await schedulerKeys.claim(q, { owner: "b", kinds: ["t"], nowMs: clock.nowMs(), leaseMs: 1_000, limit: 5 })).toEqual([]);
    await schedulerKeys.touch(q, "t", ["k"], clock.nowMs());
    await schedulerKeys.release(q, "a", { kind: "t", key: "k" }, { nowMs: clock.nowMs(), nextLookAtMs: null });
    expect(await schedulerKeys.claim(q, { owner: "b", kinds: ["t"], nowMs: clock.nowMs(), leaseMs: 1_000, limit: 5 })).toMatchObject([{ key: "k", cause: "nudge" }]);
    await schedulerKeys.release(q, "b", { kind: "t", key: "k" }, { nowMs: clock.nowMs(), nextLookAtMs: clock.nowMs() + 5_000 });
    expect(await schedulerKeys.claim(q, { owner: "b", kinds: ["t"], nowMs: clock.nowMs() + 4_999, leaseMs: 1_000, limit: 5 })).toEqual([]);
    expect(await schedulerKeys.claim(q, { owner: "b", kinds: ["t"], nowMs: clock.nowMs() + 5_000, leaseMs: 1_000, limit: 5 })).toMatchObject([{ cause: "wake" }]);
  });

  // Guarantee: applying a manifest wakes a running scheduler at once, without waiting for the resync.
  it("is woken by a change", async () => {
    const { f } = await world({ kiel: 1 });
    const s = f.scheduler();
    await s.start();
    try {
      await until("the first resync is over", async () => (await db.asOwner("select 1 from reconcile_keys where claimed_by is not null")).length === 0);
      await f.apply(workload("web"));
      await until("the unit is placed", async () => (await f.units("web")).length === 1, 5_000);
    } finally {
      await s.stop();
    }
  });
});
