import { describe, expect, it } from "vitest";
import { demand } from "../testing";
import { backfill } from "./backfill";
import type { BackfillNode, QueuedJob, RunningTask } from "./backfill";

const NOW = 1_000;
const cpu = (cpuMillis: number) => demand({ cpuMillis, memoryBytes: 1, diskBytes: 1 });
const nodes: BackfillNode[] = ["a", "b"].map((id) => ({ id, capacity: { cpuMillis: 100, memoryBytes: 100, diskBytes: 100, devices: {} } }));
const job = (id: string, cpuMillis: number, units: number, maxMs: number, o: Partial<QueuedJob> = {}): QueuedJob => ({ id, demand: cpu(cpuMillis), units, takes: { minMs: maxMs, maxMs }, nodes: new Set(["a", "b"]), ...o });
/** Runs on a node and ends within a range after now. */
const task = (nodeId: string, cpuMillis: number, maxMs: number, minMs = maxMs): RunningTask => ({ nodeId, demand: cpu(cpuMillis), endsMs: { minMs: NOW + minMs, maxMs: NOW + maxMs } });
const starts = (running: RunningTask[], queue: QueuedJob[], on = nodes) => backfill(NOW, on, running, queue).map((r) => `${r.id} ${r.earliestMs === null ? "-" : r.earliestMs - NOW}..${r.startMs === null ? "-" : r.startMs - NOW} ${r.nodes.join("")}`);

// Guarantee: a start is the earliest at which the job fits beside what runs and beside all reservations before it, for as long as it lasts.
describe("when jobs start", () => {
  it.each<[string, RunningTask[], QueuedJob[], string[]]>([
    ["at once where there is room", [], [job("x", 60, 1, 10)], ["x 0..0 a"]],
    ["side by side on one node, then on the next", [], [job("x", 40, 3, 10)], ["x 0..0 aab"]],
    ["only on nodes that may take it", [], [job("x", 60, 1, 10, { nodes: new Set(["b", "gone"]) })], ["x 0..0 b"]],
    ["never where too few may", [], [job("x", 60, 2, 10, { nodes: new Set(["b"]) })], ["x -..- "]],
    ["when what is in the way has ended, by its longest and by its shortest", [task("a", 60, 30, 5), task("b", 60, 40, 20)], [job("x", 60, 2, 10)], ["x 20..40 ab"]],
    ["after what should have ended already, which still runs", [task("a", 100, -5), task("b", 100, 50)], [job("x", 60, 1, 10)], ["x 1..1 a"]],
    ["the moment another ends", [task("a", 60, 30)], [job("x", 100, 1, 10, { nodes: new Set(["a"]) }), job("y", 60, 1, 30, { nodes: new Set(["a"]) })], ["x 30..30 a", "y 40..40 a"]],
    ["before a reservation, if it is over by then", [task("a", 60, 30)], [job("x", 100, 1, 10, { nodes: new Set(["a"]) }), job("y", 40, 1, 30, { nodes: new Set(["a"]) })], ["x 30..30 a", "y 0..0 a"]],
    ["not a moment longer", [task("a", 60, 30)], [job("x", 100, 1, 10, { nodes: new Set(["a"]) }), job("y", 40, 1, 31, { nodes: new Set(["a"]) })], ["x 30..30 a", "y 40..40 a"]],
    ["beside two that follow each other", [], [job("x", 60, 1, 10, { nodes: new Set(["a"]) }), job("y", 60, 1, 10, { nodes: new Set(["a"]) }), job("z", 40, 1, 20, { nodes: new Set(["a"]) })], ["x 0..0 a", "y 10..10 a", "z 0..0 a"]],
    ["not beside what begins while it lasts", [task("a", 50, 10)], [job("x", 80, 1, 10, { nodes: new Set(["a"]) }), job("y", 50, 1, 15, { nodes: new Set(["a"]) })], ["x 10..10 a", "y 20..20 a"]],
    ["nobody knows when, behind what never ends", [task("a", 60, Infinity), task("b", 60, Infinity)], [job("x", 60, 1, 10), job("y", 40, 1, 10)], ["x -..- ", "y 0..0 a"]],
    ["at the earliest, where only the latest can't be told", [task("a", 60, Infinity, 10), task("b", 60, Infinity)], [job("x", 60, 1, 10)], ["x 10..- "]],
    ["what runs elsewhere is nothing to it", [task("elsewhere", 100, 10)], [job("x", 100, 2, 10)], ["x 0..0 ab"]],
  ])("%s", (_what, running, queue, expected) => expect(starts(running, queue)).toEqual(expected));

  it("takes off what is not known to end", () => {
    const stays = { cpuMillis: 70, memoryBytes: 0, diskBytes: 0, devices: {} };
    expect(starts([], [job("x", 40, 1, 10)], nodes.map((n) => (n.id === "a" ? { ...n, stays } : n)))).toEqual(["x 0..0 b"]);
    expect(starts([task("b", 70, 5)], [job("x", 40, 1, 10)], nodes.map((n) => (n.id === "a" ? { ...n, stays } : n)))).toEqual(["x 5..5 b"]);
  });

  it("gives a range that never turns round", () => {
    // With the shortest times the second job is packed before the first, and the third behind both.
    for (const r of backfill(NOW, nodes, [task("a", 60, 40, 1), task("b", 60, 30, 20)], [job("x", 60, 2, 50, { takes: { minMs: 1, maxMs: 50 } }), job("y", 100, 1, 60, { takes: { minMs: 55, maxMs: 60 } }), job("z", 60, 1, 20)])) expect(r.earliestMs).toBeLessThanOrEqual(r.startMs as number);
  });
});
