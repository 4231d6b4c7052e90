import type { Amounts } from "./amounts";
import type { QuotaTree } from "./tree";

/** A workload that waits for room for some of its units. */
export interface Waiting {
  id: string;
  priority: number;
  quota: string | null;
  /** What one unit takes of its quota. */
  amounts: Amounts;
  sinceMs: number;
}

/**
 * The order in which waiting workloads get their turn: the higher priority first; of equal ones those that would stay
 * within nominal, and then the one whose quota has the smaller dominant share after it was served; then who waits longest.
 * The order is total: no two workloads are equal.
 */
export function queueOrder<T extends Waiting>(waiting: readonly T[], tree: QuotaTree): T[] {
  const share = new Map(waiting.map((w) => [w.id, w.quota !== null && tree.has(w.quota) ? tree.share(w.quota, w.amounts) : 0]));
  const of = (w: T) => share.get(w.id) ?? 0;
  return [...waiting].sort((a, b) => b.priority - a.priority || (of(a) === of(b) ? 0 : of(a) - of(b)) || a.sinceMs - b.sinceMs || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}
