import { counted } from "../../core/fleet";
import type { Demand, FleetNode } from "../../core/placement";

const GIB = 2 ** 30;
const MIB = 2 ** 20;
const bytesText = (n: number): string => (n >= GIB ? `${Number((n / GIB).toFixed(1))} GiB` : `${Math.round(n / MIB)} MiB`);

/** What one unit asks for, in words. */
export function demandText(d: Demand): string {
  const parts = [d.devices ? counted(d.devices.count, d.devices.model ?? "accelerator") : "", `${Number((d.cpuMillis / 1_000).toFixed(3))} CPU`, d.memoryBytes > 0 ? `${bytesText(d.memoryBytes)} memory` : ""];
  return parts.filter(Boolean).join(", ");
}

/** Whether units can be put there now. */
export const isUsable = (n: FleetNode): boolean => n.desiredState === "active" && n.contact === "live";
