import { admitsModel, after, devicesWith, idleOf, stateKey, waysOn } from "./gpu";
import type { GpuNode, GpuShape } from "./gpu";
import type { Mix } from "./mix";

/**
 * F_n(m), what of a node's idle GPUs a task of this shape can't use, in thousandths of a device (FGD paper, section 4.2,
 * equations 1 to 3). All that is idle, when the task can't run there or asks for no GPU; else what is left on the devices
 * that have less left than it asks of each. Memory plays no part.
 */
export function fragmentFor(node: GpuNode, shape: GpuShape): number {
  if (shape.gpus === 0 || node.cpuMillis < shape.cpuMillis || !admitsModel(node, shape) || devicesWith(node.free, shape.gpuMillis) < shape.gpus) return idleOf(node);
  let sum = 0;
  for (const f of node.free) if (f < shape.gpuMillis) sum += f;
  return sum;
}

/** F_n(M), in thousandths of a device: the mean of F_n(m) over the mix (FGD paper, section 4.2, equation 4). */
export function fragmentationOf(node: GpuNode, mix: Mix): number {
  if (idleOf(node) === 0) return 0;
  let sum = 0;
  for (const { shape, share } of mix.entries) sum += share * fragmentFor(node, shape);
  return sum;
}

/** F_n(M) that remembers what it found: many nodes are in the same state, and few change between two looks. */
export function rememberedFragmentation(mix: Mix): (node: GpuNode) => number {
  const known = new Map<string, number>();
  return (node) => {
    const key = stateKey(node.model, node.cpuMillis, node.free);
    let value = known.get(key);
    if (value === undefined) known.set(key, (value = fragmentationOf(node, mix)));
    return value;
  };
}

/**
 * How a task changes a node's fragmentation where it is put best, in thousandths of a device: below 0 it used what the mix
 * could not (FGD paper, section 4.3). Null when it does not fit.
 */
export function deltaOf(node: GpuNode, shape: GpuShape, mix: Mix): { delta: number; devices: readonly number[] } | null {
  const before = fragmentationOf(node, mix);
  let best: { delta: number; devices: readonly number[] } | null = null;
  for (const devices of waysOn(node, shape)) {
    const delta = fragmentationOf(after(node, shape, devices), mix) - before;
    if (best === null || delta < best.delta) best = { delta, devices };
  }
  return best;
}

/** Idle and fragmented thousandths of devices in a group of nodes. */
export interface FragmentationSum {
  group: string;
  nodes: number;
  devices: number;
  idle: number;
  fragmented: number;
}

/** Fragmentation by any group: a site, a model of GPU. Groups in the order of their names. */
export function fragmentationBy(nodes: readonly GpuNode[], mix: Mix, groupOf: (node: GpuNode) => string): FragmentationSum[] {
  const of = rememberedFragmentation(mix);
  const sums = new Map<string, FragmentationSum>();
  for (const node of nodes) {
    const group = groupOf(node);
    let sum = sums.get(group);
    if (!sum) sums.set(group, (sum = { group, nodes: 0, devices: 0, idle: 0, fragmented: 0 }));
    sum.nodes++;
    sum.devices += node.free.length;
    sum.idle += idleOf(node);
    sum.fragmented += of(node);
  }
  return [...sums.values()].sort((a, b) => (a.group < b.group ? -1 : a.group > b.group ? 1 : 0));
}
