/**
 * Places the units that a workload lacks, with regard to others: its quota first, then single nodes (`place`), then room
 * that units of lower priority make, then the gang as a whole, then a reservation for later. Pure.
 */
import { counted } from "../../fleet/age";
import { backfill } from "../backfill/backfill";
import { fits, noLoad, withDemand } from "../demand";
import type { Load } from "../demand";
import { columnsOf, withLoads } from "../engine/columns";
import { nodeReasons } from "../feasible";
import type { FleetNode, FleetSnapshot } from "../fleet";
import { gangOf, withoutNode } from "../gang/gang";
import { place } from "../place";
import type { Ask, PlacedAsk, PlaceOptions } from "../ask";
import { preempt } from "../preemption/preempt";
import { amountsOf, amountText } from "../quota/amounts";
import { reclaim } from "../quota/reclaim";
import { QuotaTree } from "../quota/tree";
import type { QuotaShortage } from "../quota/tree";
import type { Held, Others, OtherUnit, SetRules } from "./types";

/** Units for which others are stopped, or for which room is reserved, in one pass. */
const MAX_MAKING_WAY = 50;
/** A reservation is made anew when it was not used for so long after it began. */
const KEPT_FOR_MS = 600_000;

export interface SetPlan {
  placements: PlacedAsk[];
  /** Units of others that have to stop. */
  evict: { unit: OtherUnit; because: string }[];
  /** All that is to be reserved for this workload from now on. */
  reserve: Held[];
  /** True when it can't be said without the units of others: read them and plan again. */
  needsOthers: boolean;
  because: string[];
}

export interface SetAsk {
  workloadId: string;
  workload: string;
  fleet: FleetSnapshot;
  asks: readonly Ask[];
  options: PlaceOptions;
  rules: SetRules;
  others: Others | null;
  /** Units that run and stay. */
  running: number;
  /** For each ask the site it is for, when replicas are divided; null when any will do. */
  sites: readonly (string | null)[];
}

export function placeSet(o: SetAsk): SetPlan {
  const plan: SetPlan = { placements: [], evict: [], reserve: [], needsOthers: false, because: [] };
  const admitted = admit(o, plan);
  if (plan.needsOthers) return plan;
  const found = placeBySite(o, admitted.asks, admitted.fleet);
  const room = new Room(admitted.fleet, found);
  const way = makeWay(o, found, room, plan);
  if (plan.needsOthers) return plan;
  settleGang(o, way, plan);
  reserveLater(o, plan);
  // In the order in which they were asked for.
  const at = new Map(o.asks.map((a, i) => [a.unit, i]));
  plan.placements = [...plan.placements, ...admitted.refused].sort((a, b) => (at.get(a.unit) ?? 0) - (at.get(b.unit) ?? 0));
  return plan;
}

/** How many fit the quota; the others wait, and what others borrowed is taken back where that makes them fit. */
function admit(o: SetAsk, plan: SetPlan): { asks: Ask[]; refused: PlacedAsk[]; fleet: FleetSnapshot } {
  const q = o.rules.quota;
  if (!q) return { asks: [...o.asks], refused: [], fleet: o.fleet };
  const refuse = (ask: Ask, because: string): PlacedAsk => withoutNode(nowhere(ask), because);
  const tree = new QuotaTree(q.facts, q.used);
  if (!tree.has(q.name)) return { asks: [], fleet: o.fleet, refused: o.asks.map((a) => refuse(a, `There is no quota ${q.name}: a limit that is missing is not a free hand.`)) };
  const asks: Ask[] = [];
  const refused: PlacedAsk[] = [];
  let reclaimed = 0;
  for (const ask of o.asks) {
    const amounts = amountsOf(ask.shape.demand);
    const short = tree.shortages(q.name, amounts);
    if (short.length === 0) {
      tree.add(q.name, amounts);
      asks.push(ask);
      continue;
    }
    // What is its own may be taken back: the units that borrowed it are asked to stop, and this one waits for them.
    if (tree.reclaims(q.name) !== "never" && tree.isWithinNominal(q.name, amounts) && reclaimed < MAX_MAKING_WAY) {
      if (o.others === null) {
        plan.needsOthers = true;
        return { asks, refused, fleet: o.fleet };
      }
      const claim = { quota: q.name, amounts, priority: o.rules.priority, any: tree.reclaims(q.name) === "any" };
      const gone = new Set(plan.evict.map((e) => e.unit.id));
      const units = withinBudgets(o.others, gone).filter((u) => u.quota !== null && !u.stopping && !gone.has(u.id));
      const victims = reclaim(tree, claim, units.map((u) => ({ id: u.id, quota: u.quota as string, amounts: amountsOf(u.demand), priority: u.priority, startedAtMs: u.startedAtMs })));
      if (victims !== null && victims.length > 0) {
        const chosen = victims.flatMap((v) => units.filter((u) => u.id === v.id));
        for (const v of victims) tree.add(v.quota, v.amounts, -1);
        tree.add(q.name, amounts);
        for (const unit of chosen) plan.evict.push({ unit, because: `Quota ${q.name} takes back what ${unit.quota ?? ""} borrowed: ${ask.unit} needs it.` });
        refused.push(refuse(ask, `${shortText(q.name, short[0] as QuotaShortage)} What others borrowed is taken back: ${names(chosen)} ${chosen.length === 1 ? "has" : "have"} to stop first.`));
        plan.reserve.push(...reserveAfter(o, ask, chosen, `waits for ${names(chosen)} to stop`));
        reclaimed++;
        continue;
      }
    }
    refused.push(refuse(ask, `${shortText(q.name, short[0] as QuotaShortage)}`));
  }
  if (refused.length) plan.because.push(`quota ${q.name} keeps ${counted(refused.length, "unit")} waiting`);
  return { asks, refused, fleet: o.fleet };
}

const shortText = (quota: string, s: QuotaShortage): string => `Quota ${quota} has ${amountText(s.resource, s.available)} left (${amountText(s.resource, s.used)} in use of ${amountText(s.resource, s.nominal)}), and the unit asks for ${amountText(s.resource, s.wanted)}.`;
const names = (units: readonly { unit: string }[]): string => `${units.slice(0, 3).map((u) => u.unit).join(", ")}${units.length > 3 ? ` and ${units.length - 3} more` : ""}`;
const nowhere = (ask: Ask): PlacedAsk => place({ nowMs: 0, nodes: [] }, [ask], { seed: "", own: [] }).placements[0] as PlacedAsk;

/** Units that their workloads can spare, the least important first. */
function withinBudgets(others: Others, gone: ReadonlySet<string>): OtherUnit[] {
  const left = new Map(others.budgets);
  for (const u of others.units) if (gone.has(u.id) && left.has(u.workloadId)) left.set(u.workloadId, (left.get(u.workloadId) ?? 0) - 1);
  return [...others.units].sort((a, b) => a.priority - b.priority || b.startedAtMs - a.startedAtMs || (a.id < b.id ? -1 : 1)).filter((u) => {
    const n = left.get(u.workloadId);
    if (n === undefined || u.stopping || gone.has(u.id)) return true;
    left.set(u.workloadId, n - 1);
    return n > 0;
  });
}

/** Keeps the place that a unit would get once others have stopped. */
function reserveAfter(o: SetAsk, ask: Ask, stopped: readonly OtherUnit[], because: string): Held[] {
  const freed = released(o.fleet, stopped);
  const [p] = place(freed, [ask], o.options).placements;
  return p?.nodeId ? [heldFor(o, ask, p.nodeId, "preempt", because, o.fleet.nowMs)] : [];
}
const released = (fleet: FleetSnapshot, units: readonly OtherUnit[]): FleetSnapshot => {
  const loads = new Map<string, Load>();
  const { indexOf } = columnsOf(fleet);
  for (const u of units) {
    const node = fleet.nodes[indexOf.get(u.nodeId) ?? -1];
    if (node) loads.set(node.id, withDemand(loads.get(node.id) ?? node.load, u.demand, -1));
  }
  return withLoads(fleet, loads);
};
const heldFor = (o: SetAsk, ask: Ask, nodeId: string, cause: Held["cause"], because: string, fromMs: number): Held => ({ workloadId: o.workloadId, workload: o.workload, unit: ask.unit, nodeId, demand: ask.shape.demand, priority: o.rules.priority, cause, because, fromMs, expiresMs: fromMs + KEPT_FOR_MS });

/** Places asks; those that are for a site, on its nodes only. */
function placeBySite(o: SetAsk, asks: readonly Ask[], fleet: FleetSnapshot): { ask: Ask; placed: PlacedAsk }[] {
  const siteOf = new Map(o.asks.map((a, i) => [a, o.sites[i] ?? null]));
  const sites = [...new Set(asks.map((a) => siteOf.get(a) ?? null))];
  let own = [...o.options.own];
  const found = new Map<Ask, PlacedAsk>();
  for (const site of sites) {
    const here = asks.filter((a) => (siteOf.get(a) ?? null) === site);
    const nodes = site === null ? fleet : { ...fleet, nodes: fleet.nodes.filter((n) => n.site === site) };
    const { placements } = place(nodes, here, { ...o.options, own });
    here.forEach((a, i) => found.set(a, placements[i] as PlacedAsk));
    own = [...own, ...placements.flatMap((p) => (p.nodeId === null ? [] : [p.nodeId]))];
  }
  return asks.map((ask) => ({ ask, placed: found.get(ask) as PlacedAsk }));
}

/** Loads of nodes with what this pass has placed, and who could go from them. */
class Room {
  private readonly loads = new Map<string, Load>();
  private readonly byId: ReadonlyMap<string, number>;
  constructor(readonly fleet: FleetSnapshot, found: readonly { ask: Ask; placed: PlacedAsk }[]) {
    this.byId = columnsOf(fleet).indexOf;
    for (const f of found) if (f.placed.nodeId !== null) this.take(f.placed.nodeId, f.ask);
  }
  load(node: FleetNode): Load {
    return this.loads.get(node.id) ?? node.load;
  }
  node(id: string): FleetNode | undefined {
    const i = this.byId.get(id);
    return i === undefined ? undefined : this.fleet.nodes[i];
  }
  take(nodeId: string, ask: Ask): void {
    const node = this.node(nodeId);
    if (node) this.loads.set(nodeId, withDemand(this.load(node), ask.shape.demand));
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

interface Way {
  ask: Ask;
  placed: PlacedAsk;
  /** Where it will have room, when others have stopped. */
  later: { nodeId: string; victims: OtherUnit[]; because: string } | null;
}

/** For units without a node: what is stopping already, and whom else to stop. */
function makeWay(o: SetAsk, found: readonly { ask: Ask; placed: PlacedAsk }[], room: Room, plan: SetPlan): Way[] {
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
  const budgets = new Map(o.others.budgets);
  for (const e of plan.evict) if (budgets.has(e.unit.workloadId)) budgets.set(e.unit.workloadId, (budgets.get(e.unit.workloadId) ?? 0) - 1);
  for (const w of waiting.filter((x) => x.later === null).slice(0, MAX_MAKING_WAY)) {
    const byNode = new Map<string, OtherUnit[]>();
    for (const u of units) if (!u.stopping && !gone.has(u.id) && u.priority < o.rules.priority) byNode.set(u.nodeId, [...(byNode.get(u.nodeId) ?? []), u]);
    const site = o.sites[o.asks.indexOf(w.ask)] ?? null;
    let sites = room.fleet.nodes.filter((n) => byNode.has(n.id) && (site === null || n.site === site) && (w.ask.only === undefined || w.ask.only === n.id) && !w.ask.avoid?.has(n.id) && nodeReasons(w.ask.shape, n, o.fleet.nowMs).length === 0);
    for (let tries = 0; tries < 8 && sites.length > 0; tries++) {
      const p = preempt({ priority: o.rules.priority, demand: w.ask.shape.demand }, sites.map((node) => ({ node, load: room.load(node) })), byNode, budgets);
      if (!p) break;
      // Rules about sets (spread) are checked by placing it for real, as if the others had gone.
      const victims = p.victims as OtherUnit[];
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

/** Decides for the gang as a whole, and says who has to stop. */
function settleGang(o: SetAsk, ways: readonly Way[], plan: SetPlan): void {
  const now = ways.filter((w) => w.placed.nodeId !== null).length;
  const later = ways.filter((w) => w.later !== null).length;
  const needed = o.rules.minMember === null ? 0 : Math.min(o.rules.minMember, o.running + o.asks.length);
  const short = o.running + now < needed;
  // Too few even with others gone: then nobody is disturbed for it, and nothing is held.
  const hopeless = short && o.running + now + later < needed;
  const gang = gangOf(ways.map((w) => w.placed), { minMember: needed, running: o.running, asked: o.asks.length });
  if (gang.waiting) plan.because.push(gang.waiting);
  ways.forEach((w, i) => {
    const placed = gang.placements[i] as PlacedAsk;
    if (w.later && !hopeless) {
      for (const v of w.later.victims) plan.evict.push({ unit: v, because: `${w.ask.unit} of priority ${o.rules.priority} needs its room on ${o.fleet.nodes.find((n) => n.id === v.nodeId)?.name ?? v.nodeId}.` });
      plan.reserve.push(heldFor(o, w.ask, w.later.nodeId, "preempt", w.later.because, o.fleet.nowMs));
      plan.placements.push(withoutNode(w.placed, `No node has room; ${w.later.because}.`));
      return;
    }
    // One of a gang that waits for others to stop: its own place is kept meanwhile.
    if (short && !hopeless && w.placed.nodeId !== null) plan.reserve.push(heldFor(o, w.ask, w.placed.nodeId, "preempt", "waits for the rest of its gang", o.fleet.nowMs));
    plan.placements.push(hopeless && w.placed.nodeId === null && o.rules.minMember !== null && now + later > 0 ? withoutNode(w.placed, `${w.placed.because} ${gang.waiting ? `It ${gang.waiting}.` : ""}`.trim()) : placed);
  });
}

/** For a batch that tells how long it runs: the earliest time at which what is left surely fits. */
function reserveLater(o: SetAsk, plan: SetPlan): void {
  const takes = o.rules.takes;
  const waiting = plan.placements.filter((p) => p.nodeId === null && !plan.reserve.some((h) => h.unit === p.unit));
  if (takes === null || waiting.length === 0 || plan.evict.length > 0) return;
  const kept = o.rules.reserved.filter((h) => h.cause === "backfill" && h.expiresMs > o.fleet.nowMs && waiting.some((p) => p.unit === h.unit) && nodeIsFine(o, h.nodeId));
  // A reservation that was given is kept: planned anew it could only be as early or later.
  if (kept.length > 0) return void plan.reserve.push(...kept);
  if (o.others === null) {
    plan.needsOthers = true;
    return;
  }
  const asks = waiting.slice(0, MAX_MAKING_WAY).flatMap((p) => o.asks.filter((a) => a.unit === p.unit));
  const first = asks[0];
  if (!first) return;
  const ending = o.others.units.filter((u) => Number.isFinite(u.endsMs.maxMs));
  const open = o.fleet.nodes.filter((n) => nodeReasons(first.shape, n, o.fleet.nowMs).length === 0);
  // What is not known to end stays: it is taken off what the node has to give.
  const nodes = open.map((n) => {
    const lasting = ending.filter((u) => u.nodeId === n.id).reduce<Load>((l, u) => withDemand(l, u.demand, -1), n.load);
    const placedHere = plan.placements.filter((p) => p.nodeId === n.id).reduce<Load>((l) => withDemand(l, first.shape.demand), lasting);
    return { id: n.id, capacity: { cpuMillis: n.capacity.cpuMillis - placedHere.cpuMillis, memoryBytes: n.capacity.memoryBytes - placedHere.memoryBytes, diskBytes: n.capacity.diskBytes - placedHere.diskBytes, devices: Object.fromEntries(Object.entries(n.capacity.devices).map(([m, c]) => [m, c - (placedHere.devices[m] ?? 0)])) } };
  });
  const gang = o.rules.minMember !== null;
  const job = { demand: first.shape.demand, takes, nodes: new Set(open.map((n) => n.id)) };
  const queue = gang ? [{ ...job, id: "gang", units: asks.length }] : asks.map((a) => ({ ...job, id: a.unit, units: 1 }));
  const found = backfill(o.fleet.nowMs, nodes, ending.map((u) => ({ nodeId: u.nodeId, demand: u.demand, endsMs: u.endsMs })), queue);
  const places = gang ? (found[0]?.nodes ?? []).map((nodeId, i) => ({ ask: asks[i] as Ask, nodeId, at: found[0]?.startMs ?? null })) : found.flatMap((f, i) => (f.nodes[0] === undefined ? [] : [{ ask: asks[i] as Ask, nodeId: f.nodes[0], at: f.startMs }]));
  for (const p of places) if (p.at !== null && p.at > o.fleet.nowMs) plan.reserve.push(heldFor(o, p.ask, p.nodeId, "backfill", "waits for what runs there to end", p.at));
}
const nodeIsFine = (o: SetAsk, id: string): boolean => {
  const node = o.fleet.nodes.find((n) => n.id === id);
  const shape = o.asks[0]?.shape;
  return node !== undefined && shape !== undefined && nodeReasons(shape, node, o.fleet.nowMs).length === 0;
};

/** The room a site has for units of a shape, at most `limit`: how many more fit there now. */
export function roomOfSite(nodes: readonly FleetNode[], shape: Ask["shape"], limit: number, nowMs: number): number {
  let n = 0;
  for (const node of nodes) {
    if (nodeReasons(shape, node, nowMs).length > 0) continue;
    let load = node.load ?? noLoad;
    while (n < limit && fits(node.capacity, load, shape.demand)) {
      load = withDemand(load, shape.demand);
      n++;
    }
    if (n >= limit) break;
  }
  return n;
}
