/**
 * Gangs of others when room is made: a gang gives up units that it can spare, or goes as a whole. What is left of one that
 * lost too many would hold room and do no work (Volcano lets none of such a gang be taken; here it may go, but entirely).
 */
import type { Others, OtherUnit } from "./types";

export class Gangs {
  private readonly byWorkload = new Map<string, OtherUnit[]>();

  constructor(
    private readonly others: Others,
    /** Units that have to go already. */
    private readonly gone: ReadonlySet<string>,
  ) {
    if (others.gangs.size === 0) return;
    for (const u of others.units) {
      if (u.stopping || !others.gangs.has(u.workloadId)) continue;
      const known = this.byWorkload.get(u.workloadId);
      if (known) known.push(u);
      else this.byWorkload.set(u.workloadId, [u]);
    }
  }
  private left(workloadId: string): OtherUnit[] {
    return (this.byWorkload.get(workloadId) ?? []).filter((u) => !this.gone.has(u.id));
  }
  private least(workloadId: string): number {
    return this.others.gangs.get(workloadId) ?? 0;
  }

  /** Budgets by which no gang gets too small: with `whole` those only that may not go as a whole are kept. */
  budgets(budgets: ReadonlyMap<string, number>, whole: boolean): ReadonlyMap<string, number> {
    if (this.byWorkload.size === 0) return budgets;
    const cut = new Map(budgets);
    for (const id of this.byWorkload.keys()) {
      const left = this.left(id).length;
      const most = budgets.get(id) ?? Infinity;
      if (!whole || left > most) cut.set(id, Math.min(most, Math.max(0, left - this.least(id))));
    }
    return cut;
  }
  /** These units, and with them all that is left of each gang that would be too small without them. */
  withRest(units: readonly OtherUnit[]): OtherUnit[] {
    const all = new Set(units);
    for (const id of new Set(units.map((u) => u.workloadId))) {
      const left = this.left(id);
      if (left.filter((u) => !all.has(u)).length < this.least(id)) for (const u of left) all.add(u);
    }
    return [...all];
  }
}
