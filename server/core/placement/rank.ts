import { waitFor } from "./clients";
import { withDemand } from "./demand";
import type { Capacity, Demand, Load } from "./demand";
import type { FleetNode } from "./fleet";
import { rememberedFragmentation } from "./fragmentation/measure";
import type { Mix } from "./fragmentation/mix";
import { gpuNodesOf } from "./fragmentation/units";
import type { Preference, Shape } from "./shape";

/** One part of a score: `value` times `weight`, with the sentence that explains it. */
export interface ScorePart {
  name: string;
  value: number;
  weight: number;
  text: string;
}

export interface RankFacts {
  load: Load;
  /** Units of the same workload on the node, and on its site. */
  onNode: number;
  onSite: number;
  mix?: Mix | undefined;
}

/**
 * Scores are whole numbers of billionths: values in millionths times weights in thousandths. Sums of whole numbers don't
 * depend on the order they are added in, so a score that is put together from cached parts is exactly the score that is
 * worked out in one go, and ties are ties.
 */
export const MICRO = 1_000_000;
const MILLI = 1_000;
/** A score as it is shown. */
export const shownScore = (nano: number): number => nano / (MICRO * MILLI);
const GIB = 2 ** 30;

type Term = Preference | { by: "room"; weight: number };

/**
 * What a shape is scored by. Preferences come first by their weights (up to 100, to three digits). Beside them two base
 * terms with weight 1 break ties: fewer units of the workload on the node, and room. Without preferences the base terms
 * have weight 10, and fewer units on the site count too: so a unit goes where its workload has least, and then where most
 * is left.
 */
function termsOf(shape: Shape): Term[] {
  const terms: Term[] = [...shape.prefer];
  const packs = shape.prefer.some((p) => p.by === "pack");
  const spreads = (over: string) => shape.prefer.some((p) => p.by === "spread" && p.over === over);
  const base = shape.prefer.length > 0 ? 1 : 10;
  if (shape.prefer.length === 0) terms.push({ by: "spread", over: "site", weight: base });
  if (!packs && !spreads("node")) terms.push({ by: "spread", over: "node", weight: base });
  if (!packs) terms.push({ by: "room", weight: base });
  return terms;
}
const milli = (weight: number): number => Math.round(weight * MILLI);

/** The terms of a shape by what they depend on; weights in thousandths. */
export interface Weighing {
  /** Depend on the node alone, whatever runs there. */
  rules: { selector: Extract<Preference, { by: "rule" }>["selector"]; weight: number }[];
  cost: number;
  latency: { clients: Extract<Preference, { by: "latency" }>["clients"]; weight: number }[];
  warm: number;
  /** Per millionth of the node in use: positive packs, negative leaves room. */
  use: number;
  /** What `room` gives to an empty node. */
  roomBase: number;
  spreadSite: number;
  spreadNode: number;
}

export function weighingOf(shape: Shape): Weighing {
  const w: Weighing = { rules: [], cost: 0, latency: [], warm: 0, use: 0, roomBase: 0, spreadSite: 0, spreadNode: 0 };
  for (const t of termsOf(shape)) {
    const weight = milli(t.weight);
    if (t.by === "rule") w.rules.push({ selector: t.selector, weight });
    else if (t.by === "cost") w.cost += weight;
    else if (t.by === "latency") w.latency.push({ clients: t.clients, weight });
    else if (t.by === "warm") w.warm += weight;
    else if (t.by === "pack") w.use += weight;
    else if (t.by === "room") [w.use, w.roomBase] = [w.use - weight, w.roomBase + weight * MICRO];
    else if (t.by === "balance" || t.by === "fragmentation") throw new Error(`the engine does not weigh ${t.by}: placed by a look at every node (see place)`);
    else if (t.by === "spread" && t.over === "site") w.spreadSite += weight;
    else w.spreadNode += weight;
  }
  return w;
}

/** Minus the price of one unit for one hour, in millionths of the site's currency. */
export const costMicros = (demand: Demand, rates: FleetNode["rates"]): number => -Math.round(((demand.cpuMillis / 1_000) * rates.cpuHour + (demand.memoryBytes / GIB) * rates.memoryGiBHour) * MICRO);
/** What leaves the site of a node in an hour, in GiB: what is sent to the site itself does not. */
const leaving = (sent: Shape["sent"], site: string): number => (sent ?? []).reduce((sum, s) => sum + (s.to === site ? 0 : s.gibPerHour), 0);
/** Minus the price of what one unit sends in an hour, in millionths of the site's currency. */
const egressMicros = (sent: Shape["sent"], node: Pick<FleetNode, "site" | "rates">): number => (sent && node.rates.egressGiB ? -Math.round(leaving(sent, node.site) * node.rates.egressGiB * MICRO) : 0);
/** What one unit costs on a node in an hour, in the site's currency. */
export const hourlyCost = (demand: Demand, sent: Shape["sent"], node: Pick<FleetNode, "site" | "rates">): number => -(costMicros(demand, node.rates) + egressMicros(sent, node)) / MICRO;
/** Minus the mean round trip from the clients, in millionths of 100 ms. */
const latencyMicros = (clients: Weighing["latency"][number]["clients"], site: string): number => -Math.round((waitFor(clients, site).meanMs / 100) * MICRO);
/** The part of a score that goes by the node's site and its prices, whatever its make and whatever runs there. */
export const siteScore = (w: Weighing, shape: Shape, node: FleetNode): number => w.latency.reduce((sum, l) => sum + l.weight * latencyMicros(l.clients, node.site), w.cost ? w.cost * egressMicros(shape.sent, node) : 0);
export const spreadMicros = (units: number): number => Math.round(MICRO / (1 + units));
export const warmMicros = (shape: Shape, node: FleetNode): number => (shape.artifacts.length ? Math.round((MICRO * warmCount(shape, node)) / shape.artifacts.length) : 0);
const warmCount = (shape: Shape, node: FleetNode): number => shape.artifacts.filter((a) => node.warm.has(a)).length;

/**
 * The size that shares of a node are counted by: what it offers, up to the next of 64 steps per doubling. Nodes of one
 * make differ by a few kilobytes of memory; counted exactly, none of them would be like another.
 */
export function sizeStep(offered: number): number {
  if (offered <= 128) return Math.max(0, offered);
  const step = 2 ** (Math.floor(Math.log2(offered)) - 6);
  return Math.ceil(offered / step) * step;
}
const HALF = MICRO / 2;
/** Millionths of a node that are in use: CPU and memory by half each. What a unit adds is counted apart, so that nodes of one size keep their order whatever is asked for. */
export const usedMicros = (load: { cpuMillis: number; memoryBytes: number }, capacity: Pick<Capacity, "cpuMillis" | "memoryBytes">): number => usedPart(load.cpuMillis, sizeStep(capacity.cpuMillis)) + usedPart(load.memoryBytes, sizeStep(capacity.memoryBytes));
/** One half of `usedMicros`, for a size from `sizeStep`. */
export const usedPart = (used: number, size: number): number => (size > 0 ? Math.max(0, Math.min(HALF, Math.round((HALF * used) / size))) : HALF);
/** What a unit adds of one half. */
export const askedPart = (asked: number, size: number): number => (size > 0 ? Math.round((HALF * asked) / size) : 0);
export const askedMicros = (demand: Demand, capacity: Pick<Capacity, "cpuMillis" | "memoryBytes">): number => askedPart(demand.cpuMillis, sizeStep(capacity.cpuMillis)) + askedPart(demand.memoryBytes, sizeStep(capacity.memoryBytes));

/** In millionths. Values run from 0 to 1, but for cost and latency: minus the price of one unit for one hour, so that the weight is per currency unit, and minus the wait in 100 ms. */
function valueOf(term: Term, shape: Shape, node: FleetNode, f: RankFacts): number {
  switch (term.by) {
    case "rule":
      return term.selector.test(node.subject).matches ? MICRO : 0;
    case "cost":
      return costMicros(shape.demand, node.rates) + egressMicros(shape.sent, node);
    case "latency":
      return latencyMicros(term.clients, node.site);
    case "spread":
      return spreadMicros(term.over === "site" ? f.onSite : f.onNode);
    case "pack":
      return utilisation(shape, node, f.load);
    case "room":
      return MICRO - utilisation(shape, node, f.load);
    case "warm":
      return warmMicros(shape, node);
    case "balance": {
      const { cpu, memory } = sharesWith(shape, node, f.load);
      return Math.round(MICRO * (1 - Math.abs(cpu - memory)));
    }
    case "fragmentation": {
      const { now, then } = wasteWith(shape, node, f);
      return Math.round(MICRO * (now - then));
    }
  }
}
/** Shares of CPU and memory in use with the unit: what Kubernetes' NodeResourcesBalancedAllocation compares. */
function sharesWith(shape: Shape, node: FleetNode, load: Load): { cpu: number; memory: number } {
  const share = (used: number, of: number) => (of > 0 ? Math.max(0, Math.min(1, used / of)) : 1);
  return { cpu: share(load.cpuMillis + shape.demand.cpuMillis, node.capacity.cpuMillis), memory: share(load.memoryBytes + shape.demand.memoryBytes, node.capacity.memoryBytes) };
}
const wastes = new WeakMap<Mix, ReturnType<typeof rememberedFragmentation>>();
/** F of the FGD paper for a node now and with the unit, in accelerators; 0 where nothing is known to be wanted. */
function wasteWith(shape: Shape, node: FleetNode, f: RankFacts): { now: number; then: number } {
  const { mix } = f;
  if (!mix || Object.keys(node.capacity.devices).length === 0) return { now: 0, then: 0 };
  let waste = wastes.get(mix);
  if (!waste) wastes.set(mix, (waste = rememberedFragmentation(mix)));
  const of = (load: Load): number => gpuNodesOf({ name: node.name, capacity: node.capacity, load }).reduce((sum, g) => sum + (waste as (x: typeof g) => number)(g), 0) / 1_000;
  return { now: of(f.load), then: of(withDemand(f.load, shape.demand)) };
}
const utilisation = (shape: Shape, node: FleetNode, load: Load): number => usedMicros(load, node.capacity) + askedMicros(shape.demand, node.capacity);

/** The score in billionths, worked out in one go: what cached scores are held against. */
export function scorerOf(shape: Shape): (node: FleetNode, f: RankFacts) => number {
  const terms = termsOf(shape);
  return (node, f) => {
    let sum = 0;
    for (const t of terms) sum += valueOf(t, shape, node, f) * milli(t.weight);
    return sum;
  };
}

/** The same score part by part, each with its sentence: for the candidates that are kept. */
export function scoreParts(shape: Shape, node: FleetNode, f: RankFacts): ScorePart[] {
  return termsOf(shape).map((t) => {
    const value = valueOf(t, shape, node, f) / MICRO;
    return { value, weight: milli(t.weight) / MILLI, ...words(t, value, shape, node, f) };
  });
}

function words(t: Term, value: number, shape: Shape, node: FleetNode, f: RankFacts): { name: string; text: string } {
  switch (t.by) {
    case "rule":
      return { name: "rule", text: `${value === 1 ? "Matches" : "Does not match"} ${t.selector.text}.` };
    case "cost":
      return { name: "cost", text: costText(-value, shape, node) };
    case "latency":
      return { name: "latency", text: latencyText(t.clients, node.site) };
    case "spread":
      return { name: `spread over ${t.over}s`, text: countText(t.over, t.over === "site" ? f.onSite : f.onNode) };
    case "pack":
      return { name: "pack", text: `${percent(value)} of the node would be in use.` };
    case "room":
      return { name: "room", text: `${percent(value)} of the node would be left.` };
    case "balance": {
      const { cpu, memory } = sharesWith(shape, node, f.load);
      return { name: "balance", text: `${percent(cpu)} of the CPU and ${percent(memory)} of the memory would be in use.` };
    }
    case "fragmentation": {
      const { now, then } = wasteWith(shape, node, f);
      const digits = (n: number) => Number(n.toFixed(2));
      return { name: "fragmentation", text: `${digits(now)} of its accelerators lie idle where what is wanted can't use them, ${digits(then)} with the unit.` };
    }
    case "warm":
      return { name: "warm", text: `Has used ${warmCount(shape, node)} of ${shape.artifacts.length} artifacts lately.` };
  }
}

function costText(cost: number, shape: Shape, node: FleetNode): string {
  const egress = -egressMicros(shape.sent, node);
  const parts = shape.sent?.length ? `: ${-costMicros(shape.demand, node.rates) / MICRO} for CPU and memory, ${egress / MICRO} for ${leaving(shape.sent, node.site)} GiB that leave the site` : "";
  return `Costs ${cost} ${node.rates.currency} an hour at ${node.site}${parts}.`;
}
function latencyText(clients: Extract<Preference, { by: "latency" }>["clients"], site: string): string {
  const { meanMs, unreached } = waitFor(clients, site);
  const named = `${unreached.slice(0, 3).join(", ")}${unreached.length > 3 ? ` and ${unreached.length - 3} more` : ""}`;
  return `Clients wait ${Number(meanMs.toFixed(1))} ms on average for ${site}${unreached.length ? `: no link leads there from ${named}, which counts as 10 s` : ""}.`;
}
const countText = (over: "site" | "node", n: number): string => (n === 0 ? `No unit of the workload on the ${over} yet.` : `${n} ${n === 1 ? "unit" : "units"} of the workload on the ${over} already.`);
const percent = (v: number): string => `${Math.round(v * 100)}%`;
