import { PerformanceObserver } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Ask, FleetSnapshot, PlacedAsk } from "../../server/core/placement";
import { Planner, columnsOf, place } from "../../server/core/placement";
import { quantile, round } from "../lib/numbers";
import { DIMENSIONS } from "./fleet";

export interface Measured {
  scenario: string;
  nodes: number;
  shapes: number;
  placements: number;
  placed: number;
  runs: number;
  /** Median over the runs, the collector's pauses apart. */
  placementsPerSecond: number;
  /** The same with its pauses. */
  perSecondWithPauses: number;
  /** By processor time of this process, collector included: what it is on a machine that does nothing else. */
  perCpuSecond: number;
  p50Us: number;
  p99Us: number;
  floorNsPerNode: number;
  /** Time of one placement over the time of one bare scan of all nodes. */
  ratioToFloor: number;
  gcPauses: number;
  gcPauseMs: number;
  gcMaxMs: number;
  /** Making columns from the snapshot's objects, once. */
  columnsMs: number;
  rssMiB: number;
}

/** Pauses of the garbage collector while something runs. */
function watchGc(): { end(): Promise<{ pauses: { at: number; ms: number }[] }> } {
  const pauses: { at: number; ms: number }[] = [];
  const take = (list: readonly { startTime: number; duration: number }[]) => void pauses.push(...list.map((e) => ({ at: e.startTime, ms: e.duration })));
  const observer = new PerformanceObserver((list) => take(list.getEntries()));
  observer.observe({ entryTypes: ["gc"] });
  return {
    async end() {
      // Entries are handed over between turns of the event loop.
      await new Promise((resolve) => setImmediate(resolve));
      take(observer.takeRecords());
      observer.disconnect();
      return { pauses };
    },
  };
}

/**
 * What a scheduler without any cache can't go below: one filter and score of one task over all nodes, in typed arrays, best
 * node kept. Nanoseconds a node.
 */
export function costFloor(nodes: number): number {
  const free = new Float64Array(nodes * DIMENSIONS);
  for (let i = 0; i < free.length; i++) free[i] = 1_000 + ((i * 2_654_435_761) % 64_000);
  const ask = new Float64Array(DIMENSIONS).fill(2_000);
  let kept = 0;
  const scan = () => {
    let best = -1;
    let top = -Infinity;
    for (let i = 0, at = 0; i < nodes; i++, at += DIMENSIONS) {
      let ok = true;
      let score = 0;
      for (let d = 0; d < DIMENSIONS; d++) {
        const left = (free[at + d] as number) - (ask[d] as number);
        if (left < 0) {
          ok = false;
          break;
        }
        score += left;
      }
      if (ok && score > top) [top, best] = [score, i];
    }
    kept += best;
  };
  for (let k = 0; k < 20; k++) scan();
  const rounds = Math.max(20, Math.floor(2_000_000 / nodes));
  const from = performance.now();
  for (let k = 0; k < rounds; k++) scan();
  const ns = ((performance.now() - from) * 1e6) / rounds / nodes;
  if (kept === Number.MIN_VALUE) throw new Error("unreachable: keeps the scan from being optimised away");
  return ns;
}

/** Lets the collector finish with what earlier runs left: that is no cost of the next one. */
function settle(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

/** Runs asks through `place` several times for the rate, and once more one by one for the distribution. */
export async function measure(scenario: string, snapshot: FleetSnapshot, asks: readonly Ask[], shapes: number, runs: number): Promise<Measured> {
  const nodes = snapshot.nodes.length;
  const columnsFrom = performance.now();
  columnsOf(snapshot);
  const columnsMs = performance.now() - columnsFrom;
  // The compiler needs to have seen the code; a scheduler that runs for days has.
  place(snapshot, asks.slice(0, Math.min(asks.length, 20_000)), { seed: "warm", own: [] });
  const rates: { apart: number; whole: number; cpu: number; ms: number }[] = [];
  let placements: readonly PlacedAsk[] = [];
  for (let run = 0; run < runs; run++) {
    settle();
    const gc = watchGc();
    const cpuFrom = process.cpuUsage();
    const from = performance.now();
    placements = place(snapshot, asks, { seed: "bench", own: [] }).placements;
    const ms = performance.now() - from;
    const cpu = process.cpuUsage(cpuFrom);
    const paused = (await gc.end()).pauses.filter((p) => p.at >= from && p.at < from + ms).reduce((sum, p) => sum + p.ms, 0);
    rates.push({ apart: asks.length / (ms - paused), whole: asks.length / ms, cpu: asks.length / (cpu.user + cpu.system), ms });
  }
  const median = (of: (r: (typeof rates)[number]) => number) => quantile(rates.map(of), 0.5);
  let placed = 0;
  for (const p of placements) if (p.nodeId !== null) placed++;

  const planner = new Planner(columnsOf(snapshot), { seed: "bench", own: [] });
  planner.prepare(asks);
  settle();
  const us = new Float64Array(asks.length);
  const starts = new Float64Array(asks.length);
  const gc = watchGc();
  for (let i = 0; i < asks.length; i++) {
    const start = performance.now();
    planner.decide(asks[i] as Ask);
    starts[i] = start;
    us[i] = (performance.now() - start) * 1_000;
  }
  const { pauses } = await gc.end();
  const apart = withoutPauses(us, starts, pauses);
  for (let i = 0; i < asks.length; i += Math.ceil(asks.length / 1_000)) if ((snapshot.nodes[planner.records.nodeOf(i)]?.id ?? null) !== (placements[i]?.nodeId ?? null)) throw new Error("two runs of one plan differ");
  const floor = costFloor(nodes);
  return {
    scenario, nodes, shapes, placements: asks.length, placed,
    placementsPerSecond: Math.round(median((r) => r.apart) * 1_000), perSecondWithPauses: Math.round(median((r) => r.whole) * 1_000), perCpuSecond: Math.round(median((r) => r.cpu) * 1e6), runs,
    p50Us: round(quantile(apart, 0.5), 2), p99Us: round(quantile(apart, 0.99), 2),
    floorNsPerNode: round(floor, 2), ratioToFloor: round((median((r) => r.ms) * 1e6) / asks.length / (floor * nodes), 4),
    gcPauses: pauses.length, gcPauseMs: round(pauses.reduce((sum, p) => sum + p.ms, 0)), gcMaxMs: round(pauses.reduce((most, p) => Math.max(most, p.ms), 0), 2),
    columnsMs: Math.round(columnsMs), rssMiB: Math.round(process.memoryUsage.rss() / 2 ** 20),
  };
}

/** Samples in which the collector paused the program are counted apart. */
function withoutPauses(us: Float64Array, starts: Float64Array, pauses: readonly { at: number; ms: number }[]): number[] {
  const out: number[] = [];
  const sorted = [...pauses].sort((a, b) => a.at - b.at);
  let p = 0;
  for (let i = 0; i < us.length; i++) {
    const start = starts[i] as number;
    const end = start + (us[i] as number) / 1_000;
    while (p < sorted.length && (sorted[p] as { at: number; ms: number }).at + (sorted[p] as { at: number; ms: number }).ms < start) p++;
    const next = sorted[p];
    if (next && next.at <= end) continue;
    out.push(us[i] as number);
  }
  return out;
}
