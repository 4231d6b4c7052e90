import type { Demand } from "../demand";
import { nodeReasons } from "../feasible";
import type { FleetNode } from "../fleet";
import { misplacing } from "../reasons";
import { settle } from "./settle";
import type { FleetWorld, Settled } from "./settle";
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
  const nameOf = new Map([...before.nodes, ...after.nodes].map((n) => [n.id, n.name]));
  for (const w of before.workloads) for (const u of w.snapshot.units) nameOf.set(u.node.id, u.node.name);
  const node = (id: string) => nameOf.get(id) ?? id;
  // Workloads in which nothing happened are as they were: no unit of theirs need be compared.
  const stirred = new Set(end.events.map((e) => e.workloadId));
  const now = before.workloads.flatMap((w) => w.snapshot.units.filter((u) => u.desired === "run").map((u) => ({ workloadId: w.snapshot.workloadId, workload: w.snapshot.name, unit: u.unit, nodeId: u.node.id, generation: u.generation, demand: w.snapshot.revisions.get(u.generation)?.shape.demand ?? null })));
  const key = (u: { workloadId: string; unit: string; nodeId: string }) => `${u.workloadId} ${u.unit} ${u.nodeId}`;
  const [was, is] = [now.filter((u) => stirred.has(u.workloadId)), end.units.filter((u) => stirred.has(u.workloadId))];
  const [had, has] = [new Set(was.map(key)), new Set(is.map(key))];
  const gone = was.filter((u) => !has.has(key(u)));
  const came = is.filter((u) => !had.has(key(u)));
  const why = new Map<string, { because: string; evicted: boolean }>();
  for (const e of end.events) if (e.kind === "stop" || e.kind === "evict" || e.kind === "end") if (!why.has(key(e))) why.set(key(e), { because: e.because, evicted: e.kind === "evict" });
  const whyHere = new Map(end.events.flatMap((e) => (e.kind === "place" ? [[key(e), e.because] as const] : [])));

  const found: WhatIf = { moves: [], added: [], gone: [], evicted: [], impossible: [], stays: [], updates: [], cost: costOf(now, end, before, after), latency: [], after: end, units: { before: now.length, after: end.units.length } };
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
    if (to) found.moves.push({ workload: u.workload, unit: u.unit, becomes: to.unit, from: node(u.nodeId), to: node(to.nodeId), because: reason?.because ?? whyHere.get(key(to)) ?? "" });
    else found.gone.push({ workload: u.workload, unit: u.unit, from: node(u.nodeId), because: reason?.because ?? "" });
  }
  for (const list of arrivals.values()) for (const c of list) found.added.push({ workload: c.workload, unit: c.unit, to: node(c.nodeId), because: whyHere.get(key(c)) ?? "" });
  for (const u of end.unplaced) found.impossible.push({ workload: u.workload, unit: u.unit, because: u.because });
  found.stays = staysOf(after, end);
  found.updates = updatesOf(was, is, end.behind);
  // Where no link changed, only workloads in which something happened can be nearer or farther.
  found.latency = before.links === after.links && before.sites.length === after.sites.length ? latencyOf(was, is, before, after) : latencyOf(now, end.units, before, after);
  return found;
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
    const wrong = leaving ? `${n.name} is being drained.` : goal ? nodeReasons(goal.shape, n, after.nowMs).find((r) => misplacing.has(r.code))?.text : undefined;
    const blocker = blocked.get(u.workloadId);
    return wrong === undefined ? [] : stays(`${wrong} ${blocker === undefined ? "It stays until as many as wanted serve without it." : `It stays until a node can take its place. ${blocker}`}`);
  });
}

function updatesOf(now: readonly { workloadId: string; unit: string; nodeId: string; generation: number }[], end: Settled["units"], behind: Settled["behind"]): WhatIf["updates"] {
  const was = new Map(now.map((u) => [`${u.workloadId} ${u.unit} ${u.nodeId}`, u.generation]));
  const counts = new Map<string, number>(behind.map((b) => [b.workload, b.units]));
  for (const u of end) {
    const before = was.get(`${u.workloadId} ${u.unit} ${u.nodeId}`);
    if (before !== undefined && before !== u.generation) counts.set(u.workload, (counts.get(u.workload) ?? 0) + 1);
  }
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([workload, units]) => ({ workload, units }));
}

const GIB = 2 ** 30;
function costOf(now: readonly { nodeId: string; demand: Demand | null }[], end: Settled, before: WhatIfWorld, after: WhatIfWorld): WhatIf["cost"] {
  const sums = new Map<string, { before: number; after: number }>();
  const add = (nodes: ReadonlyMap<string, FleetNode>, units: readonly { nodeId: string; demand: Demand | null }[], side: "before" | "after") => {
    for (const u of units) {
      const rates = nodes.get(u.nodeId)?.rates;
      if (!rates || !u.demand) continue;
      const sum = sums.get(rates.currency) ?? { before: 0, after: 0 };
      sum[side] += (u.demand.cpuMillis / 1_000) * rates.cpuHour + (u.demand.memoryBytes / GIB) * rates.memoryGiBHour;
      sums.set(rates.currency, sum);
    }
  };
  add(new Map(before.nodes.map((n) => [n.id, n])), now, "before");
  add(new Map(after.nodes.map((n) => [n.id, n])), end.units, "after");
  const round = (n: number) => Math.round(n * 1e6) / 1e6;
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([currency, s]) => ({ currency, before: round(s.before), after: round(s.after) }));
}

function latencyOf(now: readonly { workload: string; nodeId: string }[], then: readonly { workload: string; nodeId: string }[], before: WhatIfWorld, after: WhatIfWorld): WhatIf["latency"] {
  const side = (world: WhatIfWorld, units: readonly { workload: string; nodeId: string }[]) => {
    const siteOf = new Map(world.nodes.map((n) => [n.id, n.site]));
    for (const w of world.workloads) for (const u of w.snapshot.units) siteOf.set(u.node.id, u.node.site);
    const serving = new Map<string, Set<string>>();
    for (const u of units) serving.set(u.workload, (serving.get(u.workload) ?? new Set()).add(siteOf.get(u.nodeId) ?? ""));
    const route = routesOf(world.sites, world.links);
    return (workload: string) => reachOf(world.sites, serving.get(workload) ?? new Set(), route);
  };
  const [was, is] = [side(before, now), side(after, then)];
  return [...new Set([...now, ...then].map((u) => u.workload))].sort().flatMap((workload) => {
    const [b, a] = [was(workload), is(workload)];
    return b.meanMs === a.meanMs && b.unreached === a.unreached ? [] : [{ workload, beforeMs: b.meanMs, afterMs: a.meanMs, unreachedBefore: b.unreached, unreachedAfter: a.unreached }];
  });
}
