import { describe, expect, it } from "vitest";
import { makeRoom, Packer, repairForMix, countedMix, waysOn } from "./index";
import type { GpuNode, GpuShape, RepairUnit, Running } from "./index";
import { node, shape } from "./testing";

const half = shape({ gpuMillis: 500 });
const on = (n: number, s: GpuShape, ...devices: number[]): Running => ({ node: n, devices, shape: s });

/** What the best move is, where nodes have these scores and a fill that says how much they are expected to carry yet. */
function room(nodes: GpuNode[], running: Running[], wanted: GpuShape, o: { scores?: number[]; fill?: (n: GpuNode) => number } = {}): string | null {
  const named = nodes.map((n, i) => ({ ...n, name: String(i) }));
  const packer = new Packer(named, (n, s) => {
    const [devices] = waysOn(n, s);
    return devices ? { score: o.scores?.[Number(n.name)] ?? 0, devices } : null;
  });
  const made = makeRoom(packer, (n) => running.filter((r) => r.node === n), wanted, o.fill ?? (() => 0));
  return made && `${running.indexOf(made.moved)} to ${made.to.node}.${made.to.devices.join("+")}, then ${made.at.node}.${made.at.devices.join("+")}`;
}

describe("the one move that makes room", () => {
  const two = [node({ free: [500] }), node({ free: [500] })];
  // Guarantee: the moved task has its place elsewhere before it leaves; half of what is expected, lost by both changes, is less than what the waiting task gets.
  it.each<[string, string | null, () => string | null]>([
    ["of equal moves the first", "0 to 1.0, then 0.0", () => room(two, [on(0, half, 0), on(1, half, 0)], shape())],
    ["where it goes best", "1 to 0.0, then 1.0", () => room(two, [on(0, half, 0), on(1, half, 0)], shape(), { scores: [-0.2, -0.4] })],
    ["none where nothing runs", null, () => room(two, [], shape())],
    ["none where what runs finds no other place", null, () => room([node({ free: [500] }), node({ free: [400] })], [on(0, half, 0)], shape())],
    ["none where it would not fit even then", null, () => room([node({ free: [400] }), node({ free: [500] })], [on(0, half, 0)], shape())],
    ["never back to its own node", null, () => room([node({ free: [500, 500] }), node({ free: [] })], [on(0, half, 0)], shape())],
    ["to the next best place where the best is its own node", "0 to 1.0, then 0.0", () => room([node({ free: [500, 600] }), node({ free: [500] })], [on(0, half, 0)], shape(), { scores: [0, -1] })],
    ["on a node of its model", "1 to 0.0, then 1.0", () => room([node({ free: [500], model: "B" }), node({ free: [500] })], [on(0, half, 0), on(1, half, 0)], shape({ models: ["A"] }))],
    ["for CPU alone", "0 to 1.0, then 0.0", () => room([node({ cpuMillis: 0, free: [1_000, 500] }), node({ cpuMillis: 1_000, free: [500] })], [on(0, half, 1)], shape())],
    ["none for too little CPU after it", null, () => room([node({ cpuMillis: 0, free: [1_000, 500] }), node({ cpuMillis: 1_000, free: [500] })], [on(0, half, 1)], shape({ cpuMillis: 1_001 }))],
    ["none for too little memory after it", null, () => room([node({ memoryBytes: 0, free: [1_000, 500] }), node({ free: [500] })], [on(0, half, 1)], shape({ memoryBytes: 2 }))],
    ["worth it: half of 1.9 devices lost for one", "0 to 1.0, then 0.0", () => room(two, [on(0, half, 0)], shape(), { scores: [-1.9, -1.9] })],
    ["not worth it: half of two devices lost for one", null, () => room(two, [on(0, half, 0)], shape(), { scores: [-2, -2] })],
    ["two devices are worth twice as much", "0 to 1.0, then 0.0+1", () => room([node({ free: [500, 1_000] }), node({ free: [500] })], [on(0, half, 0)], shape({ gpus: 2 }), { scores: [-3.9, -3.9] })],
    ["what its own node is expected to carry counts too", "1 to 2.0, then 1.0", () => room([...two, node({ free: [500] })], [on(0, half, 0), on(1, half, 0)], shape(), { fill: (n) => (n.name === "0" && n.free[0] === 500 ? 1 : 0), scores: [-1, 0, 0] })],
    ["the device of a share that leaves most", "0 to 1.0, then 0.1", () => room([node({ free: [100, 700] }), node({ free: [900] })], [on(0, shape({ gpuMillis: 900 }), 0)], shape({ gpuMillis: 600, models: null }), { fill: (n) => (n.free[0] === 1_000 ? 1 : 0) })],
  ])("%s", (_what, expected, found) => expect(found()).toBe(expected));
});

describe("a fleet that tasks are put on", () => {
  const byName = (n: GpuNode, s: GpuShape) => (waysOn(n, s)[0] ? { score: Number(n.name), devices: waysOn(n, s)[0] ?? [] } : null);
  const nodes = [node({ name: "1" }), node({ name: "3", free: [1_000] }), node({ name: "3", free: [1_000] }), node({ name: "2" })];

  it("has the first node with the greatest score, but for one", () => {
    const packer = new Packer(nodes, byName);
    expect([packer.find(shape()), packer.find(shape(), 1), packer.find(shape({ gpus: 2 })), packer.find(shape({ gpus: 3 }))]).toEqual([{ node: 1, devices: [0], score: 3 }, { node: 2, devices: [0], score: 3 }, { node: 3, devices: [0, 1], score: 2 }, null]);
    packer.take({ node: 1, devices: [0] }, shape());
    expect([packer.find(shape())?.node, packer.nodes[1]?.free, nodes[1]?.free]).toEqual([2, [0], [1_000]]);
    packer.release({ node: 1, devices: [0] }, shape());
    expect(packer.find(shape())?.node).toBe(1);
    expect(() => packer.take({ node: 9, devices: [0] }, shape())).toThrow("no node 9 in a fleet of 4");
  });

  // Guarantee: shapes that differ in anything but who asks are told apart.
  it("tells shapes apart by CPU, memory, devices, shares and models", () => {
    const packer = new Packer([node({ name: "1", cpuMillis: 2_000, memoryBytes: 2, free: [1_000, 500] })], byName);
    const asked = [shape(), shape({ cpuMillis: 3_000 }), shape({ memoryBytes: 3 }), shape({ gpus: 2 }), shape({ gpus: 2, gpuMillis: 500 }), shape({ models: ["B"] }), shape({ models: ["A"] }), shape({ models: ["A", "B"] })];
    expect(asked.map((s) => packer.find(s) !== null)).toEqual([true, false, false, false, true, false, true, true]);
  });

  it("takes a price of the fleet off the score, and tells it of every change", () => {
    const told: string[] = [];
    const packer = new Packer(nodes, byName, { of: (n) => (n.name === "3" ? 2.5 : 0), changed: (before, now) => void told.push(`${before.name}: ${before.free.join()} to ${now.free.join()}`) });
    expect(packer.find(shape())).toEqual({ node: 3, devices: [0], score: 2 });
    packer.take({ node: 3, devices: [0] }, shape());
    packer.release({ node: 3, devices: [0] }, shape());
    expect(told).toEqual(["2: 1000,1000 to 0,1000", "2: 0,1000 to 1000,1000"]);
  });
});

describe("a plan for the mix", () => {
  const mix = countedMix([{ shape: shape({ cpuMillis: 0 }), count: 1 }]);
  const unit = (id: string, at: number, o: Partial<GpuShape> = {}): RepairUnit => ({ id, node: at, devices: [0], shape: shape({ gpuMillis: 500, cpuMillis: 0, memoryBytes: 0, ...o }), warmStartSeconds: 1, movable: true, budget: id });
  const target = (nodes: Partial<GpuNode>[], units: RepairUnit[]) => repairForMix({ nodes: nodes.map((n, i) => node({ name: `n${i}`, free: [500], ...n })), units }, mix, { moves: 1, seconds: 9 }).moves.map((m) => `${m.unit} to ${m.to.node}`);

  // Guarantee: of nodes that are alike one with room is found, whichever of them lack memory, and however many the unit's own is among.
  it("finds the node that has memory among those that look alike", () => {
    const poor = { memoryBytes: 1 };
    expect(target([{}, poor, poor, {}], [unit("a", 0, { memoryBytes: 2 })])).toEqual(["a to 3"]);
    expect(target([{}, poor, poor, { memoryBytes: 2 }], [unit("a", 0, { memoryBytes: 2 })])).toEqual(["a to 3"]);
    expect(target([{}, {}], [unit("a", 1)])).toEqual(["a to 0"]);
    expect(target([{}, poor, poor, poor], [unit("a", 0, { memoryBytes: 2 })])).toEqual([]);
  });

  it("tells units apart by what they ask for", () => {
    expect(target([{}, { memoryBytes: 1, cpuMillis: 1 }], [unit("a", 0, { memoryBytes: 2 }), unit("b", 0, { cpuMillis: 2 }), unit("c", 0, { models: ["B"] }), unit("d", 0)])).toEqual(["d to 1"]);
  });
});
