/**
 * Shares of devices. A device of which a unit takes a share is opened: it counts as taken whole for everything that asks
 * for whole devices, and units that ask for shares go together on the opened ones. On a node they have numbers ("slots");
 * which real device a slot is, only the agent knows, and it stays so as long as the slot has a unit.
 *
 * Thousandths of one device are the GPU-milli of the FGD paper (ATC'23, section 2.1). Best fit within a node keeps whole
 * devices whole.
 */
import type { Capacity, Demand, Load } from "./demand";

/** Thousandths of a whole device. */
export const DEVICE_MILLIS = 1_000;

/** Where a share is: number of the opened device on its node, and the model it was opened for; "" is any. */
export interface SharedOn {
  slot: number;
  model: string;
}
/** An opened device with what its units take of it together. */
export interface SharedDevice extends SharedOn {
  millis: number;
}

const serves = (device: SharedOn, model: string | null): boolean => model === null || device.model === model;
const leftOn = (device: SharedDevice): number => DEVICE_MILLIS - device.millis;

/**
 * Where a share goes on a node: the opened device with the least left that is enough, and of those the first; else one that
 * is opened for it, with the lowest number that is free. Whether there is room at all is not asked here (see `shareLeft`).
 */
export function placeOfShare(opened: readonly SharedDevice[] | undefined, model: string | null, millis: number): SharedOn {
  let best: SharedDevice | undefined;
  for (const d of opened ?? []) if (serves(d, model) && leftOn(d) >= millis && (!best || leftOn(d) < leftOn(best))) best = d;
  if (best) return { slot: best.slot, model: best.model };
  const taken = new Set((opened ?? []).map((d) => d.slot));
  let slot = 1;
  while (taken.has(slot)) slot++;
  return { slot, model: model ?? "" };
}

/** How many whole devices are left of a model, or (null) of all; below 0 where more are taken than there are. */
export type Idle = (model: string | null) => number;
/**
 * Where more devices are taken than there are (room is kept for a unit that waits for others to stop), some of the opened
 * ones are not there, and nobody can say which: then there is no share to be had.
 */
const isOverdrawn = (opened: readonly SharedDevice[] | undefined, idle: Idle, model: string | null): boolean => {
  if (idle(model) < 0) return true;
  for (const d of opened ?? []) if (model === null && d.model !== "" && idle(d.model) < 0) return true;
  return false;
};

/** The largest share that one device can still give, in thousandths. */
export function shareLeft(opened: readonly SharedDevice[] | undefined, idle: Idle, model: string | null): number {
  if (isOverdrawn(opened, idle, model)) return 0;
  if (idle(model) >= 1) return DEVICE_MILLIS;
  let most = 0;
  for (const d of opened ?? []) if (serves(d, model)) most = Math.max(most, leftOn(d));
  return most;
}

/** What one device has left for a share that is to be exactly there. */
export function shareLeftOn(opened: readonly SharedDevice[] | undefined, idle: Idle, on: SharedOn): number {
  const left = idle(on.model === "" ? null : on.model);
  const device = opened?.find((d) => d.slot === on.slot);
  if (device) return device.model === on.model && left >= 0 ? leftOn(device) : 0;
  return left >= 1 ? DEVICE_MILLIS : 0;
}

/** How many equal shares fit side by side. */
export function slotsOfShare(opened: readonly SharedDevice[] | undefined, idle: Idle, model: string | null, millis: number): number {
  if (isOverdrawn(opened, idle, model)) return 0;
  let slots = idle(model) * Math.floor(DEVICE_MILLIS / millis);
  for (const d of opened ?? []) if (serves(d, model)) slots += Math.max(0, Math.floor(leftOn(d) / millis));
  return slots;
}

/**
 * Opened devices after a share was taken (1) or given back (-1), and by how much the count of opened ones changed. A share
 * whose device is not known gives nothing back: too little room is assumed, never too much.
 */
export function withShare(opened: readonly SharedDevice[] | undefined, wanted: { model: string | null; millis: number; on: SharedOn | undefined }, sign: 1 | -1): { opened: SharedDevice[]; on: SharedOn; count: -1 | 0 | 1 } | null {
  const on = wanted.on ?? (sign > 0 ? placeOfShare(opened, wanted.model, wanted.millis) : undefined);
  if (!on) return null;
  const now = opened?.find((d) => d.slot === on.slot);
  if (!now) return sign > 0 ? { opened: [...(opened ?? []), { ...on, millis: wanted.millis }].sort((a, b) => a.slot - b.slot), on, count: 1 } : null;
  const millis = now.millis + sign * wanted.millis;
  if (millis <= 0) return { opened: (opened ?? []).filter((d) => d !== now), on: { slot: now.slot, model: now.model }, count: -1 };
  return { opened: (opened ?? []).map((d) => (d === now ? { ...d, millis } : d)), on: { slot: now.slot, model: now.model }, count: 0 };
}

/** A demand as a unit holds it that runs: with the device that its share is on. */
export const heldOn = (demand: Demand, on: SharedOn | null | undefined): Demand => (demand.devices?.shareMillis !== undefined && on ? { ...demand, devices: { ...demand.devices, on } } : demand);

/** Whether a unit could go over from one demand to another without a change of device: a running process keeps the one it has. */
export const keepsDevice = (now: Demand, next: Demand, on: SharedOn | null | undefined): boolean => next.devices?.shareMillis === undefined || (now.devices?.shareMillis !== undefined && on !== null && on !== undefined && serves(on, next.devices.model));

/** Name of MIG slices of a profile ("1g.10gb") among the other countable things of nodes and demands. */
export const sliceName = (profile: string): string => `mig-${profile}`;
/** The profile in such a name; null for other things. */
export const profileOf = (name: string): string | null => (name.startsWith("mig-") ? name.slice(4) : null);

/** Tells of slices that a demand asks for and no node offers; empty for nothing. */
export function noneOffered(demand: Demand, isOffered: (name: string) => boolean): string {
  for (const name in demand.extra) if (profileOf(name) !== null && !isOffered(name)) return `No node offers the slice ${profileOf(name) ?? ""}. `;
  return "";
}

/** A node's whole devices of each model and its slices of each profile, as one count: what its agent reports. Devices in MIG mode have no whole to give. */
export function offeredDevices(devices: readonly { model: string; slices?: readonly { profile: string }[] | null | undefined }[]): Pick<Capacity, "devices" | "extra"> {
  const whole: Record<string, number> = {};
  const slices: Record<string, number> = {};
  for (const d of devices) {
    if (!d.slices) whole[d.model] = (whole[d.model] ?? 0) + 1;
    else for (const s of d.slices) slices[sliceName(s.profile)] = (slices[sliceName(s.profile)] ?? 0) + 1;
  }
  return { devices: whole, ...(Object.keys(slices).length ? { extra: slices } : {}) };
}

/** What the store counts for a node, as a load: whole devices by model, opened devices (which count as whole too), slices by profile. */
export function devicesTaken(whole: Readonly<Record<string, number>>, opened: readonly SharedDevice[], slices: Readonly<Record<string, number>>): Pick<Load, "devices" | "shared" | "extra"> {
  const devices: Record<string, number> = { ...whole };
  for (const d of opened) devices[d.model] = (devices[d.model] ?? 0) + 1;
  const names = Object.keys(slices);
  return { devices, ...(opened.length ? { shared: [...opened].sort((a, b) => a.slot - b.slot) } : {}), ...(names.length ? { extra: Object.fromEntries(names.map((p) => [sliceName(p), slices[p] ?? 0])) } : {}) };
}
