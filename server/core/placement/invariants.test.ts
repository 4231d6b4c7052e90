/** What holds for any fleet and any workload when the world changes a little: the plan changes as little, or not at all. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noLoad, withDemand } from "./demand";
import type { FleetNode } from "./fleet";
import { evaluate } from "./naive";
import { place } from "./place";
import { planWorkload } from "./reconcile";
import type { Shape } from "./shape";
import { anyFleet, anyShape } from "./testing";
import type { OwnUnit, WorkloadPlan, WorkloadSnapshot } from "./workload-plan";

const NOW = 1_000_000;
interface Placed { id: string; unit: string; ordinal: number; nodeId: string; desired: "run" | "stop"; version: number }

/** A workload whose every step is carried out at once and told at once: what is left to see is what the plan wants. */
class Settled {
  units: Placed[] = [];
  private ids = 0;

  constructor(
    public nodes: FleetNode[],
    readonly shape: Shape,
    public replicas: number,
    readonly lostAfterMs: number | null = null,
    public nowMs = NOW,
  ) {}

  loaded(n: FleetNode): FleetNode {
    return { ...n, load: this.units.filter((u) => u.nodeId === n.id).reduce((l, _u) => withDemand(l, this.shape.demand), noLoad) };
  }
  look(): WorkloadPlan {
    const goal = { generation: 1, digest: "d", templateDigest: "t", shape: this.shape };
    const nodes = new Map(this.nodes.map((n) => [n.id, this.loaded(n)]));
    const units = this.units.map((u): OwnUnit => ({
      assignmentId: u.id, version: u.version, unit: u.unit, ordinal: u.ordinal, node: nodes.get(u.nodeId) as FleetNode, generation: 1, desired: u.desired, updatedAtMs: 0,
      observed: { generation: 1, phase: "running", health: "healthy", restarts: 0, exitCode: null, message: "", sinceMs: 0 }, nodeObservedAtMs: nodes.get(u.nodeId)?.lastSeenMs ?? null, nodeApplied: true,
    }));
    const s: WorkloadSnapshot = { nowMs: this.nowMs, workloadId: "w", name: "w", kind: "service", removed: false, replicas: this.replicas, lostAfterMs: this.lostAfterMs, goal, revisions: new Map([[1, goal]]), rolloutOpen: false, askShape: this.shape, completed: new Set(), units, fleet: { nowMs: this.nowMs, nodes: [...nodes.values()] } };
    return planWorkload(s);
  }
  /** Carries plans out until nothing changes; how many units were placed, moved or stopped by that. */
  settle(): { placed: number; stopped: string[] } {
    const done = { placed: 0, stopped: [] as string[] };
    for (let round = 0; round < 30; round++) {
      const plan = this.look();
      done.placed += plan.place.length;
      done.stopped.push(...plan.stop.map((x) => x.unit));
      for (const x of plan.stop) this.units = this.units.map((u) => (u.id === x.assignmentId ? { ...u, desired: "stop", version: u.version + 1 } : u));
      for (const p of plan.place) this.units.push({ id: `a${++this.ids}`, unit: p.unit, ordinal: p.ordinal, nodeId: p.nodeId, desired: "run", version: 1 });
      // Who was asked to stop has stopped, where the node can be reached.
      const gone = this.units.filter((u) => u.desired === "stop" && this.nodes.find((n) => n.id === u.nodeId)?.contact === "live");
      this.units = this.units.filter((u) => !gone.includes(u));
      if (plan.place.length + plan.stop.length + plan.end.length + gone.length === 0) return done;
    }
    throw new Error("it never came to rest");
  }
  where = (): string[] => this.units.filter((u) => u.desired === "run").map((u) => `${u.unit}@${u.nodeId}`).sort();
}
/** Most nodes are well and roomy and most shapes are small, so that there is something to move; every fourth node is as it comes. */
const anyRoomyFleet = anyFleet.map((nodes) => nodes.map((n, i): FleetNode => (i % 4 === 3 ? n : { ...n, contact: "live", desiredState: "active", taints: [], capacity: { ...n.capacity, cpuMillis: 500 + n.capacity.cpuMillis, memoryBytes: 500 + n.capacity.memoryBytes } })));
const anySmallShape = anyShape.map((s): Shape => ({ ...s, demand: { ...s.demand, cpuMillis: Math.floor(s.demand.cpuMillis / 2), memoryBytes: Math.floor(s.demand.memoryBytes / 2), devices: null } }));
const anyWorkload = fc.tuple(anyRoomyFleet, anySmallShape, fc.integer({ min: 0, max: 6 }));

describe("a plan, for any fleet and workload", () => {
  // Guarantee (8): planned again without a change, nothing moves.
  it("moves nothing when nothing has changed", () => {
    let some = 0;
    fc.assert(fc.property(anyWorkload, ([nodes, shape, replicas]) => {
      const w = new Settled(nodes, shape, replicas);
      w.settle();
      const before = w.where();
      some += before.length;
      expect(w.settle()).toEqual({ placed: 0, stopped: [] });
      expect(w.where()).toEqual(before);
    }), { seed: 8, numRuns: 300 });
    expect(some).toBeGreaterThan(40);
  });

  // Guarantee (8): a node that is lost moves the units that were on it, and none besides.
  it("replaces what was on a lost node, and moves nothing else", () => {
    let moved = 0;
    fc.assert(fc.property(anyWorkload, fc.nat(9), ([nodes, shape, replicas], which) => {
      const w = new Settled(nodes, shape, replicas, 600_000);
      w.settle();
      const before = w.where();
      const lost = nodes[which % Math.max(1, nodes.length)];
      if (!lost) return;
      w.nodes = nodes.map((n) => (n === lost ? { ...n, contact: "silent", lastSeenMs: NOW } : n));
      w.nowMs = NOW + 600_001;
      const { stopped } = w.settle();
      const stayed = before.filter((b) => !b.endsWith(`@${lost.id}`));
      expect(w.where()).toEqual(expect.arrayContaining(stayed));
      expect(stopped.every((unit) => before.includes(`${unit}@${lost.id}`))).toBe(true);
      moved += stopped.length;
    }), { seed: 8, numRuns: 300 });
    expect(moved).toBeGreaterThan(4);
  });

  // Guarantee (8): fewer and then as many again touches only the units that went and came.
  it("scales down and up without churn", () => {
    let went = 0;
    fc.assert(fc.property(anyWorkload, fc.nat(6), ([nodes, shape, replicas], fewer) => {
      const w = new Settled(nodes, shape, replicas);
      w.settle();
      const before = w.where();
      w.replicas = Math.min(fewer, replicas);
      const down = w.settle();
      expect(down.placed).toBe(0);
      const kept = w.where();
      expect(before).toEqual(expect.arrayContaining(kept));
      w.replicas = replicas;
      const up = w.settle();
      expect(up.stopped).toEqual([]);
      expect(w.where()).toEqual(expect.arrayContaining(kept));
      expect(w.where()).toHaveLength(before.length);
      went += down.stopped.length;
    }), { seed: 8, numRuns: 300 });
    expect(went).toBeGreaterThan(12);
  });

  // Guarantee (9): a silent node's units are left alone until `lostAfter` has passed, and always where it is not set.
  it("replaces nothing before lostAfter", () => {
    fc.assert(fc.property(anyWorkload, fc.option(fc.integer({ min: 60_000, max: 900_000 }), { nil: null }), fc.integer({ min: 0, max: 1_000_000 }), ([nodes, shape, replicas], lostAfterMs, silentMs) => {
      const w = new Settled(nodes, shape, replicas, lostAfterMs);
      w.settle();
      const before = w.where();
      w.nodes = nodes.map((n) => ({ ...n, contact: "silent", lastSeenMs: NOW }));
      w.nowMs = NOW + silentMs;
      const { stopped, placed } = w.settle();
      expect(placed).toBe(0);
      if (lostAfterMs === null || silentMs < lostAfterMs) expect([stopped, w.where()]).toEqual([[], before]);
    }), { seed: 9, numRuns: 300 });
  });

  // Guarantee (14): artifacts that are there already are a preference; they never let a node in, and never keep one out.
  it("never lets warm artifacts override a hard rule", () => {
    let chosen = 0;
    fc.assert(fc.property(anyRoomyFleet, anySmallShape, fc.array(fc.boolean(), { minLength: 10, maxLength: 10 }), (nodes, base, warmth) => {
      const shape: Shape = { ...base, artifacts: ["model"], prefer: [{ by: "warm", weight: 1_000 }] };
      const warm = nodes.map((n, i) => ({ ...n, warm: new Set(warmth[i] ? ["model"] : []) }));
      const ask = { unit: "u-1", shape };
      const reasons = (list: readonly FleetNode[]) => evaluate({ nowMs: NOW, nodes: list }, ask, { seed: "s", own: [] }).map((c) => c.reasons.map((r) => r.code));
      expect(reasons(warm)).toEqual(reasons(nodes));
      const decided = place({ nowMs: NOW, nodes: warm }, [ask], { seed: "s", own: [] }).placements[0];
      const feasible = warm.filter((_n, i) => reasons(warm)[i]?.length === 0);
      if (feasible.length === 0) {
        expect(decided?.node).toBeNull();
        return;
      }
      const at = feasible.find((n) => n.name === decided?.node);
      expect(at).toBeDefined();
      if (feasible.some((n) => n.warm.size > 0)) expect(at?.warm.size).toBe(1);
      chosen += 1;
    }), { seed: 14, numRuns: 300 });
    expect(chosen).toBeGreaterThan(12);
  });
});
