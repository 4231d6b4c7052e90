import type { Demand } from "../demand";
import { misplacement } from "../feasible";
import { hourlyCost } from "../rank";
import { settle } from "./settle";
import type { FleetWorld, RunningUnit, Settled } from "./settle";
import { reachOf, routesOf } from "./routes";
import type { RouteLink } from "./routes";

/** A fleet with the links between its sites. */
export interface WhatIfWorld extends FleetWorld {
  sites: readonly string[];
  links: readonly RouteLink[];
}

export interface WhatIf {
  /** Units that go from one node to another; `becomes` is the name of the unit that takes its place. */
  moves: { workload: string; unit: string; becomes: string; from: string; to: string; because: string }[];
  /** Units that are new. */
  added: { workload: string; unit: string; to: string; because: string }[];
  /** Units that go, and nothing comes in their place. */
  gone: { workload: string; unit: string; from: string; because: string }[];
  /** Of those that go or move: stopped to make way for a higher priority. */
  evicted: { workload: string; unit: string; from: string; because: string }[];
  /** Units without a node afterwards that have one, or would have had one, before. */
  impossible: { workload: string; unit: string; because: string }[];
  /** Units that have to leave their node and are still on it in the end, with what holds them there. */
  stays: { workload: string; unit: string; node: string; because: string }[];
  /** Units that get another revision where they are. */
  updates: { workload: string; units: number }[];
  /** Per hour by the sites' rate cards, by currency. */
  cost: { currency: string; before: number; after: number }[];
  /** Mean way from every site to the nearest unit, where it changes. */
  latency: { workload: string; beforeMs: number | null; afterMs: number | null; unreachedBefore: number; unreachedAfter: number }[];
  after: Settled;
  units: { before: number; after: number };
}

/**
 * What a change would do: the fleet with the change is brought to rest by the scheduler's own plans, and compared with
 * what runs now. `before` is the world as it is, `after` the same with the change; `due` are the workloads that the change
 * touches. Changes neither.
 */
export function whatIf(before: WhatIfWorld, after: WhatIfWorld, due: readonly string[]): WhatIf {
  const end = settle(after, due);
  // Workloads in which nothing happened are as they were: no unit of theirs need be compared.
  const stirred = new Set([...end.events.map((e) => e.workloadId), ...bereft(before, after)]);
  const now = runningOf(before);
  const [was, is] = [now.filter((u) => stirred.has(u.workloadId)), end.units.filter((u) => stirred.has(u.workloadId))];
  const { gone, came, updated } = differences(was, is);
  const nameOf = new Map([...was, ...is].map((u) => [u.nodeId, u.at.name]));
  const node = (id: string) => nameOf.get(id) ?? id;
  const why = new Map<string, { because: string; evicted: boolean }>();
  for (const e of end.events) if (e.kind === "stop" || e.kind === "evict" || e.kind === "end") if (!why.has(key(e))) why.set(key(e), { because: e.because, evicted: e.kind === "evict" });
  const placed = new Map(end.events.flatMap((e) => (e.kind === "place" ? [[key(e), e] as const] : [])));
  const left = new Set(before.nodes.length === after.nodes.length ? [] : after.nodes.map((n) => n.id));
  const lost = (u: RunningUnit) => (left.size > 0 && !left.has(u.nodeId) ? `${u.at.name} is lost.` : undefined);
  const whyHere = (u: RunningUnit) => placed.get(key(u))?.because;

  const found: WhatIf = { moves: [], added: [], gone: [], evicted: [], impossible: [], stays: [], updates: [], cost: costOf(now, end.units), latency: [], after: end, units: { before: now.length, after: end.units.length } };
  // Of each workload those that go are paired with those that come: the same name first, then in the order of the plan.
  const arrivals = new Map<string, typeof came>();
  for (const c of came) arrivals.set(c.workloadId, [...(arrivals.get(c.workloadId) ?? []), c]);
  const same = (u: (typeof gone)[number]) => arrivals.get(u.workloadId)?.some((c) => c.unit === u.unit) ?? false;
  for (const u of [...gone].sort((a, b) => Number(same(b)) - Number(same(a)))) {
    const list = arrivals.get(u.workloadId) ?? [];
    const i = Math.max(0, list.findIndex((c) => c.unit === u.unit));
    const [to] = list.splice(i, 1);
    const reason = why.get(key(u));
    if (reason?.evicted) found.evicted.push({ workload: u.workload, unit: u.unit, from: node(u.nodeId), because: reason.because });
    if (to) found.moves.push({ workload: u.workload, unit: u.unit, becomes: to.unit, from: node(u.nodeId), to: node(to.nodeId), because: reason?.because ?? lost(u) ?? whyHere(to) ?? "" });
    else found.gone.push({ workload: u.workload, unit: u.unit, from: node(u.nodeId), because: reason?.because ?? lost(u) ?? "" });
  }
  for (const list of arrivals.values()) for (const c of list) found.added.push({ workload: c.workload, unit: c.unit, to: node(c.nodeId), because: whyHere(c) ?? "" });
  for (const u of end.unplaced) found.impossible.push({ workload: u.workload, unit: u.unit, because: u.because });
  found.stays = staysOf(after, end);
  found.updates = updatesOf(updated, end.behind);
  // Where no link changed, only workloads in which something happened can be nearer or farther.
  found.latency = before.links === after.links && before.sites.length === after.sites.length ? latencyOf(was, is, before, after) : latencyOf(now, end.units, before, after);
  return found;
}

/** Workloads that the change itself has taken units from. */
function bereft(before: WhatIfWorld, after: WhatIfWorld): string[] {
  const had = new Map(before.workloads.map((w) => [w.snapshot.workloadId, w.snapshot.units.length]));
  return after.workloads.filter((w) => w.snapshot.units.length < (had.get(w.snapshot.workloadId) ?? 0)).map((w) => w.snapshot.workloadId);
}

/** Units that have to leave their node and have not, with what holds each there: no plan puts a unit on such a node. */
function staysOf(after: WhatIfWorld, end: Settled): WhatIf["stays"] {
  const nodes = new Map(end.nodes.map((n) => [n.id, n]));
  const goals = new Map(after.workloads.map((w) => [w.snapshot.workloadId, w.snapshot.goal]));
  const blocked = new Map([...end.unplaced].reverse().map((p) => [p.workloadId, p.because]));
  return end.units.flatMap((u) => {
    const n = nodes.get(u.nodeId);
    const leaving = n?.desiredState === "draining";
    // Where every unit of a workload has a node, what its policy forbids has moved.
    if (!n || (!leaving && !blocked.has(u.workloadId))) return [];
    const stays = (because: string) => [{ workload: u.workload, unit: u.unit, node: n.name, because }];
    if (n.contact !== "live") return leaving ? stays(`${n.name} is silent: it moves when the node is heard of again.`) : [];
    const goal = goals.get(u.workloadId);
    const wrong = leaving ? `${n.name} is being drained.` : goal ? misplacement(goal.shape, n, after.nowMs)?.text : undefined;
    const blocker = blocked.get(u.workloadId);
    return wrong === undefined ? [] : stays(`${wrong} ${blocker === undefined ? "It stays until as many as wanted serve without it." : `It stays until a node can take its place. ${blocker}`}`);
  });
}

const key = (u: { workloadId: string; unit: string; nodeId: string }): string => `${u.workloadId} ${u.unit} ${u.nodeId}`;

const running = new WeakMap<WhatIfWorld, RunningUnit[]>();
/** What should run now. Found once for each world: many changes are asked about on one. */
function runningOf(world: WhatIfWorld): RunningUnit[] {
  let found = running.get(world);
  if (!found) {
    found = world.workloads.flatMap(({ snapshot: s }) => s.units.filter((u) => u.desired === "run").map((u) => ({ assignmentId: u.assignmentId, workloadId: s.workloadId, workload: s.name, unit: u.unit, nodeId: u.node.id, generation: u.generation, demand: s.revisions.get(u.generation)?.shape.demand ?? nothing, sent: s.revisions.get(u.generation)?.shape.sent, at: u.node })));
    running.set(world, found);
  }
  return found;
}
const nothing: Demand = { cpuMillis: 0, memoryBytes: 0, diskBytes: 0, devices: null };

/**
 * Units that are no longer there, that are new, and that run another revision. Those that ran before stand in the same
 * order on both sides, so that two fingers find what is missing; one that came back under its name on its node is the same.
 */
function differences(was: readonly RunningUnit[], is: readonly RunningUnit[]): { gone: RunningUnit[]; came: RunningUnit[]; updated: RunningUnit[] } {
  const then = new Map<string, RunningUnit[]>();
  for (const u of is) {
    const list = then.get(u.workloadId);
    if (list) list.push(u);
    else then.set(u.workloadId, [u]);
  }
  const at = new Map<string, number>();
  const gone: RunningUnit[] = [];
  const updated: RunningUnit[] = [];
  for (const u of was) {
    const k = at.get(u.workloadId) ?? 0;
    const same = then.get(u.workloadId)?.[k];
    if (same?.assignmentId !== u.assignmentId) gone.push(u);
    else {
      at.set(u.workloadId, k + 1);
      if (same.generation !== u.generation) updated.push(same);
    }
  }
  const came = [...then].flatMap(([id, list]) => list.slice(at.get(id) ?? 0));
  const left = new Map(gone.map((u) => [key(u), u]));
  const back = new Set(came.flatMap((u) => (left.has(key(u)) ? [key(u)] : [])));
  updated.push(...came.filter((u) => back.has(key(u)) && left.get(key(u))?.generation !== u.generation));
  return { gone: gone.filter((u) => !back.has(key(u))), came: came.filter((u) => !back.has(key(u))), updated };
}

function updatesOf(updated: readonly RunningUnit[], behind: Settled["behind"]): WhatIf["updates"] {
  const counts = new Map<string, number>(behind.map((b) => [b.workload, b.units]));
  for (const u of updated) counts.set(u.workload, (counts.get(u.workload) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([workload, units]) => ({ workload, units }));
}

function costOf(now: readonly RunningUnit[], then: readonly RunningUnit[]): WhatIf["cost"] {
  const sums = new Map<string, { before: number; after: number }>();
  const add = (units: readonly RunningUnit[], side: "before" | "after") => {
    for (const { at, demand, sent } of units) {
      // Nodes that are gone for good cost nothing any more.
      if (at.desiredState === "decommissioned") continue;
      let sum = sums.get(at.rates.currency);
      if (!sum) sums.set(at.rates.currency, (sum = { before: 0, after: 0 }));
      sum[side] += hourlyCost(demand, sent, at);
    }
  };
  add(now, "before");
  add(then, "after");
  const round = (n: number) => Math.round(n * 1e6) / 1e6;
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([currency, s]) => ({ currency, before: round(s.before), after: round(s.after) }));
}

function latencyOf(now: readonly RunningUnit[], then: readonly RunningUnit[], before: WhatIfWorld, after: WhatIfWorld): WhatIf["latency"] {
  const side = (world: WhatIfWorld, units: readonly RunningUnit[]) => {
    const serving = new Map<string, Set<string>>();
    for (const u of units) {
      const sites = serving.get(u.workload);
      if (sites) sites.add(u.at.site);
      else serving.set(u.workload, new Set([u.at.site]));
    }
    const route = routesOf(world.sites, world.links);
    return { serving, reach: (workload: string) => reachOf(world.sites, serving.get(workload) ?? new Set(), route) };
  };
  const [was, is] = [side(before, now), side(after, then)];
  return [...new Set([...was.serving.keys(), ...is.serving.keys()])].sort().flatMap((workload) => {
    const [b, a] = [was.reach(workload), is.reach(workload)];
    return b.meanMs === a.meanMs && b.unreached === a.unreached ? [] : [{ workload, beforeMs: b.meanMs, afterMs: a.meanMs, unreachedBefore: b.unreached, unreachedAfter: a.unreached }];
  });
}
