import { bytesText } from "@/components/chart";
import type { NodeDetail, UnitRow } from "@/server/core/views";
import { counted } from "./words";

type Device = NonNullable<NodeDetail["facts"]>["devices"][number];

/** Accelerators of a node, like ones in one line: "2 × NVIDIA A100 (40 GiB)", "NVIDIA A30, cut into 4 × 1g.6gb". */
export function deviceLines(devices: readonly Device[]): string[] {
  return countedTexts(devices.map((d) => {
    const what = `${d.vendor} ${d.model}${d.memoryMiB ? ` (${bytesText(d.memoryMiB * 2 ** 20)})` : ""}`;
    if (!d.slices) return what;
    return d.slices.length === 0 ? `${what}, in MIG mode without slices` : `${what}, cut into ${countedTexts(d.slices.map((s) => s.profile), true).join(", ")}`;
  }));
}
function countedTexts(texts: readonly string[], always = false): string[] {
  const counts = new Map<string, number>();
  for (const t of texts) counts.set(t, (counts.get(t) ?? 0) + 1);
  return [...counts].map(([t, n]) => (n > 1 || always ? `${n} × ${t}` : t));
}

/** Devices of which units have shares: how much is taken, and by whom. */
export function sharedLines(units: readonly UnitRow[]): string[] {
  const bySlot = new Map<number, UnitRow[]>();
  for (const u of units) if (u.devices?.shared) bySlot.set(u.devices.shared.slot, [...(bySlot.get(u.devices.shared.slot) ?? []), u]);
  return [...bySlot].sort(([a], [b]) => a - b).map(([slot, here]) => {
    const taken = here.reduce((n, u) => n + (u.devices?.shared?.millis ?? 0), 0);
    const model = here[0]?.devices?.shared?.model;
    const names = here.slice(0, 5).map((u) => `${u.unit} ${u.devices?.shared?.millis ?? 0}`).join(", ");
    return `Device ${slot}${model ? ` (${model})` : ""}: ${taken} of 1000 thousandths taken by ${counted(here.length, "unit")}: ${names}${here.length > 5 ? ` and ${here.length - 5} more` : ""}`;
  });
}
