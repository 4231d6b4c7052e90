import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { networkOf, populationOf } from "./clients";
import { noLoad } from "./demand";
import type { FleetNode } from "./fleet";
import { countedMix, gpuShapeOf } from "./fragmentation";
import { askedPart, hourlyCost, scoreParts, scorerOf, sizeStep, usedPart, weighingOf } from "./rank";
import type { RankFacts } from "./rank";
import type { Preference, Shape } from "./shape";
import { demand, nodeOf, selectorOf, shape } from "./testing";

const nowhere: RankFacts = { load: noLoad, onNode: 0, onSite: 0 };
const parts = (prefer: Preference[], o: { node?: Partial<FleetNode>; shape?: Partial<Shape>; facts?: Partial<RankFacts> } = {}) =>
  scoreParts(shape({ prefer, ...o.shape }), nodeOf({ name: "n", ...o.node }), { ...nowhere, ...o.facts }).map((p) => [p.name, p.weight, p.value, p.text] as const);

describe("what a score is made of", () => {
  // Guarantee: preferences by their weights first; beside them fewer units on the node and room break ties, where nothing else weighs the same.
  it.each<[string, Preference[], [string, number][]]>([
    ["no preference", [], [["spread over sites", 10], ["spread over nodes", 10], ["room", 10]]],
    ["one of another kind", [{ by: "warm", weight: 5 }], [["warm", 5], ["spread over nodes", 1], ["room", 1]]],
    ["packing", [{ by: "pack", weight: 5 }], [["pack", 5]]],
    ["spread over sites", [{ by: "spread", over: "site", weight: 5 }], [["spread over sites", 5], ["spread over nodes", 1], ["room", 1]]],
    ["spread over nodes", [{ by: "spread", over: "node", weight: 5 }], [["spread over nodes", 5], ["room", 1]]],
    ["packing and another", [{ by: "cost", weight: 2.0006 }, { by: "pack", weight: 5 }], [["cost", 2.001], ["pack", 5]]],
  ])("%s", (_what, prefer, expected) => expect(parts(prefer).map(([name, weight]) => [name, weight])).toEqual(expected));

  // Guarantee: what the engine caches by what it depends on is the same terms.
  it("is cached by what it depends on, or refused where it depends on the mixture", () => {
    const rule = selectorOf("true");
    const clients = populationOf({ kiel: 1 }, networkOf(["kiel"], []));
    expect(weighingOf(shape({ prefer: [{ by: "rule", selector: rule, weight: 1 }, { by: "cost", weight: 2 }, { by: "latency", clients, weight: 3 }, { by: "warm", weight: 4 }, { by: "spread", over: "site", weight: 5 }, { by: "spread", over: "node", weight: 6 }] }))).toEqual({ rules: [{ selector: rule, weight: 1_000 }], cost: 2_000, latency: [{ clients, weight: 3_000 }], warm: 4_000, use: -1_000, roomBase: 1_000_000_000, spreadSite: 5_000, spreadNode: 6_000 });
    expect(weighingOf(shape({ prefer: [{ by: "pack", weight: 7 }, { by: "pack", weight: 1 }] }))).toMatchObject({ use: 8_000, roomBase: 0, spreadSite: 0, spreadNode: 0 });
    for (const by of ["balance", "fragmentation"] as const) expect(() => weighingOf(shape({ prefer: [{ by, weight: 1 }] }))).toThrow(`the engine does not weigh ${by}: placed by a look at every node (see place)`);
  });

  it("sums to the score that is worked out in one go", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 900 }), fc.nat(5), fc.nat(5), fc.nat(1_000), (cpuMillis, onNode, onSite, weight) => {
        const s = shape({ prefer: [{ by: "warm", weight: weight / 10 }, { by: "spread", over: "site", weight: 3 }, { by: "balance", weight: 2 }], artifacts: ["a", "b", "c"] });
        const n = nodeOf({ name: "n", warm: new Set(["a", "c"]) });
        const f = { load: { ...noLoad, cpuMillis }, onNode, onSite };
        const sum = scoreParts(s, n, f).reduce((all, p) => all + Math.round(p.value * 1_000_000) * Math.round(p.weight * 1_000), 0);
        expect(scorerOf(s)(n, f)).toBe(sum);
      }),
      { seed: 41, numRuns: 100 },
    );
  });
});

describe("parts of a score", () => {
  const clients = (...far: string[]) => populationOf(Object.fromEntries(["kiel", ...far].map((s) => [s, 1])), networkOf(["kiel", "fra"], [{ siteA: "kiel", siteB: "fra", latencyMs: 30 }]));
  const sent = [{ to: null, gibPerHour: 5 }, { to: "kiel", gibPerHour: 7 }];
  const rates = (o: object = {}) => ({ currency: "EUR", cpuHour: 0.2, memoryGiBHour: 0.1, ...o });
  const gib = demand({ cpuMillis: 500, memoryBytes: 2 ** 31 });
  const gpu = demand({ devices: { count: 1, model: "A" } });
  const mix = countedMix([{ shape: gpuShapeOf({ ...gpu, devices: { count: 2, model: "A" } }), count: 1 }]);
  const gpus = { capacity: { cpuMillis: 1_000, memoryBytes: 1_000, diskBytes: 1_000, devices: { A: 2 } } };

  it.each<[string, Preference, Parameters<typeof parts>[1], number, string]>([
    ["a rule that holds", { by: "rule", selector: selectorOf('site.name == "kiel"'), weight: 1 }, {}, 1, 'Matches site.name == "kiel".'],
    ["a rule that does not", { by: "rule", selector: selectorOf('site.name == "fra"'), weight: 1 }, {}, 0, 'Does not match site.name == "fra".'],
    ["cost", { by: "cost", weight: 1 }, { node: { rates: rates() }, shape: { demand: gib } }, -0.3, "Costs 0.3 EUR an hour at kiel."],
    ["cost of what leaves the site", { by: "cost", weight: 1 }, { node: { rates: rates({ egressGiB: 0.02 }) }, shape: { demand: gib, sent } }, -0.4, "Costs 0.4 EUR an hour at kiel: 0.3 for CPU and memory, 0.1 for 5 GiB that leave the site."],
    ["cost of what leaves another site", { by: "cost", weight: 1 }, { node: { site: "fra", rates: rates({ egressGiB: 0.02 }) }, shape: { demand: gib, sent } }, -0.54, "Costs 0.54 EUR an hour at fra: 0.3 for CPU and memory, 0.24 for 12 GiB that leave the site."],
    ["cost where nothing is taken for what leaves", { by: "cost", weight: 1 }, { node: { rates: rates() }, shape: { demand: gib, sent } }, -0.3, "Costs 0.3 EUR an hour at kiel: 0.3 for CPU and memory, 0 for 5 GiB that leave the site."],
    ["latency", { by: "latency", clients: clients("fra"), weight: 1 }, {}, -0.15, "Clients wait 15 ms on average for kiel."],
    ["latency from three that no link reaches", { by: "latency", clients: clients("x", "y", "z"), weight: 1 }, {}, -75, "Clients wait 7500 ms on average for kiel: no link leads there from x, y, z, which counts as 10 s."],
    ["latency from five that no link reaches", { by: "latency", clients: clients("v", "w", "x", "y", "z"), weight: 1 }, {}, -83.333333, "Clients wait 8333.3 ms on average for kiel: no link leads there from v, w, x and 2 more, which counts as 10 s."],
    ["spread over sites", { by: "spread", over: "site", weight: 1 }, { facts: { onSite: 1, onNode: 7 } }, 0.5, "1 unit of the workload on the site already."],
    ["spread over nodes", { by: "spread", over: "node", weight: 1 }, { facts: { onSite: 7, onNode: 3 } }, 0.25, "3 units of the workload on the node already."],
    ["spread where there is none", { by: "spread", over: "node", weight: 1 }, {}, 1, "No unit of the workload on the node yet."],
    ["packing", { by: "pack", weight: 1 }, { node: { capacity: { cpuMillis: 100, memoryBytes: 100, diskBytes: 0, devices: {} } }, shape: { demand: demand({ cpuMillis: 10, memoryBytes: 20 }) }, facts: { load: { ...noLoad, cpuMillis: 40, memoryBytes: 10 } } }, 0.4, "40% of the node would be in use."],
    ["warm", { by: "warm", weight: 1 }, { node: { warm: new Set(["a", "z"]) }, shape: { artifacts: ["a", "b", "c", "d"] } }, 0.25, "Has used 1 of 4 artifacts lately."],
    ["warm where no artifact is needed", { by: "warm", weight: 1 }, { node: { warm: new Set(["a"]) } }, 0, "Has used 0 of 0 artifacts lately."],
    ["balance", { by: "balance", weight: 1 }, { shape: { demand: demand({ cpuMillis: 200, memoryBytes: 100 }) }, facts: { load: { ...noLoad, cpuMillis: 300, memoryBytes: 0 } } }, 0.6, "50% of the CPU and 10% of the memory would be in use."],
    ["balance of a node without memory", { by: "balance", weight: 1 }, { node: { capacity: { cpuMillis: 1_000, memoryBytes: 0, diskBytes: 0, devices: {} } }, shape: { demand: demand({ cpuMillis: 200, memoryBytes: 0 }) } }, 0.2, "20% of the CPU and 100% of the memory would be in use."],
    ["balance of a node beyond what it has", { by: "balance", weight: 1 }, { shape: { demand: demand({ cpuMillis: 200, memoryBytes: 0 }) }, facts: { load: { ...noLoad, cpuMillis: 5_000 } } }, 0, "100% of the CPU and 0% of the memory would be in use."],
    ["fragmentation", { by: "fragmentation", weight: 1 }, { node: gpus, shape: { demand: gpu }, facts: { mix } }, -1, "0 of its accelerators lie idle where what is wanted can't use them, 1 with the unit."],
    ["fragmentation of what is wanted, unknown", { by: "fragmentation", weight: 1 }, { node: gpus, shape: { demand: gpu } }, 0, "0 of its accelerators lie idle where what is wanted can't use them, 0 with the unit."],
    ["fragmentation of a node without accelerators", { by: "fragmentation", weight: 1 }, { shape: { demand: demand() }, facts: { mix } }, 0, "0 of its accelerators lie idle where what is wanted can't use them, 0 with the unit."],
  ])("%s", (_what, preference, o, value, text) => expect(parts([preference], o)[0]).toEqual([expect.any(String), 1, value, text]));

  it("say room as what is left", () => expect(parts([], { facts: { load: { ...noLoad, cpuMillis: 500 } }, shape: { demand: demand({ cpuMillis: 0, memoryBytes: 0 }) } })[2]?.[3]).toBe("75% of the node would be left."));

  it("cost an hour what their parts do", () => {
    const s = { site: "fra", rates: rates({ egressGiB: 0.02 }) };
    expect([hourlyCost(gib, sent, s), hourlyCost(gib, undefined, s), hourlyCost(gib, sent, { ...s, rates: rates() })]).toEqual([0.54, 0.3, 0.3]);
  });
});

describe("sizes that shares are counted by", () => {
  // Guarantee: at least what is offered, at most a 64th more; nodes within one step are alike.
  it("are steps of a 64th of a doubling", () => {
    expect([-5, 0, 1, 127, 128, 129, 130, 256, 257, 260, 1_000, 1_024].map(sizeStep)).toEqual([0, 0, 1, 127, 128, 130, 130, 256, 260, 260, 1_000, 1_024]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 40 }), (offered) => {
        const size = sizeStep(offered);
        expect(size).toBeGreaterThanOrEqual(offered);
        expect(size).toBeLessThanOrEqual(offered * (1 + 1 / 64));
        expect(sizeStep(size)).toBe(size);
      }),
      { seed: 42, numRuns: 200 },
    );
  });

  it.each([
    [0, 100, 0], [50, 100, 250_000], [100, 100, 500_000], [150, 100, 500_000], [-10, 100, 0], [1, 0, 500_000],
  ])("%i of %i in use are so many millionths", (used, size, part) => expect(usedPart(used, size)).toBe(part));
  it.each([
    [0, 100, 0], [50, 100, 250_000], [150, 100, 750_000], [5, 0, 0],
  ])("%i of %i asked for are so many millionths", (asked, size, part) => expect(askedPart(asked, size)).toBe(part));
});
