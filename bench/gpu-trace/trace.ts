import fs from "node:fs";
import { seededRandom } from "../../server/core/base/seed";
import { WHOLE, gpuMillisOf } from "../../server/core/placement/fragmentation";
import type { GpuNode, GpuShape } from "../../server/core/placement/fragmentation";

/** A trace as it is in the files of Alibaba's cluster-trace-gpu-v2023: nodes with GPUs, and tasks by name. */
export interface Trace {
  nodes: readonly GpuNode[];
  tasks: readonly { name: string; shape: GpuShape }[];
}

const MIB = 2 ** 20;

/** Rows of a CSV file without quotes, by the names of its header. Throws when a column that is needed is missing. */
function rowsOf(file: string, needed: readonly string[]): Record<string, string>[] {
  const [header = "", ...lines] = fs.readFileSync(file, "utf8").trim().split(/\r?\n/);
  const names = header.split(",");
  for (const name of needed) if (!names.includes(name)) throw new Error(`${file} has no column ${name}; it has ${names.join(", ")}`);
  return lines.map((line) => Object.fromEntries(line.split(",").map((cell, i) => [names[i] ?? "", cell])));
}

function numberOf(row: Record<string, string>, name: string, file: string): number {
  const value = Number(row[name] ?? "0");
  if (!Number.isFinite(value) || value < 0) throw new Error(`${file}: ${name} of ${row["name"] ?? row["sn"]} is ${row[name]}, which is no count`);
  return value;
}

/** Reads a trace. Tasks without a memory column ask for none; a task of several devices asks for whole ones. */
export function readTrace(nodesFile: string, podsFile: string): Trace {
  const nodes = rowsOf(nodesFile, ["sn", "cpu_milli", "memory_mib", "gpu", "model"]).map((r) => ({
    name: r["sn"] ?? "",
    model: r["model"] ?? "",
    cpuMillis: numberOf(r, "cpu_milli", nodesFile),
    memoryBytes: numberOf(r, "memory_mib", nodesFile) * MIB,
    free: Array.from({ length: numberOf(r, "gpu", nodesFile) }, () => WHOLE),
  }));
  const tasks = rowsOf(podsFile, ["name", "cpu_milli", "num_gpu", "gpu_milli"]).map((r) => ({ name: r["name"] ?? "", shape: shapeOf(r, podsFile) }));
  if (nodes.length === 0) throw new Error(`${nodesFile} has no nodes`);
  if (!tasks.some((t) => t.shape.gpus > 0)) throw new Error(`${podsFile} has no task with a GPU`);
  return { nodes, tasks };
}

function shapeOf(row: Record<string, string>, file: string): GpuShape {
  const gpus = numberOf(row, "num_gpu", file);
  const models = (row["gpu_spec"] ?? "").split("|").filter((m) => m !== "");
  return {
    cpuMillis: numberOf(row, "cpu_milli", file),
    memoryBytes: numberOf(row, "memory_mib", file) * MIB,
    gpus,
    gpuMillis: gpus === 0 ? 0 : Math.min(WHOLE, numberOf(row, "gpu_milli", file)),
    models: gpus === 0 || models.length === 0 ? null : models,
  };
}

/** The nodes in the order of ties, and the tasks in the order they arrive. */
export interface Run {
  nodes: readonly GpuNode[];
  arrivals: readonly GpuShape[];
  totalMillis: number;
  random: () => number;
}

/**
 * One run of the protocol: tasks by name, shuffled; topped up with uniform samples until the next would exceed `load`
 * times the GPUs, or thinned until they don't; nodes by name, permuted.
 */
export function makeRun(trace: Trace, seed: number, load = 1.3): Run {
  const random = seededRandom(seed);
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  const totalMillis = trace.nodes.reduce((sum, n) => sum + n.free.length * WHOLE, 0);
  const arrivals = shuffled([...trace.tasks].sort(byName), random).map((t) => t.shape);
  let asked = arrivals.reduce((sum, shape) => sum + gpuMillisOf(shape), 0);
  const target = load * totalMillis;
  if (asked > target) {
    while (asked > target) {
      const [removed] = arrivals.splice(Math.floor(random() * arrivals.length), 1);
      asked -= removed ? gpuMillisOf(removed) : 0;
    }
  } else {
    for (;;) {
      const next = trace.tasks[Math.floor(random() * trace.tasks.length)]?.shape;
      // The authors compare what the task asks of one device, not of all: kept, so that loads are theirs.
      if (!next || asked + next.gpuMillis > target) break;
      asked += gpuMillisOf(next);
      arrivals.push(next);
    }
  }
  return { nodes: shuffled([...trace.nodes].sort(byName), random), arrivals, totalMillis, random };
}

/** Fisher and Yates' shuffle, in place. */
function shuffled<T>(items: T[], random: () => number): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [items[i], items[j]] = [items[j] as T, items[i] as T];
  }
  return items;
}
