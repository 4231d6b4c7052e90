import { describe, expect, it } from "vitest";
import { noLoad, withDemand } from "../demand";
import type { FleetNode } from "../fleet";
import { demand, nodeOf, shape } from "../testing";
import type { OwnUnit } from "../workload-plan";
import { whatIf } from "./compare";
import type { WhatIfWorld } from "./compare";

const NOW = 1_000_000;
const one = demand({ cpuMillis: 500, memoryBytes: 0, diskBytes: 0 });
const goal = { generation: 1, digest: "d", templateDigest: "t", shape: shape({ demand: one }) };
const dear = { currency: "EUR", cpuHour: 2, memoryGiBHour: 0 };

/** One workload with a unit on each of these nodes; two units fit on a node. */
function world(nodes: [string, Partial<FleetNode>?][], on: string[], o: { replicas?: number; links?: WhatIfWorld["links"] } = {}): WhatIfWorld {
  const made = new Map(nodes.map(([name, n]) => [name, nodeOf({ name, site: name, lastSeenMs: NOW, load: on.filter((x) => x === name).reduce((l) => withDemand(l, one), noLoad), ...n })]));
  const units = on.map((at, i): OwnUnit => ({ assignmentId: `w@${i}`, version: 1, unit: `w-${i + 1}`, ordinal: i + 1, node: made.get(at) ?? nodeOf({ name: at, site: at, desiredState: "decommissioned" }), generation: 1, desired: "run", updatedAtMs: 0, nodeObservedAtMs: NOW, nodeApplied: true, observed: { generation: 1, phase: "running", health: "healthy", restarts: 0, exitCode: null, message: "", sinceMs: 0 } }));
  const snapshot = { nowMs: NOW, workloadId: "w", name: "w", kind: "service" as const, removed: false, replicas: o.replicas ?? on.length, lostAfterMs: null, goal, revisions: new Map([[1, goal]]), rolloutOpen: false, askShape: goal.shape, units, completed: new Set<number>(), fleet: null, others: null };
  return { nowMs: NOW, nodes: [...made.values()], workloads: [{ snapshot, quota: null, maxUnavailable: null }], held: [], quotas: [], sites: ["a", "b", "c"], links: o.links ?? [{ siteA: "a", siteB: "b", latencyMs: 10 }, { siteA: "b", siteB: "c", latencyMs: 20 }] };
}
const told = (before: WhatIfWorld, after: WhatIfWorld, due = ["w"]) => {
  const { after: _, ...found } = whatIf(before, after, due);
  return found;
};
const same = { moves: [], added: [], gone: [], evicted: [], impossible: [], stays: [], updates: [], latency: [] };

// Guarantee (13): what a change would do is told unit by unit, with the reason; what it leaves alone is not mentioned.
describe("what if", () => {
  it("nothing changes: nothing happens", () => expect(told(world([["a"], ["b"]], ["a"]), world([["a"], ["b"]], ["a"]))).toMatchObject({ ...same, units: { before: 1, after: 1 } }));

  it("a node is drained: its units move, and clients are farther away", () => {
    const found = told(world([["a", { rates: dear }], ["b"]], ["a"]), world([["a", { rates: dear, desiredState: "draining" }], ["b"]], ["a"]));
    expect(found).toMatchObject({ ...same, moves: [{ workload: "w", unit: "w-1", becomes: "w-2", from: "a", to: "b", because: "a is being drained." }], cost: [{ currency: "EUR", before: 1, after: 0 }], latency: [{ workload: "w", beforeMs: 13.333, afterMs: 10, unreachedBefore: 0, unreachedAfter: 0 }] });
  });
  it("a node is drained and no other has room: its units stay, and say why", () => {
    const found = told(world([["a"]], ["a"]), world([["a", { desiredState: "draining" }]], ["a"]));
    expect(found).toMatchObject({ moves: [], stays: [{ workload: "w", unit: "w-1", node: "a" }], impossible: [{ unit: "w-2" }], units: { before: 1, after: 1 } });
  });
  it("a node is lost: its units are placed elsewhere because of that", () => {
    const before = world([["a"], ["b"]], ["a", "b"]);
    const after = world([["b"]], ["b"], { replicas: 2 });
    const found = told(before, { ...after, workloads: after.workloads.map((w) => ({ ...w, snapshot: { ...w.snapshot, units: before.workloads[0]?.snapshot.units.slice(1).map((u) => ({ ...u, node: after.nodes[0] as FleetNode })) ?? [] } })) });
    expect(found).toMatchObject({ moves: [{ unit: "w-1", from: "a", to: "b", because: "a is lost." }], gone: [], units: { before: 2, after: 2 } });
  });
  it("more or fewer are asked for", () => {
    expect(told(world([["a"], ["b"]], ["a"]), world([["a"], ["b"]], ["a"], { replicas: 2 }))).toMatchObject({ ...same, added: [{ workload: "w", unit: "w-2" }], latency: expect.anything() as unknown, units: { before: 1, after: 2 } });
    expect(told(world([["a"]], ["a", "a"]), world([["a"]], ["a", "a"], { replicas: 1 }))).toMatchObject({ ...same, gone: [{ workload: "w", unit: "w-2", from: "a", because: "1 unit asked for." }], units: { before: 2, after: 1 } });
    expect(told(world([["a"]], ["a", "a"]), world([["a"]], ["a", "a"], { replicas: 3 }))).toMatchObject({ impossible: [{ workload: "w", unit: "w-3" }] });
  });
  it("a link is cut: nothing moves, and clients wait longer or in vain", () => {
    const found = told(world([["a"]], ["a"]), world([["a"]], ["a"], { links: [{ siteA: "a", siteB: "b", latencyMs: 10 }] }));
    expect(found).toMatchObject({ ...same, latency: [{ workload: "w", beforeMs: 13.333, afterMs: 5, unreachedBefore: 0, unreachedAfter: 1 }] });
  });
  it("a price changes: the cost is told in each currency, by name", () => {
    const dollars = { ...dear, currency: "USD" };
    expect(told(world([["a"], ["b", { rates: dollars }]], ["a", "b"]), world([["a", { rates: dear }], ["b", { rates: { ...dollars, cpuHour: 4 } }]], ["a", "b"])).cost).toEqual([{ currency: "EUR", before: 0, after: 1 }, { currency: "USD", before: 1, after: 2 }]);
  });
});
