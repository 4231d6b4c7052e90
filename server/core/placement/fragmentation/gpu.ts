/**
 * A node and a task as fragmentation sees them, after the FGD paper ("Beware of Fragmentation: Scheduling GPU-Sharing
 * Workloads with Fragmentation Gradient Descent", USENIX ATC 2023, section 4.1): CPU, and what is left of every GPU in
 * thousandths. A task asks either for a share of one GPU or for whole GPUs; every GPU of a task gives it the same.
 */
export interface GpuShape {
  cpuMillis: number;
  memoryBytes: number;
  /** Whole devices or, with a share below 1,000, one device; 0 is a task without GPU. */
  gpus: number;
  /** Thousandths of each device, 0 to 1,000. */
  gpuMillis: number;
  /** Device models that will do; null is any. */
  models: readonly string[] | null;
}

/** What is free on a node. Nothing here is changed by a function of this folder unless it says so. */
export interface GpuNode {
  name: string;
  model: string;
  cpuMillis: number;
  memoryBytes: number;
  /** Free thousandths of each device, in the order of the devices. */
  free: readonly number[];
}

/** Thousandths of one whole device. */
export const WHOLE = 1_000;

/** Thousandths of devices that a task takes in all. */
export const gpuMillisOf = (shape: GpuShape): number => shape.gpus * shape.gpuMillis;

/** Thousandths of devices that are free on a node. */
export function idleOf(node: { readonly free: readonly number[] }): number {
  let sum = 0;
  for (const f of node.free) sum += f;
  return sum;
}

/** Devices that have at least this much left. */
export function devicesWith(free: readonly number[], millis: number): number {
  let n = 0;
  for (const f of free) if (f >= millis) n++;
  return n;
}

export const admitsModel = (node: { readonly model: string }, shape: GpuShape): boolean => shape.gpus === 0 || shape.models === null || shape.models.includes(node.model);

/** Whether a task fits: CPU, memory, model, and each device by itself. */
export function fitsOn(node: GpuNode, shape: GpuShape): boolean {
  if (node.cpuMillis < shape.cpuMillis || node.memoryBytes < shape.memoryBytes) return false;
  return shape.gpus === 0 || (admitsModel(node, shape) && devicesWith(node.free, shape.gpuMillis) >= shape.gpus);
}

/** True when the task takes a share of one device, so that which one matters. */
export const isShare = (shape: GpuShape): boolean => shape.gpus === 1 && shape.gpuMillis < WHOLE;

/**
 * The ways to put a task on a node that differ: one for every level of free devices where it takes a share, else the first
 * devices that have room. Device numbers; one empty list for a task without GPU; no list when it does not fit.
 */
export function waysOn(node: GpuNode, shape: GpuShape): readonly (readonly number[])[] {
  if (!fitsOn(node, shape)) return [];
  if (shape.gpus === 0) return [[]];
  if (!isShare(shape)) return [firstDevices(node.free, shape)];
  const ways: number[][] = [];
  const seen = new Set<number>();
  node.free.forEach((left, device) => {
    if (left < shape.gpuMillis || seen.has(left)) return;
    seen.add(left);
    ways.push([device]);
  });
  return ways;
}

function firstDevices(free: readonly number[], shape: GpuShape): number[] {
  const devices: number[] = [];
  for (let d = 0; d < free.length && devices.length < shape.gpus; d++) if ((free[d] ?? 0) >= shape.gpuMillis) devices.push(d);
  return devices;
}

/** The node after a task took (`sign` 1) or gave back (-1) these devices. */
export function after(node: GpuNode, shape: GpuShape, devices: readonly number[], sign: 1 | -1 = 1): GpuNode {
  const free = node.free.slice();
  for (const d of devices) free[d] = (free[d] ?? 0) - sign * shape.gpuMillis;
  return { ...node, cpuMillis: node.cpuMillis - sign * shape.cpuMillis, memoryBytes: node.memoryBytes - sign * shape.memoryBytes, free };
}

/** What a node is worth depends on its model, its free CPU and the levels of its devices, not on their order. */
export function stateKey(model: string, cpuMillis: number, free: readonly number[]): string {
  if (free.length < 2) return `${model}|${cpuMillis}|${free[0] ?? ""}`;
  return `${model}|${cpuMillis}|${free.slice().sort((a, b) => a - b).join()}`;
}
