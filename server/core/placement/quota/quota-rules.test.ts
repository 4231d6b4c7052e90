import { describe, expect, it } from "vitest";
import { quotaSpec } from "../../manifest/quota";
import { demand } from "../testing";
import { amountsOf, amountText, exactly, plus } from "./amounts";
import { quotaFactsOf } from "./facts";
import { queueOrder } from "./order";
import { reclaim } from "./reclaim";
import type { QuotaUnit } from "./reclaim";
import { QuotaTree, usageOf } from "./tree";
import type { QuotaFacts } from "./tree";

const GIB = 2 ** 30;
const cpu = (cpuMillis: number) => ({ cpuMillis });
const quota = (name: string, parent: string | null, nominal: object = cpu(10), o: Partial<QuotaFacts> = {}): QuotaFacts => ({ name, parent, nominal: nominal as QuotaFacts["nominal"], borrowingLimit: null, lendingLimit: null, weight: 1, reclaim: "lowerPriority", ...o });

describe("amounts", () => {
  it("are of so many units, devices in parts of one", () => {
    const d = demand({ cpuMillis: 100, memoryBytes: 20, diskBytes: 3 });
    expect(amountsOf(d, 3)).toStrictEqual({ cpuMillis: 300, memoryBytes: 60, diskBytes: 9 });
    expect(amountsOf({ ...d, devices: { count: 2, model: null } }, 3)).toStrictEqual({ cpuMillis: 300, memoryBytes: 60, diskBytes: 9, devices: 6 });
    expect(amountsOf({ ...d, devices: { count: 1, model: "A", shareMillis: 250 } }, 2)).toStrictEqual({ cpuMillis: 200, memoryBytes: 40, diskBytes: 6, devices: 0.5, "devices/A": 0.5 });
  });
  // Guarantee: sums of shares are exact, whatever floats make of them.
  it("add up exactly", () => {
    expect(exactly("devices/A", 0.1 + 0.2)).toBe(0.3);
    expect(exactly("devices", Infinity)).toBe(Infinity);
    expect(exactly("memoryBytes", 0.30000000000000004)).toBe(0.30000000000000004);
    expect(plus({ devices: 0.1, cpuMillis: 5 }, { devices: 0.2, memoryBytes: 1 })).toEqual({ devices: 0.3, cpuMillis: 5, memoryBytes: 1 });
    expect(plus({ devices: 0.3 }, { devices: 0.1, cpuMillis: 2 }, -1)).toEqual({ devices: 0.2, cpuMillis: -2 });
    expect(usageOf([{ quota: "a", amounts: { devices: 0.1 } }, { quota: "b", amounts: cpu(1) }, { quota: "a", amounts: { devices: 0.2 } }])).toEqual(new Map<string, object>([["a", { devices: 0.3 }], ["b", cpu(1)]]));
  });
  it.each([
    ["cpuMillis", 1_500, "1500m of CPU"],
    ["memoryBytes", 2.5 * GIB, "2.5 GiB of memory"],
    ["diskBytes", GIB / 3, "0.33 GiB of disk"],
    ["devices", 1, "1 device"],
    ["devices", 0.5, "0.5 devices"],
    ["devices/X100", 3, "3 devices of model X100"],
  ])("%s %d: %s", (resource, amount, text) => expect(amountText(resource, amount)).toBe(text));
});

// Guarantee: a quota counts as its manifest says; what it does not say is not limited, borrowed and lent freely, and of weight 1.
it("reads manifests", () => {
  expect(quotaFactsOf("q", quotaSpec.parse({}))).toStrictEqual({ name: "q", parent: null, nominal: {}, borrowingLimit: null, lendingLimit: null, weight: 1, reclaim: "lowerPriority" });
  const all = { cpuMillis: 5, memory: "1Gi", disk: "2Gi", devices: 3, models: { A: 1, B: 2 } };
  const amounts = { cpuMillis: 5, memoryBytes: GIB, diskBytes: 2 * GIB, devices: 3, "devices/A": 1, "devices/B": 2 };
  expect(quotaFactsOf("q", quotaSpec.parse({ parent: "p", nominal: all, borrowingLimit: { memory: "1Gi" }, lendingLimit: { disk: "2Gi" }, weight: 2.5, reclaim: "any" }))).toStrictEqual({ name: "q", parent: "p", nominal: amounts, borrowingLimit: { memoryBytes: GIB }, lendingLimit: { diskBytes: 2 * GIB }, weight: 2.5, reclaim: "any" });
});

describe("a tree of quotas", () => {
  const deep = () => new QuotaTree([quota("org", null, cpu(4)), quota("team", "org", {}), quota("b", "team"), quota("a", "team", cpu(6), { lendingLimit: cpu(2), reclaim: "any" }), quota("c", "org", { cpuMillis: 3, devices: 2 })], new Map([["a", cpu(5)], ["c", cpu(1)]]));
  it("tells what it is made of, parents first and by name", () => {
    expect(deep().walk()).toEqual([{ name: "org", parent: null, depth: 0, leaf: false }, { name: "c", parent: "org", depth: 1, leaf: true }, { name: "team", parent: "org", depth: 1, leaf: false }, { name: "a", parent: "team", depth: 2, leaf: true }, { name: "b", parent: "team", depth: 2, leaf: true }]);
    expect(new QuotaTree([quota("z", null), quota("y", "gone")]).walk().map((x) => [x.name, x.parent])).toEqual([["y", null], ["z", null]]);
    expect(deep().resources).toEqual(["cpuMillis", "devices"]);
    expect(["b", "team", "org"].map((n) => deep().rootOf(n))).toEqual(["org", "org", "org"]);
    expect([deep().reclaims("a"), deep().reclaims("b")]).toEqual(["any", "lowerPriority"]);
    expect([deep().has("a"), deep().has("nobody")]).toEqual([true, false]);
    expect(() => deep().used("nobody")).toThrow("there is no quota nobody");
  });
  // Formulas of Kueue's KEP-79: what a child lends counts with its parent, what it uses beyond what it keeps is used of the pool.
  it("counts what is lent and what is used, up to the root", () => {
    const t = deep();
    expect(["a", "b", "team", "c", "org"].map((n) => t.nominal(n)["cpuMillis"])).toEqual([6, 10, 12, 3, 19]);
    expect(["a", "b", "team", "c", "org"].map((n) => t.used(n)["cpuMillis"] ?? 0)).toEqual([5, 0, 1, 1, 2]);
    expect(["a", "b", "c"].map((n) => t.available(n, "cpuMillis"))).toEqual([17, 17, 17]);
    expect([t.available("a", "devices"), t.available("c", "devices")]).toEqual([2, 2]);
    t.add("a", cpu(-5));
    expect(["a", "team", "org"].map((n) => t.used(n)["cpuMillis"])).toEqual([0, 0, 1]);
    expect(t.borrowed("a")).toEqual({ cpuMillis: 0, devices: 0 });
    t.add("a", { cpuMillis: 9, devices: 1 });
    expect(t.borrowed("a")).toEqual({ cpuMillis: 3, devices: 1 });
    expect([t.isWithinNominal("b", cpu(10)), t.isWithinNominal("b", cpu(11)), t.isWithinNominal("b", { cpuMillis: 1, devices: 1 }), t.isWithinNominal("a", {}), t.isWithinNominal("c", { cpuMillis: 2, devices: 2 }), t.isWithinNominal("c", { cpuMillis: 3, devices: 2 })]).toEqual([true, false, false, true, true, false]);
  });
  // DRF (NSDI 2011), of what is borrowed: the largest part of the pool, by the weight.
  it("tells the dominant share of what is borrowed", () => {
    const t = new QuotaTree([quota("org", null, cpu(10)), quota("a", "org", { cpuMillis: 5, devices: 1 }), quota("b", "org", { cpuMillis: 5, devices: 3 }, { weight: 2 }), quota("free", "org", {}, { weight: 0 })]);
    expect(t.share("a")).toBe(0);
    expect(t.share("a", cpu(5))).toBe(0);
    expect(t.share("a", cpu(9))).toBe(0.2);
    expect(t.share("b", cpu(9))).toBe(0.1);
    expect(t.share("a", { cpuMillis: 9, devices: 3 })).toBe(0.5);
    expect(t.share("free", cpu(1))).toBe(Infinity);
    expect(t.share("free")).toBe(0);
    t.add("a", cpu(7));
    expect([t.share("a"), t.share("a", cpu(2))]).toEqual([0.1, 0.2]);
    // A root has only itself to borrow from; of what nobody has, any part is more than all.
    expect(new QuotaTree([quota("alone", null)]).share("alone", cpu(15))).toBe(0.5);
    expect(new QuotaTree([quota("alone", null, cpu(0))]).share("alone", cpu(1))).toBe(Infinity);
    const deepest = new QuotaTree([quota("org", null, cpu(10)), quota("team", "org", cpu(5)), quota("x", "team", cpu(5)), quota("y", "team", cpu(10), { lendingLimit: cpu(4) })]);
    // Pool of the team: its own 5, 5 of x, 4 that y lends; with it, of the org: 10 and those 14.
    expect(deepest.share("x", cpu(24))).toBeCloseTo(19 / 38, 9);
  });
});

describe("what quotas are due", () => {
  const due = (facts: QuotaFacts[], wanted: [string, number][], names: string[]) => {
    const found = new QuotaTree(facts).deserved("cpuMillis", new Map(wanted));
    return names.map((n) => Math.round((found.get(n) ?? 0) * 1_000) / 1_000);
  };
  const org = (n: number) => quota("org", null, cpu(n));
  it.each<[string, QuotaFacts[], [string, number][], Record<string, number>]>([
    ["what they want, where there is enough", [org(0), quota("a", "org"), quota("b", "org")], [["a", 12], ["b", 5]], { a: 12, b: 5, org: 17 }],
    ["nominal first, then by weight", [org(12), quota("a", "org"), quota("b", "org", cpu(10), { weight: 3 })], [["a", 50], ["b", 50]], { a: 13, b: 19 }],
    ["no more than wanted, and the rest for others", [org(12), quota("a", "org"), quota("b", "org", cpu(10), { weight: 3 })], [["a", 50], ["b", 12]], { a: 20, b: 12 }],
    ["no more than may be borrowed", [org(12), quota("a", "org", cpu(10), { borrowingLimit: cpu(2) }), quota("b", "org")], [["a", 50], ["b", 15]], { a: 12, b: 15 }],
    ["as much as there is, where only another resource is limited", [org(12), quota("a", "org", cpu(10), { borrowingLimit: { devices: 0 } })], [["a", 50]], { a: 22 }],
    ["not what others keep for themselves", [org(0), quota("a", "org", cpu(10), { lendingLimit: cpu(3) }), quota("b", "org")], [["a", 1], ["b", 50]], { a: 1, b: 13 }],
    ["but what they keep and use is theirs", [org(0), quota("a", "org", cpu(10), { lendingLimit: cpu(3) }), quota("b", "org")], [["a", 9], ["b", 50]], { a: 9, b: 11 }],
    ["nothing beyond nominal with weight 0", [org(10), quota("a", "org", cpu(5), { weight: 0 }), quota("b", "org")], [["a", 50], ["b", 12]], { a: 5, b: 12 }],
    ["after what the parent uses itself", [org(10), quota("a", "org", cpu(5)), quota("b", "org", cpu(5))], [["org", 8], ["a", 50], ["b", 50]], { a: 6, b: 6, org: 20 }],
    ["down through teams", [org(6), quota("team", "org", {}), quota("x", "team", cpu(2)), quota("y", "team", cpu(4)), quota("z", "org", cpu(0))], [["x", 20], ["y", 1], ["z", 20]], { team: 9, x: 8, y: 1, z: 3 }],
    ["as much of it as there is, three by weights", [org(9), quota("a", "org", cpu(0), { weight: 1 }), quota("b", "org", cpu(0), { weight: 2 }), quota("c", "org", cpu(0), { weight: 6 })], [["a", 9], ["b", 9], ["c", 3]], { a: 2, b: 4, c: 3 }],
  ])("%s", (_what, facts, wanted, expected) => expect(due(facts, wanted, Object.keys(expected))).toEqual(Object.values(expected)));
});

describe("the order of the queue", () => {
  const tree = new QuotaTree([quota("org", null, {}), quota("a", "org"), quota("b", "org"), quota("free", "org", {}, { weight: 0 })], new Map([["a", cpu(12)]]));
  const order = (...list: [id: string, quota: string | null, sinceMs?: number][]) => queueOrder(list.map(([id, q, sinceMs = 0]) => ({ id, quota: q, priority: 1, amounts: cpu(2), sinceMs })), tree).map((w) => w.id);
  it("is total: who waits longer, then by name", () => {
    expect(order(["y", "b"], ["x", "b"], ["z", "b"])).toEqual(["x", "y", "z"]);
    expect(order(["z", "b"], ["y", "b"], ["x", "b"])).toEqual(["x", "y", "z"]);
    expect(order(["x", "b", 9], ["y", "b", 5])).toEqual(["y", "x"]);
    expect(order(["x", "free", 9], ["y", "free", 5])).toEqual(["y", "x"]);
  });
  it("counts those without a quota, or with one that is not there, as within it", () => expect(order(["x", "a"], ["z", "gone", 2], ["y", null, 1])).toEqual(["y", "z", "x"]));
});

describe("what is taken back", () => {
  const facts = [quota("org", null, {}), quota("mine", "org"), quota("a", "org", cpu(5)), quota("b", "org", cpu(5)), quota("apart", null, cpu(5))];
  const unit = (id: string, q: string, n: number, o: Partial<QuotaUnit> = {}): QuotaUnit => ({ id, quota: q, amounts: cpu(n), priority: 1, startedAtMs: 0, ...o });
  const taken = (units: QuotaUnit[], n: number, o: { any?: boolean; priority?: number; amounts?: QuotaUnit["amounts"] } = {}, of = facts) => reclaim(new QuotaTree(of, usageOf(units)), { quota: "mine", amounts: cpu(n), priority: 5, ...o }, units)?.map((u) => u.id) ?? null;
  it.each<[string, QuotaUnit[], number, Parameters<typeof taken>[2], string[] | null]>([
    ["nothing where it fits", [unit("x", "a", 4)], 2, {}, []],
    ["from who borrowed most of the pool", [unit("x", "a", 8), unit("y", "b", 6), unit("z", "b", 6)], 2, {}, ["y"]],
    ["the lowest priority", [unit("x", "a", 10, { priority: 2 }), unit("y", "a", 10)], 4, {}, ["y"]],
    ["of equal ones the newest", [unit("x", "a", 10, { startedAtMs: 7 }), unit("y", "a", 10, { startedAtMs: 3 })], 4, {}, ["x"]],
    ["then by name", [unit("y", "a", 10), unit("x", "a", 10)], 4, {}, ["x"]],
    ["none of equal priority", [unit("x", "a", 20, { priority: 5 })], 4, {}, null],
    ["any of them, if the quota says so", [unit("x", "a", 15, { priority: 9 }), unit("y", "a", 5, { priority: 9, startedAtMs: 1 })], 4, { any: true }, ["y"]],
    ["nothing below nominal", [unit("x", "a", 20)], 4, {}, null],
    ["nothing of its own", [unit("x", "mine", 6), unit("y", "a", 8), unit("z", "b", 6)], 4, {}, null],
    ["nothing of another tree", [unit("x", "apart", 9), unit("y", "a", 10), unit("z", "a", 10)], 4, {}, ["y"]],
    ["nothing for what would itself borrow", [unit("y", "a", 10), unit("z", "a", 10)], 11, {}, null],
    ["none that gives nothing of what is wanted", [unit("y", "a", 10), unit("z", "a", 10), unit("n", "a", 0)], 4, {}, ["y"]],
  ])("%s", (_what, units, n, o, ids) => expect(taken(units, n, o)).toEqual(ids));
});
