import { describe, expect, it } from "vitest";
import { SILENT_MS, project, workload } from "./fleet";
import { emptyWorld } from "./world";

const { db, clock, world } = emptyWorld();

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
    const preview = await f.placement.queries.preview(project, { drainNode: "kiel-1" });
    expect(preview.moves.map((m) => [m.unit, m.from])).toEqual([["web-1", "kiel-1"]]);
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
