import type { CapacityView } from "@/server/core/views";

export type Measure = "cpuMillis" | "memoryBytes" | "devices";
export type CapacityNode = CapacityView["nodes"][number];
export type CapacitySite = CapacityView["sites"][number];
type Amount = CapacityNode["cpuMillis"];

export const measures: readonly { value: Measure; label: string; unit: string }[] = [
  { value: "cpuMillis", label: "CPU", unit: "cores" },
  { value: "memoryBytes", label: "Memory", unit: "GiB" },
  { value: "devices", label: "Accelerators", unit: "accelerators" },
];
const GIB = 2 ** 30;
const scale: Record<Measure, number> = { cpuMillis: 1_000, memoryBytes: GIB, devices: 1 };
export const unitOf = (m: Measure): string => measures.find((x) => x.value === m)?.unit ?? "";

/** "3.25", in cores, GiB or accelerators. */
export const amountOf = (m: Measure, n: number): string => {
  const amount = n / scale[m];
  // Small fleets differ by hundredths; of large ones a tenth is enough.
  return Number(amount.toFixed(amount < 10 ? 2 : 1)).toLocaleString("en-GB");
};
export const shareOf = (a: Amount): number | null => (a.capacity > 0 ? Math.min(1, a.allocated / a.capacity) : null);
export const percentText = (share: number | null): string => (share === null ? "none" : `${Math.round(share * 100)} %`);

/** "1.4 of 3 cores in use, 1.6 idle, 56 % of that stranded". */
export function inUseText(m: Measure, a: Amount): string {
  if (a.capacity === 0) return `no ${unitOf(m)}`;
  return `${amountOf(m, a.allocated)} of ${amountOf(m, a.capacity)} ${unitOf(m)} in use, ${amountOf(m, a.idle)} idle${a.stranded === null ? "" : `, ${percentText(a.stranded)} of that ${m === "devices" ? "fragmented" : "stranded"}`}`;
}

/** What a cell of the map says to whoever can't see it. */
export const nodeText = (m: Measure, n: CapacityNode): string => `${n.name}: ${inUseText(m, n[m])}${n.usable ? "" : `. ${n.because}`}`;

/** The whole fleet in one sentence, by what is measured. */
export function capacitySentence(c: CapacityView, m: Measure): string {
  const away = c.sites.reduce((n, s) => n + s.silent, 0);
  const closed = c.sites.reduce((n, s) => n + s.closed, 0);
  const notes = [away > 0 ? `${away} silent` : "", closed > 0 ? `${closed} closed to new units` : ""].filter(Boolean);
  return `${c.total.nodes} ${c.total.nodes === 1 ? "node" : "nodes"} at ${c.sites.length} ${c.sites.length === 1 ? "site" : "sites"}${notes.length ? ` (${notes.join(", ")})` : ""}: ${inUseText(m, c.total[m])}.`;
}
