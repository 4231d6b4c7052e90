/**
 * What a class can offer at best: the best node of each cell and of each site, as far as it is known. A cell is looked into
 * only when it comes to the top.
 */
import { MICRO, spreadMicros } from "../rank";
import type { ClassMemory } from "./class-memory";
import { ClassReasons, SPECIAL } from "./class-reasons";
import type { Floor, Group } from "./floor";
import type { ShapeEntry } from "./shape-entry";

const NONE = -1;
/** In place of a cell's best node: it has to be looked for again. */
export const DIRTY = -2;
/** `spreadMicros` of small counts. */
const SPREAD_MICROS = Float64Array.from({ length: 1_024 }, (_, n) => spreadMicros(n));
const spreadOf = (n: number): number => (n < SPREAD_MICROS.length ? (SPREAD_MICROS[n] as number) : spreadMicros(n));

export abstract class ClassTops extends ClassReasons {
  /**
   * In pairs: best score of each cell, spread over sites apart, and its node; or DIRTY and a score that is not too low; after
   * the cells, of each site's special nodes.
   */
  protected readonly tops: Float64Array;
  protected readonly siteTop: Float64Array;
  /** `siteTop` with spread over sites: what the search looks at first. */
  readonly siteBound: Float64Array;
  readonly siteBest: Int32Array;
  /** Its tie. */
  readonly siteTie: Float64Array;
  readonly siteClean: Uint8Array;
  /** What spread over sites is worth, by site, in billionths. */
  readonly siteTerm: Float64Array;
  protected readonly scores: Float64Array;
  private readonly open: Int32Array;
  private readonly openStart: Int32Array;
  private readonly spreadNode: number;
  /** Nodes of each site that stand apart from their cells; the arrays have room to spare, `counted` says what is in use. */
  protected readonly special: Int32Array[] = [];
  protected readonly counted: number[] = [];
  /** Score of the node that `secondOf` found last. */
  secondScore = -Infinity;

  protected constructor(floor: Floor, entry: ShapeEntry, group: Group | null, avoid: ReadonlySet<string> | undefined, memory: ClassMemory, from?: ClassTops) {
    super(floor, entry, group, avoid, memory, from);
    const byCell = entry.byCell(floor);
    this.scores = byCell.of;
    this.open = byCell.open;
    this.openStart = byCell.openStart;
    this.spreadNode = entry.weighing.spreadNode;
    this.tops = memory.tops;
    const sites = floor.columns.sites.length;
    this.siteTerm = new Float64Array(sites);
    for (let s = 0; s < sites && entry.weighing.spreadSite; s++) this.siteTerm[s] = this.termOf(s);
    this.siteBound = new Float64Array(sites);
    this.siteTie = from ? from.siteTie.slice() : new Float64Array(sites);
    this.siteTop = from ? from.siteTop.slice() : new Float64Array(sites).fill(-Infinity);
    this.siteBest = from ? from.siteBest.slice() : new Int32Array(sites).fill(NONE);
    this.siteClean = from ? from.siteClean.slice() : new Uint8Array(sites);
    if (from) this.tops.set(from.tops);
    else this.fillTops();
    for (let s = 0; s < sites; s++) this.bound(s);
  }

  /** Every cell by what its score may be at most. */
  private fillTops(): void {
    const { columns, cells } = this.floor;
    for (let c = 0; c < cells.count + columns.sites.length; c++) this.put(c, -Infinity, NONE);
    for (let s = 0; s < columns.sites.length; s++)
      for (let c = cells.start[s] as number; c < (cells.start[s + 1] as number); c++) {
        const score = this.scores[c] as number;
        if (score === -Infinity) continue;
        const top = score + cells.bound(c, this.entry.weighing.use);
        this.put(c, top, DIRTY);
        if (top > (this.siteTop[s] as number)) this.siteTop[s] = top;
      }
  }
  protected put(c: number, top: number, best: number): void {
    this.tops[2 * c] = top;
    this.tops[2 * c + 1] = best;
  }
  protected bound(s: number): void {
    this.siteBound[s] = (this.siteTop[s] as number) + (this.siteTerm[s] as number);
  }
  protected scoreOf(i: number, special: boolean): number {
    const { floor, entry } = this;
    const score = (this.scores[floor.cells.of[i] as number] as number) + entry.weighing.use * (floor.used[i] as number);
    return special && this.spreadNode ? score + this.spreadNode * (spreadOf(this.own[i] as number) - MICRO) : score;
  }

  /** Finds a site's best node for sure. */
  refine(s: number): void {
    const { cells } = this.floor;
    const own = cells.count + s;
    for (;;) {
      let at = NONE;
      for (let k = this.openStart[s] as number; k < (this.openStart[s + 1] as number); k++) if (this.stands(this.open[k] as number, at)) at = this.open[k] as number;
      if (this.stands(own, at)) at = own;
      if (at !== NONE && this.tops[2 * at + 1] === DIRTY) {
        this.clean(at);
        continue;
      }
      this.siteTop[s] = at === NONE ? -Infinity : (this.tops[2 * at] as number);
      this.siteBest[s] = at === NONE ? NONE : (this.tops[2 * at + 1] as number);
      this.siteTie[s] = at === NONE ? 0 : (cells.tie[this.tops[2 * at + 1] as number] as number);
      this.bound(s);
      this.siteClean[s] = 1;
      return;
    }
  }
  /** Whether cell c may offer something better than cell `at`. */
  private stands(c: number, at: number): boolean {
    const top = this.tops[2 * c] as number;
    if (top === -Infinity) return false;
    if (at === NONE) return true;
    const other = this.tops[2 * at] as number;
    if (top !== other) return top > other;
    const known = this.tops[2 * at + 1] as number;
    if (known === DIRTY) return false;
    const mine = this.tops[2 * c + 1] as number;
    return mine === DIRTY || this.floor.cells.before(mine, known);
  }
  private clean(c: number): void {
    const { cells } = this.floor;
    const use = this.entry.weighing.use;
    let found = NONE;
    if (c >= cells.count) found = this.bestSpecial(c - cells.count, NONE);
    else if (use < 0 && this.codes[(cells.first[c] as number) * this.stride + this.slot] === 0) found = cells.first[c] as number;
    else found = cells.best(c, this.entry.needs, use, this, NONE);
    this.put(c, found === NONE ? -Infinity : this.scoreOf(found, c >= cells.count), found);
  }
  private bestSpecial(s: number, except: number): number {
    const list = this.special[s];
    let found = NONE;
    let top = -Infinity;
    for (let k = 0; list && k < (this.counted[s] as number); k++) {
      const i = list[k] as number;
      if ((this.codes[i * this.stride + this.slot] as number) !== SPECIAL || i === except) continue;
      const score = this.scoreOf(i, true);
      if (score > top || (score === top && this.floor.cells.before(i, found))) [found, top] = [i, score];
    }
    return found;
  }

  /** The best node of a site but for one, and its score (`secondScore`). */
  secondOf(s: number, except: number): number {
    const { cells } = this.floor;
    let found = NONE;
    let top = -Infinity;
    const end = this.openStart[s + 1] as number;
    for (let k = this.openStart[s] as number; k <= end; k++) {
      const at = k === end ? cells.count + s : (this.open[k] as number);
      const here = this.tops[2 * at] as number;
      if (here < top || here === -Infinity) continue;
      if (this.tops[2 * at + 1] === DIRTY) this.clean(at);
      let i = this.tops[2 * at + 1] as number;
      if (i === NONE) continue;
      if (i === except) i = at >= cells.count ? this.bestSpecial(s, except) : cells.best(at, this.entry.needs, this.entry.weighing.use, this, except);
      if (i === NONE) continue;
      const score = this.scoreOf(i, at >= cells.count);
      if (score > top || (score === top && cells.before(i, found))) [found, top] = [i, score];
    }
    this.secondScore = top;
    return found;
  }

  /** Score of a node that can take a unit, spread over sites apart. */
  scoreAt(i: number): number {
    return this.scoreOf(i, ((this.codes[i * this.stride + this.slot] as number) & SPECIAL) !== 0);
  }
  protected termOf(s: number): number {
    return this.entry.weighing.spreadSite * spreadOf(this.group?.onSite[s] ?? 0);
  }
}
