import { deviceMillisOf } from "../demand";
import type { Demand } from "../demand";
import { DEVICE_MILLIS } from "../shares";

/** Amounts by resource: `cpuMillis`, `memoryBytes`, `diskBytes`, `devices` (of any model) and `devices/MODEL`. A share of a device counts in thousandths of one. */
export type Amounts = Readonly<Record<string, number>>;

/** What a number of equal units takes, by resource. A device of a named model counts in its model and in `devices`. */
export function amountsOf(demand: Demand, units = 1): Amounts {
  const found: Record<string, number> = { cpuMillis: demand.cpuMillis * units, memoryBytes: demand.memoryBytes * units, diskBytes: demand.diskBytes * units };
  if (demand.devices) {
    const devices = (deviceMillisOf(demand.devices) * units) / DEVICE_MILLIS;
    found["devices"] = devices;
    if (demand.devices.model !== null) found[`devices/${demand.devices.model}`] = devices;
  }
  return found;
}

/** A sum of amounts of a resource. Devices are counted in thousandths: three shares of 100 are what 300 are, whatever floats make of them. */
export const exactly = (resource: string, n: number): number => (resource.startsWith("devices") && Number.isFinite(n) ? Math.round(n * DEVICE_MILLIS) / DEVICE_MILLIS : n);

/** `a + sign * b`, resource by resource. */
export function plus(a: Amounts, b: Amounts, sign: 1 | -1 = 1): Amounts {
  const sum: Record<string, number> = { ...a };
  for (const r in b) sum[r] = exactly(r, (sum[r] ?? 0) + sign * (b[r] ?? 0));
  return sum;
}

const GIB = 2 ** 30;
/** An amount in words: "1500m of CPU", "2.5 GiB of memory", "3 devices of model X100". */
export function amountText(resource: string, amount: number): string {
  if (resource === "cpuMillis") return `${amount}m of CPU`;
  if (resource === "memoryBytes" || resource === "diskBytes") return `${Number((amount / GIB).toFixed(2))} GiB of ${resource === "memoryBytes" ? "memory" : "disk"}`;
  const model = resource.startsWith("devices/") ? ` of model ${resource.slice(8)}` : "";
  return `${amount} ${amount === 1 ? "device" : "devices"}${model}`;
}
