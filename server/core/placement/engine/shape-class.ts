/**
 * All asks of one shape and group: what each node's decisive reason is, and the best node of each cell, kept up to date by
 * following the log. One placement changes one node; a class that is asked again looks at the nodes that changed since,
 * and at a cell only when it comes to the top.
 */
import { MICRO, spreadMicros } from "../rank";
import type { ClassMemory } from "./class-memory";
import { CODES, codeOf } from "./columns";
import type { CellStatics, Floor, Group } from "./floor";
import type { ShapeEntry } from "./shape-entry";

const NONE = -1;
/** In place of a cell's best node: it has to be looked for again. */
const DIRTY = -2;
/** `spreadMicros` of small counts. */
const SPREAD_MICROS = Float64Array.from({ length: 1_024 }, (_, n) => spreadMicros(n));
const spreadOf = (n: number): number => (n < SPREAD_MICROS.length ? (SPREAD_MICROS[n] as number) : spreadMicros(n));
const LEAVING = codeOf("leaving");
export const SPREAD = codeOf("spread");
export const APART = codeOf("apart");
/** Marks nodes whose score depends on units of a group there: they stand apart from their cell. */
const SPECIAL = 0x80;
const CODE = 0x7f;

export class ShapeClass {
  readonly era: number;
  readonly groupVersion: number;
  /** Nodes by decisive reason; 0 counts those that can take a unit, before spread over sites. */
  readonly counts = new Int32Array(CODES);
  readonly siteFeasible: Int32Array;
  readonly siteApart: Int32Array;
  /** Nodes of a site on which nothing but what runs there can keep the shape away. */
  readonly siteEligible: Int32Array;
  /**
   * In pairs: best score of each cell, spread over sites apart, and its node; or DIRTY and a score that is not too low; after
   * the cells, of each site's special nodes.
   */
  private readonly tops: Float64Array;
  private readonly stride: number;
  private readonly slot: number;
  private readonly siteTop: Float64Array;
  /** `siteTop` with spread over sites: what the search looks at first. */
  readonly siteBound: Float64Array;
  readonly siteBest: Int32Array;
  /** Its tie. */
  readonly siteTie: Float64Array;
  readonly siteClean: Uint8Array;
  private readonly codes: Uint8Array;
  private readonly scores: Float64Array;
  private readonly statics: CellStatics;
  private readonly fixed: Uint8Array;
  private readonly open: Int32Array;
  private readonly openStart: Int32Array;
  /** Where the counts of the last decision were kept. */
  countsAt = NONE;
  /** Units of the group by node, for shapes to which it matters. */
  private readonly own: Uint16Array;
  private readonly spreadNode: number;
  /** What spread over sites is worth, by site, in billionths. */
  readonly siteTerm: Float64Array;
  private readonly special: Int32Array[] = [];
  private cursor: number;
  private readonly setsApart: boolean;
  private readonly watched: Group[] = [];
  private readonly avoided: ReadonlySet<number> | null;
  /** For hard spread over nodes: the least count over all eligible nodes, how many have more, and how many there are. */
  private readonly levels: boolean;
  private leastOnNode = 0;
  private above = 0;
  private eligible = 0;

  constructor(
    private readonly floor: Floor,
    readonly entry: ShapeEntry,
    readonly group: Group | null,
    readonly avoid: ReadonlySet<string> | undefined,
    readonly memory: ClassMemory,
    from?: ShapeClass,
  ) {
    const { cells, columns } = floor;
    const byCell = entry.byCell(floor);
    this.scores = byCell.of;
    this.fixed = byCell.fixed;
    this.open = byCell.open;
    this.openStart = byCell.openStart;
    this.statics = floor.staticsOf(entry.shape, entry.staticKey);
    this.era = floor.era;
    this.groupVersion = group?.version ?? 0;
    this.avoided = avoid?.size ? new Set([...avoid].flatMap((id) => columns.indexOf.get(id) ?? [])) : null;
    const sites = columns.sites.length;
    this.setsApart = group !== null && (entry.weighing.spreadNode !== 0 || entry.spread.some((s) => s.over === "node") || entry.apart.some((a) => a.over === "node"));
    if (group) for (const a of entry.apart) if (a.over === "node" && a.from !== null) this.watched.push(floor.groupOf(a.from));
    this.cursor = floor.logNode.length;
    this.spreadNode = entry.weighing.spreadNode;
    this.levels = group !== null && entry.spread.some((s) => s.over === "node");
    this.own = memory.own;
    if (this.setsApart) this.own.fill(0);
    this.codes = memory.codes;
    this.tops = memory.tops;
    this.stride = memory.stride;
    this.slot = memory.slot;
    this.siteTerm = new Float64Array(sites);
    for (let s = 0; s < sites && entry.weighing.spreadSite; s++) this.siteTerm[s] = this.termOf(s);
    this.siteBound = new Float64Array(sites);
    this.siteApart = new Int32Array(sites);
    this.siteTie = new Float64Array(sites);
    if (from) {
      this.siteTie.set(from.siteTie);
      this.copy(from);
      this.counts.set(from.counts);
      this.siteFeasible = from.siteFeasible.slice();
      this.siteEligible = from.siteEligible;
      this.siteTop = from.siteTop.slice();
      this.siteBest = from.siteBest.slice();
      this.siteClean = from.siteClean.slice();
    } else {
      this.siteFeasible = new Int32Array(sites);
      this.siteEligible = new Int32Array(sites);
      this.siteTop = new Float64Array(sites).fill(-Infinity);
      this.siteBest = new Int32Array(sites).fill(NONE);
      this.siteClean = new Uint8Array(sites);
      for (let c = 0; c < cells.count + sites; c++) this.put(c, -Infinity, NONE);
      this.fill();
    }
    for (let s = 0; s < sites; s++) this.bound(s);
    if (group) this.separate(group);
  }

  private put(c: number, top: number, best: number): void {
    this.tops[2 * c] = top;
    this.tops[2 * c + 1] = best;
  }
  private copy(from: ShapeClass): void {
    const { codes, tops, stride, slot } = this;
    const n = this.floor.columns.nodes.length;
    tops.set(from.tops);
    if (stride === 1 && from.stride === 1) codes.set(from.codes);
    else for (let i = 0, to = slot, at = from.slot; i < n; i++, to += stride, at += from.stride) codes[to] = from.codes[at] as number;
  }
  private bound(s: number): void {
    this.siteBound[s] = (this.siteTop[s] as number) + (this.siteTerm[s] as number);
  }

  private fill(): void {
    const { columns, cells, free, lost } = this.floor;
    const { siteOf, width } = columns;
    const { dims, amounts, codes: reasons } = this.entry.needs;
    const { codes, counts, siteFeasible, siteEligible, fixed, stride, slot } = this;
    const statics = this.statics.code;
    const of = cells.of;
    for (let i = 0; i < of.length; i++) {
      const c = of[i] as number;
      const s = siteOf[i] as number;
      let code = (lost[i] as number) || (fixed[c] as number);
      if (code === 0) {
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
    for (let s = 0; s < columns.sites.length; s++)
      for (let c = cells.start[s] as number; c < (cells.start[s + 1] as number); c++) {
        const score = this.scores[c] as number;
        if (score === -Infinity) continue;
        const top = score + cells.bound(c, this.entry.weighing.use);
        this.put(c, top, DIRTY);
        if (top > (this.siteTop[s] as number)) this.siteTop[s] = top;
      }
  }

  /** Brings what depends on the group into a copy of what depends on the shape alone. */
  private separate(group: Group): void {
    const { columns } = this.floor;
    for (const i of this.avoided ?? []) this.judge(i);
    for (let s = 0; s < columns.sites.length && this.setsApart; s++) this.special.push(new Int32Array(0));
    this.counted.length = columns.sites.length;
    this.counted.fill(0);
    if (this.setsApart) for (const [node, count] of group.onNode) this.own[node] = count;
    if (this.levels) {
      this.eligible = this.siteEligible.reduce((a, b) => a + b, 0);
      this.findLeast();
    }
    if (!this.setsApart) return;
    for (const g of [group, ...this.watched]) for (const i of g.onNode.keys()) this.setApart(i);
  }
  /** Special nodes of each site in use; the arrays have room to spare. */
  private readonly counted: number[] = [];

  /** Follows the log: what changed since this class was asked last. */
  catchUp(): void {
    const { newest, cells, columns } = this.floor;
    const nodes = this.floor.logNode.items;
    const groups = this.floor.logGroup.items;
    const end = this.floor.logNode.length;
    const mine = this.group?.id ?? NONE;
    for (let k = this.cursor; k < end; k++) {
      const i = nodes[k] as number;
      const g = groups[k] as number;
      if (g === mine) {
        const s = columns.siteOf[i] as number;
        if (this.entry.weighing.spreadSite) {
          this.siteTerm[s] = this.termOf(s);
          this.bound(s);
        }
        if (this.setsApart) {
          this.countOn(i);
          this.setApart(i);
          continue;
        }
      } else if (this.watched.length > 0 && this.watches(g)) this.setApart(i);
      if (newest[i] === k && (this.scores[cells.of[i] as number] as number) !== -Infinity) this.judge(i);
    }
    this.cursor = end;
  }
  private watches(g: number): boolean {
    for (const w of this.watched) if (w.id === g) return true;
    return false;
  }
  /** How far behind the log it is. */
  get behind(): number {
    return this.floor.logNode.length - this.cursor;
  }

  private countOn(i: number): void {
    const count = (this.own[i] as number) + 1;
    this.own[i] = count;
    if (!this.levels || this.floor.lost[i] || this.statics.code[this.floor.cells.of[i] as number]) return;
    if (count === this.leastOnNode + 1) this.above++;
    if (this.above === this.eligible) {
      this.findLeast();
      this.judgeSpecial();
    }
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
  private judgeSpecial(): void {
    for (let s = 0; s < this.special.length; s++) for (let k = 0; k < (this.counted[s] as number); k++) this.judge((this.special[s] as Int32Array)[k] as number);
  }

  /** A node gets to stand apart from its cell, because units of a group that matters are on it. */
  private setApart(i: number): void {
    const code = this.codes[i * this.stride + this.slot] as number;
    if (code & SPECIAL) return this.judge(i);
    const s = this.floor.columns.siteOf[i] as number;
    const c = this.floor.cells.of[i] as number;
    this.codes[i * this.stride + this.slot] = code | SPECIAL;
    if (this.tops[2 * c + 1] === i) {
      this.tops[2 * c + 1] = DIRTY;
      this.siteClean[s] = 0;
    }
    const n = this.counted[s] as number;
    let list = this.special[s] as Int32Array;
    if (n === list.length) {
      const larger = new Int32Array(Math.max(4, n * 2));
      larger.set(list);
      this.special[s] = list = larger;
    }
    list[n] = i;
    this.counted[s] = n + 1;
    this.judge(i);
  }

  /** Decisive reason by hard rules and room. */
  private roomCode(i: number): number {
    const { floor, entry } = this;
    const lost = floor.lost[i] as number;
    if (lost) return lost;
    const fixed = this.fixed[floor.cells.of[i] as number] as number;
    if (fixed) return fixed;
    const { dims, amounts, codes } = entry.needs;
    const at = i * floor.columns.width;
    for (let k = 0; k < dims.length; k++) {
      const d = dims[k] as number;
      if (d < 0 || (floor.free[at + d] as number) < (amounts[k] as number)) return codes[k] as number;
    }
    return 0;
  }
  private codeNow(i: number, special: boolean): number {
    if (this.avoided !== null && this.avoided.has(i) && !this.floor.lost[i] && !this.statics.code[this.floor.cells.of[i] as number]) return LEAVING;
    const code = this.roomCode(i);
    if (code || !special) return code;
    const own = this.own[i] as number;
    for (const x of this.entry.spread) if (x.over === "node" && own + 1 - this.leastOnNode > x.maxSkew) return SPREAD;
    for (const a of this.entry.apart) if (a.over === "node" && (a.from === null ? own : (this.floor.groupOf(a.from).onNode.get(i) ?? 0)) > 0) return APART;
    return 0;
  }
  private scoreOf(i: number, special: boolean): number {
    const { floor, entry } = this;
    const score = (this.scores[floor.cells.of[i] as number] as number) + entry.weighing.use * (floor.used[i] as number);
    return special && this.spreadNode ? score + this.spreadNode * (spreadOf(this.own[i] as number) - MICRO) : score;
  }

  /** A node changed: its reason, the counts, and what its cell can offer at best. */
  private judge(i: number): void {
    const { columns, cells } = this.floor;
    const before = this.codes[i * this.stride + this.slot] as number;
    const special = (before & SPECIAL) !== 0;
    const code = this.codeNow(i, special);
    const s = columns.siteOf[i] as number;
    if (code !== (before & CODE)) {
      this.count(before & CODE, s, -1);
      this.count(code, s, 1);
      this.codes[i * this.stride + this.slot] = code | (before & SPECIAL);
    }
    const c = special ? cells.count + s : (cells.of[i] as number);
    const score = code === 0 ? this.scoreOf(i, special) : -Infinity;
    const top = this.tops[2 * c] as number;
    const best = this.tops[2 * c + 1] as number;
    if (best === i) {
      if (score >= top) this.tops[2 * c] = score;
      else this.tops[2 * c + 1] = DIRTY;
    } else if (score > top) {
      this.tops[2 * c] = score;
      if (best !== DIRTY) this.tops[2 * c + 1] = i;
    } else if (score === top && best >= 0 && cells.before(i, best)) this.tops[2 * c + 1] = i;
    else return;
    if (score > (this.siteTop[s] as number)) {
      this.siteTop[s] = score;
      this.bound(s);
    }
    this.siteClean[s] = 0;
  }
  private count(code: number, site: number, by: number): void {
    this.counts[code] = (this.counts[code] as number) + by;
    if (code === 0) this.siteFeasible[site] = (this.siteFeasible[site] as number) + by;
    else if (code === APART) this.siteApart[site] = (this.siteApart[site] as number) + by;
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
  secondScore = -Infinity;

  /** Whether a node can take a unit and stands in its cell. */
  allows(i: number): boolean {
    return this.codes[i * this.stride + this.slot] === 0;
  }
  /** Decisive reason of one node, spread and apartness over sites aside; 0 for none. */
  codeAt(i: number): number {
    return (this.codes[i * this.stride + this.slot] as number) & CODE;
  }
  /** Score of a node that can take a unit, spread over sites apart. */
  scoreAt(i: number): number {
    return this.scoreOf(i, ((this.codes[i * this.stride + this.slot] as number) & SPECIAL) !== 0);
  }

  private termOf(s: number): number {
    return this.entry.weighing.spreadSite * spreadOf(this.group?.onSite[s] ?? 0);
  }
}
