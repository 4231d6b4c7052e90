/**
 * A whole fleet brought to rest, in memory: the scheduler's own plans, one workload after another, each applied before the
 * next is made, with agents that do what they are asked. What a preview shows and what the simulation tests. Pure: the
 * world that it is given is not changed.
 */
import { serves } from "../../fleet/states";
import { Neighbourhood } from "../affinity";
import { wantedMix, weighsWaste } from "../wanted";
import type { PlacedAsk } from "../ask";
import { withDemand } from "../demand";
import type { Demand, Load } from "../demand";
import { withLoads } from "../engine/columns";
import type { FleetNode, FleetSnapshot } from "../fleet";
import { amountsOf } from "../quota/amounts";
import type { Amounts } from "../quota/amounts";
import { usageOf } from "../quota/tree";
import type { QuotaFacts } from "../quota/tree";
import { heldOn } from "../shares";
import type { SharedOn } from "../shares";
import { planWorkload } from "../reconcile";
import type { OngoingRepair } from "../repair-part";
import { withReservations } from "../sets/reserved";
import { plainRules } from "../sets/types";
import type { Held, Others, OtherUnit } from "../sets/types";
import type { Shape } from "../shape";
import type { OwnUnit, WorkloadPlan, WorkloadSnapshot } from "../workload-plan";
import { RepairRun } from "./repair-run";

export interface FleetWorkload {
  /** As it is; `fleet` and `others` are filled in for each look. */
  snapshot: WorkloadSnapshot;
  quota: string | null;
  /** So many units at most may be out of service for others; null when it protects none. */
  maxUnavailable: number | null;
}
export interface FleetWorld {
  nowMs: number;
  /** Nodes that take part; units may stand on others too (decommissioned ones). */
  nodes: readonly FleetNode[];
  workloads: readonly FleetWorkload[];
  held: readonly Held[];
  quotas: readonly QuotaFacts[];
  /** The repair that is under way, which goes on meanwhile. */
  repair?: OngoingRepair | null;
}
export interface SettleEvent {
  kind: "place" | "stop" | "end" | "update" | "evict" | "reserve";
  workloadId: string;
  workload: string;
  unit: string;
  nodeId: string;
  because: string;
  /** Of "place": what was decided, and why. */
  decision?: PlacedAsk;
}
export interface RunningUnit {
  assignmentId: string;
  workloadId: string;
  workload: string;
  unit: string;
  nodeId: string;
  generation: number;
  demand: Demand;
  sent: Shape["sent"];
  /** Its node, whose load may have changed since. */
  at: FleetNode;
}
export interface Settled {
  /** What should run in the end; those of one workload together, and those that ran before in the order in which they stood. */
  units: RunningUnit[];
  /** What has no node in the end, with the reason. */
  unplaced: { workloadId: string; workload: string; unit: string; because: string; decision: PlacedAsk }[];
  /** Room that is still kept in the end. */
  held: readonly Held[];
  events: SettleEvent[];
  rounds: number;
  /** False when there was still something to do after the last round, such as a long update in place. */
  atRest: boolean;
  /** Units that still run another revision than they should. */
  behind: { workload: string; units: number }[];
  /** Nodes with what they hold in the end. */
  nodes: FleetNode[];
}

interface Living {
  of: FleetWorkload;
  units: OwnUnit[];
  plan: WorkloadPlan | null;
}

const ROUNDS = 60;
const ROUNDS_A_MOVE = 8;
/** Time after which every patience of a repair is over. */
const PATIENCE_MS = 3_600_000;
/** Looks after which a round that did nothing but update units in place is the last: those go on one at a time for long. */
const LOOKS = 400;

export function settle(world: FleetWorld, first: readonly string[], o: { rounds?: number } = {}): Settled {
  const run = new Run(world);
  let due = new Set(first);
  let rounds = 0;
  // Each move of a repair takes some rounds of its own.
  const most = (o.rounds ?? ROUNDS) + ROUNDS_A_MOVE * (world.repair?.moves.length ?? 0);
  for (; due.size > 0 && rounds < most && !run.onlyUpdates(); rounds++) {
    due = run.round(due);
    if (due.size === 0) due = run.waitOut();
  }
  return run.result(rounds, due.size === 0);
}

/** The order in which workloads of one moment get their turn: the scheduler claims its keys so. */
export const turnOrder = (a: { priority: number; id: string }, b: { priority: number; id: string }): number => b.priority - a.priority || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

class Run {
  private readonly living: Map<string, Living>;
  private readonly nodes = new Map<string, FleetNode>();
  private readonly inFleet: string[];
  private held: Held[];
  private snapshot: FleetSnapshot;
  /** Loads that the snapshot does not know yet. */
  private readonly loads = new Map<string, Load>();
  private readonly touched = new Set<string>();
  private readonly events: SettleEvent[] = [];
  private ids = 0;
  private freed = false;
  /** Workloads of which a unit was placed in this round. */
  private readonly arrived = new Set<string>();
  private readonly neighbourhood: Neighbourhood;
  private looks = 0;
  private roundFrom = 0;
  private repair: RepairRun | null;

  constructor(private readonly world: FleetWorld) {
    this.inFleet = world.nodes.map((n) => n.id);
    for (const n of world.nodes) this.nodes.set(n.id, n);
    for (const w of world.workloads) for (const u of w.snapshot.units) if (!this.nodes.has(u.node.id)) this.nodes.set(u.node.id, u.node);
    this.living = new Map(world.workloads.map((w) => [w.snapshot.workloadId, { of: w, units: [...w.snapshot.units], plan: null }]));
    this.neighbourhood = new Neighbourhood(world.workloads.map((w) => w.snapshot));
    this.held = [...world.held];
    this.repair = world.repair ? new RepairRun(world.repair) : null;
    this.snapshot = { nowMs: world.nowMs, nodes: world.nodes, ...(world.workloads.some((w) => weighsWaste(w.snapshot.askShape)) ? { mix: wantedMix(world.workloads.map((w) => w.snapshot)) } : {}) };
  }

  /** Whether all that is left is a long update, in a fleet that is too large to follow it to its end. */
  onlyUpdates(): boolean {
    const last = this.events.slice(this.roundFrom);
    return this.looks >= LOOKS && last.length > 0 && last.every((e) => e.kind === "update");
  }

  /** One look at each workload that is due; gives those that are due next. */
  round(due: ReadonlySet<string>): Set<string> {
    const turns = [...due].flatMap((id) => this.living.get(id) ?? []).map((l) => ({ l, id: l.of.snapshot.workloadId, priority: (l.of.snapshot.sets ?? plainRules).priority })).sort(turnOrder);
    const next = new Set<string>();
    this.freed = false;
    this.arrived.clear();
    this.looks += turns.length;
    this.roundFrom = this.events.length;
    for (const t of turns) if (this.look(t.l, next)) next.add(t.id);
    this.obey();
    this.stepRepair(next, this.world.nowMs);
    // Room that came free is for whoever waits.
    for (const [id, l] of this.living) if ((l.plan?.unplaced.length ?? 0) > 0 && (this.freed || this.isJoined(l))) next.add(id);
    return next;
  }

  /** Whether a workload that this one stays with has got a unit. */
  private isJoined(l: Living): boolean {
    return l.of.snapshot.askShape?.together?.some((t) => t.with !== null && this.arrived.has(t.with)) ?? false;
  }

  /** Nothing happens any more: a repair that waits for something gives it up in time, and who depends on it looks again. */
  waitOut(): Set<string> {
    const next = new Set<string>();
    this.stepRepair(next, this.world.nowMs + PATIENCE_MS);
    if (this.freed) for (const [id, l] of this.living) if ((l.plan?.unplaced.length ?? 0) > 0) next.add(id);
    return next;
  }

  /** What has become of the moves of a repair. When it is over, the rooms that it kept are for whoever waits. */
  private stepRepair(next: Set<string>, nowMs: number): void {
    const step = this.repair?.step((id) => this.living.get(id)?.units ?? [], nowMs);
    if (!step) return;
    for (const id of step.concerned) if (this.living.has(id)) next.add(id);
    if (step.over) {
      this.repair = null;
      this.freed = true;
    }
  }

  private look(l: Living, next: Set<string>): boolean {
    const base = l.of.snapshot;
    const id = base.workloadId;
    const rules = base.sets ?? plainRules;
    const reserved = this.held.filter((h) => h.workloadId === id);
    const units = l.units.map((u) => (u.node === this.nodes.get(u.node.id) ? u : { ...u, node: this.nodes.get(u.node.id) as FleetNode }));
    const sets = { ...rules, reserved, quota: l.of.quota === null ? null : { name: l.of.quota, facts: this.world.quotas, used: this.usage(id) } };
    const part = this.repair?.partOf(id, this.world.nowMs);
    const s: WorkloadSnapshot = { ...base, units, sets, fleet: null, others: null, neighbours: this.neighbourhood.of(base.name, base.askShape, (named) => this.unitsOf(named)), ...(part && "turns" in part ? { repairs: part.turns } : {}) };
    let plan = planWorkload(s);
    if (plan.needsFleet) {
      const fleet = withReservations(this.fleet(), part && "held" in part ? [...this.held, ...part.held] : this.held, { workloadId: id, priority: rules.priority, takesMaxMs: rules.takes?.maxMs ?? null });
      plan = planWorkload({ ...s, fleet });
      if (plan.needsOthers) plan = planWorkload({ ...s, fleet, others: this.others(id) });
    }
    l.plan = plan;
    l.units = units;
    return this.apply(l, plan, next);
  }

  private apply(l: Living, plan: WorkloadPlan, next: Set<string>): boolean {
    const { workloadId, name } = l.of.snapshot;
    const note = (kind: SettleEvent["kind"], unit: string, nodeId: string, because: string) => void this.events.push({ kind, workloadId, workload: name, unit, nodeId, because });
    for (const e of plan.end) {
      const u = l.units.find((x) => x.assignmentId === e.assignmentId);
      if (!u) continue;
      l.units = l.units.filter((x) => x !== u);
      this.load(u.node.id, this.demandOf(l, u.generation, u.on), -1);
      this.freed = true;
      note("end", u.unit, u.node.id, e.because);
    }
    for (const x of plan.stop) {
      this.change(l, x.assignmentId, { desired: "stop" });
      note("stop", x.unit, x.nodeId, x.because);
    }
    for (const m of plan.move) {
      const u = l.units.find((x) => x.assignmentId === m.assignmentId);
      if (!u) continue;
      this.load(u.node.id, this.demandOf(l, u.generation, u.on), -1);
      this.load(u.node.id, this.demandOf(l, m.generation, u.on), 1);
      // The next revision may ask for less.
      if (this.looks < LOOKS) this.freed = true;
      this.change(l, m.assignmentId, { generation: m.generation });
      note("update", m.unit, m.nodeId, `r${m.generation}`);
    }
    if (plan.place.length > 0) this.arrived.add(name);
    for (const p of plan.place) {
      this.load(p.nodeId, this.demandOf(l, p.generation, p.decision.on), 1);
      const assignmentId = `new-${++this.ids}`;
      this.touched.add(assignmentId);
      l.units.push({ assignmentId, version: 1, unit: p.unit, ordinal: p.ordinal, node: this.nodes.get(p.nodeId) as FleetNode, generation: p.generation, desired: "run", updatedAtMs: this.world.nowMs, observed: null, nodeObservedAtMs: null, nodeApplied: false, on: p.decision.on ?? null });
      if (p.repair) this.repair?.note(p.repair.move, { state: "moving", because: null, becomes: assignmentId, sinceMs: this.world.nowMs });
      this.events.push({ kind: "place", workloadId, workload: name, unit: p.unit, nodeId: p.nodeId, because: p.decision.because, decision: p.decision });
    }
    for (const m of plan.dropMoves) this.repair?.note(m.move, { state: "dropped", because: m.because, sinceMs: this.world.nowMs });
    for (const e of plan.evict) {
      const victim = this.living.get(e.workloadId);
      if (!victim) continue;
      this.change(victim, e.assignmentId, { desired: "stop" });
      next.add(e.workloadId);
      this.events.push({ kind: "evict", workloadId: e.workloadId, workload: e.workload, unit: e.unit, nodeId: e.nodeId, because: e.because });
    }
    const before = new Set(this.held.filter((h) => h.workloadId === workloadId).map((h) => `${h.unit} ${h.nodeId} ${h.cause}`));
    const fresh = plan.reserve.filter((h) => !before.has(`${h.unit} ${h.nodeId} ${h.cause}`));
    for (const h of fresh) note("reserve", h.unit, h.nodeId, h.because);
    this.held = [...this.held.filter((h) => h.workloadId !== workloadId), ...plan.reserve];
    return plan.end.length + plan.stop.length + plan.move.length + plan.place.length + plan.evict.length + plan.dropMoves.length + fresh.length + (before.size === plan.reserve.length ? 0 : 1) > 0;
  }

  private change(l: Living, assignmentId: string, to: Partial<OwnUnit>): void {
    l.units = l.units.map((u) => (u.assignmentId === assignmentId ? { ...u, ...to, version: u.version + 1, updatedAtMs: this.world.nowMs } : u));
    this.touched.add(assignmentId);
  }

  /** Agents in contact do what they were asked, and say so. What was not asked of them stays as it was. */
  private obey(): void {
    if (this.touched.size === 0) return;
    for (const l of this.living.values()) {
      if (!l.units.some((u) => this.touched.has(u.assignmentId))) continue;
      l.units = l.units.map((u) => {
        if (!this.touched.has(u.assignmentId) || u.node.contact !== "live") return u;
        const observed = { generation: u.generation, phase: u.desired === "stop" ? "stopped" : "running", health: u.desired === "stop" ? "unknown" : "healthy", restarts: 0, exitCode: null, message: "", sinceMs: this.world.nowMs };
        return { ...u, observed, nodeObservedAtMs: this.world.nowMs, nodeApplied: true };
      });
    }
    this.touched.clear();
  }

  private demandOf(l: Living, generation: number, on?: SharedOn | null): Demand {
    return heldOn(l.of.snapshot.revisions.get(generation)?.shape.demand ?? { cpuMillis: 0, memoryBytes: 0, diskBytes: 0, devices: null }, on);
  }
  private load(nodeId: string, demand: Demand, sign: 1 | -1): void {
    const node = this.nodes.get(nodeId);
    if (!node) return;
    const load = withDemand(node.load, demand, sign);
    this.nodes.set(nodeId, { ...node, load });
    this.loads.set(nodeId, load);
  }
  private fleet(): FleetSnapshot {
    if (this.loads.size > 0) this.snapshot = withLoads(this.snapshot, this.loads);
    this.loads.clear();
    return this.snapshot;
  }

  private *unitsOf(named: ReadonlySet<string>): Generator<{ workload: string; nodeId: string; stopping: boolean }> {
    for (const l of this.living.values()) for (const u of named.has(l.of.snapshot.name) ? l.units : []) yield { workload: l.of.snapshot.name, nodeId: u.node.id, stopping: u.desired === "stop" };
  }

  private usage(self: string): Map<string, Amounts> {
    const list: { quota: string; amounts: Amounts }[] = [];
    for (const [id, l] of this.living) {
      if (l.of.quota === null) continue;
      for (const u of l.units) list.push({ quota: l.of.quota, amounts: amountsOf(this.demandOf(l, u.generation)) });
      const running = new Set(l.units.filter((u) => u.desired === "run").map((u) => u.unit));
      if (id !== self) for (const h of this.held) if (h.workloadId === id && h.cause === "preempt" && !running.has(h.unit)) list.push({ quota: l.of.quota, amounts: amountsOf(h.demand) });
    }
    return usageOf(list);
  }

  private others(self: string): Others {
    const { snapshot, quota } = (this.living.get(self) as Living).of;
    const mine = snapshot.sets ?? plainRules;
    const units: OtherUnit[] = [];
    const budgets = new Map<string, number>();
    const gangs = new Map<string, number>();
    for (const [id, l] of this.living) {
      if (id === self) continue;
      const rules = l.of.snapshot.sets ?? plainRules;
      // The same units that the store is asked for: see `schedulerSets.otherUnits`.
      const may = (mine.preempts && rules.priority < mine.priority) || (quota !== null && l.of.quota !== null) || (mine.takes !== null && rules.takes !== null);
      for (const u of l.units) if (may || u.desired === "stop") units.push({ id: u.assignmentId, version: u.version, unit: u.unit, workloadId: id, workload: l.of.snapshot.name, nodeId: u.node.id, priority: rules.priority, demand: this.demandOf(l, u.generation, u.on), startedAtMs: u.updatedAtMs, stopping: u.desired === "stop", quota: l.of.quota, endsMs: rules.takes ? { minMs: Math.max(this.world.nowMs, u.updatedAtMs + rules.takes.minMs), maxMs: Math.max(this.world.nowMs, u.updatedAtMs + rules.takes.maxMs) } : { minMs: Infinity, maxMs: Infinity } });
      if (rules.minMember !== null) gangs.set(id, rules.minMember);
      if (l.of.maxUnavailable !== null) {
        const serving = l.units.filter((u) => u.desired === "run" && u.observed !== null && serves(u.observed.phase, u.observed.health)).length;
        budgets.set(id, Math.max(0, l.of.maxUnavailable - Math.max(0, l.of.snapshot.replicas - serving)));
      }
    }
    return { units: units.sort((a, b) => (a.id < b.id ? -1 : 1)), budgets, gangs };
  }

  result(rounds: number, atRest: boolean): Settled {
    const all = [...this.living.values()];
    const runs = (l: Living) => l.units.filter((u) => u.desired === "run");
    return {
      units: all.flatMap((l) => runs(l).map((u) => ({ assignmentId: u.assignmentId, workloadId: l.of.snapshot.workloadId, workload: l.of.snapshot.name, unit: u.unit, nodeId: u.node.id, generation: u.generation, demand: this.demandOf(l, u.generation, u.on), sent: l.of.snapshot.revisions.get(u.generation)?.shape.sent, at: u.node }))),
      unplaced: all.flatMap((l) => (l.plan?.unplaced ?? []).map((p) => ({ workloadId: l.of.snapshot.workloadId, workload: l.of.snapshot.name, unit: p.unit, because: p.because, decision: p }))),
      held: this.held,
      events: this.events,
      rounds,
      atRest,
      behind: all.flatMap((l) => {
        const goal = l.of.snapshot.goal;
        const units = goal ? runs(l).filter((u) => l.of.snapshot.revisions.get(u.generation)?.templateDigest !== goal.templateDigest).length : 0;
        return units > 0 ? [{ workload: l.of.snapshot.name, units }] : [];
      }),
      nodes: this.inFleet.map((id) => this.nodes.get(id) as FleetNode),
    };
  }
}
