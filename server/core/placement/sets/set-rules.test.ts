import { describe, expect, it } from "vitest";
import { noLoad, withDemand } from "../demand";
import type { FleetNode } from "../fleet";
import type { QuotaFacts } from "../quota/tree";
import type { Shape } from "../shape";
import { demand, nodeOf, policy, shape } from "../testing";
import { placeSet, roomOfSite } from "./place-set";
import { names, released, withPlaced } from "./set-plan";
import type { SetAsk } from "./set-plan";
import { plainRules } from "./types";
import type { Held, Others, OtherUnit, SetRules } from "./types";

const NOW = 1_000;
const at = (name: string, cpuMillis = 300, taken = 0, o: Partial<FleetNode> = {}) => nodeOf({ name, capacity: { cpuMillis, memoryBytes: 1_000, diskBytes: 1_000, devices: {} }, load: taken ? withDemand(noLoad, demand({ cpuMillis: taken, memoryBytes: 0, diskBytes: 0 })) : noLoad, ...o });
const cpu = (cpuMillis: number) => demand({ cpuMillis, memoryBytes: 0, diskBytes: 0 });
const other = (unit: string, node: string, o: Partial<OtherUnit> = {}): OtherUnit => ({ id: `a-${unit}`, version: 1, unit, workloadId: "v", workload: "v", nodeId: `node-${node}`, priority: 10, demand: cpu(100), startedAtMs: 0, stopping: false, quota: null, endsMs: { minMs: Infinity, maxMs: Infinity }, ...o });
const held = (unit: string, node: string, o: Partial<Held> = {}): Held => ({ workloadId: "w", workload: "w", unit, nodeId: `node-${node}`, demand: cpu(100), priority: 100, cause: "backfill", because: "was promised", fromMs: 5_000, expiresMs: 9_000, ...o });

function ask(nodes: FleetNode[], count: number, o: { cpu?: number; shape?: Partial<Shape>; rules?: Partial<SetRules>; others?: OtherUnit[] | null; budgets?: [string, number][]; gangs?: [string, number][]; running?: number; own?: string[]; sites?: (string | null)[]; avoid?: string } = {}): SetAsk {
  const s = shape({ demand: cpu(o.cpu ?? 100), ...o.shape });
  const asks = Array.from({ length: count }, (_, i) => ({ unit: `w-${i + 1}`, shape: s, ...(o.avoid ? { avoid: new Set([o.avoid]) } : {}) }));
  const others: Others | null = o.others === null ? null : { units: o.others ?? [], budgets: new Map(o.budgets ?? []), gangs: new Map(o.gangs ?? []) };
  return { workloadId: "w", workload: "w", fleet: { nowMs: NOW, nodes }, asks, options: { seed: "s", own: o.own ?? [] }, rules: { ...plainRules, ...o.rules }, others, running: o.running ?? 0, sites: o.sites ?? asks.map(() => null) };
}
const told = (a: SetAsk) => {
  const p = placeSet(a);
  return { units: p.placements.map((x) => `${x.unit} ${x.node ?? `- ${x.because}`}`), evict: p.evict.map((e) => `${e.unit.unit}: ${e.because}`), reserve: p.reserve.map((h) => `${h.unit} ${h.nodeId.slice(5)} ${h.cause} ${h.fromMs}..${h.expiresMs}: ${h.because}`), needs: p.needsOthers, because: p.because };
};
const quota = (o: Partial<QuotaFacts> = {}, used: Record<string, number> = {}): SetRules["quota"] => ({
  name: "mine", used: new Map(Object.entries(used).map(([k, v]) => [k, { cpuMillis: v }])),
  facts: [{ name: "all", parent: null, nominal: {}, borrowingLimit: null, lendingLimit: null, weight: 1, reclaim: "lowerPriority" }, ...["mine", "theirs"].map((name): QuotaFacts => ({ name, parent: "all", nominal: { cpuMillis: 200 }, borrowingLimit: null, lendingLimit: null, weight: 1, reclaim: "lowerPriority", ...(name === "mine" ? o : {}) }))],
});

describe("admission by quota", () => {
  const borrowers = [other("x", "a", { quota: "theirs" }), other("y", "a", { quota: "theirs", startedAtMs: 5 }), other("z", "a", { quota: "theirs", priority: 50 }), other("u", "a", { quota: "theirs" })];
  const short = "Quota mine has 0m of CPU left (0m of CPU in use of 200m of CPU), and the unit asks for 100m of CPU.";
  it("takes back what was borrowed, the newest of the least important first, and keeps the place", () => {
    const t = told(ask([at("a", 400, 400)], 1, { rules: { quota: quota({}, { theirs: 400 }) }, others: borrowers }));
    expect(t).toEqual({
      units: [`w-1 - ${short} What others borrowed is taken back: y has to stop first.`], evict: ["y: Quota mine takes back what theirs borrowed: w-1 needs it."],
      reserve: ["w-1 a preempt 1000..601000: waits for y to stop"], needs: false, because: ["quota mine keeps 1 unit waiting"],
    });
  });
  it("asks several to stop for one, and others for the next", () => {
    const t = told(ask([at("a", 400, 400)], 1, { cpu: 200, rules: { quota: quota({}, { theirs: 400 }) }, others: borrowers }));
    expect(t.units[0]).toContain("What others borrowed is taken back: y, u have to stop first.");
    expect(t.reserve).toEqual(["w-1 a preempt 1000..601000: waits for y, u to stop"]);
    expect(told(ask([at("a", 400, 400)], 3, { rules: { quota: quota({}, { theirs: 400 }) }, others: borrowers })).evict.map((e) => e.slice(0, 1))).toEqual(["y", "u"]);
  });
  it.each<[string, Partial<Parameters<typeof ask>[2]> & object, string[]]>([
    ["nobody when the quota says never", { rules: { quota: quota({ reclaim: "never" }, { theirs: 400 }) } }, []],
    ["nobody of equal priority", { rules: { priority: 10, quota: quota({}, { theirs: 400 }) } }, []],
    ["anybody when the quota says so", { rules: { priority: 1, quota: quota({ reclaim: "any" }, { theirs: 400 }) } }, ["y"]],
    ["nobody for what would borrow itself", { rules: { quota: quota({}, { theirs: 200, mine: 200 }) } }, []],
    ["nobody that stops already", { others: borrowers.map((u) => ({ ...u, stopping: true })), rules: { quota: quota({}, { theirs: 400 }) } }, []],
    ["nobody without a quota", { others: borrowers.map((u) => ({ ...u, quota: null })), rules: { quota: quota({}, { theirs: 400 }) } }, []],
    ["only what budgets allow, the least important first", { budgets: [["v", 0]], rules: { quota: quota({}, { theirs: 400 }) } }, []],
    ["the one that a budget allows", { budgets: [["v", 1]], rules: { quota: quota({}, { theirs: 400 }) } }, ["y"]],
  ])("stops %s", (_what, o, evict) => expect(told(ask([at("a", 400, 400)], 1, { others: borrowers, ...o })).evict.map((e) => e.slice(0, 1))).toEqual(evict));

  it("spends each budget once in a pass", () => {
    const t = (n: number) => told(ask([at("a", 400, 400)], 2, { budgets: [["v", n]], rules: { quota: quota({}, { theirs: 400 }) }, others: borrowers })).evict.length;
    expect([t(0), t(1), t(2)]).toEqual([0, 1, 2]);
  });
  it("asks for the units of others when it needs them, and not before", () => {
    expect(told(ask([at("a")], 1, { others: null, rules: { quota: quota() } })).needs).toBe(false);
    expect(told(ask([at("a")], 1, { others: null, rules: { quota: quota({}, { theirs: 400 }) } }))).toMatchObject({ needs: true, units: [], evict: [] });
    expect(told(ask([at("a")], 1, { others: null, rules: { quota: quota({ reclaim: "never" }, { theirs: 400 }) } })).needs).toBe(false);
  });
  it("lets in what the others leave, and keeps the order in which units were asked for", () => {
    const large = [other("x", "a", { quota: "theirs", demand: cpu(200) }), other("y", "a", { quota: "theirs", demand: cpu(200), priority: 50 })];
    const t = told(ask([at("a", 400, 400), at("b")], 2, { rules: { quota: quota({}, { theirs: 400 }) }, others: large }));
    expect(t.units).toEqual([`w-1 - ${short} What others borrowed is taken back: x has to stop first.`, "w-2 b"]);
  });
});

describe("a gang", () => {
  it("says how many of it find a node, and why the others don't", () => {
    const t = told(ask([at("a", 200)], 3, { rules: { minMember: 3 } }));
    expect(t.because).toEqual(["waits for its gang: 2 of the 3 units that must run together find a node"]);
    expect(t.units[0]).toBe("w-1 - a could take it, but it waits for its gang: 2 of the 3 units that must run together find a node.");
    expect(t.units[2]).toMatch(/ It waits for its gang: 2 of the 3 units that must run together find a node\.$/);
    expect(told(ask([at("a", 0)], 2, { rules: { minMember: 2 } })).units[0]).not.toContain("gang");
  });
  it("counts those of it that run", () => {
    expect(told(ask([at("a", 100)], 2, { rules: { minMember: 2 }, running: 1 })).units[0]).toBe("w-1 a");
    expect(told(ask([at("a", 100)], 2, { rules: { minMember: 3 }, running: 1 })).units[0]).toContain("2 of the 3");
    expect(told(ask([at("a", 100)], 1, { rules: { minMember: 5 } })).units).toEqual(["w-1 a"]);
  });
  it("keeps its places while others stop for the rest of it", () => {
    const t = told(ask([at("a", 100), at("b", 300, 300)], 2, { rules: { minMember: 2, preempts: true }, others: [other("x", "b")] }));
    expect(t.reserve).toEqual(["w-1 a preempt 1000..601000: waits for the rest of its gang", "w-2 b preempt 1000..601000: x of priority 10 has to stop on b first"]);
    expect(t.evict).toEqual(["x: w-2 of priority 100 needs its room on b."]);
  });
});

describe("a batch that waits for its time", () => {
  const rules = { takes: { minMs: 100, maxMs: 1_000 } };
  const ending = (unit: string, node: string, maxMs: number) => other(unit, node, { endsMs: { minMs: NOW + 1, maxMs } });
  const full = [at("a", 100, 100), at("b", 100, 100)];
  it.each<[string, Parameters<typeof ask>[2] & object, string[]]>([
    ["the earliest end", { others: [ending("x", "a", 9_000), ending("y", "b", 7_000)] }, ["w-1 b backfill 7000..607000: waits for what runs there to end"]],
    ["what it was promised", { others: [ending("x", "a", 9_000)], rules: { ...rules, reserved: [held("w-1", "b")] } }, ["w-1 b backfill 5000..9000: was promised"]],
    ["nothing that is over", { others: [ending("x", "a", 9_000)], rules: { ...rules, reserved: [held("w-1", "b", { expiresMs: NOW })] } }, ["w-1 a backfill 9000..609000: waits for what runs there to end"]],
    ["nothing promised to another", { others: [ending("x", "a", 9_000)], rules: { ...rules, reserved: [held("w-9", "b")] } }, ["w-1 a backfill 9000..609000: waits for what runs there to end"]],
    ["nothing of another kind", { others: [ending("x", "a", 9_000)], rules: { ...rules, reserved: [held("w-1", "b", { cause: "preempt", nodeId: "node-gone" })] } }, ["w-1 a backfill 9000..609000: waits for what runs there to end"]],
    ["nothing on a node that is gone", { others: [ending("x", "a", 9_000)], rules: { ...rules, reserved: [held("w-1", "gone")] } }, ["w-1 a backfill 9000..609000: waits for what runs there to end"]],
    ["nothing where nothing ends", { others: [other("x", "a")] }, []],
    ["nothing where nobody says how long it runs", { rules: {}, others: [ending("x", "a", 9_000)] }, []],
  ])("keeps %s", (_what, o, reserve) => expect(told(ask(full, 1, { rules, ...o })).reserve).toEqual(reserve));

  it("keeps nothing on a node that no longer takes it", () => {
    const nodes = [at("a", 100, 100), at("b", 100, 100, { desiredState: "cordoned" })];
    expect(told(ask(nodes, 1, { rules: { ...rules, reserved: [held("w-1", "b")] }, others: [ending("x", "a", 9_000), ending("y", "b", 2_000)] })).reserve).toEqual(["w-1 a backfill 9000..609000: waits for what runs there to end"]);
  });
  it("counts what it places now, and what does not end", () => {
    const t = told(ask([at("a", 200, 100), at("b", 200, 200)], 2, { others: [ending("x", "a", 9_000), ending("y", "b", 9_500), other("z", "b")], rules }));
    expect([t.units[0], t.reserve]).toEqual(["w-1 a", ["w-2 a backfill 9000..609000: waits for what runs there to end"]]);
  });
  it("gets one time for all of a gang", () => {
    const others = [ending("x", "a", 9_000), ending("y", "b", 7_000)];
    expect(told(ask(full, 2, { rules: { ...rules, minMember: 2 }, others })).reserve.map((r) => r.slice(0, 19))).toEqual(["w-1 a backfill 9000", "w-2 b backfill 9000"]);
    expect(told(ask(full, 2, { rules, others })).reserve.map((r) => r.slice(0, 19))).toEqual(["w-1 b backfill 7000", "w-2 b backfill 8000"]);
    expect(told(ask(full, 2, { rules: { ...rules, minMember: 2 }, others: others.slice(1) })).reserve).toEqual([]);
  });
  it("reads the units of others for it only when it waits", () => {
    expect([told(ask(full, 1, { rules, others: null })).needs, told(ask([at("a")], 1, { rules, others: null })).needs, told(ask(full, 1, { others: null })).needs]).toEqual([true, false, false]);
  });
});

describe("who makes way", () => {
  const rules = { preempts: true, priority: 200 };
  it.each<[string, SetAsk, string[]]>([
    ["at the site that the unit is for", ask([at("a", 100, 100), at("b", 100, 100, { site: "fra" })], 1, { rules, sites: ["fra"], others: [other("x", "a", { priority: 1 }), other("y", "b")] }), ["y"]],
    ["not where it leaves", ask([at("a", 100, 100), at("b", 100, 100)], 1, { rules, avoid: "node-a", others: [other("x", "a", { priority: 1 }), other("y", "b")] }), ["y"]],
    ["not on a node that can't take it", ask([at("a", 100, 100, { desiredState: "cordoned" }), at("b", 100, 100)], 1, { rules, others: [other("x", "a", { priority: 1 }), other("y", "b")] }), ["y"]],
    ["not who stops already", ask([at("a", 100, 100), at("b", 100, 100)], 1, { rules, others: [other("x", "a", { priority: 1, stopping: true }), other("y", "b")] }), ["y"]],
    ["not who it stays with", ask([at("a", 100, 100), at("b", 100, 100)], 1, { rules, shape: { together: [{ with: "db", over: "site" }] }, others: [other("x", "a", { priority: 1, workload: "db" }), other("y", "b")] }), ["y"]],
    ["another for each unit", ask([at("a", 100, 100), at("b", 100, 100)], 2, { rules, others: [other("x", "a"), other("y", "b")] }), ["x", "y"]],
    ["no more than the budget", ask([at("a", 100, 100), at("b", 100, 100)], 2, { rules, budgets: [["v", 1]], others: [other("x", "a"), other("y", "b")] }), ["x"]],
    ["where the spread allows it, though others matter less elsewhere", ask([at("a", 200, 200), at("b", 100, 100)], 1, { rules, own: ["node-a"], shape: { policy: policy({ spread: [{ over: "node", maxSkew: 1 }] }) }, others: [other("x", "a", { priority: 1 }), other("y", "b")] }), ["y"]],
  ])("%s", (_what, a, evict) => expect(placeSet(a).evict.map((e) => e.unit.unit).sort()).toEqual(evict));
});

describe("limits of making way", () => {
  const rules = { preempts: true, priority: 200 };
  const crowd = (n: number) => Array.from({ length: n }, (_, i) => i + 10);
  it("disturbs others for fifty units of a pass at most", () => {
    const nodes = crowd(51).map((i) => at(`n${i}`, 100, 100));
    expect(placeSet(ask(nodes, 51, { rules, others: crowd(51).map((i) => other(`x${i}`, `n${i}`)) })).evict).toHaveLength(50);
    const borrowed = crowd(51).map((i) => other(`x${i}`, "a", { quota: "theirs" }));
    expect(placeSet(ask([at("a", 5_100, 5_100)], 51, { rules: { quota: quota({ nominal: { cpuMillis: 5_100 } }, { theirs: 5_300 }) }, others: borrowed })).evict).toHaveLength(50);
  });
  it("tries eight nodes for a unit, those whose units matter least", () => {
    const tried = (n: number) => {
      const nodes = crowd(n + 1).map((i) => at(`n${i}`, 100, 100));
      const own = crowd(n).map((i) => `node-n${i}`);
      const others = crowd(n + 1).map((i) => other(`x${i}`, `n${i}`, { priority: i < n + 10 ? 1 : 5 }));
      return placeSet(ask(nodes, 1, { rules, own, shape: { policy: policy({ spread: [{ over: "node", maxSkew: 1 }] }) }, others })).evict.map((e) => e.unit.unit);
    };
    expect([tried(7), tried(8)]).toEqual([["x17"], []]);
  });
  it("counts those that a quota takes back already", () => {
    const both = (budget: number) => placeSet(ask([at("a", 100, 100), at("b", 300, 300)], 2, { cpu: 100, rules: { ...rules, quota: quota({}, { theirs: 300 }) }, budgets: [["v", budget]], others: [other("x", "a", { quota: "theirs" }), other("y", "b"), other("z", "b")] })).evict.map((e) => e.unit.unit);
    expect([both(0).length, both(1).length, both(2).length]).toEqual([0, 1, 2]);
  });
  it("keeps a place that was promised as long as the promise holds", () => {
    const nodes = [at("a", 100, 100), at("b", 100, 100)];
    const others = [other("x", "a", { stopping: true }), other("y", "b")];
    const after = (expiresMs: number) => placeSet(ask(nodes, 1, { rules: { ...rules, reserved: [held("w-1", "a", { cause: "preempt", expiresMs })] }, others })).evict.map((e) => e.unit.unit);
    expect([after(NOW + 1), after(NOW)]).toEqual([[], ["y"]]);
    // Without the right to stop others the promise counts all the same.
    const t = told(ask(nodes, 2, { rules: { reserved: [held("w-1", "a", { cause: "preempt" })] }, others }));
    expect([t.reserve, t.evict, t.units[0]]).toEqual([["w-1 a preempt 1000..601000: was promised"], [], "w-1 - No node has room; was promised."]);
    // What stops makes room for one unit only.
    expect(told(ask(nodes, 2, { rules: { reserved: [held("w-1", "a", { cause: "preempt" }), held("w-2", "a", { cause: "preempt" })] }, others })).reserve).toHaveLength(1);
  });
});

describe("what plans share", () => {
  it("names three, and counts the rest", () => {
    const units = (n: number) => Array.from({ length: n }, (_, i) => ({ unit: `u${i}` }));
    expect([0, 1, 3, 4, 6].map((n) => names(units(n)))).toEqual(["", "u0", "u0, u1, u2", "u0, u1, u2 and 1 more", "u0, u1, u2 and 3 more"]);
  });
  it("takes units off their nodes, and puts placed ones there", () => {
    const fleet = { nowMs: NOW, nodes: [at("a", 300, 200), at("b")] };
    const of = (f: typeof fleet) => f.nodes.map((n) => n.load.cpuMillis);
    expect(of(released(fleet, [other("x", "a"), other("y", "a"), other("z", "gone")]) as typeof fleet)).toEqual([0, 0]);
    const placed = placeSet(ask([at("b")], 2)).placements.map((decision) => ({ nodeId: decision.nodeId as string, decision }));
    expect(of(withPlaced(fleet, [...placed, { ...(placed[0] as (typeof placed)[0]), nodeId: "gone" }], cpu(100)) as typeof fleet)).toEqual([200, 200]);
    expect(withPlaced(fleet, [], cpu(100))).toBe(fleet);
    expect(of(fleet)).toEqual([200, 0]);
  });
  it("tells how many more fit at a site", () => {
    const s = shape({ demand: cpu(100) });
    expect([9, 4, 3, 1, 0].map((most) => roomOfSite([at("a", 300, 50), at("b", 900, 0, { desiredState: "cordoned" }), at("c", 250)], s, most, NOW))).toEqual([4, 4, 3, 1, 0]);
  });
});
