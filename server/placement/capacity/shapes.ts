import { counted } from "../../core/fleet";
import type { Demand, FleetNode } from "../../core/placement";
import { WHOLE } from "../../core/placement/fragmentation";
import type { GpuNode, GpuShape } from "../../core/placement/fragmentation";

const GIB = 2 ** 30;
const MIB = 2 ** 20;
const bytesText = (n: number): string => (n >= GIB ? `${Number((n / GIB).toFixed(1))} GiB` : `${Math.round(n / MIB)} MiB`);

/** What one unit asks for, in words. */
export function demandText(d: Demand): string {
  const parts = [d.devices ? counted(d.devices.count, d.devices.model ?? "accelerator") : "", `${Number((d.cpuMillis / 1_000).toFixed(3))} CPU`, d.memoryBytes > 0 ? `${bytesText(d.memoryBytes)} memory` : ""];
  return parts.filter(Boolean).join(", ");
}

/** A demand as fragmentation sees it: the units of this language ask for whole accelerators. */
export const gpuShapeOf = (d: Demand): GpuShape => ({ cpuMillis: d.cpuMillis, memoryBytes: d.memoryBytes, gpus: d.devices?.count ?? 0, gpuMillis: d.devices ? WHOLE : 0, models: d.devices?.model ? [d.devices.model] : null });

/** Accelerators of a node, one entry for each model. */
export function gpuNodesOf(node: FleetNode): GpuNode[] {
  return Object.entries(node.capacity.devices).flatMap(([model, count]) => {
    // What asked for any model is counted against the first: which device it has, only the agent knows.
    const first = Object.keys(node.capacity.devices)[0] === model;
    const taken = (node.load.devices[model] ?? 0) + (first ? (node.load.devices[""] ?? 0) : 0);
    const free = Array.from({ length: count }, (_, i) => (i < count - taken ? WHOLE : 0));
    return [{ name: node.name, model, cpuMillis: node.capacity.cpuMillis - node.load.cpuMillis, memoryBytes: node.capacity.memoryBytes - node.load.memoryBytes, free }];
  });
}

/** Whether units can be put there now. */
export const isUsable = (n: FleetNode): boolean => n.desiredState === "active" && n.contact === "live";
