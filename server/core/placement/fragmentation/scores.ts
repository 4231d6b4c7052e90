import type { FillEstimate } from "./fill";
import { after, gpuMillisOf, idleOf, isShare, waysOn } from "./gpu";
import type { GpuNode, GpuShape } from "./gpu";
import { rememberedFragmentation } from "./measure";
import type { Mix } from "./mix";

/** How well a task sits on a node, and on which of its devices: the greater the better. Null when it does not fit. */
export interface Scored {
  score: number;
  devices: readonly number[];
}
export type NodeScore = (node: GpuNode, shape: GpuShape) => Scored | null;

/**
 * Fragmentation gradient descent, with the floors of the authors' simulator: floor(100 / (1 + exp(-(F_before - F_after) /
 * 1000))); the first device with the greatest floor (FGD paper, section 4.3, algorithm 1).
 */
export function fgdScore(mix: Mix): NodeScore {
  const of = rememberedFragmentation(mix);
  return (node, shape) => {
    const before = of(node);
    return best(node, shape, (next) => Math.floor(100 / (1 + Math.exp(-(before - of(next)) / 1_000))));
  };
}

/** The largest node of the trace, by which BestFit weighs what would be left: cores and devices, in thousandths. */
const LARGEST = { cpuMillis: 128_000, gpuMillis: 8_000 } as const;

/**
 * BestFit as the authors run it: floor(100 x (1 - (CPU left / 128 cores + GPU left / 8 devices) / 2)) after the task; of
 * the devices the one with the least left that will do.
 */
export const bestFitScore: NodeScore = (node, shape) => {
  const ways = waysOn(node, shape);
  if (ways.length === 0) return null;
  const cpu = (node.cpuMillis - shape.cpuMillis) / LARGEST.cpuMillis;
  const gpu = (idleOf(node) - gpuMillisOf(shape)) / LARGEST.gpuMillis;
  return { score: Math.floor(100 * (1 - (cpu + gpu) / 2)), devices: tightest(node, shape, ways) };
};

function tightest(node: GpuNode, shape: GpuShape, ways: readonly (readonly number[])[]): readonly number[] {
  let found = ways[0] ?? [];
  if (!isShare(shape)) return found;
  for (const way of ways) if ((node.free[way[0] ?? 0] ?? 0) < (node.free[found[0] ?? 0] ?? 0)) found = way;
  return found;
}

/** Holdfast's: how little of what the node is expected to carry yet is lost (see `fill.ts`), in devices. */
export function fillScore(fill: FillEstimate): NodeScore {
  return (node, shape) => {
    const before = fill(node);
    return best(node, shape, (next) => fill(next) - before);
  };
}

function best(node: GpuNode, shape: GpuShape, scoreOf: (next: GpuNode) => number): Scored | null {
  let found: Scored | null = null;
  for (const devices of waysOn(node, shape)) {
    const score = scoreOf(after(node, shape, devices));
    if (found === null || score > found.score) found = { score, devices };
  }
  return found;
}
