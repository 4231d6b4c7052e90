import { seededRandom } from "../../base/seed";
import { admitsModel, idleOf, stateKey } from "./gpu";
import type { GpuNode } from "./gpu";
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

/** The mix as columns. */
interface Columns {
  count: number;
  cpu: Float64Array;
  millis: Int32Array;
  gpus: Int32Array;
  models: (readonly string[] | null)[];
  /** The least that any task with GPU asks for: with less left a node is full. */
  leastCpu: number;
  leastMillis: number;
}

function columnsOf(mix: Mix): Columns {
  const count = mix.entries.length;
  const c: Columns = { count, cpu: new Float64Array(count), millis: new Int32Array(count), gpus: new Int32Array(count), models: [], leastCpu: Number.POSITIVE_INFINITY, leastMillis: Number.POSITIVE_INFINITY };
  mix.entries.forEach(({ shape }, i) => {
    c.cpu[i] = shape.cpuMillis;
    c.millis[i] = shape.gpuMillis;
    c.gpus[i] = shape.gpus;
    c.models[i] = shape.gpus === 0 ? null : shape.models;
    if (shape.gpus === 0) return;
    c.leastCpu = Math.min(c.leastCpu, shape.cpuMillis);
    c.leastMillis = Math.min(c.leastMillis, shape.gpuMillis);
  });
  return c;
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

/** All sequences one after another: every shape as often as its weight says, in an order that the seed decides. */
function sequencesOf(weights: readonly number[], total: number, seed: number): Int16Array {
  const drawn = new Int16Array(total);
  let entry = 0;
  let upTo = weights[0] ?? 1;
  for (let j = 0; j < total; j++) {
    const at = (j + 0.5) / total;
    while (at > upTo && entry < weights.length - 1) upTo += weights[++entry] ?? 0;
    drawn[j] = entry;
  }
  const random = seededRandom(seed);
  for (let i = total - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const kept = drawn[i] ?? 0;
    drawn[i] = drawn[j] ?? 0;
    drawn[j] = kept;
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
  const { sequences = 32, offers = 100, halfAt = 3, seed = 7 } = options;
  const m = columnsOf(mix);
  const drawn = m.count === 0 ? new Int16Array(0) : sequencesOf(reachOf(mix, fleet), sequences * offers, seed);
  const worth = Float64Array.from({ length: offers }, (_, j) => halfAt / (halfAt + j) / 1_000);
  const known = new Map<string, number>();
  const admitted = new Map<string, Uint8Array>();
  let free = new Int32Array(8);
  const admits = (model: string): Uint8Array => {
    let mask = admitted.get(model);
    if (!mask) admitted.set(model, (mask = Uint8Array.from(m.models, (models) => (models === null || models.includes(model) ? 1 : 0))));
    return mask;
  };
  const fillOnce = (node: GpuNode, mask: Uint8Array, from: number): number => {
    const n = node.free.length;
    for (let i = 0; i < n; i++) free[i] = node.free[i] ?? 0;
    let cpu = node.cpuMillis;
    let got = 0;
    for (let j = 0; j < offers; j++) {
      const k = drawn[from + j] ?? 0;
      if ((m.cpu[k] ?? 0) > cpu || mask[k] === 0) continue;
      const gpus = m.gpus[k] ?? 0;
      if (gpus === 0) {
        cpu -= m.cpu[k] ?? 0;
        if (cpu < m.leastCpu) break;
        continue;
      }
      const taken = gpus === 1 ? takeOne(free, n, m.millis[k] ?? 0) : takeMany(free, n, m.millis[k] ?? 0, gpus);
      if (taken === 0) continue;
      cpu -= m.cpu[k] ?? 0;
      got += taken * (worth[j] ?? 0);
      if (cpu < m.leastCpu || greatest(free, n) < m.leastMillis) break;
    }
    return got;
  };
  return (node) => {
    if (idleOf(node) === 0) return 0;
    const key = stateKey(node.model, node.cpuMillis, node.free);
    const before = known.get(key);
    if (before !== undefined) return before;
    if (node.free.length > free.length) free = new Int32Array(node.free.length);
    const mask = admits(node.model);
    let sum = 0;
    for (let from = 0; from < drawn.length; from += offers) sum += fillOnce(node, mask, from);
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
