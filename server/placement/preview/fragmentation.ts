import type { Demand, FleetNode, WhatIf, WhatIfWorld } from "../../core/placement";
import { fragmentationOf, idleOf, mixOf, WHOLE } from "../../core/placement/fragmentation";
import type { GpuNode, GpuShape } from "../../core/placement/fragmentation";

/** Accelerators of a node, one entry for each model: the units of this language ask for whole ones. */
function gpuNodes(node: FleetNode): GpuNode[] {
  return Object.entries(node.capacity.devices).flatMap(([model, count]) => {
    // What asked for any model is counted against the first: which device it has, only the agent knows.
    const first = Object.keys(node.capacity.devices)[0] === model;
    const taken = (node.load.devices[model] ?? 0) + (first ? (node.load.devices[""] ?? 0) : 0);
    const free = Array.from({ length: count }, (_, i) => (i < count - taken ? WHOLE : 0));
    return [{ name: node.name, model, cpuMillis: node.capacity.cpuMillis - node.load.cpuMillis, memoryBytes: node.capacity.memoryBytes - node.load.memoryBytes, free }];
  });
}
const shapeOf = (d: Demand): GpuShape => ({ cpuMillis: d.cpuMillis, memoryBytes: d.memoryBytes, gpus: d.devices?.count ?? 0, gpuMillis: d.devices ? WHOLE : 0, models: d.devices?.model ? [d.devices.model] : null });

/** Share of idle accelerators that the units which run could not use, before and after; null without accelerators. */
export function fragmentationShare(before: WhatIfWorld, found: WhatIf): { before: number; after: number } | null {
  const [was, is] = [before.nodes, found.after.nodes].map((nodes) => nodes.flatMap(gpuNodes));
  if (!was || !is || was.length + is.length === 0) return null;
  const running = before.workloads.flatMap((w) => w.snapshot.units.flatMap((u) => w.snapshot.revisions.get(u.generation)?.shape.demand ?? []));
  const mix = mixOf(running.map(shapeOf));
  const share = (nodes: readonly GpuNode[]) => {
    const idle = nodes.reduce((n, x) => n + idleOf(x), 0);
    return idle === 0 ? 0 : nodes.reduce((n, x) => n + fragmentationOf(x, mix), 0) / idle;
  };
  return { before: share(was), after: share(is) };
}
