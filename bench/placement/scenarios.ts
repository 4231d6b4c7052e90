import type { Ask, Shape } from "../../server/core/placement";
import { Planner, columnsOf } from "../../server/core/placement";
import { round } from "../lib/numbers";
import { fleetOf, shapesOf } from "./fleet";

const SEED = 7;

/** Sites for a fleet of so many nodes. */
export const sitesFor = (nodes: number): number => Math.max(4, Math.round(nodes / 250));

/** Workloads of some shapes that are placed in turns, so that every class has to follow what all others did. */
export function inTurns(shapes: number, count: number): Ask[] {
  const list = shapesOf({ count: shapes, seed: SEED });
  return Array.from({ length: count }, (_, i) => ({ unit: `u-${i}`, shape: list[i % shapes] as Shape, group: `w-${i % shapes}` }));
}

/** Every unit is a workload of its own, and asks for something else. */
export function allDifferent(count: number, packing: boolean): Ask[] {
  return shapesOf({ count, seed: SEED + 1, packing }).map((shape, i) => ({ unit: `u-${i}`, shape: { ...shape, demand: { ...shape.demand, memoryBytes: shape.demand.memoryBytes + i } }, group: `w-${i}` }));
}

/** Services that spread over sites and nodes by hard rules, each apart from another one. */
export function spreadApart(count: number): Ask[] {
  const groups = 20;
  const shapes = shapesOf({ count: groups, seed: SEED + 2 }).map((s, g): Shape => ({ ...s, demand: { ...s.demand, devices: null, extra: {} }, selector: null, policy: { name: "spread", require: [], residency: null, trustTierMin: null, tolerate: [], spread: [{ over: "site", maxSkew: 2 }, { over: "node", maxSkew: 1 }] }, prefer: [], apart: [{ from: null, over: "node" }, { from: `w-${g ^ 1}`, over: "node" }] }));
  return Array.from({ length: count }, (_, i) => ({ unit: `u-${i}`, shape: shapes[i % groups] as Shape, group: `w-${i % groups}` }));
}

export interface Million {
  scenario: string;
  nodes: number;
  units: number;
  workloads: number;
  planMs: number;
  /** Processor time, collector included: what it takes on a machine that does nothing else. */
  planCpuMs: number;
  placed: number;
  lostNodes: number;
  lostUnits: number;
  replanMs: number;
  replanCpuMs: number;
  replaced: number;
  /** Units that moved although their node was not lost: there must be none. */
  otherMoves: number;
  rssMiB: number;
}

/** A whole fleet planned from nothing, and again after a site has gone. The snapshot's objects are there; everything else counts. */
export function million(o: { nodes: number; units: number; workloads: number; siteNodes: number; shapes: number }): Million {
  const snapshot = fleetOf({ nodes: o.nodes, sites: Math.round(o.nodes / o.siteNodes), seed: SEED });
  const shapes = shapesOf({ count: o.shapes, seed: SEED });
  const asks: Ask[] = [];
  const each = Math.ceil(o.units / o.workloads);
  for (let w = 0; w < o.workloads; w++) for (let k = 0; k < each && asks.length < o.units; k++) asks.push({ unit: `w-${w}-${k}`, shape: shapes[w % o.shapes] as Shape, group: `w-${w}` });
  const cpuFrom = process.cpuUsage();
  const from = performance.now();
  const planner = new Planner(columnsOf(snapshot), { seed: "bench", own: [] });
  planner.prepare(asks);
  let placed = 0;
  for (const ask of asks) if (planner.records.nodeOf(planner.decide(ask)) >= 0) placed++;
  const planMs = performance.now() - from;
  const planCpu = process.cpuUsage(cpuFrom);

  const { siteOf } = columnsOf(snapshot);
  const cpuAgain = process.cpuUsage();
  const again = performance.now();
  const lost: number[] = [];
  siteOf.forEach((s, i) => s === 0 && lost.push(i));
  for (const i of lost) planner.lose(i, "silent");
  const homeless: Ask[] = [];
  asks.forEach((ask, k) => {
    const node = planner.records.nodeOf(k);
    if (node < 0 || siteOf[node] !== 0) return;
    planner.release(node, ask);
    homeless.push(ask);
  });
  const moved = homeless.map((ask) => planner.decide(ask));
  const replanMs = performance.now() - again;
  const replanCpu = process.cpuUsage(cpuAgain);
  return {
    scenario: "million", nodes: o.nodes, units: asks.length, workloads: o.workloads, planMs: Math.round(planMs), planCpuMs: Math.round((planCpu.user + planCpu.system) / 1_000), placed, lostNodes: lost.length, lostUnits: homeless.length, replanMs: round(replanMs), replanCpuMs: Math.round((replanCpu.user + replanCpu.system) / 1_000),
    replaced: moved.filter((k) => planner.records.nodeOf(k) >= 0 && siteOf[planner.records.nodeOf(k)] !== 0).length,
    otherMoves: planner.records.length - asks.length - homeless.length, rssMiB: Math.round(process.memoryUsage.rss() / 2 ** 20),
  };
}
