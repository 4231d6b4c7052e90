import type { WhatIf, WhatIfWorld } from "../../core/placement";
import { fragmentationOf, gpuNodesOf, gpuShapeOf, idleOf, mixOf } from "../../core/placement/fragmentation";
import type { GpuNode } from "../../core/placement/fragmentation";

/** Share of idle accelerators that the units which run could not use, before and after; null without accelerators. */
export function fragmentationShare(before: WhatIfWorld, found: WhatIf): { before: number; after: number } | null {
  const [was, is] = [before.nodes, found.after.nodes].map((nodes) => nodes.flatMap(gpuNodesOf));
  if (!was || !is || was.length + is.length === 0) return null;
  const running = before.workloads.flatMap((w) => w.snapshot.units.flatMap((u) => w.snapshot.revisions.get(u.generation)?.shape.demand ?? []));
  const mix = mixOf(running.map(gpuShapeOf));
  const share = (nodes: readonly GpuNode[]) => {
    const idle = nodes.reduce((n, x) => n + idleOf(x), 0);
    return idle === 0 ? 0 : nodes.reduce((n, x) => n + fragmentationOf(x, mix), 0) / idle;
  };
  return { before: share(was), after: share(is) };
}
