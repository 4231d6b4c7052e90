import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { after, bestFitScore, deltaOf, fgdScore, fillEstimate, fillScore, fitsOn, fragmentFor, fragmentationBy, fragmentationOf, gpuMillisOf, headroomPrice, idleOf, makeRoom, mixOf, Packer, waysOn } from "./index";
import type { GpuNode, GpuShape, NodeScore, Running } from "./index";
import { anyNode, anyShape, node, shape } from "./testing";

const anyFleet = fc.array(anyNode(), { minLength: 1, maxLength: 6 }).map((nodes) => nodes.map((n, i) => ({ ...n, name: `n${i}` })));
const anyTasks = fc.array(anyShape, { minLength: 1, maxLength: 30 });

describe("the fragmentation measure", () => {
  const share = shape({ gpuMillis: 500 });
  // Guarantee: F_n(m) is all that is idle when the task can't run there, else what lies on devices with too little left.
  it.each<[string, GpuNode, GpuShape, number]>([
    ["a share: the device with 300 left is of no use", node({ free: [300, 600, 1_000] }), share, 300],
    ["a whole device: what is left in parts is of no use", node({ free: [300, 600, 1_000] }), shape(), 900],
    ["more devices than are whole: all of it", node({ free: [300, 1_000] }), shape({ gpus: 2 }), 1_300],
    ["too little CPU: all of it", node({ cpuMillis: 500, free: [1_000] }), share, 1_000],
    ["another model: all of it", node({ free: [1_000] }), shape({ models: ["B"] }), 1_000],
    ["no GPU asked: all of it", node({ free: [400, 1_000] }), shape({ gpus: 0, gpuMillis: 0 }), 1_400],
    ["too little memory: plays no part", node({ memoryBytes: 0, free: [1_000] }), share, 0],
  ])("%s", (_what, n, s, expected) => expect(fragmentFor(n, s)).toBe(expected));

  // Guarantee: 0 <= F_n(M) <= what is idle, and the sum by group is the sum over its nodes.
  it("lies between nothing and all that is idle, and adds up by group", () => {
    fc.assert(
      fc.property(anyFleet, anyTasks, (nodes, tasks) => {
        const mix = mixOf(tasks);
        for (const n of nodes) {
          const f = fragmentationOf(n, mix);
          expect(f).toBeGreaterThanOrEqual(0);
          expect(f).toBeLessThanOrEqual(idleOf(n) + 1e-9);
        }
        const groups = fragmentationBy(nodes, mix, (n) => n.model);
        expect(groups.reduce((s, g) => s + g.fragmented, 0)).toBeCloseTo(nodes.reduce((s, n) => s + fragmentationOf(n, mix), 0), 6);
        expect(groups.reduce((s, g) => s + g.nodes, 0)).toBe(nodes.length);
      }),
      { seed: 11, numRuns: 200 },
    );
  });

  // Guarantee: the difference that is found for a task is that of measuring before and after from scratch, and the least.
  it("differs by what measuring anew finds", () => {
    fc.assert(
      fc.property(anyNode(), anyShape, anyTasks, (n, s, tasks) => {
        const mix = mixOf(tasks);
        const found = deltaOf(n, s, mix);
        expect(found !== null).toBe(fitsOn(n, s));
        if (!found) return;
        const all = waysOn(n, s).map((devices) => fragmentationOf(after(n, s, devices), mix) - fragmentationOf(n, mix));
        expect(found.delta).toBeCloseTo(Math.min(...all), 9);
        expect(fragmentationOf(after(n, s, found.devices), mix) - fragmentationOf(n, mix)).toBeCloseTo(found.delta, 9);
      }),
      { seed: 12, numRuns: 300 },
    );
  });

  // Guarantee: the mix keeps the most frequent shapes up to 95% of the tasks, with shares that sum to 1.
  it("takes its mix from what was asked", () => {
    const mix = mixOf([...Array.from({ length: 19 }, () => shape()), shape({ gpuMillis: 300 })]);
    expect(mix.entries.map((e) => [e.shape.gpuMillis, e.share])).toEqual([[1_000, 1]]);
    fc.assert(
      fc.property(anyTasks, (tasks) => {
        const { entries } = mixOf(tasks);
        expect(entries.reduce((s, e) => s + e.share, 0)).toBeCloseTo(1, 9);
        for (let i = 1; i < entries.length; i++) expect(entries[i]!.share).toBeLessThanOrEqual(entries[i - 1]!.share);
      }),
      { seed: 13, numRuns: 100 },
    );
  });
});

const scores: [string, (nodes: readonly GpuNode[], tasks: readonly GpuShape[]) => NodeScore][] = [
  ["FGD", (_nodes, tasks) => fgdScore(mixOf(tasks))],
  ["BestFit", () => bestFitScore],
  ["expected fill", (nodes, tasks) => fillScore(fillEstimate(mixOf(tasks), nodes, { sequences: 4, offers: 12 }))],
];

describe.each(scores)("packing by %s", (_name, make) => {
  // Guarantee: no dimension is over-committed, what fits is placed, and what is remembered gives what looking anew gives.
  it("never over-commits, never refuses what fits, and remembers right", () => {
    fc.assert(
      fc.property(anyFleet, anyTasks, (nodes, tasks) => {
        const score = make(nodes, tasks);
        const price = () => headroomPrice(nodes, mixOf(tasks));
        const packer = new Packer(nodes, score, price());
        const placed: { at: { node: number; devices: readonly number[] }; shape: GpuShape }[] = [];
        tasks.forEach((task, i) => {
          const at = packer.find(task);
          const fresh = priced(new Packer(packer.nodes, score, headroomPrice(packer.nodes, mixOf(tasks))), task);
          expect(at && { node: at.node, devices: at.devices }).toEqual(fresh && { node: fresh.node, devices: fresh.devices });
          expect(at !== null).toBe(packer.nodes.some((n) => fitsOn(n, task)));
          if (!at) return;
          expect(at.devices).toHaveLength(task.gpus);
          packer.take(at, task);
          placed.push({ at, shape: task });
          if (i % 7 === 6) {
            const gone = placed.shift();
            if (gone) packer.release(gone.at, gone.shape);
          }
          for (const n of packer.nodes) expect(Math.min(n.cpuMillis, n.memoryBytes, ...n.free)).toBeGreaterThanOrEqual(0);
        });
        const held = placed.reduce((s, p) => s + gpuMillisOf(p.shape), 0);
        const idle = (of: readonly GpuNode[]) => of.reduce((s, n) => s + idleOf(n), 0);
        expect(idle(packer.nodes) + held).toBe(idle(nodes));
      }),
      { seed: 14, numRuns: 60 },
    );
  });
});

const priced = (packer: Packer, task: GpuShape) => packer.find(task);

describe("expected fill", () => {
  // Guarantee: it never exceeds the devices that are idle and the worth of the free cores, whatever the order of devices.
  it("is at most what is idle, whatever the order of devices", () => {
    fc.assert(
      fc.property(anyNode(), anyTasks, (n, tasks) => {
        const fill = fillEstimate(mixOf(tasks), [n], { sequences: 4, offers: 12 });
        expect(fill(n)).toBeLessThanOrEqual(idleOf(n) / 1_000 + (0.03 * n.cpuMillis) / 1_000 + 1e-9);
        expect(fillEstimate(mixOf(tasks), [n], { sequences: 4, offers: 12 })({ ...n, free: [...n.free].reverse() })).toBe(fill(n));
      }),
      { seed: 15, numRuns: 200 },
    );
  });

  // Guarantee: a share goes where it completes a device rather than where it spoils a whole one.
  it("keeps whole devices whole", () => {
    const half = shape({ gpuMillis: 500 });
    const nodes = [node({ free: [1_000, 1_000] }), node({ free: [500, 1_000] })];
    const packer = new Packer(nodes, fillScore(fillEstimate(mixOf([half, ...Array.from({ length: 9 }, () => shape())], 1), nodes)));
    expect(packer.find(half)).toMatchObject({ node: 1, devices: [0] });
  });

  // Guarantee: of two nodes with equal devices, a task without GPU goes where it strands none.
  it("puts tasks without GPU where they strand no device", () => {
    const plain = shape({ gpus: 0, gpuMillis: 0, cpuMillis: 4_000 });
    const nodes = [node({ cpuMillis: 4_000 }), node({ cpuMillis: 64_000 })];
    const packer = new Packer(nodes, fillScore(fillEstimate(mixOf([plain, shape()]), nodes)));
    expect(packer.find(plain)?.node).toBe(1);
  });
});

describe("room by one move", () => {
  // Guarantee: the move that is found is possible as it stands, and the waiting task fits after it.
  it("makes a whole device out of two halves", () => {
    const half = shape({ gpuMillis: 500 });
    const nodes = [node({ free: [500], cpuMillis: 8_000 }), node({ free: [500], cpuMillis: 8_000 })];
    const running: Running[][] = [[{ node: 0, devices: [0], shape: half }], [{ node: 1, devices: [0], shape: half }]];
    const fill = fillEstimate(mixOf([half, shape()]), nodes);
    const packer = new Packer(nodes, fillScore(fill));
    expect(packer.find(shape())).toBeNull();
    const made = makeRoom(packer, (n) => running[n] ?? [], shape(), fill);
    expect(made).not.toBeNull();
    if (!made) return;
    packer.take(made.to, made.moved.shape);
    packer.release(made.moved, made.moved.shape);
    packer.take(made.at, shape());
    expect(packer.nodes.map((n) => n.free)).toEqual([[0], [0]]);
  });
});
