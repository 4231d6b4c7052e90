/** Why a unit is not on a node, on a real store: what the flip says is done by applying its edit, and the scheduler then does what was promised. */
import { beforeEach, describe, expect, it } from "vitest";
import { fleetOf, project, site, workload } from "../../scheduler/tests/fleet";
import { testClock } from "../../testing/clock";
import { testDatabase } from "../../testing/database";

const db = testDatabase();
const clock = testClock();
let w: ReturnType<typeof fleetOf>;
beforeEach(async () => {
  await db.asOwner("truncate assignments, observations, decisions, reservations, reconcile_keys, nodes, sites, links, object_revisions, objects, rollouts, node_identities, history cascade");
  w = fleetOf(db, clock);
  await w.apply(site("kiel") + "---\n" + site("lyon", { jurisdiction: "FR" }));
});
const policy = (spec: string, name = "p") => `apiVersion: holdfast.dev/v1\nkind: PlacementPolicy\nmetadata: {name: ${name}}\nspec: {${spec}}\n`;
const whyNot = (unit: string, node?: string) => w.placement.queries.whyNot(project, { unit, node });
const state = () => db.asOwner("select (select count(*) from assignments) as a, (select count(*) from decisions) as d, (select count(*) from changes) as c, (select count(*) from audit_entries) as e, (select max(version) from nodes) as n, (select sum(version) from objects) as o");
const runs = async (name: string) => (await w.units(name)).filter((u) => u.desired === "run").map((u) => [u.unit, u.node]);

async function look(): Promise<void> {
  const scheduler = w.scheduler({ concurrency: 1 });
  for (let i = 0; i < 3; i++) {
    await scheduler.loop.resync();
    await scheduler.loop.drain();
    await w.obey();
  }
}
/** Applies what a flip proposes, as the editor would with the text it is given. */
async function follow(flip: NonNullable<Awaited<ReturnType<typeof whyNot>>["flip"]>): Promise<void> {
  expect(flip.edits.length).toBeGreaterThan(0);
  await w.apply(flip.edits.map((e) => e.afterYaml).join("---\n"));
  await look();
}

describe("why not there", () => {
  // Guarantee: applying the edit that the answer proposes places the unit on the node that it names; asking writes nothing.
  it("names the decisive reason, and its edit places the unit there", async () => {
    await w.node("kiel-1", "kiel", { taints: [{ key: "dedicated", value: "vision" }] });
    await w.node("lyon-1", "lyon", { cpu: 500 });
    await w.apply(`${policy("residency: [DE]")}---\n${workload("web", { cpu: 400, extra: "policy: p" })}---\n${workload("other", { replicas: 0, extra: "policy: p" })}`);
    await look();
    expect(await runs("web")).toEqual([]);
    const before = await state();
    const [all, kiel, lyon] = [await whyNot("web-1"), await whyNot("web-1", "kiel-1"), await whyNot("web-1", "lyon-1")];
    expect(await state()).toEqual(before);
    expect(all).toMatchObject({ here: null, best: null, target: null, feasible: 0, nodes: 2, noFlip: null, sentence: "Nothing fits: none of 2 nodes can take web-1." });
    expect(kiel.reasons.map((r) => r.code)).toEqual(["taint"]);
    expect(kiel.sentence).toBe("kiel-1 refuses web-1: kiel-1 has the taint dedicated=vision, which is not tolerated.");
    expect(kiel.flip).toMatchObject({ text: "Tolerate the taint dedicated=vision: then it goes to kiel-1.", goesTo: "kiel-1", act: null, alsoBinds: ["other"], edits: [{ kind: "PlacementPolicy", name: "p" }] });
    expect(lyon.flip).toMatchObject({ text: "Allow the jurisdiction FR: then it goes to lyon-1.", goesTo: "lyon-1" });
    if (kiel.flip) await follow(kiel.flip);
    expect(await runs("web")).toEqual([["web-1", "kiel-1"]]);
    expect(await whyNot("web-1", "kiel-1")).toMatchObject({ flip: null, sentence: "web-1 runs on kiel-1, and would be put there again.", noFlip: "Nothing of this node stands in the way." });
  });

  it("drops a rule about other units where it is the workload's own, and says whose it is otherwise", async () => {
    await w.node("kiel-1", "kiel");
    await w.apply(`${workload("aa", { extra: "affinity: {apart: [{from: bb, over: site}]}" })}---\n${workload("bb", { replicas: 0 })}`);
    await look();
    await w.apply(workload("bb", { replicas: 1 }));
    await look();
    expect(await runs("bb")).toEqual([]);
    expect(await whyNot("bb-1", "kiel-1")).toMatchObject({ sentence: "kiel-1 refuses bb-1: kiel has 1 unit of aa, which keeps apart from it.", flip: { text: "Drop the rule of aa that keeps its units apart from these over sites: then it goes to kiel-1.", edits: [] } });
    await w.apply(`${workload("cc", { extra: "affinity: {together: [{with: bb, over: node}]}" })}`);
    await look();
    const cc = await whyNot("cc-1", "kiel-1");
    expect(cc.sentence).toBe("kiel-1 refuses cc-1: kiel-1 has no unit of bb beside it: none runs, and the unit stays with them.");
    expect(cc.flip).toMatchObject({ text: "Drop the rule together with bb over nodes: then it goes to kiel-1.", edits: [{ kind: "Workload", name: "cc" }] });
    if (cc.flip) await follow(cc.flip);
    expect(await runs("cc")).toEqual([["cc-1", "kiel-1"]]);
  });

  it("asks for less where there is too little, in the workload's own manifest and nowhere else", async () => {
    await w.node("kiel-1", "kiel", { cpu: 300 });
    await w.apply(workload("web", { cpu: 400, template: 'env: {TOKEN: "not to be seen"}' }));
    await look();
    const answer = await whyNot("web-1", "kiel-1");
    expect(answer.flip).toMatchObject({ text: "Ask for 100m less CPU (300m): then it goes to kiel-1.", edits: [{ kind: "Workload", name: "web" }] });
    expect(JSON.stringify(answer)).not.toContain("not to be seen");
    if (answer.flip) await follow(answer.flip);
    expect(await runs("web")).toEqual([["web-1", "kiel-1"]]);
  });

  it("writes a policy where there is none, and names what has to be done to a node", async () => {
    await w.node("kiel-1", "kiel", { taints: [{ key: "dedicated" }] });
    await w.apply(`${workload("web")}---\n${policy("", "web-places")}`);
    await look();
    const tolerated = await whyNot("web-1", "kiel-1");
    expect(tolerated.flip?.edits).toMatchObject([{ kind: "PlacementPolicy", name: "web-places-2", beforeYaml: null }, { kind: "Workload", name: "web" }]);
    if (tolerated.flip) await follow(tolerated.flip);
    expect(await runs("web")).toEqual([["web-1", "kiel-1"]]);
    await db.asOwner("update nodes set desired_state = 'cordoned', version = version + 1");
    await w.apply(workload("api"));
    await look();
    const cordoned = await whyNot("api-1", "kiel-1");
    expect(cordoned.reasons.map((r) => r.code)).toEqual(["not_active", "taint"]);
    expect([cordoned.flip, cordoned.noFlip]).toEqual([null, "2 things stand in the way at once, so no single change is enough."]);
    await db.asOwner("update nodes set taints = '[]', version = version + 1");
    // No pointer tells of rows that were changed behind the product's back: a new feature has seen nothing before.
    w = fleetOf(db, clock);
    expect((await whyNot("api-1")).flip).toMatchObject({ text: "Make kiel-1 active again: then it goes to kiel-1.", edits: [], act: { node: "kiel-1", what: "activate" } });
  });

  it("tells by how much another node is better, and says that what runs stays", async () => {
    await w.node("kiel-1", "kiel");
    await w.node("lyon-1", "lyon");
    await w.apply(`${policy(`prefer: [{by: rule, rule: 'site.name == "kiel"', weight: 5}]`)}---\n${workload("web", { extra: "policy: p" })}`);
    await look();
    const there = await whyNot("web-1", "lyon-1");
    expect(there.sentence).toMatch(/^lyon-1 can take web-1, but kiel-1 scores \d+\.\d\d against \d+\.\d\d, most of it by rule \(5\.00\): does not match site\.name == "kiel"\.$/);
    expect(there.flip?.text).toMatch(/^Change the weight of the preference site\.name == "kiel" from 5 to /);
    if (there.flip) await w.apply(there.flip.edits.map((e) => e.afterYaml).join("---\n"));
    await look();
    expect(await runs("web")).toEqual([["web-1", "kiel-1"]]);
    expect((await whyNot("web-1", "lyon-1")).sentence).toMatch(/would be chosen if it were placed anew .* It stays on kiel-1: units that run are not moved for a better place\.$/);
  });

  it("does not blame the nodes where a quota is what a unit waits for", async () => {
    await w.node("kiel-1", "kiel");
    await w.apply(`apiVersion: holdfast.dev/v1\nkind: Quota\nmetadata: {name: small}\nspec: {nominal: {cpuMillis: 100}}\n---\n${workload("web", { cpu: 200, extra: "quota: small" })}`);
    await look();
    const answer = await whyNot("web-1");
    expect(answer).toMatchObject({ feasible: 1, flip: null, noFlip: "The nodes are not what web-1 waits for." });
    expect(answer.sentence).toMatch(/^1 node of 1 can take web-1 now\. The newest decision says: .*quota/i);
    await w.node("kiel-2", "kiel", { cpu: 100 });
    w = fleetOf(db, clock);
    expect(await whyNot("web-1", "kiel-2")).toMatchObject({ flip: null, noFlip: "The nodes are not what web-1 waits for: no change for this node alone would place it.", sentence: expect.stringMatching(/^kiel-2 refuses web-1: .*It is not this node that it waits for\. The newest decision says: .*quota/i) as string });
    const [row] = (await w.placement.queries.queue(project)).items;
    expect(row).toMatchObject({ workload: "web", quota: "small", unit: "web-1", waiting: 1 });
    expect(await w.placement.queries.decision(project, { id: row?.decision ?? "" })).toMatchObject({ unit: "web-1", outcome: "unplaced", because: row?.blocker });
  });

  it("refuses what is not there, with the remedy", async () => {
    await w.node("kiel-1", "kiel");
    await w.apply(workload("web"));
    await look();
    await expect(whyNot("nothing-1")).rejects.toThrow('There is no unit "nothing-1"');
    await expect(whyNot("web-1", "nowhere")).rejects.toThrow('There is no node "nowhere"');
  });
});
