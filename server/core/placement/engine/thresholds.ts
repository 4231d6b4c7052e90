import type { Needs } from "./columns";

/**
 * The amounts that somebody asks for, by dimension: what is left on a node may change, and as long as it passes none of
 * them nobody thinks otherwise of the node.
 */
export class Thresholds {
  private readonly sorted: Float64Array[];
  private readonly most: Float64Array;

  constructor(width: number) {
    this.sorted = Array.from({ length: width }, () => new Float64Array(0));
    this.most = new Float64Array(width).fill(-Infinity);
  }

  /** From now on these amounts count. */
  watch(needs: Needs): void {
    for (let k = 0; k < needs.dims.length; k++) {
      const d = needs.dims[k] as number;
      const amount = needs.amounts[k] as number;
      const known = this.sorted[d];
      if (known === undefined) continue;
      const at = this.atMost(known, amount);
      if (at > 0 && known[at - 1] === amount) continue;
      const larger = new Float64Array(known.length + 1);
      larger.set(known.subarray(0, at));
      larger[at] = amount;
      larger.set(known.subarray(at), at + 1);
      this.sorted[d] = larger;
      this.most[d] = larger[larger.length - 1] as number;
    }
  }

  /** Whether an amount stands between what was left of a dimension and what is left now: somebody had enough and has not, or the other way round. */
  passed(d: number, before: number, after: number): boolean {
    const least = this.most[d] as number;
    if (before >= least && after >= least) return false;
    const sorted = this.sorted[d] as Float64Array;
    return this.atMost(sorted, before) !== this.atMost(sorted, after);
  }

  /** How many of them are no more than `free`. */
  private atMost(sorted: Float64Array, free: number): number {
    let from = 0;
    let to = sorted.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((sorted[middle] as number) <= free) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
