import { Packer, bestFitScore, fgdScore, fillEstimate, fillScore, fitsOn, gpuMillisOf, headroomPrice, idleOf, isShare, makeRoom, mixOf, waysOn } from "../../server/core/placement/fragmentation";
import type { FillEstimate, GpuShape, Place, Running } from "../../server/core/placement/fragmentation";
import { makeRun } from "./trace";
import type { Run, Trace } from "./trace";

export const policies = ["random", "bestfit", "fgd", "holdfast"] as const;
export type PolicyName = (typeof policies)[number];

/** What one seed gave. Percentages are of all GPUs, as in the paper. */
export interface SeedResult {
  seed: number;
  alloc100: number;
  alloc130: number;
  arrived: number;
  placed: number;
  rejectedFitting: number;
  gpuFailures: number;
  cpuOnlyFailures: number;
  moved: number;
}

/** Finds a place, or null; `random` draws among all nodes with room, then among the devices. */
type Find = (shape: GpuShape) => Place | null;

function packerOf(policy: PolicyName, trace: Trace, run: Run): { packer: Packer; find: Find; fill?: FillEstimate } {
  const mix = mixOf(trace.tasks.map((t) => t.shape));
  switch (policy) {
    case "random": {
      const packer = new Packer(run.nodes, bestFitScore);
      return { packer, find: (shape) => anyPlace(packer, shape, run.random) };
    }
    case "bestfit": {
      const packer = new Packer(run.nodes, bestFitScore);
      return { packer, find: (shape) => packer.find(shape) };
    }
    case "fgd": {
      const packer = new Packer(run.nodes, fgdScore(mix));
      return { packer, find: (shape) => packer.find(shape) };
    }
    case "holdfast": {
      const fill = fillEstimate(mix, run.nodes);
      const packer = new Packer(run.nodes, fillScore(fill), headroomPrice(run.nodes, mix));
      return { packer, find: (shape) => packer.find(shape), fill };
    }
  }
}

function anyPlace(packer: Packer, shape: GpuShape, random: () => number): Place | null {
  const places: Place[] = [];
  packer.nodes.forEach((node, n) => {
    const ways = waysOn(node, shape);
    if (ways.length > 0) places.push({ node: n, devices: ways[0] ?? [] });
  });
  const drawn = places[Math.floor(random() * places.length)];
  if (!drawn || !isShare(shape)) return drawn ?? null;
  const free = packer.nodes[drawn.node]?.free ?? [];
  const devices = free.map((_, d) => d).filter((d) => (free[d] ?? 0) >= shape.gpuMillis);
  return { node: drawn.node, devices: [devices[Math.floor(random() * devices.length)] ?? 0] };
}

/**
 * Plays one seed: tasks are created in order and stay. What was allocated is averaged over the arrivals of a bin. With
 * `moves`, a task with GPU that fits nowhere may have one other moved out of its way, while no more tasks were moved than
 * this share of those placed so far.
 */
export function play(trace: Trace, seed: number, policy: PolicyName, moves = 0): SeedResult {
  const run = makeRun(trace, seed);
  const { packer, find, fill } = packerOf(policy, trace, run);
  const running = packer.nodes.map((): Running[] => []);
  const result = { seed, alloc100: 0, alloc130: 0, arrived: run.arrivals.length, placed: 0, rejectedFitting: 0, gpuFailures: 0, cpuOnlyFailures: 0, moved: 0 };
  const bins = new Bins(run.totalMillis);
  let arrived = 0;
  let allocated = 0;
  const put = (at: Place, shape: GpuShape) => {
    packer.take(at, shape);
    running[at.node]?.push({ ...at, shape });
  };
  /** The place that a move makes, with the move made; null when none is worth it. */
  const room = (shape: GpuShape): Place | null => {
    if (!fill || shape.gpus === 0 || result.moved + 1 > moves * result.placed) return null;
    const made = makeRoom(packer, (n) => running[n] ?? [], shape, fill);
    if (!made) return null;
    put(made.to, made.moved.shape);
    packer.release(made.moved, made.moved.shape);
    const on = running[made.moved.node] ?? [];
    on.splice(on.indexOf(made.moved), 1);
    result.moved++;
    return made.at;
  };
  for (const shape of run.arrivals) {
    arrived += gpuMillisOf(shape);
    const direct = find(shape);
    if (!direct && packer.nodes.some((node) => fitsOn(node, shape))) result.rejectedFitting++;
    const at = direct ?? room(shape);
    if (at) {
      put(at, shape);
      allocated += gpuMillisOf(shape);
      result.placed++;
    } else if (shape.gpus > 0) result.gpuFailures++;
    else result.cpuOnlyFailures++;
    bins.add(arrived, allocated);
  }
  checkBooks(packer, run, allocated);
  return { ...result, alloc100: bins.meanOf(100), alloc130: bins.meanOf(130) };
}

/** Percentages allocated, by the percentage that has arrived, as the analysis of the authors' logs rounds them. */
class Bins {
  readonly #bins = new Map<number, { sum: number; count: number }>();

  constructor(readonly totalMillis: number) {}

  add(arrived: number, allocated: number): void {
    const bin = halfToEven((100 * arrived) / this.totalMillis);
    const b = this.#bins.get(bin) ?? { sum: 0, count: 0 };
    b.sum += Math.round((10_000 * allocated) / this.totalMillis) / 100;
    b.count++;
    this.#bins.set(bin, b);
  }

  /** A bin that no arrival fell into takes those of its neighbours. */
  meanOf(bin: number): number {
    const found = this.#bins.has(bin) ? [bin] : [bin - 1, bin + 1];
    let sum = 0;
    let count = 0;
    for (const b of found) {
      sum += this.#bins.get(b)?.sum ?? 0;
      count += this.#bins.get(b)?.count ?? 0;
    }
    return sum / count;
  }
}

/** A benchmark that lost or doubled devices would report nonsense: it ends instead. */
function checkBooks(packer: Packer, run: Run, allocated: number): void {
  const idle = packer.nodes.reduce((sum, n) => sum + idleOf(n), 0);
  const broken = packer.nodes.find((n) => n.cpuMillis < 0 || n.memoryBytes < 0 || n.free.some((f) => f < 0));
  if (broken || idle + allocated !== run.totalMillis) throw new Error(`the books do not balance: ${broken?.name ?? "devices"} after ${allocated} allocated and ${idle} idle of ${run.totalMillis}`);
}

/** Rounds halves to the even neighbour, as the analysis of the authors' logs does. */
function halfToEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}
