/** Room for units without a node: what is stopping already, and whom else to stop. */
import { fits, withDemand } from "../demand";
import type { Load } from "../demand";
import { columnsOf, withLoads } from "../engine/columns";
import { nodeReasons } from "../feasible";
import type { FleetNode, FleetSnapshot } from "../fleet";
import { place } from "../place";
import type { Ask, PlacedAsk } from "../ask";
import { heldOn } from "../shares";
import type { SharedOn } from "../shares";
import { preempt } from "../preemption/preempt";
import { Gangs } from "./gangs";
import type { OtherUnit } from "./types";
import { MAX_MAKING_WAY, names, released } from "./set-plan";
import type { SetAsk, SetPlan } from "./set-plan";

/** Loads of nodes with what this pass has placed, and who could go from them. */
export class Room {
  private readonly loads = new Map<string, Load>();
  private readonly byId: ReadonlyMap<string, number>;
  constructor(readonly fleet: FleetSnapshot, found: readonly { ask: Ask; placed: PlacedAsk }[]) {
    this.byId = columnsOf(fleet).indexOf;
    for (const f of found) if (f.placed.nodeId !== null) this.take(f.placed.nodeId, f.ask, f.placed.on);
  }
  load(node: FleetNode): Load {
    return this.loads.get(node.id) ?? node.load;
  }
  node(id: string): FleetNode | undefined {
    const i = this.byId.get(id);
    return i === undefined ? undefined : this.fleet.nodes[i];
  }
  take(nodeId: string, ask: Ask, on?: SharedOn | null): void {
    const node = this.node(nodeId);
    if (node) this.loads.set(nodeId, withDemand(this.load(node), heldOn(ask.shape.demand, on)));
  }
  leave(units: readonly OtherUnit[]): void {
    for (const u of units) {
      const node = this.node(u.nodeId);
      if (node) this.loads.set(u.nodeId, withDemand(this.load(node), u.demand, -1));
    }
  }
  /** The fleet as it is now in the plan. */
  now(): FleetSnapshot {
    return withLoads(this.fleet, this.loads);
  }
}

export interface Way {
  ask: Ask;
  placed: PlacedAsk;
  /** Where it will have room, when others have stopped. */
  later: { nodeId: string; victims: OtherUnit[]; because: string } | null;
}

/** For units without a node: what is stopping already, and whom else to stop. */
export function makeWay(o: SetAsk, found: readonly { ask: Ask; placed: PlacedAsk }[], room: Room, plan: SetPlan): Way[] {
  const ways: Way[] = found.map((f) => ({ ...f, later: null }));
  const waiting = ways.filter((w) => w.placed.nodeId === null);
  const mayWait = o.rules.reserved.some((h) => h.cause === "preempt");
  if (waiting.length === 0 || (!o.rules.preempts && !mayWait)) return ways;
  if (o.others === null) {
    plan.needsOthers = true;
    return ways;
  }
  const { units } = o.others;
  // What was asked to stop makes room by itself.
  const freed = new Set<string>();
  for (const w of waiting) {
    const held = o.rules.reserved.find((h) => h.unit === w.ask.unit && h.cause === "preempt" && h.expiresMs > o.fleet.nowMs);
    const node = held && room.node(held.nodeId);
    if (!held || !node || nodeReasons(w.ask.shape, node, o.fleet.nowMs).length > 0 || w.ask.avoid?.has(node.id)) continue;
    const stopping = units.filter((u) => u.stopping && u.nodeId === node.id && !freed.has(u.id));
    const load = stopping.reduce<Load>((l, u) => withDemand(l, u.demand, -1), room.load(node));
    if (!fits(node.capacity, load, w.ask.shape.demand)) continue;
    room.leave(stopping);
    for (const u of stopping) freed.add(u.id);
    room.take(node.id, w.ask);
    w.later = { nodeId: node.id, victims: [], because: held.because };
  }
  if (!o.rules.preempts || !units.some((u) => !u.stopping && u.priority < o.rules.priority)) return ways;
  const gone = new Set(plan.evict.map((e) => e.unit.id));
  // Who it stays with is not what it drives away.
  const company = new Set(o.asks.flatMap((a) => (a.shape.together ?? []).flatMap((t) => t.with ?? [])));
  const gangs = new Gangs(o.others, gone);
  const budgets = new Map(o.others.budgets);
  for (const e of plan.evict) if (budgets.has(e.unit.workloadId)) budgets.set(e.unit.workloadId, (budgets.get(e.unit.workloadId) ?? 0) - 1);
  for (const w of waiting.filter((x) => x.later === null).slice(0, MAX_MAKING_WAY)) {
    const byNode = new Map<string, OtherUnit[]>();
    for (const u of units) if (!u.stopping && !gone.has(u.id) && u.priority < o.rules.priority && !company.has(u.workload)) byNode.set(u.nodeId, [...(byNode.get(u.nodeId) ?? []), u]);
    const site = o.sites[o.asks.indexOf(w.ask)] ?? null;
    let sites = room.fleet.nodes.filter((n) => byNode.has(n.id) && (site === null || n.site === site) && (w.ask.only === undefined || w.ask.only === n.id) && !w.ask.avoid?.has(n.id) && nodeReasons(w.ask.shape, n, o.fleet.nowMs).length === 0);
    for (let tries = 0; tries < 8 && sites.length > 0; tries++) {
      const at = sites.map((node) => ({ node, load: room.load(node) }));
      const within = (whole: boolean) => preempt({ priority: o.rules.priority, demand: w.ask.shape.demand }, at, byNode, gangs.budgets(budgets, whole));
      const p = within(false) ?? (o.others.gangs.size > 0 ? within(true) : null);
      if (!p) break;
      // Rules about sets (spread) are checked by placing it for real, as if the others had gone.
      const victims = gangs.withRest(p.victims as OtherUnit[]);
      const own = [...o.options.own, ...ways.flatMap((x) => (x.placed.nodeId !== null ? [x.placed.nodeId] : x.later ? [x.later.nodeId] : []))];
      const trial = place(released(room.now(), victims), [{ ...w.ask, only: p.nodeId }], { ...o.options, own }).placements[0];
      if (!trial?.nodeId) {
        sites = sites.filter((n) => n.id !== p.nodeId);
        continue;
      }
      w.later = { nodeId: p.nodeId, victims, because: `${names(victims)} of priority ${victims.map((v) => v.priority).reduce((a, b) => Math.max(a, b), 0)} ${victims.length === 1 ? "has" : "have"} to stop on ${p.node} first` };
      room.leave(victims);
      room.take(p.nodeId, w.ask);
      for (const v of victims) {
        gone.add(v.id);
        if (budgets.has(v.workloadId)) budgets.set(v.workloadId, (budgets.get(v.workloadId) ?? 0) - 1);
      }
      break;
    }
  }
  return ways;
}
