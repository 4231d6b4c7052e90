import { beforeEach, describe, expect, it } from "vitest";
import { Registry } from "prom-client";
import { schedulerKeys } from "../../store";
import { testClock } from "../../testing/clock";
import { testDatabase } from "../../testing/database";
import { until } from "../../testing/until";
import { SILENT_MS, fleetOf, project, site, workload } from "./fleet";

const db = testDatabase();
const clock = testClock();


/** Takes everything away between tests: each starts with an empty fleet. */
beforeEach(async () => {
  await db.asOwner("truncate assignments, observations, decisions, reconcile_keys, nodes, sites, links, object_revisions, objects, rollouts, node_identities, history cascade");

});

async function world(sites: Record<string, number>, o: { cpu?: number } = {}) {
  const f = fleetOf(db, clock);
  for (const [name, nodes] of Object.entries(sites)) {
    await f.apply(site(name));
    for (let i = 1; i <= nodes; i++) await f.node(`${name}-${i}`, name, o);
  }
  const s = f.scheduler();
  /** Reconciles and obeys until nothing changes any more. */
  const settle = async (obey: Parameters<typeof f.obey>[0] = {}) => {
    for (let i = 0; i < 40; i++) {
      await s.loop.resync();
      await s.loop.drain();
      const before = JSON.stringify(await db.asOwner("select * from assignments order by id"));
      await f.obey(obey);
      await s.loop.resync();
      await s.loop.drain();
      if (JSON.stringify(await db.asOwner("select * from assignments order by id")) === before) return;
    }
    throw new Error("it does not settle");
  };
  return { f, s, settle };
}

describe("placing", () => {
  // Guarantee: every unit that fits is placed, spread over sites, with a decision that says why; a second look changes nothing.
  it("places what is asked for and then is still", async () => {
    const { f, s, settle } = await world({ kiel: 2, fra: 2 });
    await f.apply(workload("web", { replicas: 4 }));
    await settle();
    const units = await f.units("web");
    expect(units.map((u) => u.unit)).toEqual(["web-1", "web-2", "web-3", "web-4"]);
    expect(new Set(units.map((u) => u.node)).size).toBe(4);
    const page = await f.placement.queries.decisions(project, { limit: 50, workload: "web" });
    expect(page.total).toBe(4);
    const detail = await f.placement.queries.decision(project, { id: page.items[0]?.id ?? "" });
    expect(detail.because).toMatch(/can take it/);
    expect(detail.feasible + detail.counts.reduce((sum, c) => sum + c.nodes, 0)).toBe(4);
    const versions = await db.asOwner("select id, version from assignments order by id");
    await s.loop.resync();
    await s.loop.drain();
    expect(await db.asOwner("select id, version from assignments order by id")).toEqual(versions);
  });

  // Guarantee: what fits nowhere is not placed; the decision is kept once and counts every node.
  it("keeps one decision for a unit without a node, and places it when room comes", async () => {
    const { f, s, settle } = await world({ kiel: 1 });
    await f.apply(workload("big", { cpu: 800, replicas: 2 }));
    await settle();
    await s.loop.resync();
    await s.loop.drain();
    expect(await f.units("big")).toHaveLength(1);
    const unplaced = (await f.placement.queries.decisions(project, { limit: 50, unit: "big-2" })).items;
    expect(unplaced).toHaveLength(1);
    expect(unplaced[0]?.because).toBe("No node can take it: 1 has too little CPU left.");
    await f.node("kiel-9", "kiel");
    await settle();
    expect((await f.units("big")).map((u) => u.node).sort()).toEqual(["kiel-1", "kiel-9"]);
    expect(await f.overcommitted()).toEqual([]);
  });

  // Guarantee: a daemon has one unit on each matching node, and on no other.
  it("keeps a daemon on every matching node", async () => {
    const { f, settle } = await world({ kiel: 2, fra: 1 });
    await f.apply(workload("probe", { kind: "daemon", extra: 'selector: site.name == "kiel"' }));
    await settle();
    expect((await f.units("probe")).map((u) => u.node).sort()).toEqual(["kiel-1", "kiel-2"]);
    await f.node("kiel-3", "kiel");
    await settle();
    expect((await f.units("probe")).map((u) => u.unit).sort()).toEqual(["probe-kiel-1", "probe-kiel-2", "probe-kiel-3"]);
  });

  // Guarantee: every piece of a batch runs to completion exactly once, also after the revision changed outside its template.
  it("runs a batch to completion", async () => {
    const { f, s, settle } = await world({ kiel: 2 });
    await f.apply(workload("sum", { kind: "batch", replicas: 3 }));
    await settle();
    expect(await f.units("sum")).toHaveLength(3);
    await db.asOwner("update observations set phase = 'succeeded', exit_code = 0");
    await settle();
    expect(await f.units("sum")).toEqual([]);
    // Each piece was started once: none again while its end was being written down.
    expect(await db.asOwner("select 1 from assignments")).toHaveLength(3);
    const object = (await db.asOwner<{ version: number }>("select version from objects where name = 'sum'"))[0];
    await f.workloads.commands.scale(f.ada, project, { name: "sum", replicas: 4, version: object?.version ?? 0 });
    await s.loop.resync();
    await s.loop.drain();
    expect((await f.units("sum")).map((u) => u.unit)).toEqual(["sum-4"]);
  });

  // Guarantee: removing a workload stops its units, and closes them when the agents say so.
  it("drains a removed workload", async () => {
    const { f, s, settle } = await world({ kiel: 2 });
    await f.apply(workload("web", { replicas: 2 }));
    await settle();
    await f.workloads.commands.remove(f.ada, project, { kind: "Workload", name: "web", dryRun: false });
    await s.loop.resync();
    await s.loop.drain();
    expect((await f.units("web")).map((u) => u.desired)).toEqual(["stop", "stop"]);
    await settle();
    expect(await f.units("web")).toEqual([]);
    expect(await db.asOwner("select 1 from reconcile_keys where kind = 'workload'")).toEqual([]);
  });
});

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

describe("silence", () => {
  // Guarantee: a silent node's units are not replaced by default, however long it is silent.
  it("replaces nothing by default", async () => {
    const { f, settle } = await world({ kiel: 2 });
    await f.apply(workload("web", { replicas: 2 }));
    await settle();
    const before = await f.units("web");
    clock.advance(30 * 86_400_000);
    await settle({ silent: ["kiel-1"] });
    expect(await f.units("web")).toEqual(before);
  });

  // Guarantee: with lostAfter they are replaced after it and not before, and of the two exactly one survives the return.
  it("replaces after lostAfter, and keeps one survivor", async () => {
    const { f, settle } = await world({ kiel: 3 });
    await f.apply(workload("web", { replicas: 2, extra: "disconnect: {lostAfter: 10m}" }));
    await settle();
    const lost = (await f.units("web"))[0];
    const silent = { silent: [lost?.node ?? ""] };
    clock.advance(9 * 60_000);
    await settle(silent);
    expect((await f.units("web")).map((u) => u.id)).toContain(lost?.id);
    expect((await f.units("web")).every((u) => u.desired === "run")).toBe(true);
    clock.advance(2 * 60_000);
    await settle(silent);
    const during = await f.units("web");
    expect(during.find((u) => u.id === lost?.id)?.desired).toBe("stop");
    expect(during.filter((u) => u.desired === "run")).toHaveLength(2);
    await settle();
    const after = await f.units("web");
    expect(after).toHaveLength(2);
    expect(after.map((u) => u.id)).not.toContain(lost?.id);
  });
});

describe("cordon, drain, decommission", () => {
  // Guarantee: a drained node's units move one for one, each stopped only when its replacement serves.
  it("moves units with their replacement healthy first", async () => {
    const { f, s, settle } = await world({ kiel: 3 });
    await f.apply(workload("web", { replicas: 3 }));
    await settle();
    const preview = await f.fleet.queries.drainPreview(project, { name: "kiel-1" });
    expect(preview.moves).toHaveLength(1);
    expect(preview.moves[0]?.to).toMatch(/kiel-[23]/);
    await f.fleet.commands.drain(f.ada, project, { name: "kiel-1", version: 1, reason: "new disk" });
    await s.loop.drain();
    const during = await f.units("web");
    expect(during.filter((u) => u.desired === "run")).toHaveLength(4);
    expect(during.find((u) => u.node === "kiel-1")?.desired).toBe("run");
    await f.obey({ stuck: ["web-4"] });
    await s.loop.resync();
    await s.loop.drain();
    expect((await f.units("web")).find((u) => u.node === "kiel-1")?.desired).toBe("run");
    await settle();
    const after = await f.units("web");
    expect(after).toHaveLength(3);
    expect(after.some((u) => u.node === "kiel-1")).toBe(false);
    expect(after.find((u) => u.unit === "web-4")?.node).toBe(preview.moves[0]?.to);
  });

  // Guarantee: a node in contact with units can't be decommissioned; a silent one can, and its units are replaced.
  it("writes off what a node that is gone was to run", async () => {
    const { f, settle } = await world({ kiel: 2, fra: 1 });
    await f.apply(workload("web", { replicas: 2 }));
    await settle();
    const node = (await f.units("web"))[0]?.node ?? "";
    await expect(f.fleet.commands.decommission(f.ada, project, { name: node, version: 1, reason: "burnt" })).rejects.toMatchObject({ holdfastRefusal: { code: "in_use" } });
    clock.advance(SILENT_MS + 1);
    await f.obey({ silent: [node] });
    await f.fleet.commands.decommission(f.ada, project, { name: node, version: 1, reason: "burnt" });
    await settle({ silent: [node] });
    const units = await f.units("web");
    expect(units).toHaveLength(2);
    expect(units.some((u) => u.node === node)).toBe(false);
    await expect(f.fleet.commands.uncordon(f.ada, project, { name: node, version: 2, reason: "back" })).rejects.toMatchObject({ holdfastRefusal: { code: "illegal_transition" } });
  });

  // Guarantee: commands on an old picture of a node are refused, and the refusal is in the audit log.
  it("compares and sets", async () => {
    const { f } = await world({ kiel: 1 });
    await f.fleet.commands.cordon(f.ada, project, { name: "kiel-1", version: 1, reason: "disk" });
    await expect(f.fleet.commands.uncordon(f.ada, project, { name: "kiel-1", version: 1, reason: "no" })).rejects.toMatchObject({ holdfastRefusal: { code: "stale_version" } });
    const entries = await db.asOwner<{ action: string; outcome: string }>("select action, outcome from audit_entries where object = 'kiel-1' order by seq desc limit 2");
    expect(entries).toEqual([{ action: "node.uncordon", outcome: "refused" }, { action: "node.cordon", outcome: "done" }]);
  });
});

describe("new revisions without a strategy", () => {
  // Guarantee: serving units change one at a time, the next only when all serve; a bad revision stops at the first.
  it("move one at a time and stop at one that fails", async () => {
    const { f, s, settle } = await world({ kiel: 3 });
    await f.apply(workload("web", { replicas: 3 }));
    await settle();
    await f.apply(workload("web", { replicas: 3, command: "worse" }));
    const seen: number[] = [];
    for (let i = 0; i < 6; i++) {
      await s.loop.resync();
      await s.loop.drain();
      const on2 = (await f.units("web")).filter((u) => u.generation === 2);
      seen.push(on2.length);
      await f.obey({ stuck: on2.map((u) => u.unit) });
    }
    expect(Math.max(...seen)).toBe(1);
    await f.apply(workload("web", { replicas: 3, command: "better" }));
    await settle();
    expect((await f.units("web")).map((u) => u.generation)).toEqual([3, 3, 3]);
  });

  // Guarantee: scaling restarts nothing, and scaling down and up again moves nothing that stayed.
  it("scale without churn", async () => {
    const { f, settle } = await world({ kiel: 3 });
    await f.apply(workload("web", { replicas: 3 }));
    await settle();
    const before = await f.units("web");
    const scale = async (replicas: number) => {
      const version = (await db.asOwner<{ version: number }>("select version from objects where name = 'web'"))[0]?.version ?? 0;
      await f.workloads.commands.scale(f.ada, project, { name: "web", replicas, version });
      await settle();
    };
    await scale(1);
    const one = await f.units("web");
    expect(one).toHaveLength(1);
    await scale(3);
    const after = await f.units("web");
    expect(after).toHaveLength(3);
    expect(after.find((u) => u.id === one[0]?.id)?.version).toBe(before.find((u) => u.id === one[0]?.id)?.version);
    expect(after.every((u) => u.generation === 1)).toBe(true);
  });

  // Guarantee: a policy that no longer allows a node moves its units away, each when its replacement serves.
  it("move units that a policy no longer allows where they are", async () => {
    const { f, settle } = await world({ kiel: 1, fra: 1 });
    const policy = (rule: string) => `apiVersion: holdfast.dev/v1\nkind: PlacementPolicy\nmetadata: {name: p}\nspec: {require: [{rule: '${rule}'}]}\n`;
    await f.apply(`${policy('site.name == "kiel"')}---\n${workload("web", { extra: "policy: p" })}`);
    await settle();
    expect((await f.units("web"))[0]?.node).toBe("kiel-1");
    const dry = await f.apply(policy('site.name == "fra"'), { dryRun: true });
    expect(dry.objects[0]?.warnings.join()).toMatch(/1 unit stands on nodes/);
    await f.apply(policy('site.name == "fra"'));
    await settle();
    expect((await f.units("web")).map((u) => u.node)).toEqual(["fra-1"]);
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
