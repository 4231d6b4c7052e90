import { seededRandom } from "../../base/seed";
import { admitsModel, gpuMillisOf, idleOf, stateKey, WHOLE } from "./gpu";
import type { GpuNode, GpuShape } from "./gpu";
import type { Mix } from "./mix";

/** What a node is expected to carry yet, in devices. */
export type FillEstimate = (node: GpuNode) => number;

export interface FillOptions {
  /** Sequences of tasks a node is filled with. */
  sequences?: number;
  /** Tasks in each. */
  offers?: number;
  /** Offer number at which a placement counts half: later ones are the less certain to come to just this node. */
  halfAt?: number;
  seed?: number;
}

/**
 * How often tasks of each shape come to one place that could take them: their share of the mix over the number of places
 * that the empty fleet has for them. Tasks for which there are few places (whole nodes, one rare model) are the ones worth
 * keeping such a place for. Tasks without GPU keep their share, for they never compete for a device.
 */
function reachOf(mix: Mix, nodes: readonly GpuNode[]): number[] {
  const reach = mix.entries.map(({ shape, share }) => {
    if (shape.gpus === 0) return share;
    let places = 0;
    for (const node of nodes) if (admitsModel(node, shape)) places += Math.min(Math.floor(node.free.length / shape.gpus), Math.floor(node.cpuMillis / Math.max(1, shape.cpuMillis)));
    return share / Math.max(1, places);
  });
  const sumOf = (gpu: boolean, of: (i: number) => number) => mix.entries.reduce((sum, e, i) => sum + (e.shape.gpus > 0 === gpu ? of(i) : 0), 0);
  const before = sumOf(true, (i) => mix.entries[i]?.share ?? 0);
  const now = sumOf(true, (i) => reach[i] ?? 0);
  return reach.map((r, i) => ((mix.entries[i]?.shape.gpus ?? 0) > 0 && now > 0 ? (r * before) / now : r));
}

/** What a core that a task without GPU gets is worth, in devices, where CPU runs out before GPUs do. */
const CORE_WORTH = 0.03;
/** The part of the fleet's CPU that the mix asks for with all GPUs allocated: from the first on a core has a worth, at the second all of it. */
const TIGHT = { from: 0.9, to: 0.96 } as const;

/**
 * What a millicore of tasks without GPU counts in expected fill, in thousandths of a device. Nothing while the CPU is
 * enough for the mix; where it is not, packing for GPUs alone would leave out ever more of these tasks.
 */
function cpuWorthOf(mix: Mix, nodes: readonly GpuNode[]): number {
  const asked = (of: (shape: GpuShape) => number) => mix.entries.reduce((sum, e) => sum + e.share * of(e.shape), 0);
  const cpu = nodes.reduce((sum, n) => sum + n.cpuMillis, 0);
  const millis = nodes.reduce((sum, n) => sum + idleOf(n), 0);
  const perMilli = asked((s) => s.cpuMillis) / Math.max(1, asked(gpuMillisOf));
  const tightness = (perMilli * millis) / Math.max(1, cpu);
  return CORE_WORTH * Math.min(1, Math.max(0, (tightness - TIGHT.from) / (TIGHT.to - TIGHT.from)));
}

/** Sequences of tasks, one after another, as columns: what each task asks for, and which entry of the mix it is. */
interface Sequences {
  entry: Int16Array;
  cpu: Float64Array;
  millis: Int32Array;
  gpus: Int32Array;
}

/**
 * Draws the sequences so that at every place in them each shape comes as often over all sequences as its weight says (a
 * Latin hypercube): the first offers weigh most, and are thereby nearly exact. The order is decided by the seed.
 */
function sequencesOf(mix: Mix, weights: readonly number[], sequences: number, offers: number, seed: number): Sequences {
  const total = weights.length === 0 ? 0 : sequences * offers;
  const drawn: Sequences = { entry: new Int16Array(total), cpu: new Float64Array(total), millis: new Int32Array(total), gpus: new Int32Array(total) };
  const random = seededRandom(seed);
  const order = Array.from({ length: sequences }, (_, r) => r);
  for (let j = 0; j < offers && total > 0; j++) {
    for (let i = sequences - 1; i > 0; i--) {
      const k = Math.floor(random() * (i + 1));
      const kept = order[i] ?? 0;
      order[i] = order[k] ?? 0;
      order[k] = kept;
    }
    const offset = random();
    let entry = 0;
    let upTo = weights[0] ?? 1;
    for (let r = 0; r < sequences; r++) {
      while ((r + offset) / sequences > upTo && entry < weights.length - 1) upTo += weights[++entry] ?? 0;
      const at = (order[r] ?? 0) * offers + j;
      const shape = mix.entries[entry]?.shape;
      drawn.entry[at] = entry;
      drawn.cpu[at] = shape?.cpuMillis ?? 0;
      drawn.millis[at] = shape?.gpuMillis ?? 0;
      drawn.gpus[at] = shape?.gpus ?? 0;
    }
  }
  return drawn;
}

/**
 * Expected fill: FGD looks at the next task only, this looks at all that come after it. The node is offered sequences of
 * tasks drawn from the mix (as often as they reach a place, by the nodes of `fleet` as they are empty), takes each that fits (a share on the tightest device) and counts the devices they get; a
 * placement at offer j counts `halfAt / (halfAt + j)`. The estimate is the mean over the sequences. All nodes get the same
 * sequences, so the difference of two estimates varies far less than each. Found once for each state of a node.
 */
export function fillEstimate(mix: Mix, fleet: readonly GpuNode[], options: FillOptions = {}): FillEstimate {
  const { sequences = 48, offers = 100, halfAt = 3, seed = 7 } = options;
  const drawn = sequencesOf(mix, reachOf(mix, fleet), sequences, offers, seed);
  const worth = Float64Array.from({ length: offers }, (_, j) => halfAt / (halfAt + j) / WHOLE);
  const cpuWorth = cpuWorthOf(mix, fleet);
  const withGpu = mix.entries.filter((e) => e.shape.gpus > 0).map((e) => e.shape);
  // With less left than any task that counts asks for, a node is full.
  const leastCpu = Math.min(...(cpuWorth === 0 ? withGpu : mix.entries.map((e) => e.shape)).map((s) => s.cpuMillis));
  const leastMillis = Math.min(...withGpu.map((s) => s.gpuMillis));
  const known = new Map<string, number>();
  const admitted = new Map<string, Uint8Array>();
  let free = new Int32Array(8);
  const admits = (model: string): Uint8Array => {
    let mask = admitted.get(model);
    if (!mask) admitted.set(model, (mask = Uint8Array.from(mix.entries, (e) => (admitsModel({ model }, e.shape) ? 1 : 0))));
    return mask;
  };
  const fillOnce = (node: GpuNode, mask: Uint8Array, from: number): number => {
    const n = node.free.length;
    for (let i = 0; i < n; i++) free[i] = node.free[i] ?? 0;
    let cpu = node.cpuMillis;
    let got = 0;
    for (let j = 0; j < offers; j++) {
      const at = from + j;
      const asks = drawn.cpu[at] ?? 0;
      if (asks > cpu) continue;
      const gpus = drawn.gpus[at] ?? 0;
      if (gpus > 0) {
        if (mask[drawn.entry[at] ?? 0] === 0) continue;
        const millis = drawn.millis[at] ?? 0;
        const taken = gpus === 1 ? takeOne(free, n, millis) : takeMany(free, n, millis, gpus);
        if (taken === 0) continue;
        got += taken * (worth[j] ?? 0);
        if (cpuWorth === 0 && greatest(free, n) < leastMillis) break;
      } else got += cpuWorth * asks * (worth[j] ?? 0);
      cpu -= asks;
      if (cpu < leastCpu) break;
    }
    return got;
  };
  return (node) => {
    if (node.cpuMillis < leastCpu || (cpuWorth === 0 && idleOf(node) < leastMillis)) return 0;
    const key = stateKey(node.model, node.cpuMillis, node.free);
    const before = known.get(key);
    if (before !== undefined) return before;
    if (node.free.length > free.length) free = new Int32Array(node.free.length);
    const mask = admits(node.model);
    let sum = 0;
    for (let from = 0; from < drawn.entry.length; from += offers) sum += fillOnce(node, mask, from);
    const value = sum / sequences;
    known.set(key, value);
    return value;
  };
}

function greatest(free: Int32Array, n: number): number {
  let most = 0;
  for (let i = 0; i < n; i++) most = Math.max(most, free[i] ?? 0);
  return most;
}

/** Takes from the device with the least left that will do; what was taken, 0 if none will. */
function takeOne(free: Int32Array, n: number, millis: number): number {
  let device = -1;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < n; i++) {
    const left = free[i] ?? 0;
    if (left >= millis && left < least) {
      least = left;
      device = i;
    }
  }
  if (device < 0) return 0;
  free[device] = least - millis;
  return millis;
}

/** Takes from several devices at once, or from none. */
function takeMany(free: Int32Array, n: number, millis: number, gpus: number): number {
  let have = 0;
  for (let i = 0; i < n; i++) if ((free[i] ?? 0) >= millis) have++;
  if (have < gpus) return 0;
  let missing = gpus;
  for (let i = 0; i < n && missing > 0; i++) {
    if ((free[i] ?? 0) < millis) continue;
    free[i] = (free[i] ?? 0) - millis;
    missing--;
  }
  return millis * gpus;
}
