/** Units and nodes of this language as fragmentation sees them. */
import type { Demand } from "../demand";
import type { FleetNode } from "../fleet";
import { WHOLE } from "./gpu";
import type { GpuNode, GpuShape } from "./gpu";

/** A demand as fragmentation sees it. */
export const gpuShapeOf = (d: Demand): GpuShape => ({ cpuMillis: d.cpuMillis, memoryBytes: d.memoryBytes, gpus: d.devices?.count ?? 0, gpuMillis: d.devices ? (d.devices.shareMillis ?? WHOLE) : 0, models: d.devices?.model ? [d.devices.model] : null });

/** Accelerators of a node, one entry for each model. */
export function gpuNodesOf(node: Pick<FleetNode, "name" | "capacity" | "load">): GpuNode[] {
  return Object.entries(node.capacity.devices).flatMap(([model, count]) => {
    // What asked for any model is counted against the first: which device it has, only the agent knows.
    const first = Object.keys(node.capacity.devices)[0] === model;
    const taken = (node.load.devices[model] ?? 0) + (first ? (node.load.devices[""] ?? 0) : 0);
    // Opened devices count among what is taken, and still have something left.
    const opened = (node.load.shared ?? []).filter((d) => d.model === model || (first && d.model === "")).map((d) => Math.max(0, WHOLE - d.millis));
    const free = Array.from({ length: count }, (_, i) => (i < count - taken ? WHOLE : (opened[i - Math.max(0, count - taken)] ?? 0)));
    return [{ name: node.name, model, cpuMillis: node.capacity.cpuMillis - node.load.cpuMillis, memoryBytes: node.capacity.memoryBytes - node.load.memoryBytes, free }];
  });
}
