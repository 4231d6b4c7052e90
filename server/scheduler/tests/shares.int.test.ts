/** Shares of devices and MIG slices on a real store: what is committed, what is told to the node, and what a restart knows. */
import { describe, expect, it } from "vitest";
import { isOvercommitted } from "../../core/placement/demand";
import { fleetNodesOf } from "../../placement/fleet-snapshot";
import { schedulerSnapshot } from "../../store";
import { project, workload } from "./fleet";
import { emptyWorld } from "./world";

const { db, clock, world } = emptyWorld();
const asks = (name: string, replicas: number, devices: string, extra = "") => workload(name, { replicas, cpu: 10, extra }).replace("disk: 64Mi}", `disk: 64Mi, devices: ${devices}}`);
const held = () => db.asOwner<{ unit: string; node: string; slot: number | null; model: string | null }>("select a.unit, n.name as node, a.shared_slot as slot, a.shared_model as model from assignments a join nodes n on n.id = a.node_id where a.ended_at is null order by a.unit");
async function nodes() {
  return fleetNodesOf(await schedulerSnapshot.fleetNodes(db.store.read.client, project.id), { nowMs: clock.nowMs(), silentAfterMs: 45_000 });
}
const sound = async () => {
  for (const n of await nodes()) expect(isOvercommitted(n.capacity, n.load)).toBe(false);
};

describe("shares of devices", () => {
  // Guarantee: which device a share is on stands with its assignment; what is read back is what was planned, and never more than there is.
  it("are committed with their device, kept while the unit is there, and given back when it goes", async () => {
    const { f, settle } = await world({ kiel: 0 });
    await f.node("kiel-1", "kiel", { devices: ["A100", "A100"] });
    await f.apply(asks("small", 3, "{shareMillis: 300}"));
    await settle();
    await f.apply(asks("large", 1, "{shareMillis: 600, model: A100}"));
    await settle();
    expect(await held()).toEqual([
      { unit: "large-1", node: "kiel-1", slot: 2, model: "A100" }, ...[1, 2, 3].map((i) => ({ unit: `small-${i}`, node: "kiel-1", slot: 1, model: "" })),
    ]);
    expect((await nodes())[0]?.load).toMatchObject({ devices: { A100: 1, "": 1 }, shared: [{ slot: 1, model: "", millis: 900 }, { slot: 2, model: "A100", millis: 600 }] });
    await f.apply(asks("whole", 1, "{count: 1}"));
    await settle();
    expect(await f.units("whole")).toEqual([]);
    const [why] = (await f.placement.queries.decisions(project, { limit: 5, unit: "whole-1" })).items;
    expect(why?.because).toContain("has too few free devices");
    await f.apply(asks("small", 0, "{shareMillis: 300}"));
    await settle();
    expect((await f.units("whole")).map((u) => u.node)).toEqual(["kiel-1"]);
    expect((await nodes())[0]?.load).toMatchObject({ devices: { A100: 1, "": 1 }, shared: [{ slot: 2, model: "A100", millis: 600 }] });
    await sound();
  });

  // Guarantee: a revision that fits on the unit's own device stays there; one that does not goes to another, and never beyond what there is.
  it("stay on their device when a revision asks for more, or go elsewhere", async () => {
    const { f, settle } = await world({ kiel: 0 });
    for (const n of ["kiel-1", "kiel-2"]) await f.node(n, "kiel", { devices: ["A100"] });
    await f.apply(asks("a", 1, "{shareMillis: 300}", 'selector: node.name == "kiel-1"'));
    await f.apply(asks("b", 1, "{shareMillis: 500}", 'selector: node.name == "kiel-1"'));
    await settle();
    await f.apply(asks("a", 1, "{shareMillis: 500}"));
    await settle();
    expect((await held()).map((u) => [u.unit, u.node])).toEqual([["a-1", "kiel-1"], ["b-1", "kiel-1"]]);
    await f.apply(asks("a", 1, "{shareMillis: 501}"));
    for (let i = 0; i < 6; i++) {
      clock.advance(6_000);
      await settle();
      await sound();
    }
    expect((await held()).filter((u) => u.unit.startsWith("a-")).map((u) => u.node)).toEqual(["kiel-2"]);
  });

  it("make way for what is more important, by device", async () => {
    const { f, settle } = await world({ kiel: 0 });
    await f.node("kiel-1", "kiel", { devices: ["A100"] });
    await f.apply(asks("low", 2, "{shareMillis: 400}", "priority: 1"));
    await settle();
    await f.apply(asks("high", 1, "{shareMillis: 500}", "priority: 900"));
    await settle();
    expect((await held()).map((u) => u.unit.slice(0, 3))).toEqual(["hig", "low"]);
    await sound();
  });

  it("count MIG slices by profile as the agent reports them", async () => {
    const { f, settle } = await world({ kiel: 0 });
    await f.node("kiel-1", "kiel", { devices: ["A30"] });
    await db.asOwner("update nodes set observed_facts = jsonb_set(observed_facts, '{devices,0,slices}', '[{\"profile\": \"1g.6gb\", \"uuid\": \"MIG-1\"}, {\"profile\": \"1g.6gb\", \"uuid\": \"MIG-2\"}]')");
    await f.apply(asks("cut", 3, "{slice: 1g.6gb}"));
    await f.apply(asks("other", 1, "{slice: 2g.12gb}"));
    await f.apply(asks("whole", 1, "{count: 1}"));
    await settle();
    expect((await held()).map((u) => u.unit)).toEqual(["cut-1", "cut-2"]);
    expect((await nodes())[0]).toMatchObject({ capacity: { devices: {}, extra: { "mig-1g.6gb": 2 } }, load: { devices: {}, extra: { "mig-1g.6gb": 2 } } });
    const [why] = (await f.placement.queries.decisions(project, { limit: 5, unit: "other-1" })).items;
    expect(why?.because).toMatch(/^No node offers the slice 2g\.12gb\./);
    await sound();
  });

  it("count in quotas by thousandths", async () => {
    const { f, settle } = await world({ kiel: 0 });
    await f.node("kiel-1", "kiel", { devices: ["A100", "A100"] });
    await f.apply("apiVersion: holdfast.dev/v1\nkind: Quota\nmetadata: {name: team}\nspec: {nominal: {devices: 1}}\n");
    await f.apply(asks("q", 12, "{shareMillis: 100}", "quota: team"));
    await settle();
    expect(await held()).toHaveLength(10);
  });
});
