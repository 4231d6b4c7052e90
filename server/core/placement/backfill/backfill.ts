import { fits, noLoad, withDemand } from "../demand";
import type { Capacity, Demand, Load } from "../demand";

/** How long something takes, as a range: the shortest and the longest that is expected. Infinity: until somebody ends it. */
export interface Estimate {
  minMs: number;
  maxMs: number;
}

export interface BackfillNode {
  id: string;
  capacity: Capacity;
  /** What is not known to end; absent: nothing. */
  stays?: Load;
}
/** What runs, and between which times it is expected to end. */
export interface RunningTask {
  nodeId: string;
  demand: Demand;
  endsMs: Estimate;
}
/** Units that have to start together, in the order of the queue. */
export interface QueuedJob {
  id: string;
  demand: Demand;
  units: number;
  takes: Estimate;
  /** Nodes that may take it, room apart. */
  nodes: ReadonlySet<string>;
}
export interface Reservation {
  id: string;
  /** When it starts at the latest, if everything takes as long as expected at most; null when that can't be told. */
  startMs: number | null;
  /** When it would start if everything took as short as expected. */
  earliestMs: number | null;
  /** One node for each unit; empty when it can't be told. */
  nodes: string[];
}

/**
 * Conservative backfill (Mu'alem and Feitelson, IEEE TPDS 2001; Slurm's backfill scheduler works so): every waiting job
 * gets, in the order of the queue, the earliest time at which it fits beside what runs and beside all reservations made
 * before it. So a job that stands later starts earlier only where that delays nobody before it.
 */
export function backfill(nowMs: number, nodes: readonly BackfillNode[], running: readonly RunningTask[], queue: readonly QueuedJob[]): Reservation[] {
  const late = reserve(nowMs, nodes, running.map((r) => ({ ...r, endMs: r.endsMs.maxMs })), queue.map((q) => ({ ...q, lastsMs: q.takes.maxMs })));
  const early = reserve(nowMs, nodes, running.map((r) => ({ ...r, endMs: r.endsMs.minMs })), queue.map((q) => ({ ...q, lastsMs: q.takes.minMs })));
  return late.map((r, i) => {
    const soon = early[i]?.startMs ?? null;
    // Shorter jobs may be packed in another order, which now and then is later: the range never turns round.
    return { id: r.id, startMs: r.startMs, nodes: r.nodes, earliestMs: soon === null ? r.startMs : r.startMs === null ? soon : Math.min(soon, r.startMs) };
  });
}

interface Stay {
  fromMs: number;
  toMs: number;
  demand: Demand;
}

function reserve(nowMs: number, nodes: readonly BackfillNode[], running: readonly { nodeId: string; demand: Demand; endMs: number }[], queue: readonly (QueuedJob & { lastsMs: number })[]): Omit<Reservation, "earliestMs">[] {
  const stays = new Map<string, Stay[]>(nodes.map((n) => [n.id, []]));
  for (const r of running) stays.get(r.nodeId)?.push({ fromMs: -Infinity, toMs: Math.max(r.endMs, nowMs + 1), demand: r.demand });
  return queue.map((job) => {
    const open = nodes.filter((n) => job.nodes.has(n.id));
    const times = new Set([nowMs]);
    for (const n of open) for (const s of stays.get(n.id) ?? []) if (Number.isFinite(s.toMs) && s.toMs > nowMs) times.add(s.toMs);
    for (const at of [...times].sort((a, b) => a - b)) {
      const found = roomAt(at, at + job.lastsMs, open, stays, job);
      if (!found) continue;
      for (const id of found) stays.get(id)?.push({ fromMs: at, toMs: at + job.lastsMs, demand: job.demand });
      return { id: job.id, startMs: at, nodes: found };
    }
    return { id: job.id, startMs: null, nodes: [] };
  });
}

/** A node for each unit of a job that is free all the time from `fromMs` to `toMs`; null when there are too few. */
function roomAt(fromMs: number, toMs: number, nodes: readonly BackfillNode[], stays: ReadonlyMap<string, readonly Stay[]>, job: QueuedJob): string[] | null {
  const found: string[] = [];
  for (const n of nodes) {
    const here = (stays.get(n.id) ?? []).filter((s) => s.fromMs < toMs && s.toMs > fromMs);
    // The load only grows where something begins: the moments to check are the start and every begin within.
    const moments = [fromMs, ...here.map((s) => s.fromMs).filter((t) => t > fromMs)];
    const loads = moments.map((t) => here.filter((s) => s.fromMs <= t && s.toMs > t).reduce<Load>((l, s) => withDemand(l, s.demand), n.stays ?? noLoad));
    while (found.length < job.units && loads.every((l) => fits(n.capacity, l, job.demand))) {
      found.push(n.id);
      loads.forEach((l, i) => (loads[i] = withDemand(l, job.demand)));
    }
    if (found.length === job.units) return found;
  }
  return null;
}
