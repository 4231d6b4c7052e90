/**
 * Which real devices a unit gets. The scheduler counts whole devices by model, says by number which of a node's shared
 * devices a share is of, and counts MIG slices by profile; which device stands behind that is decided here, once, and kept
 * with the unit's record for as long as the unit is there.
 *
 * CUDA takes GPU and MIG UUIDs in CUDA_VISIBLE_DEVICES (CUDA C++ Programming Guide, "CUDA Environment Variables"; NVIDIA
 * MIG User Guide, "CUDA_VISIBLE_DEVICES"); a share is kept to its part by CUDA MPS where its daemon runs
 * (CUDA_MPS_ACTIVE_THREAD_PERCENTAGE, NVIDIA Multi-Process Service), else it shares the device in time.
 */
import { z } from "zod";
import type { NodeFacts, UnitSpec } from "../../server/protocol/messages";

type Device = NodeFacts["devices"][number];
export type Wanted = NonNullable<UnitSpec["devices"]>;

/** One device or slice that a unit has. `slot` is the node's number of a device that is shared, of which it has `millis`; null for one that is its alone. */
export const heldDevice = z.object({ id: z.string(), vendor: z.string(), model: z.string(), slot: z.int().nullable(), millis: z.int().nullable(), profile: z.string().nullable() });
export type HeldDevice = z.infer<typeof heldDevice>;

/** What an instance has, and of which assignment it is: instances of one assignment, old and new, have the same devices. */
export interface Holding {
  assignmentId: string;
  devices: readonly HeldDevice[];
}

const WHOLE_MILLIS = 1_000;
const idOf = (d: Device): string => d.uuid ?? String(d.index);
const asHeld = (d: Device, slot: number | null = null, millis: number | null = null): HeldDevice => ({ id: idOf(d), vendor: d.vendor, model: d.model, slot, millis, profile: null });

/** Devices for a unit; null when there are not enough now: then it waits. Pure: same input, same devices. */
export function devicesFor(assignmentId: string, wanted: Wanted, machine: readonly Device[], holdings: readonly Holding[]): HeldDevice[] | null {
  const own = holdings.filter((h) => h.assignmentId === assignmentId).flatMap((h) => h.devices);
  const others = holdings.filter((h) => h.assignmentId !== assignmentId).flatMap((h) => h.devices);
  const taken = new Set(others.map((d) => d.id));
  if (wanted.slice !== null) {
    const slices = machine.flatMap((d) => (d.slices ?? []).flatMap((s, i): HeldDevice[] => (s.profile === wanted.slice ? [{ id: s.uuid ?? `${idOf(d)}/${i}`, vendor: d.vendor, model: d.model, slot: null, millis: null, profile: s.profile }] : [])));
    return chosen(slices.filter((s) => !taken.has(s.id)), own, wanted.count);
  }
  const whole = machine.filter((d) => !d.slices);
  const fits = (d: Device) => wanted.model === null || d.model === wanted.model;
  if (wanted.shareMillis !== null && wanted.slot !== null) {
    const { slot, shareMillis } = wanted;
    // A revision that asks for more than its device has left waits: the scheduler sees it and finds another.
    if (sharesOf(slot, assignmentId, holdings) + shareMillis > WHOLE_MILLIS) return null;
    const open = [...own, ...others].find((d) => d.slot === slot);
    const there = open && whole.find((d) => idOf(d) === open.id);
    if (there) return [asHeld(there, slot, shareMillis)];
    const free = byPlenty(whole.filter((d) => (wanted.slotModel ? d.model === wanted.slotModel : fits(d)) && !taken.has(idOf(d))));
    return free[0] ? [asHeld(free[0], slot, shareMillis)] : null;
  }
  return chosen(byPlenty(whole.filter((d) => fits(d) && !taken.has(idOf(d)))).map((d) => asHeld(d)), own.filter((d) => d.slot === null), wanted.count);
}

/** Thousandths of a shared device that other units have. An old and a new revision of one unit are there by turns: the larger counts. */
function sharesOf(slot: number, except: string, holdings: readonly Holding[]): number {
  const byUnit = new Map<string, number>();
  for (const h of holdings) for (const d of h.devices) if (d.slot === slot && h.assignmentId !== except) byUnit.set(h.assignmentId, Math.max(byUnit.get(h.assignmentId) ?? 0, d.millis ?? 0));
  return [...byUnit.values()].reduce((a, b) => a + b, 0);
}

/** Those it has first, so that a restart or a new revision changes nothing. */
function chosen(free: readonly HeldDevice[], own: readonly HeldDevice[], count: number): HeldDevice[] | null {
  const had = new Set(own.map((d) => d.id));
  const found = [...free.filter((d) => had.has(d.id)), ...free.filter((d) => !had.has(d.id))].slice(0, count);
  return found.length === count ? found : null;
}
/** Of the model of which most are free first: who names no model leaves the rare ones to those who do. */
function byPlenty(free: readonly Device[]): Device[] {
  const count = new Map<string, number>();
  for (const d of free) count.set(d.model, (count.get(d.model) ?? 0) + 1);
  return [...free].sort((a, b) => (count.get(b.model) ?? 0) - (count.get(a.model) ?? 0) || (a.model < b.model ? -1 : a.model > b.model ? 1 : 0) || a.index - b.index);
}

/** What tells a unit its devices. */
export function deviceEnvironment(devices: readonly HeldDevice[], shareMillis: number | null): Record<string, string> {
  if (devices.length === 0) return {};
  const nvidia = devices.filter((d) => d.vendor === "NVIDIA");
  return {
    HOLDFAST_DEVICES: devices.map((d) => d.id).join(","),
    ...(shareMillis === null ? {} : { HOLDFAST_DEVICE_SHARE: String(shareMillis) }),
    ...(nvidia.length === 0 ? {} : { CUDA_VISIBLE_DEVICES: nvidia.map((d) => d.id).join(","), NVIDIA_VISIBLE_DEVICES: nvidia.map((d) => d.id).join(",") }),
    ...(nvidia.length === 0 || shareMillis === null ? {} : { CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: String(shareMillis / 10) }),
  };
}

/** What a unit waits for, in words. */
export function waitsForDevices(wanted: Wanted): string {
  if (wanted.slice !== null) return `waits for ${wanted.count === 1 ? "a free slice" : `${wanted.count} free slices`} ${wanted.slice}`;
  const model = wanted.model === null ? "" : ` of model ${wanted.model}`;
  if (wanted.shareMillis !== null) return `waits for ${wanted.shareMillis} thousandths of ${wanted.slot === null ? "a device" : `shared device ${wanted.slot}`}${model}`;
  return wanted.count === 1 ? `waits for a free device${model}` : `waits for ${wanted.count} free devices${model}`;
}
