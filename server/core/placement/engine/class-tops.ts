/**
 * What a class can offer at best: the best node of each site, as far as it is known. What is known of a site that changed is
 * only that it offers no more than so much; it is looked into when that comes to the top.
 */
import { MICRO, spreadMicros } from "../rank";
import type { ClassMemory } from "./class-memory";
import { ClassReasons, SPECIAL } from "./class-reasons";
import type { Floor, Group } from "./floor";
import type { ShapeEntry } from "./shape-entry";

const NONE = -1;
/** `spreadMicros` of small counts. */
const SPREAD_MICROS = Float64Array.from({ length: 1_024 }, (_, n) => spreadMicros(n));
const spreadOf = (n: number): number => (n < SPREAD_MICROS.length ? (SPREAD_MICROS[n] as number) : spreadMicros(n));

export abstract class ClassTops extends ClassReasons {
  /** Score of each site's best node, spread over sites apart; of a site that is not clean one that is not too low. */
  protected readonly siteTop: Float64Array;
  /** `siteTop` with spread over sites: what the search looks at first. */
  readonly siteBound: Float64Array;
  readonly siteBest: Int32Array;
  /** Its tie. */
  readonly siteTie: Float64Array;
  readonly siteClean: Uint8Array;
  /** What spread over sites is worth, by site, in billionths. */
  readonly siteTerm: Float64Array;
  /** Per millionth of a node in use. */
  protected readonly use: number;
  private readonly spreadNode: number;
  /** In pairs: the version of a cell at which its best node was looked for, and what was found. */
  private readonly memo: Int32Array;
  /** Nodes of each site that stand apart from their cells; the arrays have room to spare, `counted` says what is in use. */
  protected readonly special: Int32Array[] = [];
  protected readonly counted: number[] = [];
  /** No special node of a site scores more than this. */
  protected specialTop = new Float64Array(0);
  /** Score of the node that was looked for last. */
  foundScore = -Infinity;

  protected constructor(floor: Floor, entry: ShapeEntry, group: Group | null, avoid: ReadonlySet<string> | undefined, memory: ClassMemory, from?: ClassTops) {
    super(floor, entry, group, avoid, memory, from);
    this.use = entry.weighing.use;
    this.spreadNode = entry.weighing.spreadNode;
    this.memo = memory.forCells(floor.cells.count);
    const sites = floor.columns.sites.length;
    this.siteTerm = new Float64Array(sites);
    for (let s = 0; s < sites && entry.weighing.spreadSite; s++) this.siteTerm[s] = this.termOf(s);
    this.siteBound = new Float64Array(sites);
    this.siteTie = from ? from.siteTie.slice() : new Float64Array(sites);
    this.siteTop = from ? from.siteTop.slice() : new Float64Array(sites).fill(-Infinity);
    this.siteBest = from ? from.siteBest.slice() : new Int32Array(sites).fill(NONE);
    this.siteClean = from ? from.siteClean.slice() : new Uint8Array(sites);
    if (!from) this.boundSites();
    for (let s = 0; s < sites; s++) this.bound(s);
  }

  /** Every site by what the score of a node of it may be at most. */
  private boundSites(): void {
    const { cells } = this.floor;
    const { open, openStart } = this.statics;
    for (let s = 0; s < this.siteTop.length; s++)
      for (let k = openStart[s] as number; k < (openStart[s + 1] as number); k++) {
        const c = open[k] as number;
        const top = this.baseOf(c) + cells.bound(c, this.use);
        if (top > (this.siteTop[s] as number)) this.siteTop[s] = top;
      }
  }
  /** Score of an unused node of a cell, spread apart. */
  protected baseOf(c: number): number {
    return (this.statics.score[c] as number) + (this.byMake[this.floor.cells.make[c] as number] as number);
  }
  protected bound(s: number): void {
    this.siteBound[s] = (this.siteTop[s] as number) + (this.siteTerm[s] as number);
  }
  protected scoreOf(i: number, special: boolean): number {
    const { floor } = this;
    const score = this.baseOf(floor.cells.of[i] as number) + this.use * (floor.used[i] as number);
    return special && this.spreadNode ? score + this.spreadNode * (spreadOf(this.own[i] as number) - MICRO) : score;
  }

  /** Finds a site's best node for sure. */
  refine(s: number): void {
    const node = this.bestOf(s, NONE, -Infinity);
    this.siteTop[s] = this.foundScore;
    this.siteBest[s] = node;
    this.siteTie[s] = node === NONE ? 0 : (this.floor.cells.tie[node] as number);
    this.bound(s);
    this.siteClean[s] = 1;
  }

  /**
   * The best node of a site but for one, of those that score no less than `least`; its score, spread over sites apart, is left
   * in `foundScore`.
   */
  bestOf(s: number, except: number, least: number): number {
    const { cells, used } = this.floor;
    const { open, openStart, score: rules } = this.statics;
    const { first, make } = cells;
    const reach = this.use < 0 ? cells.firstUsed : cells.lastUsed;
    const { use, byMake, codes, stride, slot } = this;
    const spreads = use < 0;
    let found = NONE;
    let top = least;
    for (let k = openStart[s] as number, end = openStart[s + 1] as number; k < end; k++) {
      const c = open[k] as number;
      const base = (rules[c] as number) + (byMake[make[c] as number] as number);
      // Not so much as is known already, or no such devices at all.
      if (base + use * (reach[c] as number) < top || base === -Infinity) continue;
      // The emptiest node of a cell most often is the one.
      let i = spreads ? (first[c] as number) : NONE;
      if (i === NONE || i === except || codes[i * stride + slot] !== 0) i = this.bestOfCell(c, except);
      if (i === NONE) continue;
      const score = base + use * (used[i] as number);
      if (score > top || (score === top && (found === NONE || cells.before(i, found)))) {
        found = i;
        top = score;
      }
    }
    this.foundScore = top;
    return this.special.length > 0 && (this.specialTop[s] as number) >= top ? this.bestSpecial(s, except, found) : found;
  }
  /** The best of what was found and of the nodes that stand apart from their cells. */
  private bestSpecial(s: number, except: number, cellBest: number): number {
    const list = this.special[s] as Int32Array;
    const { codes, stride, slot } = this;
    let found = cellBest;
    let most = -Infinity;
    for (let k = 0, n = this.counted[s] as number; k < n; k++) {
      const i = list[k] as number;
      if (codes[i * stride + slot] !== SPECIAL) continue;
      const score = this.scoreOf(i, true);
      if (score > most) most = score;
      if (i === except) continue;
      if (score > this.foundScore || (score === this.foundScore && (found === NONE || this.floor.cells.before(i, found)))) {
        found = i;
        this.foundScore = score;
      }
    }
    this.specialTop[s] = most;
    return found;
  }

  private bestOfCell(c: number, except: number): number {
    const { memo } = this;
    const { cells } = this.floor;
    if (memo[2 * c] !== cells.version[c]) {
      memo[2 * c] = cells.version[c] as number;
      memo[2 * c + 1] = cells.best(c, this.entry.needs, this.use, this, NONE);
    }
    const i = memo[2 * c + 1] as number;
    return i === except && i !== NONE ? cells.best(c, this.entry.needs, this.use, this, except) : i;
  }
  /** A node of a cell no longer counts among the others. */
  protected forget(c: number): void {
    this.memo[2 * c] = NONE;
  }
  /** Score of a node that can take a unit, spread over sites apart. */
  scoreAt(i: number): number {
    return this.scoreOf(i, ((this.codes[i * this.stride + this.slot] as number) & SPECIAL) !== 0);
  }
  protected termOf(s: number): number {
    return this.entry.weighing.spreadSite * spreadOf(this.group?.onSite[s] ?? 0);
  }
}
