import { describe, expect, it } from "vitest";
import { hash32, seededRandom } from "../../base/seed";
import type { Ask } from "../ask";
import { noLoad } from "../demand";
import type { FleetNode } from "../fleet";
import { place } from "../place";
import { demand, nodeOf, policy, selectorOf, shape } from "../testing";
import { columnsOf } from "./columns";
import { scansFaster } from "./scan";
import { Checked } from "./testing";

const SITES = ["fra", "kiel", "lyon"];
const dice = (seed: number) => {
  const random = seededRandom(seed);
  return (n: number) => Math.floor(random() * (n + 1));
};
const fleet = (upTo: (n: number) => number, count: number): FleetNode[] =>
  Array.from({ length: count }, (_, i) =>
    nodeOf({ name: `n${i}`, site: SITES[upTo(2)] as string, labels: { rack: `r${upTo(1)}` }, arch: upTo(6) ? "x64" : "arm64", ...(upTo(9) ? {} : { desiredState: "cordoned" as const }), capacity: { cpuMillis: upTo(1) ? 3_000 : 6_000, memoryBytes: 4_000, diskBytes: 4_000, devices: upTo(2) ? {} : upTo(1) ? { A: 3 } : { A: 1, B: 2 }, extra: { licence: upTo(3) } }, load: { ...noLoad, cpuMillis: upTo(2) * 500 } }),
  );
const rules = (over: "site" | "node", maxSkew: number) => policy({ spread: [{ over, maxSkew }] });
/** One of each kind that classes treat differently. */
const kinds: Record<string, Ask["shape"]> = {
  plain: shape(),
  packed: shape({ prefer: [{ by: "pack", weight: 20 }] }),
  level: shape({ prefer: [{ by: "pack", weight: 10 }] }),
  "with devices": shape({ demand: demand({ devices: { count: 1, model: "A" } }) }),
  "with shares": shape({ demand: demand({ devices: { count: 1, model: "A", shareMillis: 300 } }) }),
  "with shares of any model": shape({ demand: demand({ devices: { count: 1, model: null, shareMillis: 450 } }) }),
  "with a licence": shape({ demand: demand({ extra: { licence: 1 } }) }),
  "spread over nodes": shape({ policy: rules("node", 1) }),
  "spread over nodes, for devices": shape({ demand: demand({ devices: { count: 1, model: null } }), policy: rules("node", 2) }),
  "spread over sites": shape({ policy: rules("site", 1) }),
  "spread over both": shape({ policy: policy({ spread: [{ over: "site", maxSkew: 2 }, { over: "node", maxSkew: 1 }] }) }),
  "best spread over nodes": shape({ prefer: [{ by: "spread", over: "node", weight: 30 }] }),
  "best spread over sites": shape({ prefer: [{ by: "spread", over: "site", weight: 30 }] }),
  "apart from its own": shape({ apart: [{ from: null, over: "node" }] }),
  "apart from others": shape({ apart: [{ from: "b", over: "node" }, { from: "c", over: "site" }] }),
  "apart and spread": shape({ apart: [{ from: "c", over: "node" }], policy: rules("site", 1) }),
  "by a rule": shape({ prefer: [{ by: "rule", selector: selectorOf('node.labels["rack"] == "r1"'), weight: 3 }], arch: ["x64"] }),
};

describe("classes of asks", () => {
  // Guarantee: whatever was placed, given back and lost since a class was asked last, it decides, ranks and counts like the definitions.
  it.each(Object.keys(kinds).flatMap((kind) => [1, 2].map((seed) => [kind, seed] as const)))("of a shape %s keep up (%i)", (kind, seed) => {
    const upTo = dice(seed + hash32(kind));
    const nodes = fleet(upTo, 4 + upTo(8));
    const shapes = [kinds[kind] as Ask["shape"], ...[1, 2].map(() => Object.values(kinds)[upTo(Object.keys(kinds).length - 1)] as Ask["shape"])];
    const avoids = nodes.map((n) => new Set([n.id]));
    const asks = Array.from({ length: 110 }, (_, i): Ask => ({ unit: `u-${i}`, shape: shapes[i % 2 ? 0 : 1 + upTo(1)] as Ask["shape"], group: ["a", "a", "b", "c"][upTo(3)] as string, ...(upTo(11) ? {} : { avoid: avoids[upTo(nodes.length - 1)] as Set<string> }), ...(upTo(15) ? {} : { only: (nodes[upTo(nodes.length - 1)] as FleetNode).id }) }));
    const checked = new Checked(nodes, asks, [["a", 0], ["b", nodes.length - 1], ["b", nodes.length - 1]]);
    for (const [i, ask] of asks.entries()) {
      checked.decide(ask);
      // Growing for a while, then coming and going, so that places are found again.
      if (i > 40 && upTo(2) > 0 && checked.running.length > 0) checked.release(upTo(checked.running.length - 1));
      if (i === 80) checked.tellTheSame();
      if (i > 80 && upTo(9) === 0) checked.lose(upTo(nodes.length - 1));
    }
  });

  it("of more groups than are kept at a time are made anew when they are asked for again", () => {
    const upTo = dice(7);
    const nodes = fleet(upTo, 12);
    const groups = 95;
    const asks = Array.from({ length: 3 * groups }, (_, i): Ask => ({ unit: `u-${i}`, shape: kinds["spread over nodes"] as Ask["shape"], group: `g-${i % groups}` }));
    const checked = new Checked(nodes, asks);
    for (const ask of asks) {
      checked.decide(ask);
      if (checked.running.length > 60) checked.release(upTo(59));
    }
  });

  it("follow longer plans than there was room for at first", () => {
    const nodes = Array.from({ length: 6 }, (_, i) => nodeOf({ name: `n${i}`, site: SITES[i % 3] as string, capacity: { cpuMillis: 40_000, memoryBytes: 4e9, diskBytes: 4e9, devices: {} } }));
    const ask: Ask = { unit: "u", shape: shape(), group: "g" };
    const checked = new Checked(nodes, []);
    for (let i = 0; i < 3_000; i++) {
      // The definitions are asked now and then: with all that runs they are slow.
      if (i % 250 === 0) {
        checked.decide(ask);
        checked.release(0);
      }
      const k = checked.planner.decide(ask);
      expect(checked.planner.records.nodeOf(k)).toBeGreaterThanOrEqual(0);
      checked.planner.release(checked.planner.records.nodeOf(k), ask);
    }
  });
});

describe("nodes whose names give one tie", () => {
  // The names have the same 32-bit hash, so nothing but the names can tell them apart.
  const names = ["node-739192", "node-522789"];
  it("go by their names", () => {
    expect(new Set(names.map(hash32)).size).toBe(1);
    for (const order of [names, [...names].reverse()])
      for (const site of [["fra", "fra"], ["fra", "kiel"], ["kiel", "fra"]])
        for (const by of [kinds["plain"], kinds["packed"], kinds["level"], kinds["spread over nodes"]] as Ask["shape"][]) {
          const nodes = order.map((name, i) => nodeOf({ name, site: site[i] as string, capacity: { cpuMillis: 1_000, memoryBytes: 1_000, diskBytes: 1_000, devices: {} } }));
          const asks = Array.from({ length: 12 }, (_, i): Ask => ({ unit: `u-${i}`, shape: by, group: "g" }));
          const checked = new Checked(nodes, asks);
          for (const ask of asks) checked.decide(ask);
          expect(nodes[checked.running[0]?.node ?? -1]?.name).toBe("node-522789");
          // The same by a look at every node.
          expect(place({ nowMs: 100_000, nodes }, asks.slice(0, 3), { seed: "s", own: [] }).placements.map((p) => p.nodeId)).toEqual(checked.running.slice(0, 3).map((r) => nodes[r.node]?.id));
        }
  });
});

describe("the way of making a plan", () => {
  const columns = () => columnsOf({ nowMs: 0, nodes: Array.from({ length: 10 }, (_, i) => nodeOf({ name: `n${i}`, site: i < 7 ? "fra" : "kiel" })) });
  const [one, other] = [shape(), shape()];
  const asks = (count: number, of: (i: number) => Partial<Ask>) => Array.from({ length: count }, (_, i): Ask => ({ unit: `u-${i}`, shape: one, ...of(i) }));
  const avoid = new Set(["n1"]);
  // By the costs in the code: a look at ten nodes is 500 ns, an ask 45 ns (seven nodes and two sites), cells and classes 20,000 ns.
  it.each<[string, (count: number) => Ask[], number]>([
    ["of one shape and group", (n) => asks(n, () => ({})), 433],
    ["of shapes that take turns", (n) => asks(n, (i) => ({ shape: i % 2 ? one : other })), 36],
    ["of groups that take turns", (n) => asks(n, (i) => ({ group: `g-${i % 2}` })), 36],
    ["of asks that avoid something now and then", (n) => asks(n, (i) => (i % 2 ? { avoid } : {})), 36],
    ["of a shape that spreads over nodes", (n) => asks(n, () => ({ shape: kinds["spread over nodes"] as Ask["shape"] })), 36],
    ["of a shape that spreads over sites", (n) => asks(n, () => ({ shape: kinds["spread over sites"] as Ask["shape"] })), 433],
  ])("%s is a look at every node up to a number, classes beyond", (_, of, most) => {
    expect([scansFaster(columns(), of(most)), scansFaster(columns(), of(most + 1))]).toEqual([true, false]);
  });
});
