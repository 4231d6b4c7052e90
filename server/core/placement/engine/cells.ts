/**
 * Nodes in cells: those of one site, one make and one verdict by every static key stand together and differ only in what
 * is left on them. In each they stand in order of how much is in use; see `NodeOrder`.
 */
import type { Columns, Needs } from "./columns";
import { Ints } from "./ints";
import { NodeOrder } from "./node-order";
import type { Allowing } from "./node-order";
import { Rows } from "./rows";
import { Treaps } from "./treaps";

const NONE = -1;
/** Up to so many nodes a cell is a row, beyond a treap. */
const SMALL = 64;

export class Cells {
  readonly count: number;
  /** One node of each cell, to read from what all of them share. */
  readonly sample: Int32Array;
  readonly make: Int32Array;
  /** The emptiest node of each cell, what is in use on it, and its tie: side by side for all cells, to be looked through fast. */
  readonly first: Int32Array;
  readonly firstUsed: Int32Array;
  readonly firstTie: Uint32Array;
  /** The most in use on any node of the cell. */
  readonly lastUsed: Int32Array;
  /** How often nodes of the cell have changed. */
  readonly version: Int32Array;
  /** Nodes in the order in which they changed. */
  readonly changes = new Ints();
  private readonly order: NodeOrder;
  private readonly rows: Rows;
  private treaps: Treaps | undefined;
  private readonly isLarge: Uint8Array;

  constructor(
    columns: Columns,
    /** What is left now, changed by the owner, who then calls `moved`. */
    free: Float64Array,
    private readonly used: Int32Array,
    readonly tie: Uint32Array,
    /** Cell of each node, numbered so that the cells of a site stand together. */
    readonly of: Int32Array,
    /** Cells of a site stand together: site s has cells start[s] to start[s + 1] - 1. */
    readonly start: Int32Array,
  ) {
    this.count = start[start.length - 1] ?? 0;
    this.order = new NodeOrder(columns, free, used, tie);
    this.sample = new Int32Array(this.count);
    this.make = new Int32Array(this.count);
    this.first = new Int32Array(this.count).fill(NONE);
    this.firstUsed = new Int32Array(this.count);
    this.firstTie = new Uint32Array(this.count);
    this.lastUsed = new Int32Array(this.count);
    this.version = new Int32Array(this.count);
    this.isLarge = new Uint8Array(this.count);
    for (let i = 0; i < of.length; i++) {
      const c = of[i] as number;
      this.sample[c] = i;
      this.make[c] = columns.makeOf[i] as number;
    }
    const from = new Int32Array(this.count + 1);
    const nodes = this.inOrder(from);
    this.rows = new Rows(this.order, nodes, from);
    for (let c = 0; c < this.count; c++) {
      if ((from[c + 1] as number) - (from[c] as number) > SMALL) {
        this.isLarge[c] = 1;
        this.treaps ??= new Treaps(this.order, this.count);
        this.treaps.build(c, nodes.subarray(from[c], from[c + 1]));
      }
      this.refresh(c);
    }
  }

  /** All nodes by cell, and in each cell as they stand; `from` gets where each cell begins. */
  private inOrder(from: Int32Array): Int32Array {
    const { of, count, order } = this;
    for (let i = 0; i < of.length; i++) from[(of[i] as number) + 1] = (from[(of[i] as number) + 1] as number) + 1;
    for (let c = 0; c < count; c++) from[c + 1] = (from[c + 1] as number) + (from[c] as number);
    const next = from.slice();
    const nodes = new Int32Array(of.length);
    for (let i = 0; i < of.length; i++) {
      const at = next[of[i] as number] as number;
      nodes[at] = i;
      next[of[i] as number] = at + 1;
    }
    for (let c = 0; c < count; c++) nodes.subarray(from[c], from[c + 1]).sort((a, b) => (order.less(a, b) ? -1 : 1));
    return nodes;
  }

  /** Whether a stands before b among nodes that score the same. */
  before(a: number, b: number): boolean {
    return this.order.before(a, b);
  }

  /** What is free on a node has changed, and with it how much is in use. */
  moved(i: number): void {
    const c = this.of[i] as number;
    this.shapeOf(c).moved(c, i);
    this.version[c] = (this.version[c] as number) + 1;
    this.changes.push(i);
    this.refresh(c);
  }
  private shapeOf(c: number): Rows | Treaps {
    return this.treaps !== undefined && this.isLarge[c] === 1 ? this.treaps : this.rows;
  }
  private refresh(c: number): void {
    const shape = this.shapeOf(c);
    const first = shape.firstOf(c);
    this.first[c] = first;
    this.firstUsed[c] = this.used[first] as number;
    this.firstTie[c] = this.tie[first] as number;
    this.lastUsed[c] = this.used[shape.lastOf(c)] as number;
  }

  /**
   * The node of a cell that a demand goes to: of those it fits on, the emptiest (`use` below 0), the fullest (above), or any
   * (0), and among equals the first by tie. With `who`, that tells which nodes count.
   * -1 for none.
   */
  best(c: number, needs: Needs, use: number, who: Allowing | null, except: number): number {
    this.order.want(needs, who, except);
    const shape = this.shapeOf(c);
    return use < 0 ? shape.emptiest(c) : use === 0 ? shape.any(c) : shape.fullest(c);
  }

  /** The most that a node of the cell may score by use alone: never too low. */
  bound(c: number, use: number): number {
    return use * ((use < 0 ? this.firstUsed[c] : this.lastUsed[c]) as number);
  }
}
