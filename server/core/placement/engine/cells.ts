/**
 * Nodes in cells: those of one site, one make and one verdict by every static key stand together and differ only in what
 * is left on them. Each cell is a treap (Seidel and Aragon, 1996) in typed arrays, ordered by how much is in use and then
 * by the tie, each subtree knowing the most that is free in each dimension: the emptiest or fullest node that a demand
 * fits on is found without looking at the others, whatever the demand is.
 */
import { mix32 } from "../../base/seed";
import type { Columns, Needs } from "./columns";

const NONE = -1;

/** Tells which nodes a search may find. */
interface Allowing {
  allows(node: number): boolean;
}

export class Cells {
  readonly count: number;
  /** Cells of a site stand together: site s has cells start[s] to start[s + 1] - 1. */
  readonly start: Int32Array;
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
  private readonly root: Int32Array;
  private readonly left: Int32Array;
  private readonly right: Int32Array;
  private readonly priority: Uint32Array;
  /** In use times 2^32 plus the tie: 20 and 32 bits, exact in a float. */
  private readonly key: Float64Array;
  private readonly most: Float64Array;
  private readonly path = new Int32Array(4_096);
  private wantDims: Int32Array = new Int32Array(0);
  private wantAmounts: Float64Array = new Float64Array(0);
  private who: Allowing | null = null;
  private except = NONE;

  constructor(
    private readonly columns: Columns,
    /** What is left now, changed by the owner, who then calls `moved`. */
    private readonly free: Float64Array,
    private readonly used: Int32Array,
    readonly tie: Uint32Array,
    /** Cell of each node, numbered so that the cells of a site stand together. */
    readonly of: Int32Array,
    start: Int32Array,
  ) {
    const n = columns.nodes.length;
    this.start = start;
    this.count = start[start.length - 1] ?? 0;
    this.sample = new Int32Array(this.count);
    this.make = new Int32Array(this.count);
    this.first = new Int32Array(this.count).fill(NONE);
    this.firstUsed = new Int32Array(this.count);
    this.firstTie = new Uint32Array(this.count);
    this.lastUsed = new Int32Array(this.count);
    this.version = new Int32Array(this.count);
    this.root = new Int32Array(this.count).fill(NONE);
    this.left = new Int32Array(n).fill(NONE);
    this.right = new Int32Array(n).fill(NONE);
    this.priority = new Uint32Array(n);
    this.key = new Float64Array(n);
    this.most = new Float64Array(n * columns.width);
    for (let i = 0; i < n; i++) {
      this.priority[i] = mix32((columns.nameHash[i] as number) * 31 + 7);
      this.key[i] = this.keyOf(i);
      const c = of[i] as number;
      this.sample[c] = i;
      this.make[c] = columns.makeOf[i] as number;
    }
    this.build();
  }

  private keyOf(i: number): number {
    return (this.used[i] as number) * 4_294_967_296 + (this.tie[i] as number);
  }
  /** Whether a stands before b among nodes that score the same. */
  before(a: number, b: number): boolean {
    const ta = this.tie[a] as number;
    const tb = this.tie[b] as number;
    return ta !== tb ? ta < tb : this.byName(a, b);
  }
  private byName(a: number, b: number): boolean {
    return (this.columns.nodes[a]?.name ?? "") < (this.columns.nodes[b]?.name ?? "");
  }
  private less(a: number, b: number): boolean {
    const d = (this.key[a] as number) - (this.key[b] as number);
    return d !== 0 ? d < 0 : this.byName(a, b);
  }

  /** All nodes by cell, and in each cell as they stand. */
  private inOrder(): Int32Array {
    const { of, count } = this;
    const start = new Int32Array(count + 1);
    for (let i = 0; i < of.length; i++) start[(of[i] as number) + 1] = (start[(of[i] as number) + 1] as number) + 1;
    for (let c = 0; c < count; c++) start[c + 1] = (start[c + 1] as number) + (start[c] as number);
    const next = start.slice();
    const order = new Int32Array(of.length);
    for (let i = 0; i < of.length; i++) {
      const c = of[i] as number;
      const at = next[c] as number;
      order[at] = i;
      next[c] = at + 1;
    }
    for (let c = 0; c < count; c++) order.subarray(start[c], start[c + 1]).sort((a, b) => (this.less(a, b) ? -1 : 1));
    return order;
  }
  /** Makes every treap at once from its nodes in order. */
  private build(): void {
    const order = this.inOrder();
    const spine: number[] = [];
    for (let at = 0; at < order.length; ) {
      const c = this.of[order[at] as number] as number;
      spine.length = 0;
      for (; at < order.length && this.of[order[at] as number] === c; at++) {
        const i = order[at] as number;
        let last = NONE;
        while (spine.length > 0 && (this.priority[spine[spine.length - 1] as number] as number) < (this.priority[i] as number)) last = spine.pop() as number;
        this.left[i] = last;
        if (spine.length > 0) this.right[spine[spine.length - 1] as number] = i;
        spine.push(i);
      }
      this.root[c] = spine[0] as number;
      this.pullAll(spine[0] as number);
      this.refreshFirst(c);
    }
  }
  private pullAll(t: number): void {
    if (t === NONE) return;
    this.pullAll(this.left[t] as number);
    this.pullAll(this.right[t] as number);
    this.pull(t);
  }

  /** What is free on a node has changed, and with it how much is in use. */
  moved(i: number): void {
    const key = this.keyOf(i);
    const c = this.of[i] as number;
    this.remove(c, i);
    this.key[i] = key;
    this.insert(c, i);
    this.version[c] = (this.version[c] as number) + 1;
    this.refreshFirst(c);
  }

  private refreshFirst(c: number): void {
    let t = this.root[c] as number;
    let last = t;
    while ((this.left[t] as number) !== NONE) t = this.left[t] as number;
    while ((this.right[last] as number) !== NONE) last = this.right[last] as number;
    this.first[c] = t;
    this.firstUsed[c] = this.used[t] as number;
    this.firstTie[c] = this.tie[t] as number;
    this.lastUsed[c] = this.used[last] as number;
  }

  private pull(t: number): void {
    const { most, free } = this;
    const width = this.columns.width;
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
      t = (this.less(i, t) ? this.left[t] : this.right[t]) as number;
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
      t = (this.less(i, t) ? this.left[t] : this.right[t]) as number;
    }
    this.split(t, i);
    this.pull(i);
    const parent = depth > 0 ? (this.path[depth - 1] as number) : NONE;
    if (parent === NONE) this.root[c] = i;
    else if (this.less(i, parent)) this.left[parent] = i;
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
    if (this.less(t, i)) {
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

  /**
   * The node of a cell that a demand goes to: of those it fits on, the emptiest (`use` below 0), the fullest (above), or any
   * (0), and among equals the first by tie. With `who`, that tells which nodes count.
   * -1 for none.
   */
  best(c: number, needs: Needs, use: number, who: Allowing | null, except: number): number {
    this.wantDims = needs.dims;
    this.wantAmounts = needs.amounts;
    this.who = who;
    this.except = except;
    const root = this.root[c] as number;
    if (use < 0) return this.emptiest(root);
    if (use === 0) return this.any(root, NONE);
    const fullest = this.fullest(root);
    return fullest === NONE ? NONE : this.fromUse(root, this.used[fullest] as number);
  }
  private allows(t: number): boolean {
    if (t === this.except) return false;
    return this.who ? this.who.allows(t) : this.within(this.free, t);
  }
  private within(rows: Float64Array, t: number): boolean {
    const at = t * this.columns.width;
    for (let k = 0; k < this.wantDims.length; k++) {
      const d = this.wantDims[k] as number;
      if (d < 0 || (rows[at + d] as number) < (this.wantAmounts[k] as number)) return false;
    }
    return true;
  }
  private emptiest(t: number): number {
    if (t === NONE || !this.within(this.most, t)) return NONE;
    const found = this.emptiest(this.left[t] as number);
    if (found !== NONE) return found;
    return this.allows(t) ? t : this.emptiest(this.right[t] as number);
  }
  private fullest(t: number): number {
    if (t === NONE || !this.within(this.most, t)) return NONE;
    const found = this.fullest(this.right[t] as number);
    if (found !== NONE) return found;
    return this.allows(t) ? t : this.fullest(this.left[t] as number);
  }
  /** The first in order that is at least so much in use. */
  private fromUse(t: number, use: number): number {
    if (t === NONE || !this.within(this.most, t)) return NONE;
    if ((this.used[t] as number) < use) return this.fromUse(this.right[t] as number, use);
    const found = this.fromUse(this.left[t] as number, use);
    if (found !== NONE) return found;
    return this.allows(t) ? t : this.fromUse(this.right[t] as number, use);
  }
  private any(t: number, found: number): number {
    if (t === NONE || !this.within(this.most, t)) return found;
    let best = found;
    if (this.allows(t) && (best === NONE || this.before(t, best))) best = t;
    best = this.any(this.left[t] as number, best);
    return this.any(this.right[t] as number, best);
  }

  /** The most that a node of the cell may score by use alone: never too low. */
  bound(c: number, use: number): number {
    return use * ((use < 0 ? this.firstUsed[c] : this.lastUsed[c]) as number);
  }
}
