import { Packer, bestFitScore, fgdScore, fillEstimate, fillScore, gpuMillisOf, headroomPrice, idleOf, isShare, mixOf, waysOn } from "../../server/core/placement/fragmentation";
import type { GpuShape, Packed } from "../../server/core/placement/fragmentation";
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
type Find = (shape: GpuShape) => Packed | null;

function packerOf(policy: PolicyName, trace: Trace, run: Run): { packer: Packer; find: Find } {
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
      const packer = new Packer(run.nodes, fillScore(fillEstimate(mix, run.nodes)), headroomPrice(run.nodes, mix));
      return { packer, find: (shape) => packer.find(shape) };
    }
  }
}

function anyPlace(packer: Packer, shape: GpuShape, random: () => number): Packed | null {
  const places: Packed[] = [];
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

/** Plays one seed: tasks are created in order and stay. What was allocated is averaged over the arrivals of a bin. */
export function play(trace: Trace, seed: number, policy: PolicyName, _moves = 0): SeedResult {
  const run = makeRun(trace, seed);
  const { packer, find } = packerOf(policy, trace, run);
  const result = { seed, alloc100: 0, alloc130: 0, arrived: run.arrivals.length, placed: 0, rejectedFitting: 0, gpuFailures: 0, cpuOnlyFailures: 0, moved: 0 };
  const bins = new Map<number, { sum: number; count: number }>();
  let arrived = 0;
  let allocated = 0;
  for (const shape of run.arrivals) {
    arrived += gpuMillisOf(shape);
    const at = find(shape);
    if (at) {
      packer.take(at, shape);
      allocated += gpuMillisOf(shape);
      result.placed++;
    } else {
      if (packer.nodes.some((node) => waysOn(node, shape).length > 0)) result.rejectedFitting++;
      if (shape.gpus > 0) result.gpuFailures++;
      else result.cpuOnlyFailures++;
    }
    const bin = halfToEven((100 * arrived) / run.totalMillis);
    const b = bins.get(bin) ?? { sum: 0, count: 0 };
    b.sum += Math.round((10_000 * allocated) / run.totalMillis) / 100;
    b.count++;
    bins.set(bin, b);
  }
  checkBooks(packer, run, allocated);
  const meanOf = (bin: number): number => {
    // A bin that no arrival fell into takes those of its neighbours, as the authors' analysis does.
    const found = bins.get(bin) ?? [bins.get(bin - 1), bins.get(bin + 1)].reduce<{ sum: number; count: number }>((a, b) => ({ sum: a.sum + (b?.sum ?? 0), count: a.count + (b?.count ?? 0) }), { sum: 0, count: 0 });
    return found.sum / found.count;
  };
  return { ...result, alloc100: meanOf(100), alloc130: meanOf(130) };
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
