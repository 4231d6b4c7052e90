/**
 * Small cells: the nodes of each stand in order in a row of an array. Moving one within a dozen costs less than keeping a
 * tree, and looking through them less than asking one.
 */
import type { NodeOrder } from "./node-order";

const NONE = -1;

export class Rows {
  constructor(
    private readonly order: NodeOrder,
    /** Nodes by cell and in order: those of cell c from start[c] to start[c + 1] - 1. */
    private readonly rows: Int32Array,
    private readonly start: Int32Array,
  ) {}

  firstOf(c: number): number {
    return this.rows[this.start[c] as number] as number;
  }
  lastOf(c: number): number {
    return this.rows[(this.start[c + 1] as number) - 1] as number;
  }

  /** A node of the cell has another key now. */
  moved(c: number, i: number): void {
    const { rows, order } = this;
    const from = this.start[c] as number;
    const end = this.start[c + 1] as number;
    let at = from;
    while (rows[at] !== i) at++;
    order.key[i] = order.keyOf(i);
    for (; at + 1 < end && order.less(rows[at + 1] as number, i); at++) rows[at] = rows[at + 1] as number;
    for (; at > from && order.less(i, rows[at - 1] as number); at--) rows[at] = rows[at - 1] as number;
    rows[at] = i;
  }

  /** Of the nodes that count the emptiest. */
  emptiest(c: number): number {
    const { rows, order } = this;
    for (let k = this.start[c] as number, end = this.start[c + 1] as number; k < end; k++) if (order.allows(rows[k] as number)) return rows[k] as number;
    return NONE;
  }
  /** Of the nodes that count the fullest, and of those as full the first. */
  fullest(c: number): number {
    const { rows, order } = this;
    let found = NONE;
    for (let k = (this.start[c + 1] as number) - 1, from = this.start[c] as number; k >= from; k--) {
      const i = rows[k] as number;
      if (found !== NONE && order.used[i] !== order.used[found]) break;
      if (order.allows(i)) found = i;
    }
    return found;
  }
  /** Of the nodes that count the first by tie. */
  any(c: number): number {
    const { rows, order } = this;
    let found = NONE;
    for (let k = this.start[c] as number, end = this.start[c + 1] as number; k < end; k++) {
      const i = rows[k] as number;
      if (order.allows(i) && (found === NONE || order.before(i, found))) found = i;
    }
    return found;
  }
}
