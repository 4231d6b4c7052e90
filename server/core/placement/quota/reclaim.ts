import type { Amounts } from "./amounts";
import type { QuotaTree } from "./tree";

/** A unit that counts in a quota, and could be taken from it. */
export interface QuotaUnit {
  id: string;
  quota: string;
  amounts: Amounts;
  priority: number;
  startedAtMs: number;
}

/**
 * Which units of quotas that borrow have to stop so that an amount fits into a quota that stays within its nominal; null
 * when none will do. Taken first from the quota with the highest dominant share, there the lowest priority first, of equal
 * ones the newest. Nothing is taken below its quota's nominal in a resource that is wanted, nothing of equal or higher
 * priority unless `any`, and no more than needed: with any one of them left in place the amount would not fit.
 * The tree is left as it was.
 */
export function reclaim(tree: QuotaTree, claim: { quota: string; amounts: Amounts; priority: number; any?: boolean }, units: readonly QuotaUnit[]): QuotaUnit[] | null {
  if (!tree.isWithinNominal(claim.quota, claim.amounts)) return null;
  const wanted = tree.resources.filter((r) => (claim.amounts[r] ?? 0) > 0);
  const fits = () => tree.shortages(claim.quota, claim.amounts).length === 0;
  const surplus = (u: QuotaUnit) => {
    const borrowed = tree.borrowed(u.quota);
    return wanted.some((r) => (u.amounts[r] ?? 0) > 0) && wanted.every((r) => (u.amounts[r] ?? 0) <= (borrowed[r] ?? 0));
  };
  const root = tree.rootOf(claim.quota);
  let left = units.filter((u) => u.quota !== claim.quota && tree.rootOf(u.quota) === root && (claim.any === true || u.priority < claim.priority));
  const taken: QuotaUnit[] = [];
  while (!fits()) {
    const next = left.filter(surplus).sort((a, b) => tree.share(b.quota) - tree.share(a.quota) || a.priority - b.priority || b.startedAtMs - a.startedAtMs || (a.id < b.id ? -1 : 1))[0];
    if (!next) break;
    tree.add(next.quota, next.amounts, -1);
    taken.push(next);
    left = left.filter((u) => u !== next);
  }
  const enough = fits();
  const kept: QuotaUnit[] = [];
  // The most deserving first: what need not have gone is left in place.
  for (const u of enough ? [...taken].reverse() : []) {
    tree.add(u.quota, u.amounts);
    if (fits()) kept.push(u);
    else tree.add(u.quota, u.amounts, -1);
  }
  const victims = taken.filter((u) => !kept.includes(u));
  for (const u of victims) tree.add(u.quota, u.amounts);
  return enough ? victims : null;
}
