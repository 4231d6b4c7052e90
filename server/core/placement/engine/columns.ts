import { hash32 } from "../../base/seed";
import { freeShare } from "../demand";
import type { Demand } from "../demand";
import type { FleetNode, FleetSnapshot } from "../fleet";
import { sizeStep, usedMicros } from "../rank";
import { reasonCodes } from "../reasons";
import type { ReasonCode } from "../reasons";

/** Reasons as numbers: 0 is "nothing", then the order in which they decide. */
export const CODES = reasonCodes.length + 1;
export const codeOf = (reason: ReasonCode): number => reasonCodes.indexOf(reason) + 1;
const DEVICE = codeOf("device");
const CPU = codeOf("cpu");
const MEMORY = codeOf("memory");
const DISK = codeOf("disk");
const RESOURCE = codeOf("resource");

/**
 * A fleet as columns: one number per node and dimension, in rows of nodes, so that a check of one node touches one line of
 * memory. Nothing here is changed after it was made; plans work on copies of `free`.
 *
 * Dimensions are CPU, memory, disk, devices of any model, devices of each model, and every other resource by name. A
 * device of a model takes one of its model and one of all: by Hall's theorem that is all there is to check. Where shares
 * are asked for, the largest share that one device can still give has dimensions too, one of each model and one of any.
 */
export interface Columns {
  nowMs: number;
  nodes: readonly FleetNode[];
  /** Dimensions a node. */
  width: number;
  dimension: ReadonlyMap<string, number>;
  /** Dimensions of shares, with the model of each; null is any. Empty where none are asked for. */
  shares: readonly { d: number; model: string | null }[];
  /** What is left, in rows of `width`; below zero where a node holds more than it offers. */
  free: Float64Array;
  /** What `usedMicros` counts by. */
  sizeCpu: Float64Array;
  sizeMemory: Float64Array;
  capCpu: Float64Array;
  capMemory: Float64Array;
  /** Millionths in use. */
  used: Int32Array;
  siteOf: Int32Array;
  sites: readonly string[];
  nameHash: Uint32Array;
  indexOf: ReadonlyMap<string, number>;
  /** Nodes of one number are alike in size, prices and what kinds of things they offer at all. */
  makeOf: Int32Array;
  makes: readonly number[];
  /** The same for all snapshots whose nodes differ in nothing but what they hold: what does not depend on it is found once. */
  alike: object;
}

const known = new WeakMap<FleetSnapshot, Columns>();
const knownWithShares = new WeakMap<FleetSnapshot, Columns>();

/** Whether any of these asks for a share of a device: then the columns have more dimensions. */
export const askShares = (asks: readonly { shape: { demand: Demand } }[]): boolean => asks.some((a) => a.shape.demand.devices?.shareMillis !== undefined);

/** The columns of a snapshot, made once for each; with the dimensions of shares where some are asked for. */
export function columnsOf(snapshot: FleetSnapshot, shares = false): Columns {
  if (shares) {
    let wide = knownWithShares.get(snapshot);
    if (!wide) knownWithShares.set(snapshot, (wide = withShareDimensions(columnsOf(snapshot))));
    return wide;
  }
  let columns = known.get(snapshot);
  if (!columns) known.set(snapshot, (columns = makeColumns(snapshot)));
  return columns;
}

/** A snapshot in which some nodes hold something else, and nothing else differs; its columns are those of the first, patched. */
export function withLoads(snapshot: FleetSnapshot, loads: ReadonlyMap<string, FleetNode["load"]>): FleetSnapshot {
  if (loads.size === 0) return snapshot;
  const from = columnsOf(snapshot);
  const nodes = snapshot.nodes.slice();
  const next: FleetSnapshot = { ...snapshot, nodes };
  const columns: Columns = { ...from, nodes, free: from.free.slice(), used: from.used.slice() };
  for (const [id, load] of loads) {
    const i = from.indexOf.get(id);
    if (i === undefined) continue;
    const node = (nodes[i] = { ...(nodes[i] as FleetNode), load });
    columns.used[i] = usedMicros(node.load, node.capacity);
    fillFree(columns, i, node);
  }
  known.set(next, columns);
  const wide = knownWithShares.get(snapshot);
  if (wide) {
    const patched: Columns = { ...wide, nodes, used: columns.used, free: wide.free.slice() };
    for (const id of loads.keys()) fillShares(patched, columns, from.indexOf.get(id));
    knownWithShares.set(next, patched);
  }
  return next;
}

/** The same columns with dimensions for shares: by model, and of any. */
function withShareDimensions(from: Columns): Columns {
  const dimension = new Map(from.dimension);
  const shares: { d: number; model: string | null }[] = [];
  for (const model of [null, ...[...from.dimension.keys()].filter((k) => k.startsWith("device ")).map((k) => k.slice(7))]) {
    shares.push({ d: dimension.size, model });
    dimension.set(shareDimension(model), dimension.size);
  }
  const width = dimension.size;
  const wide: Columns = { ...from, width, dimension, shares, free: new Float64Array(from.nodes.length * width) };
  for (let i = 0; i < from.nodes.length; i++) fillShares(wide, from, i);
  return wide;
}
/** Fills one row of columns with shares from those without. */
function fillShares(wide: Columns, from: Columns, i: number | undefined): void {
  const node = from.nodes[i ?? -1];
  if (i === undefined || !node) return;
  wide.free.set(from.free.subarray(i * from.width, (i + 1) * from.width), i * wide.width);
  for (const { d, model } of wide.shares) wide.free[i * wide.width + d] = freeShare(node.capacity, node.load, { model });
}
const shareDimension = (model: string | null): string => (model === null ? "share" : `share ${model}`);

function dimensionsOf(nodes: readonly FleetNode[]): Map<string, number> {
  const found = new Map<string, number>([["cpu", 0], ["memory", 1], ["disk", 2], ["devices", 3]]);
  const note = (name: string) => {
    if (!found.has(name)) found.set(name, found.size);
  };
  for (const n of nodes) {
    for (const model in n.capacity.devices) note(`device ${model}`);
    for (const name in n.capacity.extra) note(`extra ${name}`);
  }
  return found;
}

function makeColumns(snapshot: FleetSnapshot): Columns {
  const { nodes, nowMs } = snapshot;
  const n = nodes.length;
  const dimension = dimensionsOf(nodes);
  const width = dimension.size;
  const c = {
    nowMs, nodes, width, dimension, shares: [],
    free: new Float64Array(n * width), sizeCpu: new Float64Array(n), sizeMemory: new Float64Array(n), capCpu: new Float64Array(n), capMemory: new Float64Array(n), used: new Int32Array(n), siteOf: new Int32Array(n), nameHash: new Uint32Array(n), makeOf: new Int32Array(n),
    sites: [] as string[], makes: [] as number[], indexOf: new Map<string, number>(), alike: {},
  };
  const siteIndex = new Map<string, number>();
  const makeIndex = new Map<string, number>();
  nodes.forEach((node, i) => {
    c.indexOf.set(node.id, i);
    c.nameHash[i] = hash32(node.name);
    c.siteOf[i] = indexed(siteIndex, node.site, () => c.sites.push(node.site));
    c.sizeCpu[i] = sizeStep(node.capacity.cpuMillis);
    c.sizeMemory[i] = sizeStep(node.capacity.memoryBytes);
    c.capCpu[i] = node.capacity.cpuMillis;
    c.capMemory[i] = node.capacity.memoryBytes;
    c.used[i] = usedMicros(node.load, node.capacity);
    const offered = fillFree(c, i, node);
    c.makeOf[i] = indexed(makeIndex, `${c.sizeCpu[i]}/${c.sizeMemory[i]}/${offered}/${node.rates.currency}/${node.rates.cpuHour}/${node.rates.memoryGiBHour}`, () => c.makes.push(i));
  });
  return c;
}

function indexed(index: Map<string, number>, key: string, made: () => void): number {
  let found = index.get(key);
  if (found === undefined) {
    index.set(key, (found = index.size));
    made();
  }
  return found;
}

/** Fills one row; gives which dimensions the node has anything of, as a text. */
function fillFree(c: { free: Float64Array; width: number; dimension: ReadonlyMap<string, number> }, i: number, { capacity, load }: FleetNode): string {
  const at = i * c.width;
  let offered = "";
  c.free[at] = capacity.cpuMillis - load.cpuMillis;
  c.free[at + 1] = capacity.memoryBytes - load.memoryBytes;
  c.free[at + 2] = capacity.diskBytes - load.diskBytes;
  let all = 0;
  for (const model in capacity.devices) {
    const of = capacity.devices[model] ?? 0;
    all += of;
    const d = c.dimension.get(`device ${model}`) as number;
    c.free[at + d] = of;
    if (of > 0) offered += `,${d}`;
  }
  for (const model in load.devices) {
    const of = load.devices[model] ?? 0;
    all -= of;
    const d = model === "" ? undefined : c.dimension.get(`device ${model}`);
    if (d !== undefined) c.free[at + d] = (c.free[at + d] as number) - of;
  }
  c.free[at + 3] = all;
  for (const name in capacity.extra) {
    const d = c.dimension.get(`extra ${name}`) as number;
    c.free[at + d] = (capacity.extra[name] ?? 0) - (load.extra?.[name] ?? 0);
    offered += `,${d}`;
  }
  return offered;
}

/** What a demand asks of which dimension, in the order in which shortages decide. The same amounts are taken when it is placed. */
export interface Needs {
  dims: Int32Array;
  amounts: Float64Array;
  codes: Uint8Array;
}

/** A dimension that no node of the fleet has stands as -1: such a demand fits nowhere. */
export function needsOf(demand: Demand, dimension: ReadonlyMap<string, number>): Needs {
  const list: [number, number, number][] = [];
  if (demand.devices?.shareMillis !== undefined) list.push([dimension.get(shareDimension(demand.devices.model)) ?? -1, demand.devices.shareMillis, DEVICE]);
  else if (demand.devices) {
    list.push([3, demand.devices.count, DEVICE]);
    if (demand.devices.model !== null) list.push([dimension.get(`device ${demand.devices.model}`) ?? -1, demand.devices.count, DEVICE]);
  }
  list.push([0, demand.cpuMillis, CPU], [1, demand.memoryBytes, MEMORY], [2, demand.diskBytes, DISK]);
  for (const name in demand.extra) {
    const wanted = demand.extra[name] ?? 0;
    const d = dimension.get(`extra ${name}`);
    // Nothing of what is not there is enough where nothing is asked for.
    if (d !== undefined || wanted > 0) list.push([d ?? -1, wanted, RESOURCE]);
  }
  return { dims: Int32Array.from(list, (x) => x[0]), amounts: Float64Array.from(list, (x) => x[1]), codes: Uint8Array.from(list, (x) => x[2]) };
}
