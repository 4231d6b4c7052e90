/**
 * All asks of one shape and group: what each node's decisive reason is, and the best node of each site, kept up to date by
 * following the log. One placement changes one node; a class that is asked again looks at what changed since, and judges
 * only the nodes of which it could think otherwise now.
 */
import type { ClassMemory } from "./class-memory";
import { CODE, SPECIAL } from "./class-reasons";
import { ClassTops } from "./class-tops";
import { TOOK } from "./floor";
import type { Floor, Group } from "./floor";
import type { ShapeEntry } from "./shape-entry";

const NONE = -1;
const NOBODY = new Int32Array(0);

export class ShapeClass extends ClassTops {
  readonly era: number;
  readonly groupVersion: number;
  /** Where the counts of the last decision were kept. */
  countsAt = NONE;
  private cursor: number;
  private readonly setsApart: boolean;
  private readonly watched: Group[] = [];

  constructor(floor: Floor, entry: ShapeEntry, group: Group | null, avoid: ReadonlySet<string> | undefined, memory: ClassMemory, from?: ShapeClass) {
    super(floor, entry, group, avoid, memory, from);
    floor.thresholds.watch(entry.needs);
    this.era = floor.era;
    this.groupVersion = group?.version ?? 0;
    this.setsApart = group !== null && (entry.weighing.spreadNode !== 0 || entry.spread.some((s) => s.over === "node") || entry.apart.some((a) => a.over === "node"));
    if (group) for (const a of entry.apart) if (a.over === "node" && a.from !== null) this.watched.push(floor.groupOf(a.from));
    this.cursor = floor.logNode.length;
    if (group) this.separate(group);
  }

  /** Brings what depends on the group into a copy of what depends on the shape alone. */
  private separate(group: Group): void {
    for (const i of this.shunned) this.judge(i);
    if (!this.setsApart) return;
    const sites = this.floor.columns.sites.length;
    for (let s = 0; s < sites; s++) this.special.push(NOBODY);
    this.counted.length = sites;
    this.counted.fill(0);
    this.specialTop = new Float64Array(sites).fill(-Infinity);
    this.countGroup(group);
    for (const g of [group, ...this.watched]) for (const i of g.onNode.keys()) this.setApart(i);
  }

  /** Follows the log: what changed since this class was asked last. */
  catchUp(): void {
    const { siteBest, siteClean } = this;
    const { siteOf } = this.floor.columns;
    const nodes = this.floor.logNode.items;
    const groups = this.floor.logGroup.items;
    const kinds = this.floor.logKind.items;
    const end = this.floor.logNode.length;
    const mine = this.group?.id ?? NONE;
    const spreads = this.use < 0;
    const watches = this.watched.length > 0;
    for (let k = this.cursor; k < end; k++) {
      const i = nodes[k] as number;
      const s = siteOf[i] as number;
      const g = groups[k] as number;
      if (g === mine) {
        if (this.entry.weighing.spreadSite) {
          this.siteTerm[s] = this.termOf(s);
          this.bound(s);
        }
        if (this.setsApart) {
          if (this.countOn(i)) this.judgeSpecial();
          this.setApart(i);
          continue;
        }
      } else if (watches && this.watches(g)) this.setApart(i);
      // A node on which a unit more leaves enough for everyone: where room counts it is worth less now, and that is all.
      if (spreads && kinds[k] === TOOK) {
        if (siteBest[s] === i) siteClean[s] = 0;
      } else if (this.baseOf(this.floor.cells.of[i] as number) !== -Infinity) this.judge(i);
    }
    this.cursor = end;
  }
  private watches(g: number): boolean {
    for (const w of this.watched) if (w.id === g) return true;
    return false;
  }
  /** Units of the group on a node, where the class counts them; undefined where they don't matter to it. */
  ownAt(i: number): number | undefined {
    if (!this.setsApart) return undefined;
    return (this.codes[i * this.stride + this.slot] as number) & SPECIAL ? this.own[i] : 0;
  }
  /** How far behind the log it is. */
  get behind(): number {
    return this.floor.logNode.length - this.cursor;
  }

  private judgeSpecial(): void {
    for (let s = 0; s < this.special.length; s++) for (let k = 0; k < (this.counted[s] as number); k++) this.judge((this.special[s] as Int32Array)[k] as number);
  }

  /** A node gets to stand apart from its cell, because units of a group that matters are on it. */
  private setApart(i: number): void {
    const code = this.codes[i * this.stride + this.slot] as number;
    if (code & SPECIAL) return this.judge(i);
    const s = this.floor.columns.siteOf[i] as number;
    this.codes[i * this.stride + this.slot] = code | SPECIAL;
    this.forget(this.floor.cells.of[i] as number);
    if (this.siteBest[s] === i) this.siteClean[s] = 0;
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

  /** A node changed: its reason, the counts, and what its site can offer at best. */
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
    const score = code === 0 ? this.scoreOf(i, special) : -Infinity;
    if (special && score > (this.specialTop[s] as number)) this.specialTop[s] = score;
    const top = this.siteTop[s] as number;
    const best = this.siteBest[s] as number;
    if (score > top) {
      this.siteTop[s] = score;
      this.bound(s);
      if (this.siteClean[s] === 1) {
        this.siteBest[s] = i;
        this.siteTie[s] = cells.tie[i] as number;
      }
    } else if (this.siteClean[s] === 0) return;
    else if (best === i) {
      if (score < top) this.siteClean[s] = 0;
    } else if (score === top && best !== NONE && cells.before(i, best)) {
      this.siteBest[s] = i;
      this.siteTie[s] = cells.tie[i] as number;
    }
  }
}
