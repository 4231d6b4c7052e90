import type { GpuShape } from "./gpu";

/** The target workload M: shapes and how often each is asked for. Shares sum to 1 (or the mix is empty). */
export interface Mix {
  entries: readonly { shape: GpuShape; share: number }[];
}

/**
 * The target workload of tasks that were seen (FGD paper, section 4.1: "typical pods"): distinct shapes by falling count,
 * kept until they make up `keep` of all tasks, with shares that sum to 1 again. Memory is no part of a shape here: shapes
 * that differ in memory alone are one, of the memory that is asked for first. Ties go as in the authors' simulator: the
 * greater demand first.
 */
export const mixOf = (tasks: readonly GpuShape[], keep = 0.95): Mix => countedMix(tasks.map((shape) => ({ shape, count: 1 })), keep);

/** The same for tasks that come so often. */
export function countedMix(tasks: readonly { shape: GpuShape; count: number }[], keep = 0.95): Mix {
  const counts = new Map<string, { shape: GpuShape; count: number }>();
  const total = tasks.reduce((n, t) => n + t.count, 0);
  for (const { shape, count } of tasks) {
    const key = `${shape.cpuMillis},${shape.gpus},${shape.gpuMillis},${shape.models?.join("|") ?? ""}`;
    const found = counts.get(key);
    if (found) found.count += count;
    else counts.set(key, { shape, count });
  }
  const kept: { shape: GpuShape; count: number }[] = [];
  let sum = 0;
  for (const entry of [...counts.values()].sort((a, b) => b.count - a.count || compareShapes(b.shape, a.shape))) {
    if (sum >= keep * total) break;
    kept.push(entry);
    sum += entry.count;
  }
  return { entries: kept.map((e) => ({ shape: e.shape, share: e.count / sum })) };
}

const compareShapes = (a: GpuShape, b: GpuShape): number => a.cpuMillis - b.cpuMillis || a.gpuMillis - b.gpuMillis || a.gpus - b.gpus || compareTexts(a.models?.join("|") ?? "", b.models?.join("|") ?? "");
const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

