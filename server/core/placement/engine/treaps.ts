/**
 * Large cells: each is a treap (Seidel and Aragon, 1996) in typed arrays, each subtree knowing the most that is free in each
 * dimension: the emptiest or fullest node that a demand fits on is found without looking at the others, whatever the
 * demand is.
 */
import { mix32 } from "../../base/seed";
import type { NodeOrder } from "./node-order";

const NONE = -1;

export class Treaps {
  private readonly root: Int32Array;
  private readonly left: Int32Array;
  private readonly right: Int32Array;
  private readonly priority: Uint32Array;
  private readonly most: Float64Array;
  private readonly path = new Int32Array(4_096);

  constructor(
    private readonly order: NodeOrder,
    cells: number,
  ) {
    const n = order.key.length;
    this.root = new Int32Array(cells).fill(NONE);
    this.left = new Int32Array(n).fill(NONE);
    this.right = new Int32Array(n).fill(NONE);
    this.most = new Float64Array(n * order.columns.width);
    this.priority = Uint32Array.from(order.columns.nameHash, (hash) => mix32(hash * 31 + 7));
  }

  /** Makes the treap of a cell at once from its nodes in order. */
  build(c: number, nodes: Int32Array): void {
    const spine: number[] = [];
    for (const i of nodes) {
      let last = NONE;
      while (spine.length > 0 && (this.priority[spine[spine.length - 1] as number] as number) < (this.priority[i] as number)) last = spine.pop() as number;
      this.left[i] = last;
      if (spine.length > 0) this.right[spine[spine.length - 1] as number] = i;
      spine.push(i);
    }
    this.root[c] = spine[0] ?? NONE;
    this.pullAll(this.root[c] as number);
  }
  private pullAll(t: number): void {
    if (t === NONE) return;
    this.pullAll(this.left[t] as number);
    this.pullAll(this.right[t] as number);
    this.pull(t);
  }


  firstOf(c: number): number {
    let t = this.root[c] as number;
    while ((this.left[t] as number) !== NONE) t = this.left[t] as number;
    return t;
  }
  lastOf(c: number): number {
    let t = this.root[c] as number;
    while ((this.right[t] as number) !== NONE) t = this.right[t] as number;
    return t;
  }

  /** What is free on a node of the cell has changed, and with it its key. */
  moved(c: number, i: number): void {
    this.remove(c, i);
    this.order.key[i] = this.order.keyOf(i);
    this.insert(c, i);
  }

  private pull(t: number): void {
    const { most } = this;
    const { free } = this.order;
    const { width } = this.order.columns;
    const at = t * width;
    const l = this.left[t] as number;
    const r = this.right[t] as number;
    for (let d = 0; d < width; d++) {
      let m = free[at + d] as number;
      if (l !== NONE && (most[l * width + d] as number) > m) m = most[l * width + d] as number;
      if (r !== NONE && (most[r * width + d] as number) > m) m = most[r * width + d] as number;
      most[at + d] = m;
    }
  }

  private remove(c: number, i: number): void {
    let depth = 0;
    let t = this.root[c] as number;
    while (t !== i) {
      this.path[depth++] = t;
      t = (this.order.less(i, t) ? this.left[t] : this.right[t]) as number;
    }
    const rest = this.merge(this.left[i] as number, this.right[i] as number);
    this.left[i] = NONE;
    this.right[i] = NONE;
    this.link(c, depth, i, rest);
  }
  private insert(c: number, i: number): void {
    let depth = 0;
    let t = this.root[c] as number;
    const mine = this.priority[i] as number;
    while (t !== NONE && (this.priority[t] as number) >= mine) {
      this.path[depth++] = t;
      t = (this.order.less(i, t) ? this.left[t] : this.right[t]) as number;
    }
    this.split(t, i);
    this.pull(i);
    const parent = depth > 0 ? (this.path[depth - 1] as number) : NONE;
    if (parent === NONE) this.root[c] = i;
    else if (this.order.less(i, parent)) this.left[parent] = i;
    else this.right[parent] = i;
    while (depth > 0) this.pull(this.path[--depth] as number);
  }
  /** Puts `rest` where `i` hung on the path, and brings the path up to date. */
  private link(c: number, depth: number, i: number, rest: number): void {
    const parent = depth > 0 ? (this.path[depth - 1] as number) : NONE;
    if (parent === NONE) this.root[c] = rest;
    else if (this.left[parent] === i) this.left[parent] = rest;
    else this.right[parent] = rest;
    while (depth > 0) this.pull(this.path[--depth] as number);
  }
  private merge(a: number, b: number): number {
    if (a === NONE) return b;
    if (b === NONE) return a;
    if ((this.priority[a] as number) > (this.priority[b] as number)) {
      this.right[a] = this.merge(this.right[a] as number, b);
      this.pull(a);
      return a;
    }
    this.left[b] = this.merge(a, this.left[b] as number);
    this.pull(b);
    return b;
  }
  /** Cuts a tree at i: what stands before becomes i's left, the rest its right. */
  private split(t: number, i: number): void {
    if (t === NONE) {
      this.left[i] = NONE;
      this.right[i] = NONE;
      return;
    }
    if (this.order.less(t, i)) {
      this.split(this.right[t] as number, i);
      this.right[t] = this.left[i] as number;
      this.pull(t);
      this.left[i] = t;
    } else {
      this.split(this.left[t] as number, i);
      this.left[t] = this.right[i] as number;
      this.pull(t);
      this.right[i] = t;
    }
  }

  /** Of the nodes that count the emptiest. */
  emptiest(c: number): number {
    return this.emptiestAt(this.root[c] as number);
  }
  /** Of the nodes that count the fullest, and of those as full the first. */
  fullest(c: number): number {
    const root = this.root[c] as number;
    const found = this.fullestAt(root);
    return found === NONE ? NONE : this.fromUse(root, this.order.used[found] as number);
  }
  /** Of the nodes that count the first by tie. */
  any(c: number): number {
    return this.anyAt(this.root[c] as number, NONE);
  }
  private emptiestAt(t: number): number {
    if (t === NONE || !this.order.within(this.most, t)) return NONE;
    const found = this.emptiestAt(this.left[t] as number);
    if (found !== NONE) return found;
    return this.order.allows(t) ? t : this.emptiestAt(this.right[t] as number);
  }
  private fullestAt(t: number): number {
    if (t === NONE || !this.order.within(this.most, t)) return NONE;
    const found = this.fullestAt(this.right[t] as number);
    if (found !== NONE) return found;
    return this.order.allows(t) ? t : this.fullestAt(this.left[t] as number);
  }
  /** The first in order that is at least so much in use. */
  private fromUse(t: number, use: number): number {
    if (t === NONE || !this.order.within(this.most, t)) return NONE;
    if ((this.order.used[t] as number) < use) return this.fromUse(this.right[t] as number, use);
    const found = this.fromUse(this.left[t] as number, use);
    if (found !== NONE) return found;
    return this.order.allows(t) ? t : this.fromUse(this.right[t] as number, use);
  }
  private anyAt(t: number, found: number): number {
    if (t === NONE || !this.order.within(this.most, t)) return found;
    let best = found;
    if (this.order.allows(t) && (best === NONE || this.order.before(t, best))) best = t;
    best = this.anyAt(this.left[t] as number, best);
    return this.anyAt(this.right[t] as number, best);
  }
}
