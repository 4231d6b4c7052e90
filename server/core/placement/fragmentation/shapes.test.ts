/** What fragmentation sees of tasks, nodes and what is wanted: each rule in a table. */
import { describe, expect, it } from "vitest";
import { noLoad } from "../demand";
import type { Demand, Load } from "../demand";
import { demand, shape as shapeOf } from "../testing";
import { wantedMix, weighsWaste } from "../wanted";
import { stateKey } from "./gpu";
import { countedMix, gpuNodesOf, gpuShapeOf, isShare, mixOf, waysOn } from "./index";
import type { GpuNode, GpuShape } from "./index";
import { node, shape } from "./testing";

const load = (o: Partial<Load>): Load => ({ ...noLoad, ...o });
const nodeWith = (devices: Record<string, number>, o: Partial<Load> = {}) => gpuNodesOf({ name: "n", capacity: { cpuMillis: 8_000, memoryBytes: 64, diskBytes: 1, devices }, load: load({ cpuMillis: 1_000, memoryBytes: 4, ...o }) });

describe("a node as fragmentation sees it", () => {
  // Guarantee: whole devices that are taken give nothing, opened ones what is left of them, and what named no model counts against the first.
  it.each<[string, Record<string, number>, Partial<Load>, Record<string, number[]>]>([
    ["no devices", {}, {}, {}],
    ["idle ones", { A: 2, B: 1 }, {}, { A: [1_000, 1_000], B: [1_000] }],
    ["one taken whole", { A: 3 }, { devices: { A: 1 } }, { A: [1_000, 1_000, 0] }],
    ["all taken", { A: 2 }, { devices: { A: 2 } }, { A: [0, 0] }],
    ["one taken of any model: the first's", { A: 2, B: 2 }, { devices: { "": 1, B: 1 } }, { A: [1_000, 0], B: [1_000, 0] }],
    ["one opened", { A: 3 }, { devices: { A: 1 }, shared: [{ slot: 1, model: "A", millis: 300 }] }, { A: [1_000, 1_000, 700] }],
    ["two opened and one taken whole", { A: 4 }, { devices: { A: 3 }, shared: [{ slot: 1, model: "A", millis: 300 }, { slot: 2, model: "A", millis: 900 }] }, { A: [1_000, 700, 100, 0] }],
    ["opened for any model: the first's", { A: 1, B: 1 }, { devices: { "": 1 }, shared: [{ slot: 1, model: "", millis: 400 }] }, { A: [600], B: [1_000] }],
    ["opened for each model", { A: 1, B: 2 }, { devices: { A: 1, B: 1 }, shared: [{ slot: 1, model: "A", millis: 400 }, { slot: 2, model: "B", millis: 100 }] }, { A: [600], B: [1_000, 900] }],
    ["opened and given out beyond what it has", { A: 1 }, { devices: { A: 1 }, shared: [{ slot: 1, model: "A", millis: 1_200 }] }, { A: [0] }],
    ["more taken than there are", { A: 2 }, { devices: { A: 3 }, shared: [{ slot: 1, model: "A", millis: 400 }] }, { A: [600, 0] }],
  ])("%s", (_what, devices, taken, expected) => {
    const found = nodeWith(devices, taken);
    expect(Object.fromEntries(found.map((n) => [n.model, n.free]))).toEqual(expected);
    for (const n of found) expect([n.name, n.cpuMillis, n.memoryBytes]).toEqual(["n", 7_000, 60]);
  });
});

describe("a task as fragmentation sees it", () => {
  it.each<[string, Demand["devices"], Partial<GpuShape>]>([
    ["without devices", null, { gpus: 0, gpuMillis: 0, models: null }],
    ["with whole ones of any model", { count: 2, model: null }, { gpus: 2, gpuMillis: 1_000, models: null }],
    ["with a share of one model", { count: 1, model: "A", shareMillis: 250 }, { gpus: 1, gpuMillis: 250, models: ["A"] }],
  ])("%s", (_what, devices, expected) => expect(gpuShapeOf(demand({ cpuMillis: 700, memoryBytes: 9, devices }))).toEqual({ cpuMillis: 700, memoryBytes: 9, ...expected }));

  // Guarantee: which device matters for a share alone; levels that are equal count once; whole ones take the first that have room.
  it.each<[string, Partial<GpuNode>, Partial<GpuShape>, number[][]]>([
    ["a share: each level once", { free: [300, 700, 700, 1_000] }, { gpuMillis: 300 }, [[0], [1], [3]]],
    ["a share: not where too little is left", { free: [299, 700] }, { gpuMillis: 300 }, [[1]]],
    ["whole ones: the first that are whole", { free: [900, 1_000, 1_000, 1_000] }, { gpus: 2 }, [[1, 2]]],
    ["one whole device: the first", { free: [1_000, 1_000] }, {}, [[0]]],
    ["halves of two devices", { free: [400, 500, 900] }, { gpus: 2, gpuMillis: 500 }, [[1, 2]]],
    ["no device asked for", { free: [] }, { gpus: 0, gpuMillis: 0 }, [[]]],
    ["no device asked for, whatever models it names", { model: "A" }, { gpus: 0, gpuMillis: 0, models: ["B"] }, [[]]],
    ["one device too few", { free: [1_000, 999] }, { gpus: 2 }, []],
    ["another model", { model: "B" }, { models: ["A"] }, []],
    ["one of several models", { model: "B", free: [1_000] }, { models: ["A", "B"] }, [[0]]],
    ["exactly enough CPU and memory", { cpuMillis: 1_000, memoryBytes: 1, free: [1_000] }, {}, [[0]]],
    ["too little CPU", { cpuMillis: 999 }, {}, []],
    ["too little memory", { memoryBytes: 0 }, {}, []],
  ])("can be put on a node in so many ways: %s", (_what, n, s, expected) => {
    expect(waysOn(node(n), shape(s))).toEqual(expected);
    expect(isShare(shape(s))).toBe((s.gpus ?? 1) === 1 && (s.gpuMillis ?? 1_000) < 1_000);
  });

  // Guarantee: nodes are in one state exactly if model, free CPU and levels are the same, in whatever order.
  it("is worth the same on nodes in one state", () => {
    const key = stateKey("A", 1_000, [300, 1_000, 0]);
    expect(stateKey("A", 1_000, [1_000, 0, 300])).toBe(key);
    const others = [stateKey("B", 1_000, [300, 1_000, 0]), stateKey("A", 2_000, [300, 1_000, 0]), stateKey("A", 1_000, [300, 1_000, 100]), stateKey("A", 1_000, [300, 1_000]), stateKey("A", 1_000, [300]), stateKey("A", 1_000, [1_000]), stateKey("A", 1_000, [])];
    expect(new Set([key, ...others]).size).toBe(others.length + 1);
  });
});

describe("the mix that is wanted", () => {
  const sharesOf = (tasks: { shape: GpuShape; count: number }[], keep?: number) => countedMix(tasks, keep).entries.map((e) => [e.shape, Number(e.share.toFixed(4))]);
  const [half, one, two, plain] = [shape({ gpuMillis: 500 }), shape(), shape({ gpus: 2 }), shape({ gpus: 0, gpuMillis: 0 })];

  // Guarantee: the most frequent first; of equal counts the greater demand first: CPU, then thousandths of a device, then devices, then models.
  it.each<[string, { shape: GpuShape; count: number }[], number | undefined, [GpuShape, number][]]>([
    ["by falling count", [{ shape: half, count: 1 }, { shape: one, count: 3 }, { shape: plain, count: 2 }], 1, [[one, 0.5], [plain, 0.3333], [half, 0.1667]]],
    ["counts of one shape together", [{ shape: half, count: 1 }, { shape: one, count: 2 }, { shape: half, count: 3 }], 1, [[half, 0.6667], [one, 0.3333]]],
    ["shapes that differ in memory alone are one, of the memory asked for first", [{ shape: one, count: 1 }, { shape: { ...one, memoryBytes: 7 }, count: 1 }], 1, [[one, 1]]],
    ["shapes that differ in CPU, share, count or models are others", [{ shape: one, count: 5 }, { shape: two, count: 4 }, { shape: half, count: 3 }, { shape: { ...one, models: ["A"] }, count: 2 }, { shape: { ...one, models: ["A", "B"] }, count: 1 }], 1, [[one, 0.3333], [two, 0.2667], [half, 0.2], [{ ...one, models: ["A"] }, 0.1333], [{ ...one, models: ["A", "B"] }, 0.0667]]],
    ["until 95% are kept", [{ shape: one, count: 95 }, { shape: half, count: 5 }], undefined, [[one, 1]]],
    ["what reaches beyond 95% is kept whole", [{ shape: one, count: 94 }, { shape: half, count: 6 }], undefined, [[one, 0.94], [half, 0.06]]],
    ["of equal counts the greater CPU first", [{ shape: one, count: 1 }, { shape: { ...plain, cpuMillis: 2_000 }, count: 1 }], 1, [[{ ...plain, cpuMillis: 2_000 }, 0.5], [one, 0.5]]],
    ["then the greater part of a device", [{ shape: half, count: 1 }, { shape: one, count: 1 }, { shape: plain, count: 1 }], 1, [[one, 0.3333], [half, 0.3333], [plain, 0.3333]]],
    ["then more devices", [{ shape: one, count: 1 }, { shape: two, count: 1 }], 1, [[two, 0.5], [one, 0.5]]],
    ["then the models", [{ shape: one, count: 1 }, { shape: { ...one, models: ["A"] }, count: 1 }, { shape: { ...one, models: ["B"] }, count: 1 }], 1, [[{ ...one, models: ["B"] }, 0.3333], [{ ...one, models: ["A"] }, 0.3333], [one, 0.3333]]],
    ["of nothing", [], undefined, []],
  ])("is %s", (_what, tasks, keep, expected) => {
    expect(sharesOf(tasks, keep)).toEqual(expected);
    expect(sharesOf([...tasks].reverse(), keep).map(([s]) => ({ ...(s as GpuShape), memoryBytes: 0 }))).toEqual(expected.map(([s]) => ({ ...s, memoryBytes: 0 })));
  });

  it("counts each task that was seen once", () => expect(mixOf([one, half, one], 1).entries.map((e) => e.share)).toEqual([2 / 3, 1 / 3]));

  // Guarantee: each workload counts with as many units as are wanted, whether they run or not; one that is removed, waits for a revision or wants none does not.
  it("is of the workloads that are wanted", () => {
    const of = (o: { removed?: boolean; replicas?: number; count?: number | null }) => ({ removed: o.removed ?? false, replicas: o.replicas ?? 1, askShape: o.count === null ? null : { demand: demand({ devices: { count: o.count ?? 1, model: "A" } }) } });
    const mix = wantedMix([of({ replicas: 3 }), of({ count: 2 }), of({ removed: true, count: 3 }), of({ replicas: 0, count: 4 }), of({ count: null })]);
    expect(mix.entries.map((e) => [e.shape.gpus, e.shape.models, e.share])).toEqual([[1, ["A"], 0.75], [2, ["A"], 0.25]]);
    expect(wantedMix([of({ replicas: 0 })]).entries).toEqual([]);
  });

  it("is needed where a policy prefers little fragmentation", () => {
    expect([null, shapeOf(), shapeOf({ prefer: [{ by: "pack", weight: 1 }] }), shapeOf({ prefer: [{ by: "pack", weight: 1 }, { by: "fragmentation", weight: 1 }] })].map(weighsWaste)).toEqual([false, false, false, true]);
  });
});
