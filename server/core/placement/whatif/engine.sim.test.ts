/**
 * The whole engine in a simulated fleet: several workloads with priorities, quotas, gangs and budgets; several schedulers
 * that plan on pictures of different age, and die between planning and applying; nodes that fall silent and come back;
 * reports that are late and out of order. The invariants are checked after every event, and in the end everything that
 * fits runs and nothing moves any more. Every seed is one history.
 */
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../base/seed";
import { serves } from "../../fleet/states";
import { isOvercommitted, noLoad, withDemand } from "../demand";
import type { Demand, Load } from "../demand";
import type { FleetNode } from "../fleet";
import { amountsOf } from "../quota/amounts";
import { QuotaTree, usageOf } from "../quota/tree";
import type { QuotaFacts } from "../quota/tree";
import { planWorkload } from "../reconcile";
import { withReservations } from "../sets/reserved";
import { plainRules } from "../sets/types";
import type { Held, SetRules } from "../sets/types";
import { isLong } from "../../../testing/long";
import { demand, nodeOf, shape } from "../testing";
import { heldOn } from "../shares";
import type { SharedOn } from "../shares";
import type { OwnUnit, RevisionShape, WorkloadPlan, WorkloadSnapshot } from "../workload-plan";

const SEEDS = isLong ? 1_000 : 25;
const SILENT_MS = 45_000;

interface Assigned { id: string; workload: string; unit: string; ordinal: number; nodeId: string; generation: number; desired: "run" | "stop"; version: number; atMs: number; startedMs: number; on: SharedOn | null }
interface Job { id: string; priority: number; quota: string | null; minMember: number | null; budget: number | null; lostAfterMs: number | null; replicas: number; goal: RevisionShape }
/** A plan with what it was made from: applied only if that still holds. */
interface Pending { job: string; silentMs: Map<string, number>; plan: WorkloadPlan; versions: Map<string, number>; own: string; used: string }

const quota = (name: string, parent: string | null, cpuMillis: number): QuotaFacts => ({ name, parent, nominal: cpuMillis ? { cpuMillis } : {}, borrowingLimit: null, lendingLimit: null, weight: 1, reclaim: "lowerPriority" });

class World {
  nowMs = 1_000_000;
  nodes: (FleetNode & { silent: boolean })[];
  jobs: Job[];
  assigned: Assigned[] = [];
  told = new Map<string, NonNullable<OwnUnit["observed"]>>();
  held: Held[] = [];
  quotas = [quota("all", null, 0), quota("a", "all", 500), quota("b", "all", 500)];
  pending: Pending[] = [];
  late: (() => void)[] = [];
  stale = 0;
  evicted = 0;
  private ids = 0;

  /** With `shares`, units ask for shares of the nodes' devices besides, and the most important for whole ones. */
  constructor(readonly random: () => number, readonly shares = false) {
    this.nodes = Array.from({ length: 6 }, (_, i) => ({ ...nodeOf({ name: `n${i}`, site: `s${i % 3}`, capacity: { cpuMillis: 400, memoryBytes: 1_000, diskBytes: 1_000, devices: shares ? { A: 1 + (i % 2) } : {} } }), silent: false, lastSeenMs: this.nowMs }));
    const devices: Record<string, Demand["devices"]> = shares ? { low: { count: 1, model: "A", shareMillis: 300 }, kept: { count: 1, model: null, shareMillis: 250 }, gang: { count: 1, model: null, shareMillis: 500 }, high: { count: 1, model: null } } : {};
    const job = (id: string, o: Partial<Job> & { cpu: number }): Job => ({ id, priority: 100, quota: null, minMember: null, budget: null, lostAfterMs: null, replicas: 2, ...o, goal: { generation: 1, digest: "d", templateDigest: "t", shape: shape({ demand: demand({ cpuMillis: o.cpu, devices: devices[id] ?? null }) }) } });
    this.jobs = [job("low", { cpu: 100, priority: 10, replicas: 8, quota: "a" }), job("kept", { cpu: 100, priority: 20, replicas: 4, budget: 1, lostAfterMs: 300_000 }), job("gang", { cpu: 150, priority: 50, replicas: 4, minMember: 4 }), job("high", { cpu: 200, priority: 500, replicas: 1, quota: "b" })];
  }

  job = (id: string): Job => this.jobs.find((j) => j.id === id) as Job;
  demandOf = (id: string): Demand => this.job(id).goal.shape.demand;
  heldBy = (a: Assigned): Demand => heldOn(this.demandOf(a.workload), a.on);
  load(nodeId: string): Load {
    return this.assigned.filter((a) => a.nodeId === nodeId).reduce<Load>((l, a) => withDemand(l, this.heldBy(a)), noLoad);
  }
  seen(n: FleetNode & { silent: boolean }): FleetNode {
    return { ...n, contact: this.nowMs >= (n.lastSeenMs ?? 0) + SILENT_MS ? "silent" : "live", load: this.load(n.id), version: n.version, desiredGeneration: n.desiredGeneration };
  }
  used(without: string | null) {
    const running = new Set(this.assigned.filter((a) => a.desired === "run").map((a) => a.unit));
    return usageOf([...this.assigned.map((a) => a.workload), ...this.held.filter((h) => h.cause === "preempt" && h.workloadId !== without && !running.has(h.unit)).map((h) => h.workloadId)].flatMap((w) => (this.job(w).quota ? [{ quota: this.job(w).quota as string, amounts: amountsOf(this.demandOf(w)) }] : [])));
  }
  serving = (w: string): number => this.assigned.filter((a) => a.workload === w && a.desired === "run" && this.contact(a) === "live" && this.isServing(a)).length;
  isServing = (a: Assigned): boolean => serves(this.told.get(a.id)?.phase ?? "", this.told.get(a.id)?.health ?? "");
  contact = (a: Assigned): string => this.seen(this.nodes.find((n) => n.id === a.nodeId) as FleetNode & { silent: boolean }).contact;

  /** A scheduler looks at a workload: what it would do, on the picture of this moment. */
  look(id: string): Pending {
    const j = this.job(id);
    const nodes = new Map(this.nodes.map((n) => [n.id, this.seen(n)]));
    const reserved = this.held.filter((h) => h.workloadId === id);
    const sets: SetRules = { ...plainRules, priority: j.priority, preempts: true, minMember: j.minMember, reserved, quota: j.quota ? { name: j.quota, facts: this.quotas, used: this.used(id) } : null };
    const units = this.assigned.filter((a) => a.workload === id).map((a): OwnUnit => ({ assignmentId: a.id, version: a.version, unit: a.unit, ordinal: a.ordinal, node: nodes.get(a.nodeId) as FleetNode, generation: 1, desired: a.desired, updatedAtMs: a.atMs, observed: this.told.get(a.id) ?? null, nodeObservedAtMs: nodes.get(a.nodeId)?.lastSeenMs ?? null, nodeApplied: false, on: a.on }));
    const s: WorkloadSnapshot = { nowMs: this.nowMs, workloadId: id, name: id, kind: "service", removed: false, replicas: j.replicas, lostAfterMs: j.lostAfterMs, goal: j.goal, revisions: new Map([[1, j.goal]]), rolloutOpen: false, askShape: j.goal.shape, units, completed: new Set(), fleet: null, sets, others: null };
    const fleet = withReservations({ nowMs: this.nowMs, nodes: [...nodes.values()].filter((n) => n.desiredState !== "decommissioned") }, this.held, { workloadId: id, priority: j.priority, takesMaxMs: null });
    let plan = planWorkload(s);
    if (plan.needsFleet) plan = planWorkload({ ...s, fleet });
    if (plan.needsOthers) {
      const others = this.assigned.filter((a) => a.workload !== id).map((a) => ({ id: a.id, version: a.version, unit: a.unit, workloadId: a.workload, workload: a.workload, nodeId: a.nodeId, priority: this.job(a.workload).priority, demand: this.heldBy(a), startedAtMs: a.startedMs, stopping: a.desired === "stop", quota: this.job(a.workload).quota, endsMs: { minMs: Infinity, maxMs: Infinity } }));
      const budgets = new Map(this.jobs.flatMap((x) => (x.budget === null ? [] : [[x.id, Math.max(0, x.budget - Math.max(0, x.replicas - this.serving(x.id)))] as const])));
      plan = planWorkload({ ...s, fleet, others: { units: others, budgets, gangs: new Map(this.jobs.flatMap((x) => (x.minMember === null ? [] : [[x.id, x.minMember] as const]))) } });
    }
    return { job: id, silentMs: new Map(this.nodes.map((n) => [n.id, this.nowMs - (n.lastSeenMs ?? 0)])), plan, own: this.key(id), used: JSON.stringify([...this.used(null)]), versions: new Map([...this.nodes.map((n) => [n.id, n.desiredGeneration] as const), ...this.assigned.map((a) => [a.id, a.version] as const)]) };
  }
  key = (id: string): string => JSON.stringify([this.job(id).replicas, this.assigned.filter((a) => a.workload === id).map((a) => [a.id, a.version])]);

  /** Compare-and-set, as the store does it: all of a plan or nothing of it. */
  apply(p: Pending): boolean {
    const { plan } = p;
    const j = this.job(p.job);
    const touched = [...plan.place, ...plan.reserve, ...plan.evict].map((x) => x.nodeId);
    const now = new Map(this.assigned.map((a) => [a.id, a.version]));
    const holds = this.key(p.job) === p.own && [...plan.place, ...plan.reserve].every((x) => this.nodes.find((n) => n.id === x.nodeId)?.desiredGeneration === p.versions.get(x.nodeId)) && plan.evict.every((e) => now.get(e.assignmentId) === e.version) && (j.quota === null || plan.place.length + plan.reserve.length === 0 || JSON.stringify([...this.used(null)]) === p.used);
    if (!holds) {
      this.stale++;
      return false;
    }
    for (const e of plan.evict) {
      const victim = this.assigned.find((a) => a.id === e.assignmentId) as Assigned;
      // Guarantee (5): victims have strictly lower priority, and budgets hold.
      expect(this.job(victim.workload).priority).toBeLessThan(j.priority);
      this.evicted++;
    }
    for (const x of this.jobs) {
      const gone = plan.evict.filter((e) => e.workloadId === x.id);
      if (x.budget !== null && gone.length > 0) expect(gone.length).toBeLessThanOrEqual(Math.max(0, x.budget));
    }
    // Guarantee (9): nothing on a silent node is replaced before lostAfter, by what was known when the plan was made.
    for (const s of plan.stop) if (s.cause === "replace" && this.nodes.find((n) => n.id === s.nodeId)?.desiredState !== "decommissioned") expect(p.silentMs.get(s.nodeId) ?? 0).toBeGreaterThanOrEqual(j.lostAfterMs ?? Infinity);
    // Guarantee (6): of a gang none starts, or so many that minMember run.
    if (j.minMember !== null && plan.place.length > 0) expect(this.assigned.filter((a) => a.workload === j.id && a.desired === "run").length + plan.place.length - plan.stop.length).toBeGreaterThanOrEqual(Math.min(j.minMember, j.replicas));
    for (const e of plan.end) this.assigned = this.assigned.filter((a) => a.id !== e.assignmentId);
    for (const s of [...plan.stop, ...plan.evict]) this.change(s.assignmentId);
    for (const u of plan.place) this.assigned.push({ id: `x${++this.ids}`, workload: p.job, unit: u.unit, ordinal: u.ordinal, nodeId: u.nodeId, generation: 1, desired: "run", version: 1, atMs: this.nowMs, startedMs: this.nowMs, on: u.decision.on ?? null });
    this.held = [...this.held.filter((h) => h.workloadId !== p.job), ...plan.reserve];
    for (const id of touched) this.nodes = this.nodes.map((n) => (n.id === id ? { ...n, desiredGeneration: n.desiredGeneration + 1 } : n));
    return plan.end.length + plan.stop.length + plan.place.length + plan.evict.length > 0;
  }
  change(id: string): void {
    this.assigned = this.assigned.map((a) => (a.id === id ? { ...a, desired: "stop", version: a.version + 1, atMs: this.nowMs } : a));
  }

  check(): void {
    // Guarantee (1): no node ever holds more than it offers.
    for (const n of this.nodes) expect(isOvercommitted(n.capacity, this.load(n.id))).toBe(false);
    const running = this.assigned.filter((a) => a.desired === "run");
    expect(new Set(running.map((a) => a.unit)).size).toBe(running.length);
    // Guarantee (7): the tree as a whole is never exceeded by what runs.
    const tree = new QuotaTree(this.quotas, usageOf(running.flatMap((a) => (this.job(a.workload).quota ? [{ quota: this.job(a.workload).quota as string, amounts: amountsOf(this.demandOf(a.workload)) }] : []))));
    expect(tree.available("all", "cpuMillis")).toBeGreaterThanOrEqual(0);
  }

  /** Agents do what they are asked and tell it; some tell it later, and in another order. */
  agents(reliable: boolean): void {
    for (const n of this.nodes) {
      if (n.silent || n.desiredState === "decommissioned") continue;
      n.lastSeenMs = this.nowMs;
      for (const a of this.assigned.filter((x) => x.nodeId === n.id)) {
        const report = { generation: 1, phase: a.desired === "stop" ? "stopped" : "running", health: a.desired === "stop" ? "unknown" : "healthy", restarts: 0, exitCode: null, message: "", sinceMs: this.nowMs };
        const tell = () => {
          // A report that was overtaken is one of a desired state that is no more: the store keeps the newest.
          if ((this.told.get(a.id)?.sinceMs ?? -1) < report.sinceMs) this.told.set(a.id, report);
        };
        if (reliable || this.random() < 0.6) tell();
        else this.late.splice(Math.floor(this.random() * (this.late.length + 1)), 0, tell);
      }
    }
    if (reliable || this.random() < 0.5) for (const tell of this.late.splice(0)) tell();
  }

  event(): string {
    const pick = <T>(list: readonly T[]): T => list[Math.floor(this.random() * list.length)] as T;
    const node = pick(this.nodes);
    const job = pick(this.jobs);
    switch (Math.floor(this.random() * 9)) {
      case 0: node.silent = true; return `${node.name} falls silent`;
      case 1: node.silent = false; return `${node.name} is back`;
      case 2: node.desiredState = pick(["cordoned", "draining", "active"] as const); node.desiredGeneration++; return `${node.name} is ${node.desiredState}`;
      case 3: job.replicas = job.minMember ?? Math.floor(this.random() * 6); return `${job.id} has ${job.replicas} replicas`;
      case 4: this.nowMs += Math.floor(this.random() * 400_000); return "time passes";
      case 5: this.pending = []; return "schedulers die with their plans";
      default: this.nowMs += 15_000; return "a little time passes";
    }
  }
}

const seen = { stale: 0, evicted: 0 };
describe("the whole engine", () => {
  it.each(Array.from({ length: SEEDS }, (_, i) => i + 1))("keeps its invariants through crashes, silence and reordering (seed %i)", (seed) => {
    const w = new World(seededRandom(seed), seed % 3 === 0);
    const log: string[] = [];
    try {
      for (let i = 0; i < 50; i++) {
        log.push(w.event());
        w.nowMs += 1;
        w.agents(false);
        // Several schedulers look, each at some workload; their plans are applied later, in any order, or never.
        for (const j of w.jobs) if (w.random() < 0.7) w.pending.splice(Math.floor(w.random() * (w.pending.length + 1)), 0, w.look(j.id));
        while (w.pending.length > 0 && w.random() < 0.8) {
          w.apply(w.pending.shift() as Pending);
          w.check();
        }
        // An agent may tell of what was asked before the report was made: never of a unit that is gone.
        for (const id of w.told.keys()) if (!w.assigned.some((a) => a.id === id)) w.told.delete(id);
      }
      // All is well again: what fits runs, nothing stays reserved that is not waited for, and then nothing moves.
      w.pending = [];
      for (const n of w.nodes) Object.assign(n, { silent: false, desiredState: "active" });
      let still = 0;
      for (let i = 0; i < 120 && still < 3; i++) {
        w.nowMs += 10_000;
        w.agents(true);
        let acted = false;
        for (const j of [...w.jobs].sort((a, b) => b.priority - a.priority)) {
          acted = w.apply(w.look(j.id)) || acted;
          w.check();
        }
        still = acted ? 0 : still + 1;
      }
      expect(still).toBe(3);
      expect(w.assigned.every((a) => a.desired === "run")).toBe(true);
      const runs = (id: string) => w.assigned.filter((a) => a.workload === id).length;
      // The highest priority has all that is its own, and lacks only what its quota does not give it.
      expect(runs("high")).toBeGreaterThanOrEqual(Math.min(w.job("high").replicas, 2));
      if (runs("high") < w.job("high").replicas) expect(new QuotaTree(w.quotas, w.used(null)).shortages("b", amountsOf(w.demandOf("high")))).not.toEqual([]);
      // Guarantee (6): whoever made room, all of the gang runs or nothing.
      expect([0, 4]).toContain(runs("gang"));
      for (const h of w.held) expect(runs(h.workloadId)).toBeLessThan(w.job(h.workloadId).replicas);
      seen.stale += w.stale;
      seen.evicted += w.evicted;
    } catch (error) {
      throw new Error(`seed ${seed}: ${log.slice(-10).join("; ")}`, { cause: error });
    }
  });
  it("has seen stale plans and evictions", () => {
    expect(seen.stale).toBeGreaterThan(SEEDS / 5);
    expect(seen.evicted).toBeGreaterThan(SEEDS / 5);
  });
});
