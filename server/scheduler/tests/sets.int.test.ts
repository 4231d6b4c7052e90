/** Priority, quotas, gangs, reservations and divided replicas through the scheduler on a real store. */
import { beforeEach, describe, expect, it } from "vitest";
import { testClock } from "../../testing/clock";
import { testDatabase } from "../../testing/database";
import { fleetOf, project, site, workload } from "./fleet";

const db = testDatabase();
const clock = testClock();
let w: ReturnType<typeof fleetOf>;

const quota = (name: string, spec: string) => `apiVersion: holdfast.dev/v1\nkind: Quota\nmetadata: {name: ${name}}\nspec: {${spec}}\n`;
const policy = (name: string, spec: string) => `apiVersion: holdfast.dev/v1\nkind: PlacementPolicy\nmetadata: {name: ${name}}\nspec: {${spec}}\n`;

/** The scheduler and the agents in turn until nothing is left to do. */
async function settle(scheduler: ReturnType<ReturnType<typeof fleetOf>["scheduler"]>): Promise<void> {
  for (let i = 0; i < 12; i++) {
    clock.advance(1_000);
    await scheduler.loop.resync();
    await scheduler.loop.drain();
    await w.obey();
  }
}
const running = async (name: string) => (await w.units(name)).filter((u) => u.desired === "run").map((u) => u.node).sort();
const reserved = () => db.asOwner<{ unit: string; node_id: string; cause: string }>("select unit, node_id, cause from reservations order by unit");
const latest = async (unit: string) => (await w.placement.queries.decisions(project, { limit: 1, unit })).items[0]?.because ?? "";

beforeEach(async () => {
  await db.asOwner("truncate assignments, observations, decisions, reservations, reconcile_keys, nodes, sites, links, object_revisions, objects, rollouts, node_identities, history cascade");
  w = fleetOf(db, clock);
});

async function fleet(nodes: number, cpu = 300, sites = ["kiel"]): Promise<void> {
  for (const s of sites) {
    await w.apply(site(s));
    for (let i = 1; i <= nodes; i++) await w.node(`${s}-${i}`, s, { cpu });
  }
}

describe("room that others make", () => {
  // Guarantee (5): a unit of higher priority gets the room of the least important, who do not take it back, and nothing stays reserved.
  it("is made by units of lower priority, and used by the one it was made for", async () => {
    await fleet(2);
    const scheduler = w.scheduler();
    await w.apply(workload("low", { replicas: 6, extra: "priority: 10" }));
    await settle(scheduler);
    expect(await running("low")).toHaveLength(6);
    await w.apply(workload("high", { replicas: 1, cpu: 200, extra: "priority: 500" }));
    await scheduler.loop.drain();
    expect(await latest("high-1")).toMatch(/^No node has room; low-\d, low-\d of priority 10 have to stop on kiel-\d first\.$/);
    expect(await reserved()).toHaveLength(1);
    await settle(scheduler);
    expect(await running("high")).toHaveLength(1);
    expect(await running("low")).toHaveLength(4);
    expect(await reserved()).toEqual([]);
    expect(await w.overcommitted()).toEqual([]);
    const log = await db.asOwner<{ object: string; reason: string }>("select object, reason from audit_entries where after::text like '%preempt%'");
    expect(log[0]?.object).toBe("low");
    expect(log[0]?.reason).toMatch(/^high-1 of priority 500 needs its room on kiel-\d\.$/);
  });

  it("is not made beyond a budget, nor for equals", async () => {
    await fleet(1);
    const scheduler = w.scheduler();
    await w.apply(workload("low", { replicas: 3, extra: "priority: 10\ndisruption: {maxUnavailable: 1}" }));
    await settle(scheduler);
    await w.apply(workload("high", { replicas: 2, extra: "priority: 500" }));
    await w.apply(workload("equal", { replicas: 1, extra: "priority: 10" }));
    await settle(scheduler);
    expect(await running("high")).toHaveLength(1);
    expect(await running("low")).toHaveLength(2);
    expect(await running("equal")).toHaveLength(0);
  });
});

describe("gangs", () => {
  // Guarantee (6): none of a gang runs, or at least minMember; nothing is left of one that did not fit.
  it("start together or not at all", async () => {
    await fleet(1);
    const scheduler = w.scheduler();
    await w.apply(workload("four", { replicas: 4, extra: "gang: {minMember: 4}" }));
    await settle(scheduler);
    expect([await running("four"), await reserved()]).toEqual([[], []]);
    expect(await latest("four-1")).toContain("it waits for its gang: 3 of the 4 units");
    await w.node("kiel-2", "kiel", { cpu: 300 });
    await settle(scheduler);
    expect(await running("four")).toHaveLength(4);
  });
});

describe("quotas", () => {
  // Guarantee (7): with several schedulers at once no quota is exceeded, and the figures are told.
  it("hold with several schedulers at work", async () => {
    await fleet(3, 2_000);
    await w.apply(quota("all", "nominal: {cpuMillis: 0}") + "---\n" + quota("a", "parent: all, nominal: {cpuMillis: 300}") + "---\n" + quota("b", "parent: all, nominal: {cpuMillis: 300}, lendingLimit: {cpuMillis: 100}"));
    for (const n of ["one", "two", "three", "four"]) await w.apply(workload(n, { replicas: 3, extra: "quota: a" }));
    const schedulers = [w.scheduler(), w.scheduler(), w.scheduler()];
    for (let i = 0; i < 4; i++) {
      clock.advance(1_000);
      await Promise.all(schedulers.map((s) => s.loop.resync().then(() => s.loop.drain())));
      await w.obey();
    }
    const used = (await Promise.all(["one", "two", "three", "four"].map(running))).flat();
    expect(used).toHaveLength(4);
    const waits = (await w.placement.queries.decisions(project, { limit: 50 })).items.filter((d) => d.outcome === "unplaced");
    expect(waits[0]?.because).toMatch(/^Quota a has 0m of CPU left \(400m of CPU in use of 300m of CPU\), and the unit asks for 100m of CPU\.$/);
  });

  it("take back what was lent, from lower priority only", async () => {
    await fleet(1, 2_000);
    await w.apply(quota("all", "nominal: {cpuMillis: 0}") + "---\n" + quota("a", "parent: all, nominal: {cpuMillis: 300}") + "---\n" + quota("b", "parent: all, nominal: {cpuMillis: 300}"));
    const scheduler = w.scheduler();
    await w.apply(workload("borrower", { replicas: 6, extra: "quota: a\npriority: 10" }));
    await settle(scheduler);
    expect(await running("borrower")).toHaveLength(6);
    await w.apply(workload("owner", { replicas: 2, extra: "quota: b\npriority: 20" }));
    await settle(scheduler);
    expect(await running("owner")).toHaveLength(2);
    expect(await running("borrower")).toHaveLength(4);
    expect(await reserved()).toEqual([]);
  });
});

describe("backfill", () => {
  // Guarantee (11): a batch that must wait is told when; one that is over by then runs meanwhile, one that is not waits too.
  it("lets in what is over before a reservation begins", async () => {
    await fleet(1, 200);
    const scheduler = w.scheduler();
    await w.apply(workload("now", { kind: "batch", cpu: 100, extra: "duration: {min: 10m, max: 1h}" }));
    await scheduler.loop.drain();
    await w.apply(workload("head", { kind: "batch", cpu: 200, extra: "duration: {min: 10m, max: 2h}" }));
    await scheduler.loop.drain();
    expect(await reserved()).toEqual([{ unit: "head-1", node_id: "node-kiel-1", cause: "backfill" }]);
    await w.apply(workload("long", { kind: "batch", cpu: 100, extra: "duration: {min: 10m, max: 2h}" }));
    await w.apply(workload("short", { kind: "batch", cpu: 100, extra: "duration: {min: 1m, max: 30m}" }));
    await scheduler.loop.drain();
    expect([await running("long"), await running("short")]).toEqual([[], ["kiel-1"]]);
  });
});

describe("divided replicas", () => {
  // Guarantee (10): each site has exactly its share; a change of the shares moves exactly the difference.
  it("follow the weights of the policy", async () => {
    await fleet(3, 1_000, ["kiel", "lyon"]);
    const scheduler = w.scheduler();
    await w.apply(policy("shares", "divide: {by: static, weights: {kiel: 2, lyon: 1}}") + "---\n" + workload("web", { replicas: 6, extra: "policy: shares" }));
    await settle(scheduler);
    const bySite = async () => (await running("web")).map((n) => n.slice(0, 4)).join(" ");
    expect(await bySite()).toBe("kiel kiel kiel kiel lyon lyon");
    const before = (await w.units("web")).map((u) => u.id);
    await w.apply(policy("shares", "divide: {by: static, weights: {kiel: 1, lyon: 1}}"));
    await settle(scheduler);
    expect(await bySite()).toBe("kiel kiel kiel lyon lyon lyon");
    expect((await w.units("web")).filter((u) => before.includes(u.id))).toHaveLength(5);
  });
});
