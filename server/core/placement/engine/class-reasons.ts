/**
 * What keeps each node away from the units of one shape and group: the decisive reason of every node, counted by site,
 * and the units of the group on each node where they matter.
 */
import type { ClassMemory } from "./class-memory";
import { CODES, codeOf } from "./columns";
import type { CellStatics, Floor, Group } from "./floor";
import type { ShapeEntry } from "./shape-entry";

const DEVICE = codeOf("device");
const LEAVING = codeOf("leaving");
export const SPREAD = codeOf("spread");
export const APART = codeOf("apart");
/** Marks nodes whose score depends on units of a group there: they stand apart from their cell. */
export const SPECIAL = 0x80;
export const CODE = 0x7f;

export abstract class ClassReasons {
  /** Nodes by decisive reason; 0 counts those that can take a unit, before spread over sites. */
  readonly counts = new Int32Array(CODES);
  readonly siteFeasible: Int32Array;
  readonly siteApart: Int32Array;
  /** Nodes of a site on which nothing but what runs there can keep the shape away. */
  readonly siteEligible: Int32Array;
  protected readonly codes: Uint8Array;
  protected readonly stride: number;
  protected readonly slot: number;
  protected readonly statics: CellStatics;
  /** Score of an unused node by make; minus infinity for one that has none of the devices asked for. */
  protected readonly byMake: Float64Array;
  /** Units of the group by node, for shapes to which it matters. */
  protected readonly own: Uint16Array;
  private readonly avoided: ReadonlySet<number> | null;
  /** For hard spread over nodes: the least count over all eligible nodes, how many have more, and how many there are. */
  private readonly levels: boolean;
  private leastOnNode = 0;
  private above = 0;
  private eligible = 0;

  protected constructor(
    protected readonly floor: Floor,
    readonly entry: ShapeEntry,
    readonly group: Group | null,
    readonly avoid: ReadonlySet<string> | undefined,
    readonly memory: ClassMemory,
    from?: ClassReasons,
  ) {
    const { columns } = floor;
    const sites = columns.sites.length;
    this.byMake = entry.byMake(floor);
    this.statics = floor.staticsOf(entry.shape, entry.staticKey);
    this.avoided = avoid?.size ? new Set([...avoid].flatMap((id) => columns.indexOf.get(id) ?? [])) : null;
    this.levels = group !== null && entry.spread.some((s) => s.over === "node");
    this.own = memory.own;
    this.codes = memory.codes;
    this.stride = memory.stride;
    this.slot = memory.slot;
    this.siteApart = new Int32Array(sites);
    this.siteFeasible = from ? from.siteFeasible.slice() : new Int32Array(sites);
    this.siteEligible = from ? from.siteEligible : new Int32Array(sites);
    if (from) this.copyCodes(from);
    else this.fillCodes();
  }

  private copyCodes(from: ClassReasons): void {
    const { codes, stride, slot } = this;
    const n = this.floor.columns.nodes.length;
    this.counts.set(from.counts);
    if (stride === 1 && from.stride === 1) codes.set(from.codes);
    else for (let i = 0, to = slot, at = from.slot; i < n; i++, to += stride, at += from.stride) codes[to] = from.codes[at] as number;
  }

  private fillCodes(): void {
    const { columns, cells, free, lost } = this.floor;
    const { siteOf, makeOf, width } = columns;
    const { dims, amounts, codes: reasons } = this.entry.needs;
    const { codes, counts, siteFeasible, siteEligible, byMake, stride, slot } = this;
    const statics = this.statics.code;
    const of = cells.of;
    for (let i = 0; i < of.length; i++) {
      const c = of[i] as number;
      const s = siteOf[i] as number;
      let code = (lost[i] as number) || (statics[c] as number);
      if (code === 0 && byMake[makeOf[i] as number] === -Infinity) code = DEVICE;
      else if (code === 0) {
        const at = i * width;
        for (let k = 0; k < dims.length; k++) {
          const d = dims[k] as number;
          if (d < 0 || (free[at + d] as number) < (amounts[k] as number)) {
            code = reasons[k] as number;
            break;
          }
        }
      }
      codes[i * stride + slot] = code;
      counts[code] = (counts[code] as number) + 1;
      if (code === 0) siteFeasible[s] = (siteFeasible[s] as number) + 1;
      if (statics[c] === 0 && lost[i] === 0) siteEligible[s] = (siteEligible[s] as number) + 1;
    }
  }

  /** Notes the units that the group has on each node, for a class to which they matter. */
  protected countGroup(group: Group): void {
    this.own.fill(0);
    for (const [node, count] of group.onNode) this.own[node] = count;
    if (!this.levels) return;
    this.eligible = this.siteEligible.reduce((a, b) => a + b, 0);
    this.findLeast();
  }
  /** The nodes that a unit must not go to. */
  protected get shunned(): Iterable<number> {
    return this.avoided ?? [];
  }
  /** One unit more of the group on a node; true when that opens all others that were as full: hard spread over nodes. */
  protected countOn(i: number): boolean {
    const count = (this.own[i] as number) + 1;
    this.own[i] = count;
    if (!this.levels || this.floor.lost[i] || this.statics.code[this.floor.cells.of[i] as number]) return false;
    if (count === this.leastOnNode + 1) this.above++;
    if (this.above !== this.eligible) return false;
    this.findLeast();
    return true;
  }
  private findLeast(): void {
    const { columns, cells, lost } = this.floor;
    const seen = this.own;
    let least = Infinity;
    for (let i = 0; i < columns.nodes.length; i++) if (!lost[i] && !this.statics.code[cells.of[i] as number] && (seen[i] as number) < least) least = seen[i] as number;
    this.leastOnNode = Number.isFinite(least) ? least : 0;
    this.above = 0;
    for (let i = 0; i < columns.nodes.length; i++) if (!lost[i] && !this.statics.code[cells.of[i] as number] && (seen[i] as number) > this.leastOnNode) this.above++;
  }

  /** Decisive reason by hard rules and room. */
  private roomCode(i: number): number {
    const { floor, entry } = this;
    const lost = floor.lost[i] as number;
    if (lost) return lost;
    const fixed = this.statics.code[floor.cells.of[i] as number] as number;
    if (fixed) return fixed;
    // The first of all shortages, for good.
    if (this.byMake[floor.columns.makeOf[i] as number] === -Infinity) return DEVICE;
    const { dims, amounts, codes } = entry.needs;
    const at = i * floor.columns.width;
    for (let k = 0; k < dims.length; k++) {
      const d = dims[k] as number;
      if (d < 0 || (floor.free[at + d] as number) < (amounts[k] as number)) return codes[k] as number;
    }
    return 0;
  }
  protected codeNow(i: number, special: boolean): number {
    if (this.avoided !== null && this.avoided.has(i) && !this.floor.lost[i] && !this.statics.code[this.floor.cells.of[i] as number]) return LEAVING;
    const code = this.roomCode(i);
    if (code || !special) return code;
    const own = this.own[i] as number;
    for (const x of this.entry.spread) if (x.over === "node" && own + 1 - this.leastOnNode > x.maxSkew) return SPREAD;
    for (const a of this.entry.apart) if (a.over === "node" && (a.from === null ? own : (this.floor.groupOf(a.from).onNode.get(i) ?? 0)) > 0) return APART;
    return 0;
  }
  protected count(code: number, site: number, by: number): void {
    this.counts[code] = (this.counts[code] as number) + by;
    if (code === 0) this.siteFeasible[site] = (this.siteFeasible[site] as number) + by;
    else if (code === APART) this.siteApart[site] = (this.siteApart[site] as number) + by;
  }

  /** Whether a node can take a unit and stands in its cell. */
  allows(i: number): boolean {
    return this.codes[i * this.stride + this.slot] === 0;
  }
  /** Decisive reason of one node, spread and apartness over sites aside; 0 for none. */
  codeAt(i: number): number {
    return (this.codes[i * this.stride + this.slot] as number) & CODE;
  }
}
