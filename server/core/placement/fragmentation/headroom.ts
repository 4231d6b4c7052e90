import type { GpuNode } from "./gpu";
import type { Mix } from "./mix";
import type { FleetPrice } from "./packer";

export interface HeadroomOptions {
  /** Tasks to look ahead. */
  ahead?: number;
  /** The most that a slot may cost, in devices. */
  most?: number;
}

/**
 * What keeps room for tasks without GPU: fill by itself would take the last large blocks of free CPU with tasks that fit
 * elsewhere too. A slot of a shape is room for one task of it; with H slots in the fleet and `share x ahead` such tasks
 * expected soon, a slot costs `share x ahead / (H + 1)` devices, at most `most`. Far from need that is nearly nothing.
 */
export function headroomPrice(nodes: readonly GpuNode[], mix: Mix, options: HeadroomOptions = {}): FleetPrice | null {
  const { ahead = 1_000, most = 0.03 } = options;
  const needs = mix.entries.filter((e) => e.shape.gpus === 0 && e.shape.cpuMillis > 0).map((e) => ({ cpu: e.shape.cpuMillis, share: e.share, slots: 0, cost: 0 }));
  if (needs.length === 0) return null;
  const reprice = () => {
    for (const need of needs) need.cost = Math.min(most, (need.share * ahead) / (need.slots + 1));
  };
  for (const need of needs) for (const node of nodes) need.slots += Math.floor(node.cpuMillis / need.cpu);
  reprice();
  return {
    of: (node, shape) => {
      let sum = 0;
      for (const need of needs) sum += need.cost * (Math.floor(node.cpuMillis / need.cpu) - Math.floor((node.cpuMillis - shape.cpuMillis) / need.cpu));
      return sum;
    },
    changed: (before, now) => {
      for (const need of needs) need.slots += Math.floor(now.cpuMillis / need.cpu) - Math.floor(before.cpuMillis / need.cpu);
      reprice();
    },
  };
}
