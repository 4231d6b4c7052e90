import { describe, expect, it } from "vitest";
import { alone, amongOthers, apartFrom, besides, namedBy, Neighbourhood } from "./affinity";
import type { Neighbours } from "./affinity";
import { noLoad } from "./demand";
import type { FleetNode } from "./fleet";
import type { ApartRule, TogetherRule } from "./shape";
import { demand, nodeOf, selectorOf, shape } from "./testing";

const node = (name: string, site: string, cpuMillis = 1_000, o: Partial<FleetNode> = {}) => nodeOf({ name, site, capacity: { cpuMillis, memoryBytes: 1_000, diskBytes: 1_000, devices: {} }, ...o });
const fleet = (...nodes: FleetNode[]) => ({ nowMs: 1_000, nodes });
const two = fleet(node("k1", "kiel"), node("k2", "kiel"), node("f1", "fra"));
const neighbours = (units: Record<string, [node: string, stopping?: "stopping"][]>, keepApart: Neighbours["keepApart"] = []): Neighbours => ({ units: new Map(Object.entries(units).map(([w, list]) => [w, list.map(([n, s]) => ({ nodeId: `node-${n}`, stopping: s !== undefined }))])), keepApart });
const places = (rules: readonly TogetherRule[] | undefined) => rules?.map((t) => (t.at ? [...t.at] : null));

describe("whom a shape names", () => {
  it("is each other workload once, and never itself", () => {
    expect(namedBy(shape())).toEqual([]);
    expect(namedBy(shape({ apart: [{ from: null, over: "node" }, { from: "db", over: "site" }, { from: "db", over: "node" }], together: [{ with: null, over: "site" }, { with: "db", over: "site" }, { with: "web", over: "site" }] }))).toEqual(["db", "web"]);
  });

  // Guarantee: what another workload's manifest says is no rule of its own.
  it("is kept apart from by its own manifest alone", () => {
    const apart: ApartRule[] = [{ from: "db", over: "site" }, { from: "db", over: "node", theirs: true }, { from: "web", over: "node" }, { from: null, over: "node" }];
    expect([apartFrom({ apart }, "db"), apartFrom({ apart }, "api"), apartFrom({}, "db")]).toEqual([["site"], [], []]);
  });
});

describe("a neighbourhood", () => {
  const of = (name: string, apart: ApartRule[], o: { removed?: boolean } = {}) => ({ name, removed: o.removed ?? false, askShape: shape({ apart }) });
  const hood = new Neighbourhood([of("web", [{ from: "db", over: "site" }, { from: "db", over: "node" }]), of("api", [{ from: "db", over: "node" }]), of("gone", [{ from: "db", over: "node" }], { removed: true }), { name: "new", removed: false, askShape: null }, { name: "plain", removed: false, askShape: shape() }]);
  const units = [{ workload: "web", nodeId: "n1", stopping: false }, { workload: "web", nodeId: "n2", stopping: true }, { workload: "cache", nodeId: "n3", stopping: false }, { workload: "other", nodeId: "n4", stopping: false }];

  it("holds who keeps apart from a workload, and the units of whom it names", () => {
    const asked: string[][] = [];
    const found = hood.of("db", shape({ together: [{ with: "cache", over: "site" }] }), (named) => (asked.push([...named]), units));
    expect(asked).toEqual([["cache", "web", "api"]]);
    expect(found?.keepApart).toEqual([{ workload: "web", over: "site" }, { workload: "web", over: "node" }, { workload: "api", over: "node" }]);
    expect([...(found?.units ?? [])]).toEqual([["cache", [{ nodeId: "n3", stopping: false }]], ["web", [{ nodeId: "n1", stopping: false }, { nodeId: "n2", stopping: true }]], ["api", []]]);
  });

  it("is none where nobody names anybody, and no units are asked for", () => {
    expect(hood.of("web", null, () => { throw new Error("asked"); })).toBeUndefined();
    expect(hood.of("db", null, () => units)?.keepApart).toHaveLength(3);
  });
});

describe("a shape beside units of others", () => {
  it("stays as it is where it has no rule", () => {
    const s = shape();
    expect(besides(s, alone, ["node-k1"], two)).toEqual({ shape: s, groups: new Map() });
    expect(besides(s, alone, [], two).shape).toBe(s);
    expect(amongOthers(s, alone, two)).toBe(s);
  });

  // Guarantee: keeping apart goes both ways, once each; units that are stopping are still kept apart from.
  it("keeps apart from whom it names, and from who names it", () => {
    const own: ApartRule[] = [{ from: "db", over: "node" }, { from: null, over: "node" }];
    const { shape: s, groups } = besides(shape({ apart: own }), neighbours({ db: [["k1"], ["f1", "stopping"]], api: [["k2"]] }, [{ workload: "db", over: "node" }, { workload: "db", over: "site" }, { workload: "api", over: "node" }]), [], two);
    expect(s.apart).toEqual([...own, { from: "db", over: "site", theirs: true }, { from: "api", over: "node", theirs: true }]);
    expect([...groups]).toEqual([["db", ["node-k1", "node-f1"]], ["api", ["node-k2"]]]);
    expect([...besides(shape({ apart: own }), alone, [], two).groups]).toEqual([["db", []]]);
    expect(besides(shape(), neighbours({}, [{ workload: "api", over: "site" }]), [], two).shape.apart).toEqual([{ from: "api", over: "site", theirs: true }]);
  });

  // Guarantee: it stays where the other workload has units that are not stopping, on nodes of this fleet.
  it.each<[string, Neighbours, TogetherRule, string[]]>([
    ["at the other's sites", neighbours({ db: [["k1"], ["k2"]] }), { with: "db", over: "site" }, ["kiel"]],
    ["on the other's nodes", neighbours({ db: [["k1"], ["f1"]] }), { with: "db", over: "node" }, ["node-k1", "node-f1"]],
    ["not where the other is stopping", neighbours({ db: [["k1", "stopping"], ["f1"]] }), { with: "db", over: "site" }, ["fra"]],
    ["not on a node that nobody knows", neighbours({ db: [["zz"], ["f1"]] }), { with: "db", over: "node" }, ["node-f1"]],
    ["nowhere where the other has no unit", neighbours({ db: [] }), { with: "db", over: "site" }, []],
    ["nowhere where nobody knows the other", alone, { with: "db", over: "site" }, []],
    ["where its own units are", alone, { with: null, over: "site" }, ["kiel"]],
  ])("stays together: %s", (_what, n, rule, at) => expect(places(besides(shape({ together: [rule] }), n, ["node-k2"], two).shape.together)).toEqual([at]));
});

describe("where the first units that stay together start", () => {
  const asks = (count: number, s = shape(), avoid: string[] = []) => Array.from({ length: count }, (_, i) => ({ unit: `u-${i}`, shape: s, ...(avoid.length ? { avoid: new Set(avoid.map((n) => `node-${n}`)) } : {}) }));
  const start = (count: number, o: { preempts?: boolean; avoid?: string[] } = {}) => ({ asks: asks(count, shape(), o.avoid), seed: "s", preempts: o.preempts ?? false });
  const half = { demand: demand({ cpuMillis: 500 }) };
  const own = (over: "site" | "node"): TogetherRule => ({ with: null, over });
  const full = { ...noLoad, cpuMillis: 1_000 };
  // Two units fit on each node of 1,000: four at kiel, two at fra, three on the one node of lyon.
  const nodes = [node("k1", "kiel"), node("k2", "kiel"), node("f1", "fra"), node("l1", "lyon", 1_500)];

  it.each<[string, FleetNode[], Parameters<typeof start>, TogetherRule[], (string[] | null)[]]>([
    ["at the site where most of them find room", nodes, [4], [own("site")], [["kiel"]]],
    ["on the node where most of them find room", nodes, [4], [own("node")], [["node-l1"]]],
    ["on one node where a rule says node and another site", nodes, [4], [own("site"), own("node")], [["lyon"], ["node-l1"]]],
    ["not on a node that is avoided", nodes, [4, { avoid: ["l1"] }], [own("node"), own("site")], [["node-k1"], ["kiel"]]],
    ["of equal sites where the first scores highest", [node("f1", "fra", 1_000, { load: { ...noLoad, cpuMillis: 250 } }), node("k1", "kiel", 1_000)], [1], [own("site")], [["kiel"]]],
    ["nowhere yet where nothing has room", nodes.map((n) => ({ ...n, load: { ...full, cpuMillis: n.capacity.cpuMillis } })), [2], [own("site")], [null]],
    ["who may stop others looks as if they had", nodes.map((n) => ({ ...n, load: { ...full, cpuMillis: n.capacity.cpuMillis } })), [4, { preempts: true }], [own("site")], [["kiel"]]],
    ["but goes where there is room without that, however little", nodes.map((n) => (n.name === "f1" ? n : { ...n, load: { ...full, cpuMillis: n.capacity.cpuMillis } })), [4, { preempts: true }], [own("site")], [["fra"]]],
    ["not where they may not run", nodes.map((n) => (n.site === "kiel" ? { ...n, desiredState: "cordoned" as const } : n)), [4], [own("site")], [["lyon"]]],
    ["nowhere in an empty fleet", [], [2, { preempts: true }], [own("site")], [null]],
    ["nowhere where nobody asks", nodes, [0, { preempts: true }], [own("site")], [null]],
  ])("is %s", (_what, here, [count, o], together, at) => {
    const found = besides(shape({ ...half, together }), alone, [], fleet(...here), start(count, o)).shape.together;
    expect(places(found)).toEqual(at);
    expect(found?.every((t) => t.starts)).toBe(true);
  });

  it("is within what its other rules leave", () => {
    const rules: TogetherRule[] = [own("site"), { with: "db", over: "site" }];
    const found = besides(shape({ ...half, together: rules }), neighbours({ db: [["f1"]] }), [], fleet(...nodes), start(4)).shape.together;
    expect(places(found)).toEqual([["fra"], ["fra"]]);
    expect(found?.map((t) => t.starts)).toEqual([true, undefined]);
    expect(places(besides(shape({ ...half, selector: selectorOf('site.name == "lyon"'), together: [own("site")] }), alone, [], fleet(...nodes), start(4)).shape.together)).toEqual([["lyon"]]);
    expect(places(besides(shape({ ...half, apart: [{ from: "db", over: "site" }], together: [own("site")] }), neighbours({ db: [["k1"]] }), [], fleet(...nodes), start(4)).shape.together)).toEqual([["lyon"]]);
  });

  it("is left open where nothing is to be placed", () => {
    expect(besides(shape({ together: [own("site")] }), alone, [], fleet(...nodes)).shape.together).toEqual([{ ...own("site"), at: undefined, starts: true }]);
  });
});
