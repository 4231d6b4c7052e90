import { counted } from "../../core/fleet";
import { profileOf } from "../../core/placement";
import type { Demand, FleetNode } from "../../core/placement";

const GIB = 2 ** 30;
const MIB = 2 ** 20;
const bytesText = (n: number): string => (n >= GIB ? `${Number((n / GIB).toFixed(1))} GiB` : `${Math.round(n / MIB)} MiB`);

function devicesText({ devices, extra }: Demand): string {
  const slices = Object.entries(extra ?? {}).flatMap(([name, n]) => (profileOf(name) === null ? [] : [`${counted(n, "slice")} ${profileOf(name) ?? ""}`]));
  if (!devices) return slices.join(", ");
  const what = devices.model ?? "accelerator";
  return devices.shareMillis === undefined ? counted(devices.count, what) : `${devices.shareMillis} thousandths of one ${what}`;
}

/** What one unit asks for, in words. */
export function demandText(d: Demand): string {
  const parts = [devicesText(d), `${Number((d.cpuMillis / 1_000).toFixed(3))} CPU`, d.memoryBytes > 0 ? `${bytesText(d.memoryBytes)} memory` : ""];
  return parts.filter(Boolean).join(", ");
}

/** Whether units can be put there now. */
export const isUsable = (n: FleetNode): boolean => n.desiredState === "active" && n.contact === "live";
