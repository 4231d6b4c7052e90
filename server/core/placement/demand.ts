import { parseBytes } from "../manifest/common";
import type { UnitTemplate } from "../manifest/workload";
import { DEVICE_MILLIS, shareLeft, shareLeftOn, sliceName, slotsOfShare, withShare } from "./shares";
import type { SharedDevice, SharedOn } from "./shares";

/** What one unit takes from a node. */
export interface Demand {
  cpuMillis: number;
  memoryBytes: number;
  diskBytes: number;
  /**
   * Accelerators: how many, and of which model when that matters. With `shareMillis` it is that many thousandths of one
   * device, and `on` is the opened device that a unit has its share of, once it has one.
   */
  devices: { count: number; model: string | null; shareMillis?: number; on?: SharedOn } | null;
  /** Other countable things by name, such as MIG slices ("mig-1g.5gb") or licences. */
  extra?: Readonly<Record<string, number>>;
}

/**
 * What all units of a node take together. Devices are counted by the model that was asked for; "" is any. Devices that are
 * opened for shares count among them, and stand in `shared` with what is taken of each.
 */
export interface Load {
  cpuMillis: number;
  memoryBytes: number;
  diskBytes: number;
  devices: Readonly<Record<string, number>>;
  shared?: readonly SharedDevice[];
  extra?: Readonly<Record<string, number>>;
}

/** What a node offers. `devices` counts accelerators by model. */
export interface Capacity {
  cpuMillis: number;
  memoryBytes: number;
  diskBytes: number;
  devices: Readonly<Record<string, number>>;
  extra?: Readonly<Record<string, number>>;
}

export const noLoad: Load = { cpuMillis: 0, memoryBytes: 0, diskBytes: 0, devices: {} };
const ANY = "";

export function demandOf(template: UnitTemplate): Demand {
  const r = template.resources;
  return { cpuMillis: r.cpuMillis, memoryBytes: parseBytes(r.memory), diskBytes: parseBytes(r.disk), ...devicesAsked(r.devices) };
}

/** Devices as a manifest asks for them: whole ones, a share of one, or MIG slices of a profile. */
export function devicesAsked(asked: UnitTemplate["resources"]["devices"]): Pick<Demand, "devices" | "extra"> {
  if (!asked) return { devices: null };
  if (asked.slice !== undefined) return { devices: null, extra: { [sliceName(asked.slice)]: asked.count } };
  return { devices: { count: asked.count, model: asked.model ?? null, ...(asked.shareMillis === undefined ? {} : { shareMillis: asked.shareMillis }) } };
}

/** Thousandths of devices that a demand takes in all. */
export const deviceMillisOf = (devices: Demand["devices"]): number => (devices ? devices.count * (devices.shareMillis ?? DEVICE_MILLIS) : 0);

/** The larger of each: room for either of two revisions while a rollout decides which one it is. */
export function largerOf(a: Demand, b: Demand): Demand {
  return {
    cpuMillis: Math.max(a.cpuMillis, b.cpuMillis),
    memoryBytes: Math.max(a.memoryBytes, b.memoryBytes),
    diskBytes: Math.max(a.diskBytes, b.diskBytes),
    devices: deviceMillisOf(a.devices) >= deviceMillisOf(b.devices) ? a.devices : b.devices,
    ...extraOf(names(a.extra, b.extra), (name) => Math.max(a.extra?.[name] ?? 0, b.extra?.[name] ?? 0)),
  };
}

/** Load after adding (`sign` 1) or releasing (-1) a demand. */
export function withDemand(load: Load, demand: Demand, sign: 1 | -1 = 1): Load {
  const { devices } = demand;
  const share = devices?.shareMillis === undefined ? null : withShare(load.shared, { model: devices.model, millis: devices.shareMillis, on: devices.on }, sign);
  const model = devices?.shareMillis !== undefined ? (share?.count ? share.on.model : null) : devices ? (devices.model ?? ANY) : null;
  const shared = share ? share.opened : load.shared;
  return {
    cpuMillis: load.cpuMillis + sign * demand.cpuMillis,
    memoryBytes: load.memoryBytes + sign * demand.memoryBytes,
    diskBytes: load.diskBytes + sign * demand.diskBytes,
    devices: model === null ? load.devices : { ...load.devices, [model]: (load.devices[model] ?? 0) + (share ? share.count : sign * (devices?.count ?? 0)) },
    ...(shared?.length ? { shared } : {}),
    ...extraOf(names(load.extra, demand.extra), (name) => (load.extra?.[name] ?? 0) + sign * (demand.extra?.[name] ?? 0)),
  };
}

const names = (...of: (Readonly<Record<string, number>> | undefined)[]): string[] => [...new Set(of.flatMap((x) => (x ? Object.keys(x) : [])))];
/** Nothing at all where no other thing is named, so that most loads stay as small as they are. */
const extraOf = (all: readonly string[], n: (name: string) => number): { extra?: Record<string, number> } => (all.length === 0 ? {} : { extra: Object.fromEntries(all.map((name) => [name, n(name)])) });

/** What is short for a demand, in the order it is asked for; empty when it fits. */
export function shortages(capacity: Capacity, load: Load, demand: Demand): { of: "device" | "share" | "cpu" | "memory" | "disk" | "resource"; free: number; wanted: number; name?: string }[] {
  const found: ReturnType<typeof shortages> = [];
  if (demand.devices?.shareMillis !== undefined) {
    const free = freeShare(capacity, load, demand.devices);
    if (free < demand.devices.shareMillis) found.push({ of: "share", free, wanted: demand.devices.shareMillis });
  } else if (demand.devices) {
    const free = freeDevices(capacity, load, demand.devices.model);
    if (free < demand.devices.count) found.push({ of: "device", free, wanted: demand.devices.count });
  }
  const cpu = capacity.cpuMillis - load.cpuMillis;
  if (cpu < demand.cpuMillis) found.push({ of: "cpu", free: cpu, wanted: demand.cpuMillis });
  const memory = capacity.memoryBytes - load.memoryBytes;
  if (memory < demand.memoryBytes) found.push({ of: "memory", free: memory, wanted: demand.memoryBytes });
  const disk = capacity.diskBytes - load.diskBytes;
  if (disk < demand.diskBytes) found.push({ of: "disk", free: disk, wanted: demand.diskBytes });
  for (const [name, wanted] of Object.entries(demand.extra ?? {})) {
    const free = (capacity.extra?.[name] ?? 0) - (load.extra?.[name] ?? 0);
    if (free < wanted) found.push({ of: "resource", free, wanted, name });
  }
  return found;
}

/** Whether it fits; the same answer as `shortages`, without the list. */
export function fits(capacity: Capacity, load: Load, demand: Demand): boolean {
  if (capacity.cpuMillis - load.cpuMillis < demand.cpuMillis || capacity.memoryBytes - load.memoryBytes < demand.memoryBytes || capacity.diskBytes - load.diskBytes < demand.diskBytes) return false;
  for (const name in demand.extra) if ((capacity.extra?.[name] ?? 0) - (load.extra?.[name] ?? 0) < (demand.extra[name] ?? 0)) return false;
  if (!demand.devices) return true;
  return demand.devices.shareMillis === undefined ? freeDevices(capacity, load, demand.devices.model) >= demand.devices.count : freeShare(capacity, load, demand.devices) >= demand.devices.shareMillis;
}

/** How many of a demand fit side by side; Infinity for one that asks for nothing. */
export function slotsFor(capacity: Capacity, load: Load, demand: Demand): number {
  const by = (free: number, each: number): number => (each > 0 ? Math.max(0, Math.floor(free / each)) : Infinity);
  let slots = Math.min(by(capacity.cpuMillis - load.cpuMillis, demand.cpuMillis), by(capacity.memoryBytes - load.memoryBytes, demand.memoryBytes), by(capacity.diskBytes - load.diskBytes, demand.diskBytes));
  for (const [name, each] of Object.entries(demand.extra ?? {})) slots = Math.min(slots, by((capacity.extra?.[name] ?? 0) - (load.extra?.[name] ?? 0), each));
  if (demand.devices?.shareMillis !== undefined) return Math.min(slots, slotsOfShare(load.shared, (model) => freeDevices(capacity, load, model), demand.devices.model, demand.devices.shareMillis));
  return demand.devices ? Math.min(slots, by(freeDevices(capacity, load, demand.devices.model), demand.devices.count)) : slots;
}

/**
 * Devices that a unit can still get. Units that named a model hold devices of that model; units that named none can be
 * put on any. So by Hall's theorem there is room exactly if no model is asked for more often than it is there, and all
 * together not more often than there are devices.
 */
function freeDevices(capacity: Capacity, load: Load, model: string | null): number {
  const total = sum(capacity.devices) - sum(load.devices);
  return model === null ? total : Math.min(total, (capacity.devices[model] ?? 0) - (load.devices[model] ?? 0));
}

/** The largest share of one device that a unit can still get; of the device it has, where that is given. */
export function freeShare(capacity: Capacity, load: Load, wanted: { model: string | null; on?: SharedOn }): number {
  const idle = (model: string | null): number => freeDevices(capacity, load, model);
  return wanted.on ? shareLeftOn(load.shared, idle, wanted.on) : shareLeft(load.shared, idle, wanted.model);
}

const sum = (counts: Readonly<Record<string, number>>): number => {
  let n = 0;
  for (const k in counts) n += counts[k] ?? 0;
  return n;
};

/** True when a node holds more than it offers, in any dimension. */
export function isOvercommitted(capacity: Capacity, load: Load): boolean {
  if (load.cpuMillis > capacity.cpuMillis || load.memoryBytes > capacity.memoryBytes || load.diskBytes > capacity.diskBytes) return true;
  if (sum(load.devices) > sum(capacity.devices)) return true;
  if (load.shared?.some((d) => d.millis > DEVICE_MILLIS)) return true;
  if (Object.entries(load.extra ?? {}).some(([name, n]) => n > (capacity.extra?.[name] ?? 0))) return true;
  return Object.entries(load.devices).some(([model, n]) => model !== ANY && n > (capacity.devices[model] ?? 0));
}
