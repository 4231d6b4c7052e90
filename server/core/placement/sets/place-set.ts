/**
 * Places the units that a workload lacks, with regard to others: its quota first, then single nodes (`place`), then room
 * that units of lower priority make, then the gang as a whole, then a reservation for later. Pure.
 */
import { backfill } from "../backfill/backfill";
import { fits, noLoad, withDemand } from "../demand";
import type { Load } from "../demand";
import { nodeReasons } from "../feasible";
import type { FleetNode, FleetSnapshot } from "../fleet";
import { gangOf, withoutNode } from "../gang/gang";
import { place } from "../place";
import { heldOn } from "../shares";
import type { Ask, PlacedAsk } from "../ask";
import { MAX_MAKING_WAY, heldFor } from "./set-plan";
import type { SetAsk, SetPlan } from "./set-plan";
import { admit } from "./admit";
import { Room, makeWay } from "./make-way";
import type { Way } from "./make-way";

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
    const placedHere = plan.placements.filter((p) => p.nodeId === n.id).reduce<Load>((l, p) => withDemand(l, heldOn(first.shape.demand, p.on)), lasting);
    return { id: n.id, capacity: n.capacity, stays: placedHere };
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
