/**
 * Places units one after the other on a fleet in columns: for each, of the nodes that can take it the one with the highest
 * score. Shapes that are asked for again and again are classes with cached reasons and scores; a shape that comes once is
 * searched for in the cells without any cache. Both give what `NaivePlacement` gives.
 */
import type { Ask, PlaceOptions } from "../ask";
import type { ReasonCode } from "../reasons";
import type { SharedOn } from "../shares";
import { CODES, codeOf } from "./columns";
import type { Columns } from "./columns";
import { Floor } from "./floor";
import type { Group } from "./floor";
import { OnceSearch } from "./once";
import { Records } from "./records";
import type { RecordedNode } from "./records";
import { ClassBook } from "./class-book";
import { Scan, scansFaster } from "./scan";
import { APART, SPREAD } from "./class-reasons";
import type { ShapeClass } from "./shape-class";
import { ShapeEntry } from "./shape-entry";

const NONE = -1;
/** A shape asked for more often than this gets a class: making one looks at every node once. */
const OFTEN = 3;

const blank = (): RecordedNode => ({ node: NONE, score: -Infinity, onNode: 0, onSite: 0, freeCpu: 0, freeMemory: 0 });

export class Planner {
  readonly floor: Floor;
  readonly records = new Records();
  private readonly byShape = new Map<ShapeEntry["shape"], ShapeEntry>();
  private readonly byContent = new Map<string, ShapeEntry>();
  private readonly classes: ClassBook;
  private scan: Scan | undefined;
  private readonly counts = new Int32Array(CODES);
  private readonly chosen = blank();
  private readonly runner = blank();
  private readonly once: OnceSearch;
  private readonly shown = new Map<number, number[]>();

  constructor(
    readonly columns: Columns,
    options: PlaceOptions,
  ) {
    this.floor = new Floor(columns, options);
    this.classes = new ClassBook(this.floor);
    this.once = new OnceSearch(this.floor);
  }

  /** Makes the shapes of a plan known before its first unit, so that cells are cut once. `all` says that no others follow. */
  prepare(asks: readonly Ask[], all = false): void {
    const entries = new Set<ShapeEntry>();
    for (const ask of asks) entries.add(this.entryOf(ask.shape));
    this.floor.learn(entries);
    this.floor.expect(asks.length);
    this.records.expect(asks.length);
    this.classes.expected = entries.size;
    this.scan = all && scansFaster(this.columns, asks) ? new Scan(this.floor) : undefined;
  }

  /** Decides one ask, takes what it needs, and gives the number of its record. */
  decide(ask: Ask): number {
    const { floor } = this;
    const entry = this.entryOf(ask.shape);
    const group = floor.groupOf(ask.group ?? "");
    const logAt = floor.logNode.length;
    this.chosen.node = NONE;
    this.runner.node = NONE;
    this.chosen.score = -Infinity;
    this.runner.score = -Infinity;
    let countsAt = NONE;
    let cls: ShapeClass | undefined;
    if (this.scan) {
      this.scan.decide(entry, group, ask, this.counts, this.chosen, this.runner);
      countsAt = entry.countsAt = this.records.keepCounts(this.counts, entry.countsAt);
    } else if (ask.only === undefined && entry.uses < OFTEN && group.total === 0 && !ask.avoid?.size && entry.apart.length === 0) {
      entry.uses++;
      this.once.find(entry, this.chosen, this.runner);
    } else {
      cls = this.classes.of(entry, group, ask.avoid);
      if (ask.only === undefined) this.searchClass(cls, entry, group);
      else this.judgeOnly(cls, entry, group, columnsIndex(this.columns, ask.only));
      countsAt = cls.countsAt = this.records.keepCounts(this.counts, cls.countsAt);
    }
    this.note(this.chosen, group, cls);
    this.note(this.runner, group, cls);
    const k = this.records.add(this.chosen, this.runner, countsAt, logAt);
    if (this.chosen.node !== NONE) floor.take(this.chosen.node, entry, group, 1);
    return k;
  }

  /** Gives back what a unit on a node holds; of a share, with the device it is on. */
  release(node: number, ask: Pick<Ask, "shape" | "group">, on?: SharedOn): void {
    this.floor.take(node, this.entryOf(ask.shape), this.floor.groupOf(ask.group ?? ""), -1, on);
  }

  /** A node is no longer there for new units, for one of the reasons that hold whatever runs on it. */
  lose(node: number, reason: ReasonCode): void {
    const n = this.columns.nodes[node];
    // One that took nothing before keeps its own reason.
    if (n?.desiredState === "active" && n.contact === "live") this.floor.lose(node, codeOf(reason));
  }

  entryOf(shape: ShapeEntry["shape"]): ShapeEntry {
    let entry = this.byShape.get(shape);
    if (entry) return entry;
    const made = new ShapeEntry(this.byShape.size, shape, this.floor);
    const content = `${made.staticKey}${JSON.stringify([shape.demand, shape.prefer.map((p) => [p.by, p.weight, p.by === "spread" ? p.over : 0]), made.spread, made.apart, shape.policy?.name])}`;
    entry = this.byContent.get(content) ?? made;
    this.byContent.set(content, entry);
    this.byShape.set(shape, entry);
    return entry;
  }

  /** Decisive reason against a node whatever runs there; 0 for none. */
  staticCode(shape: ShapeEntry["shape"], i: number): number {
    const verdicts = this.floor.verdictsOf(this.entryOf(shape));
    return (this.floor.lost[i] as number) || (verdicts.code[verdicts.resultOf[i] as number] as number);
  }
  /** Some nodes that had a decisive reason at a decision, as `codeAt` tells: those that were named last, while they still do. */
  examples(ask: Ask, code: number, most: number, codeAt: (i: number) => number): number[] {
    const entry = this.entryOf(ask.shape);
    const key = entry.id * CODES + code;
    const known = this.shown.get(key);
    if (known?.every((i) => codeAt(i) === code)) return known;
    const found: number[] = [];
    for (let i = 0; i < this.columns.nodes.length && found.length < most; i++) if (codeAt(i) === code) found.push(i);
    this.shown.set(key, found);
    return found;
  }

  /** The lowest count of a group over the sites where a shape could be at all. */
  private leastOnSite(cls: ShapeClass, group: Group): number {
    let least = Infinity;
    for (let s = 0; s < group.onSite.length; s++) if ((cls.siteEligible[s] as number) > 0 && (group.onSite[s] as number) < least) least = group.onSite[s] as number;
    return Number.isFinite(least) ? least : 0;
  }
  /** What forbids a whole site: a code, or 0. */
  private siteCode(entry: ShapeEntry, group: Group, s: number, least: number): number {
    for (const x of entry.spread) if (x.over === "site" && (group.onSite[s] as number) + 1 - least > x.maxSkew) return SPREAD;
    for (const a of entry.apart) if (a.over === "site" && ((a.from === null ? group : this.floor.groupOf(a.from)).onSite[s] as number) > 0) return APART;
    return 0;
  }

  private searchClass(cls: ShapeClass, entry: ShapeEntry, group: Group): void {
    const { counts, chosen, runner } = this;
    const { cells } = this.floor;
    counts.set(cls.counts);
    const bySite = entry.spread.some((x) => x.over === "site") || entry.apart.some((a) => a.over === "site");
    const least = bySite ? this.leastOnSite(cls, group) : 0;
    let first = NONE;
    const { siteBound, siteClean, siteTie } = cls;
    // The best two so far, in variables of their own: this loop looks at every site.
    let topScore = -Infinity;
    let topTie = 0;
    let topNode = NONE;
    let nextScore = -Infinity;
    let nextTie = 0;
    let nextNode = NONE;
    for (let s = 0; s < siteBound.length; s++) {
      if ((siteBound[s] as number) < nextScore && !bySite) continue;
      if (bySite && this.closed(cls, entry, group, s, least)) continue;
      if ((siteBound[s] as number) < nextScore || (siteBound[s] === nextScore && siteClean[s] === 1 && (siteTie[s] as number) > nextTie)) continue;
      if (siteClean[s] === 0) cls.refine(s);
      const node = cls.siteBest[s] as number;
      if (node === NONE) continue;
      const score = siteBound[s] as number;
      const tie = siteTie[s] as number;
      if (score > topScore || (score === topScore && (tie < topTie || (tie === topTie && cells.before(node, topNode))))) {
        nextScore = topScore;
        nextTie = topTie;
        nextNode = topNode;
        topScore = score;
        topTie = tie;
        topNode = node;
        first = s;
      } else if (score > nextScore || (score === nextScore && (tie < nextTie || (tie === nextTie && cells.before(node, nextNode))))) {
        nextScore = score;
        nextTie = tie;
        nextNode = node;
      }
    }
    chosen.node = topNode;
    chosen.score = topScore;
    runner.node = nextNode;
    runner.score = nextScore;
    if (first === NONE) return;
    const next = cls.bestOf(first, chosen.node, runner.score - (cls.siteTerm[first] as number));
    if (next === NONE) return;
    const score = cls.foundScore + (cls.siteTerm[first] as number);
    if (score > runner.score || (score === runner.score && cells.before(next, runner.node))) {
      runner.node = next;
      runner.score = score;
    }
  }

  /** Whether a whole site is closed to a group; its nodes are then counted by that reason. */
  private closed(cls: ShapeClass, entry: ShapeEntry, group: Group, s: number, least: number): boolean {
    const code = this.siteCode(entry, group, s, least);
    if (code === 0) return false;
    const { counts } = this;
    const feasible = cls.siteFeasible[s] as number;
    counts[0] = (counts[0] as number) - feasible;
    counts[code] = (counts[code] as number) + feasible;
    if (code === SPREAD) {
      const apart = cls.siteApart[s] as number;
      counts[APART] = (counts[APART] as number) - apart;
      counts[SPREAD] = (counts[SPREAD] as number) + apart;
    }
    return true;
  }

  private judgeOnly(cls: ShapeClass, entry: ShapeEntry, group: Group, node: number): void {
    const { counts, chosen } = this;
    counts.fill(0);
    if (node === NONE) return;
    const s = this.columns.siteOf[node] as number;
    const forbids = this.siteCode(entry, group, s, this.leastOnSite(cls, group));
    const own = cls.codeAt(node);
    const code = own === 0 || (own === APART && forbids === SPREAD) ? forbids || own : own;
    counts[code] = 1;
    if (code === 0) [chosen.node, chosen.score] = [node, cls.scoreAt(node) + (cls.siteTerm[s] as number)];
  }

  private note(who: RecordedNode, group: Group, cls: ShapeClass | undefined): void {
    if (who.node === NONE) {
      who.onNode = who.onSite = who.freeCpu = who.freeMemory = 0;
      return;
    }
    const at = who.node * this.columns.width;
    who.onNode = group.total === 0 ? 0 : (cls?.ownAt(who.node) ?? group.onNode.get(who.node) ?? 0);
    who.onSite = group.total === 0 ? 0 : (group.onSite[this.columns.siteOf[who.node] as number] as number);
    who.freeCpu = this.floor.free[at] as number;
    who.freeMemory = this.floor.free[at + 1] as number;
  }
}

const columnsIndex = (columns: Columns, id: string): number => columns.indexOf.get(id) ?? NONE;
