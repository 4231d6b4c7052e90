/** Finds the moves that make room, and checks them by the scheduler's own placing. Pure. */
import { fits, withDemand } from "../../core/placement/demand";
import type { Demand, Load } from "../../core/placement";
import { withLoads } from "../../core/placement/engine/columns";
import { Neighbourhood, alone, besides, heldOn, place } from "../../core/placement";
import type { FleetNode, FleetSnapshot, Held, Neighbours, Shape, SharedOn, WhatIfWorld } from "../../core/placement";
import { withReservations } from "../../core/placement";
import { repairForGang } from "../../core/placement/fragmentation";
import { planningFleet } from "./repair-fleet";
import type { Movable } from "./repair-fleet";

/** Who needs room: units of a waiting workload, or of a shape that was given. */
export interface Pending {
  workloadId: string | null;
  name: string;
  shape: Shape;
  count: number;
  /** Nodes of its units that run already: what spread is counted over. */
  own: readonly string[];
  priority: number;
}
export interface FoundMove extends Movable {
  to: FleetNode;
  seconds: number;
  /** Moves of one batch are made at the same time. */
  batch: number;
}
export interface FoundPlan {
  moves: FoundMove[];
  seconds: number;
  optimal: boolean;
  /** A node for each waiting unit once the moves are done. */
  rooms: FleetNode[];
}

/** Units that one plan may move, and the seconds that it may cost: beyond that somebody should rather add a node. */
const LIMITS = { moves: 500, seconds: 4 * 3_600 };
/** Of a workload without a disruption budget, one in so many units moves at a time. */
const ONE_IN = 10;
/** Work of the exact search: states times units times nodes. Larger fleets get the greedy plan, and are told. */
const WORK = 1_500_000;
/** How often a plan is made anew after the scheduler's rules about sets (spread) refused one of its moves. */
const TRIES = 8;

export function placedNow(world: WhatIfWorld, p: Pending): FleetNode[] {
  return placed(world, withReservations({ nowMs: world.nowMs, nodes: world.nodes }, world.held as Held[], { workloadId: p.workloadId ?? "", priority: p.priority, takesMaxMs: null }), p);
}

/** Nodes that the scheduler's own placing finds for the waiting units, as many as it finds. */
function placed(world: WhatIfWorld, fleet: FleetSnapshot, p: Pending, at: ReadonlyMap<string, string> = new Map()): FleetNode[] {
  const wanted = Array.from({ length: p.count }, (_, i) => ({ unit: `${p.name}-${i + 1}`, shape: p.shape }));
  const { shape, groups } = besides(p.shape, neighboursOf(world, p.name, p.shape, at), p.own, fleet, { asks: wanted, seed: p.name, preempts: false });
  const asks = wanted.map((a) => ({ ...a, shape }));
  const byId = new Map(fleet.nodes.map((n) => [n.id, n]));
  return place(fleet, asks, { seed: p.name, own: p.own, groups }).placements.flatMap((x) => (x.nodeId === null ? [] : (byId.get(x.nodeId) ?? [])));
}

/** Units of others that a workload keeps apart from or stays with, those that were moved where they are then. */
function neighboursOf(world: WhatIfWorld, name: string, shape: Shape, at: ReadonlyMap<string, string>): Neighbours {
  const units = (named: ReadonlySet<string>) => world.workloads.flatMap(({ snapshot: s }) => (named.has(s.name) ? s.units.map((u) => ({ workload: s.name, nodeId: at.get(u.assignmentId) ?? u.node.id, stopping: u.desired === "stop" })) : []));
  return new Neighbourhood(world.workloads.map((w) => w.snapshot)).of(name, shape, units) ?? alone;
}

export function findPlan(world: WhatIfWorld, pending: Pending, secondsOf: (workloadId: string, generation: number) => number): { plan: FoundPlan } | { plan: null; because: string } {
  const forbidden = new Set<string>();
  let because = `No moves within the rules of the units that run, and at most ${LIMITS.moves} of them, make the room. Add a node, or relax a rule.`;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const f = planningFleet(world, { pendingId: pending.workloadId, secondsOf, forbidden });
    const work = Math.max(1, f.fleet.units.length * f.fleet.nodes.length);
    const found = repairForGang(f.fleet, f.gangFor(pending.shape, pending.count), { ...LIMITS, perBudget: f.budgets, states: Math.min(5_000, Math.floor(WORK / work / 10)) });
    if (!found) return { plan: null, because };
    const moves = found.moves.map((m): FoundMove => ({ ...(f.movable.get(m.unit) as Movable), to: f.nodes[m.to.node] as FleetNode, seconds: m.seconds, batch: 0 }));
    const checked = check(world, moves, pending);
    if ("refused" in checked) {
      forbidden.add(checked.refused);
      because = checked.because;
      continue;
    }
    if (checked.rooms.length < pending.count) return { plan: null, because: `Moves would make the room, but rules about the waiting units together (such as spread) leave ${checked.rooms.length} of ${pending.count} without a conflict.` };
    return { plan: { moves: checked.moves, seconds: found.seconds, optimal: found.optimal && forbidden.size === 0, rooms: checked.rooms } };
  }
  return { plan: null, because };
}

/**
 * Makes the moves one after the other on a copy, each by the scheduler's own placing, and then places those that wait. Moves
 * that don't need the room of one another are put into one batch, as many of a workload as its budget lets move at a time.
 */
function check(world: WhatIfWorld, moves: readonly FoundMove[], pending: Pending): { refused: string; because: string } | { moves: FoundMove[]; rooms: FleetNode[] } {
  let fleet = withReservations({ nowMs: world.nowMs, nodes: world.nodes }, world.held as Held[], { workloadId: pending.workloadId ?? "", priority: 0, takesMaxMs: null });
  const loads = new Map<string, Load>(fleet.nodes.map((n) => [n.id, n.load]));
  const at = new Map(world.workloads.flatMap((w) => w.snapshot.units.map((u) => [u.assignmentId, u.node.id])));
  const batches = new Batches(loads);
  const placedMoves: FoundMove[] = [];
  const onNow = new Map<string, SharedOn | null>();
  for (const m of moves) {
    const { snapshot } = m.of;
    if (at.get(m.unit.assignmentId) !== m.unit.node.id) return { refused: `${m.unit.assignmentId} ${m.to.id}`, because: `${m.unit.unit} would have to move twice.` };
    const from = at.get(m.unit.assignmentId) ?? m.unit.node.id;
    const own = snapshot.units.filter((u) => u !== m.unit).map((u) => at.get(u.assignmentId) ?? u.node.id);
    const { shape, groups } = besides(m.shape, neighboursOf(world, snapshot.name, m.shape, at), own, fleet);
    const [p] = place(fleet, [{ unit: m.unit.unit, shape, avoid: new Set([from]), only: m.to.id }], { seed: snapshot.name, own, groups }).placements;
    if (!p || p.nodeId === null) return { refused: `${m.unit.assignmentId} ${m.to.id}`, because: `${m.unit.unit} can't go to ${m.to.name}: ${p?.because ?? ""}` };
    placedMoves.push({ ...m, batch: batches.next(m, from) });
    const change = (id: string, sign: 1 | -1, on: SharedOn | null | undefined): void => void loads.set(id, withDemand(loads.get(id) ?? m.to.load, heldOn(m.shape.demand, on), sign));
    change(m.to.id, 1, p.on);
    change(from, -1, onNow.get(m.unit.assignmentId) ?? m.unit.on);
    onNow.set(m.unit.assignmentId, p.on ?? null);
    at.set(m.unit.assignmentId, m.to.id);
    fleet = withLoads(fleet, new Map([[m.to.id, loads.get(m.to.id) as Load], [from, loads.get(from) as Load]]));
  }
  return { moves: placedMoves, rooms: placed(world, fleet, pending, at) };
}

/** So many units of a workload may move at a time: what its budget lets be out of service, or a tenth. With rules about its units together it is one. */
const atOnce = ({ snapshot: s, maxUnavailable }: Movable["of"]): number => (s.askShape?.policy?.spread.length ? 1 : Math.max(1, maxUnavailable ?? Math.floor(s.replicas / ONE_IN)));
const besidesOthers = (shape: Shape): boolean => Boolean(shape.apart?.length) || Boolean(shape.together?.length);

/** Puts moves into batches, in their order. `loads` is the fleet after the moves so far. */
class Batches {
  private batch = 0;
  private lonely = false;
  private readonly of = new Map<string, number>();
  /** What leaves within the batch is still there while it runs. */
  private readonly leaving = new Map<string, Demand[]>();

  constructor(private readonly loads: ReadonlyMap<string, Load>) {}

  next(m: FoundMove, from: string): number {
    const { workloadId } = m.of.snapshot;
    const lonely = besidesOthers(m.shape);
    const there = (this.leaving.get(m.to.id) ?? []).reduce((load, d) => withDemand(load, d), this.loads.get(m.to.id) ?? m.to.load);
    if (this.of.size > 0 && (lonely || this.lonely || (this.of.get(workloadId) ?? 0) >= atOnce(m.of) || !fits(m.to.capacity, there, m.shape.demand))) {
      this.batch++;
      this.of.clear();
      this.leaving.clear();
    }
    this.lonely = lonely;
    this.of.set(workloadId, (this.of.get(workloadId) ?? 0) + 1);
    this.leaving.set(from, [...(this.leaving.get(from) ?? []), m.shape.demand]);
    return this.batch;
  }
}
