/**
 * A workload in a fake fleet under a fake clock: nodes fall silent and come back, are cordoned, drained and decommissioned,
 * units fail, the workload is scaled and changed; reports arrive late and in any order. After every event the invariants
 * are checked, and in the end, when everything is well again, all that fits must run.
 */
import { describe, expect, it } from "vitest";
import { seededRandom } from "../base/seed";
import { serves } from "../fleet/states";
import { isOvercommitted, noLoad, withDemand } from "./demand";
import type { Load } from "./demand";
import type { FleetNode } from "./fleet";
import { planWorkload } from "./reconcile";
import type { OwnUnit, RevisionShape, WorkloadSnapshot } from "./workload-plan";
import { demand, nodeOf, shape } from "./testing";

interface Assigned {
  id: string;
  unit: string;
  ordinal: number;
  nodeId: string;
  generation: number;
  desired: "run" | "stop";
  version: number;
  updatedAtMs: number;
  cause: string;
}
const SILENT_MS = 45_000;
const LOST_MS = 600_000;

class World {
  nowMs = 1_000_000;
  nodes: (FleetNode & { silent: boolean })[];
  assigned: Assigned[] = [];
  /** What really runs, by assignment; and what the control plane was told of it. */
  real = new Map<string, { generation: number; healthy: boolean }>();
  told = new Map<string, NonNullable<OwnUnit["observed"]>>();
  replicas = 3;
  generation = 1;
  revisions = new Map<number, RevisionShape>();
  bad = new Set<number>();
  ids = 0;

  constructor(
    readonly random: () => number,
    readonly lostAfterMs: number | null,
    n: number,
  ) {
    this.nodes = Array.from({ length: n }, (_, i) => ({ ...nodeOf({ name: `n${i}`, site: `s${i % 3}`, capacity: { cpuMillis: 250, memoryBytes: 1_000, diskBytes: 1_000, devices: {} } }), silent: false, lastSeenMs: this.nowMs }));
    this.revise(100);
  }

  revise(cpuMillis: number): void {
    const generation = this.revisions.size + 1;
    this.revisions.set(generation, { generation, digest: `d${generation}`, templateDigest: `t${generation}`, shape: shape({ demand: demand({ cpuMillis }) }) });
    this.generation = generation;
  }
  loadOf(nodeId: string): Load {
    return this.assigned.filter((a) => a.nodeId === nodeId).reduce((l, a) => withDemand(l, (this.revisions.get(a.generation) as RevisionShape).shape.demand), noLoad);
  }
  seen(n: FleetNode & { silent: boolean }): FleetNode {
    return { ...n, contact: this.nowMs >= (n.lastSeenMs ?? 0) + SILENT_MS ? "silent" : "live", load: this.loadOf(n.id) };
  }
  snapshot(): WorkloadSnapshot {
    const nodes = new Map(this.nodes.map((n) => [n.id, this.seen(n)]));
    const goal = this.revisions.get(this.generation) as RevisionShape;
    return {
      nowMs: this.nowMs, workloadId: "w", name: "w", kind: "service", removed: false, replicas: this.replicas, lostAfterMs: this.lostAfterMs, goal, revisions: this.revisions, rolloutOpen: false, askShape: goal.shape, completed: new Set(),
      units: this.assigned.map((a): OwnUnit => ({ assignmentId: a.id, version: a.version, unit: a.unit, ordinal: a.ordinal, node: nodes.get(a.nodeId) as FleetNode, generation: a.generation, desired: a.desired, updatedAtMs: a.updatedAtMs, observed: this.told.get(a.id) ?? null, nodeObservedAtMs: (nodes.get(a.nodeId) as FleetNode).lastSeenMs, nodeApplied: false })),
      fleet: { nowMs: this.nowMs, nodes: [...nodes.values()].filter((n) => n.desiredState !== "decommissioned") },
    };
  }

  /** One look, applied; checks that no voluntary step took away what was seen to serve. */
  reconcile(): boolean {
    const s = this.snapshot();
    const serving = (list: readonly Assigned[]) => list.filter((a) => a.desired === "run" && s.units.find((u) => u.assignmentId === a.id)?.node.contact === "live" && isServing(this.told.get(a.id))).length;
    const before = serving(this.assigned);
    const silentBefore = new Set(s.units.filter((u) => u.node.contact === "silent").map((u) => u.assignmentId));
    const plan = planWorkload(s);
    for (const e of plan.end) this.assigned = this.assigned.filter((a) => a.id !== e.assignmentId);
    for (const x of plan.stop) {
      if (silentBefore.has(x.assignmentId) && x.cause === "replace") {
        const node = this.nodes.find((n) => n.id === x.nodeId) as FleetNode;
        expect(this.lostAfterMs).not.toBeNull();
        expect(this.nowMs - (node.lastSeenMs ?? 0)).toBeGreaterThanOrEqual(this.lostAfterMs ?? 0);
      }
      this.change(x.assignmentId, { desired: "stop", cause: x.cause });
    }
    for (const m of plan.move) this.change(m.assignmentId, { generation: m.generation, cause: "update" });
    for (const p of plan.place) this.assigned.push({ id: `a${++this.ids}`, unit: p.unit, ordinal: p.ordinal, nodeId: p.nodeId, generation: p.generation, desired: "run", version: 1, updatedAtMs: this.nowMs, cause: p.cause });
    // Drains and moves never take the number of units seen to serve below what is wanted, less what is silent or was too few anyway.
    const silentRunning = s.units.filter((u) => u.desired === "run" && u.node.contact === "silent").length;
    if (before >= this.replicas - silentRunning) expect(serving(this.assigned)).toBeGreaterThanOrEqual(Math.min(before, this.replicas - silentRunning));
    this.check();
    return plan.end.length + plan.stop.length + plan.move.length + plan.place.length > 0;
  }
  change(id: string, to: Partial<Assigned>): void {
    this.assigned = this.assigned.map((a) => (a.id === id ? { ...a, ...to, version: a.version + 1, updatedAtMs: this.nowMs } : a));
  }

  check(): void {
    const running = this.assigned.filter((a) => a.desired === "run");
    expect(new Set(running.map((a) => a.unit)).size).toBe(running.length);
    for (const n of this.nodes) expect(isOvercommitted(n.capacity, this.loadOf(n.id)), JSON.stringify([n.name, n.desiredState, this.loadOf(n.id), this.assigned.filter((a) => a.nodeId === n.id), [...this.revisions.values()].map((r) => r.shape.demand.cpuMillis)])).toBe(false);
    for (const a of this.assigned) expect(this.nodes.find((n) => n.id === a.nodeId)?.desiredState === "decommissioned" && a.cause === "place" && a.version === 1).toBe(false);
  }

  /** Nodes in contact do what they are asked and tell it; now and then a report is late. */
  agents(reliable = false): void {
    for (const n of this.nodes) {
      if (n.silent || n.desiredState === "decommissioned") continue;
      n.lastSeenMs = this.nowMs;
      for (const a of this.assigned.filter((x) => x.nodeId === n.id)) {
        if (!reliable && this.random() < 0.3) continue;
        if (a.desired === "stop") this.real.delete(a.id);
        // A revision that does not get healthy leaves the old one serving.
        else if (!this.bad.has(a.generation) || !this.real.has(a.id)) this.real.set(a.id, { generation: a.generation, healthy: !this.bad.has(a.generation) });
        const r = this.real.get(a.id);
        this.told.set(a.id, { generation: r?.generation ?? a.generation, phase: r ? "running" : "stopped", health: r ? (r.healthy ? "healthy" : "unhealthy") : "unknown", restarts: 0, exitCode: null, message: "", sinceMs: this.nowMs });
      }
    }
  }

  event(): string {
    const pick = <T>(list: readonly T[]): T => list[Math.floor(this.random() * list.length)] as T;
    const node = pick(this.nodes);
    switch (Math.floor(this.random() * 10)) {
      case 0: node.silent = true; return `${node.name} falls silent`;
      case 1: node.silent = false; return `${node.name} is back`;
      case 2: if (node.desiredState !== "decommissioned") node.desiredState = pick(["cordoned", "draining", "active"] as const); return `${node.name} is ${node.desiredState}`;
      case 3: this.replicas = Math.floor(this.random() * 7); return `${this.replicas} replicas`;
      case 4: this.revise(60 + Math.floor(this.random() * 120)); if (this.random() < 0.3) this.bad.add(this.generation); return `r${this.generation}${this.bad.has(this.generation) ? ", a bad one" : ""}`;
      case 5: this.nowMs += Math.floor(this.random() * 400_000); return "time passes";
      case 6: if (this.seen(node).contact === "silent" && this.nodes.filter((n) => n.desiredState !== "decommissioned").length > 3) node.desiredState = "decommissioned"; return `${node.name} is given up`;
      default: this.nowMs += 20_000; return "a little time passes";
    }
  }
}
const isServing = (o: OwnUnit["observed"] | undefined): boolean => !!o && serves(o.phase, o.health);

describe.each([null, LOST_MS])("a workload with lostAfter %s", (lostAfterMs) => {
  it.each(Array.from({ length: 60 }, (_, i) => i + 1))("keeps its invariants through crashes, silence and change (seed %i)", (seed) => {
    const w = new World(seededRandom(seed), lostAfterMs, 7);
    const log: string[] = [];
    try {
      for (let i = 0; i < 60; i++) {
        log.push(w.event());
        w.agents();
        w.reconcile();
        if (w.random() < 0.5) w.reconcile();
      }
      // Everything gets well: all that fits runs, on the newest revision, once each, and then nothing moves any more.
      w.bad.clear();
      w.revise(50);
      for (const n of w.nodes) {
        n.silent = n.desiredState === "decommissioned";
        if (n.desiredState !== "decommissioned") n.desiredState = "active";
      }
      for (let i = 0; i < 80; i++) {
        w.nowMs += 10_000;
        w.agents(true);
        w.reconcile();
      }
      const still = w.assigned.map((a) => a.version).join();
      for (let i = 0; i < 3; i++) {
        w.agents(true);
        expect(w.reconcile()).toBe(false);
      }
      expect(w.assigned.map((a) => a.version).join()).toBe(still);
      expect(w.assigned.map((a) => a.desired)).toEqual(w.assigned.map(() => "run"));
      expect(w.assigned).toHaveLength(w.replicas);
      expect(w.assigned.every((a) => a.generation === w.generation)).toBe(true);
      // Exactly one survivor of each unit: nothing runs that is not asked for.
      expect([...w.real.keys()].filter((id) => !w.nodes.some((n) => n.silent && w.assigned.every((a) => a.id !== id))).every((id) => w.assigned.some((a) => a.id === id))).toBe(true);
    } catch (error) {
      throw new Error(`seed ${seed}: ${log.slice(-12).join("; ")}`, { cause: error });
    }
  });
});
