import type { Columns, Needs } from "./columns";

const NONE = -1;

/** Tells which nodes a search may find. */
export interface Allowing {
  allows(node: number): boolean;
}

/** How nodes stand: by how much is in use, then by their tie, then by name; and what a search at hand wants of them. */
export class NodeOrder {
  /** In use times 2^32 plus the tie: 20 and 32 bits, exact in a float. */
  readonly key: Float64Array;
  private needs: Needs = { dims: new Int32Array(0), amounts: new Float64Array(0), codes: new Uint8Array(0) };
  private who: Allowing | null = null;
  private except = NONE;

  constructor(
    readonly columns: Columns,
    /** What is left now, changed by the owner, who then calls `moved` of the cells. */
    readonly free: Float64Array,
    readonly used: Int32Array,
    readonly tie: Uint32Array,
  ) {
    this.key = new Float64Array(used.length);
    for (let i = 0; i < used.length; i++) this.key[i] = this.keyOf(i);
  }

  /** Where a node should stand now. */
  keyOf(i: number): number {
    return (this.used[i] as number) * 4_294_967_296 + (this.tie[i] as number);
  }
  less(a: number, b: number): boolean {
    const ka = this.key[a] as number;
    const kb = this.key[b] as number;
    return ka !== kb ? ka < kb : this.byName(a, b);
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

  /** From now on a demand is looked for: on nodes that `who` allows, or else on those it fits on; but not on `except`. */
  want(needs: Needs, who: Allowing | null, except: number): void {
    this.needs = needs;
    this.who = who;
    this.except = except;
  }
  /** Whether a node counts. */
  allows(i: number): boolean {
    if (i === this.except) return false;
    return this.who ? this.who.allows(i) : this.within(this.free, i);
  }
  /** Whether row i of a table of amounts has as much as is wanted. */
  within(rows: Float64Array, i: number): boolean {
    const { dims, amounts } = this.needs;
    const at = i * this.columns.width;
    for (let k = 0; k < dims.length; k++) {
      const d = dims[k] as number;
      if (d < 0 || (rows[at + d] as number) < (amounts[k] as number)) return false;
    }
    return true;
  }
}
