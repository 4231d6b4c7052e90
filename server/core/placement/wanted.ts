/** What units are wanted, as the preference `fragmentation` sees it. */
import type { Demand } from "./demand";
import { countedMix } from "./fragmentation/mix";
import type { Mix } from "./fragmentation/mix";
import { gpuShapeOf } from "./fragmentation/units";
import type { Shape } from "./shape";

export const weighsWaste = (shape: Shape | null): boolean => shape?.prefer.some((p) => p.by === "fragmentation") ?? false;

/** The mix of what is wanted: so many units of each workload that is not removed, whether they run yet or not. */
export const wantedMix = (workloads: readonly { removed: boolean; replicas: number; askShape: { demand: Demand } | null }[]): Mix =>
  countedMix(workloads.flatMap((w) => (w.removed || !w.askShape || w.replicas === 0 ? [] : [{ shape: gpuShapeOf(w.askShape.demand), count: w.replicas }])));
