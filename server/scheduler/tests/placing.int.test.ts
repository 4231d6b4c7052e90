import { describe, expect, it } from "vitest";
import { project, workload } from "./fleet";
import { emptyWorld } from "./world";

const { db, world } = emptyWorld();

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
