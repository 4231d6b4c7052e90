import { bytesText } from "@/components/chart/units";
import type { QueueView, QuotaTreeView } from "@/server/core/views";

export type QueueItem = QueueView["items"][number];
export type Quota = QuotaTreeView["quotas"][number];
export type QuotaResource = Quota["resources"][number];

/** Why nobody can tell when a workload starts. */
export function whyUnknown(item: Pick<QueueItem, "start">): string | null {
  if (item.start === null) return "Nobody can tell: no room is reserved for it. A batch with a duration gets a time, as soon as what runs says how long it takes.";
  return item.start.latestMs === null ? "Nobody can tell how late: it starts when what makes way has stopped." : null;
}

/** "2 of 3 units wait", "1 of 3 units waits". */
export const waitingText = (item: Pick<QueueItem, "waiting" | "replicas">): string => `${item.waiting} of ${item.replicas} ${item.replicas === 1 ? "unit" : "units"} ${item.waiting === 1 ? "waits" : "wait"}`;

/** The whole queue in one sentence. */
export function queueSentence(items: readonly QueueItem[]): string {
  if (items.length === 0) return "Nothing waits: every unit that is asked for has a node.";
  const units = items.reduce((sum, i) => sum + i.waiting, 0);
  const first = items[0];
  return `${units} ${units === 1 ? "unit" : "units"} of ${items.length} ${items.length === 1 ? "workload" : "workloads"} ${units === 1 ? "waits" : "wait"} for room${first && items.length > 1 ? `; ${first.workload} is next` : ""}.`;
}

/** What a resource of a quota is called, without an amount. */
export function resourceName(resource: string): string {
  if (resource === "cpuMillis") return "CPU";
  if (resource === "memoryBytes") return "Memory";
  if (resource === "diskBytes") return "Disk";
  return resource.startsWith("devices/") ? `Devices ${resource.slice("devices/".length)}` : "Devices";
}

/** An amount without the name of its resource: "1500m", "2.5 GiB", "3", and "0.8" of devices that are shared. */
export const amountOf = (resource: string, amount: number): string => (resource === "cpuMillis" ? `${Math.round(amount)}m` : resource === "memoryBytes" || resource === "diskBytes" ? bytesText(amount) : String(Number(amount.toFixed(2))));

export type QuotaBar = { own: number; borrowed: number; waiting: number; nominal: number; deserved: number; end: number };

/**
 * The bar of one resource: what is in use of its own, what is borrowed, and what waits, one after the other, with marks
 * for nominal and deserved; all as shares of the bar's end, the largest of them.
 */
export function quotaBar(r: QuotaResource): QuotaBar {
  const end = Math.max(r.nominal, r.deserved, r.allocated + r.waiting);
  const share = (n: number) => (end > 0 ? n / end : 0);
  return { own: share(r.allocated - r.borrowed), borrowed: share(r.borrowed), waiting: share(r.waiting), nominal: share(r.nominal), deserved: share(r.deserved), end };
}

/** How one resource stands, for whoever cannot see the bar. */
export function barText(r: QuotaResource): string {
  const a = (n: number) => amountOf(r.resource, n);
  return `${resourceName(r.resource)}: ${a(r.allocated)} in use of ${a(r.nominal)} nominal, ${a(r.deserved)} deserved${r.borrowed > 0 ? `, ${a(r.borrowed)} borrowed` : ""}${r.waiting > 0 ? `, ${a(r.waiting)} wanted by units that wait` : ""}`;
}

/** The dominant share of what is borrowed, in words. */
export function shareWords(q: Pick<Quota, "share" | "weight">): string {
  if (q.share === null) return "borrows with weight 0: it gives back first";
  if (q.share === 0) return "within nominal";
  return `share ${(q.share * 100).toFixed(1)} %${q.weight === 1 ? "" : ` (by weight ${q.weight})`}`;
}
