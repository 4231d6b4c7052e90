/**
 * The search for a shape that is hardly asked for: straight from the cells, without a class. Cells that score the same when
 * unused stand in one tournament by how much is in use on their emptiest node, so that a search looks at those cells only
 * that could win.
 */
import { spreadMicros } from "../rank";
import type { Cells } from "./cells";
import type { CellStatics, Floor } from "./floor";
import { PackedNodes } from "./packed";
import type { RecordedNode } from "./records";
import type { ShapeEntry } from "./shape-entry";

const NONE = -1;

/** Shapes that pack and come so close one after the other that following the changes in between costs less than a look at every cell. */
const CLOSE = 256;
/** So many of them, and all nodes are put in order. */
const MANY_PACKS = 64;

/** Cells of one static key that no hard rule closes, cut by make and by what rules are worth. */
export class Tournament {
  /** Cells as they stand: those of part p from start[p] to start[p + 1] - 1. */
  private readonly leaves: Int32Array;
  readonly start: number[] = [];
  /** Of the binary tree of part p, node k is winners[2 * start[p] + k]: 1 is its root, 2k and 2k + 1 stand below k, and leaf j is at its size + j. */
  private readonly winners: Int32Array;
  /** Place of each cell among the leaves; -1 for those that are closed. */
  private readonly placeOf: Int32Array;
  private readonly partOf: Int32Array;
  private cursor: number;

  constructor(
    private readonly cells: Cells,
    statics: CellStatics,
  ) {
    const { make } = cells;
    const score = statics.score;
    this.leaves = statics.open.slice().sort((a, b) => (make[a] as number) - (make[b] as number) || (score[a] as number) - (score[b] as number) || a - b);
    this.winners = new Int32Array(2 * this.leaves.length);
    this.placeOf = new Int32Array(cells.count).fill(NONE);
    this.partOf = new Int32Array(this.leaves.length);
    for (let j = 0; j < this.leaves.length; j++) {
      const c = this.leaves[j] as number;
      const before = this.leaves[j - 1];
      if (before === undefined || make[before] !== make[c] || score[before] !== score[c]) this.start.push(j);
      this.placeOf[c] = j;
      this.partOf[j] = this.start.length - 1;
    }
    this.start.push(this.leaves.length);
    this.cursor = cells.changes.length;
    for (let p = 0; p < this.parts; p++) {
      const size = this.sizeOf(p);
      const root = 2 * (this.start[p] as number);
      for (let j = 0; j < size; j++) this.winners[root + size + j] = this.leaves[(this.start[p] as number) + j] as number;
      for (let k = size - 1; k > 0; k--) this.winners[root + k] = this.better(this.winners[root + 2 * k] as number, this.winners[root + 2 * k + 1] as number);
    }
  }
  get parts(): number {
    return this.start.length - 1;
  }
  sizeOf(p: number): number {
    return (this.start[p + 1] as number) - (this.start[p] as number);
  }
  /** The part of a cell; -1 for one that is closed. */
  partOfCell(c: number): number {
    const place = this.placeOf[c] as number;
    return place === NONE ? NONE : (this.partOf[place] as number);
  }
  /** The cell that stands at a node of a part's tree. */
  at(p: number, k: number): number {
    return this.winners[2 * (this.start[p] as number) + k] as number;
  }

  private better(a: number, b: number): number {
    const { firstUsed, firstTie } = this.cells;
    const ua = firstUsed[a] as number;
    const ub = firstUsed[b] as number;
    return ua < ub || (ua === ub && (firstTie[a] as number) <= (firstTie[b] as number)) ? a : b;
  }

  /** Follows the changes of cells since it was asked last. */
  catchUp(): void {
    const { items, length } = this.cells.changes;
    for (let k = this.cursor; k < length; k++) {
      const place = this.placeOf[this.cells.of[items[k] as number] as number] as number;
      if (place !== NONE) this.moved(place);
    }
    this.cursor = length;
  }
  private moved(place: number): void {
    const { winners } = this;
    const c = this.leaves[place] as number;
    const p = this.partOf[place] as number;
    const root = 2 * (this.start[p] as number);
    for (let k = (this.sizeOf(p) + place - (this.start[p] as number)) >> 1; k > 0; k >>= 1) {
      const winner = this.better(winners[root + 2 * k] as number, winners[root + 2 * k + 1] as number);
      // What did not win before, and does not now, changes nothing above.
      if (winner === winners[root + k] && winner !== c) return;
      winners[root + k] = winner;
    }
  }
}

/** Finds the two best nodes for a shape of a group without units. */
export class OnceSearch {
  private readonly byMake: Float64Array;
  /** Makes that don't have a named resource at all. */
  private readonly without = new Map<string, readonly number[]>();
  private chosen!: RecordedNode;
  private runner!: RecordedNode;
  private runnerTie = Infinity;
  private entry!: ShapeEntry;
  private use = 0;
  private tournament!: Tournament;

  constructor(private readonly floor: Floor) {
    this.byMake = new Float64Array(floor.columns.makes.length);
  }

  /** Leaves the best node and the second best in `chosen` and `runner`, which stand for none before. */
  find(entry: ShapeEntry, chosen: RecordedNode, runner: RecordedNode): void {
    const { floor, byMake } = this;
    const statics = floor.staticsOf(entry.shape, entry.staticKey);
    entry.scoresByMake(floor, byMake);
    const { extra } = entry.shape.demand;
    for (const name in extra) if ((extra[name] ?? 0) > 0) for (const m of this.makesWithout(name)) byMake[m] = -Infinity;
    this.entry = entry;
    this.chosen = chosen;
    this.runner = runner;
    this.runnerTie = Infinity;
    const use = (this.use = entry.weighing.use);
    const term = entry.weighing.spreadSite ? entry.weighing.spreadSite * spreadMicros(0) : 0;
    if (use < 0) this.throughTournament(statics, term);
    else if (use > 0 && this.packs(statics)) this.throughPacked(statics, term);
    else this.throughAll(statics, use, term);
  }

  private makesWithout(name: string): readonly number[] {
    let found = this.without.get(name);
    if (!found) {
      const { nodes, makes } = this.floor.columns;
      found = makes.flatMap((i, m) => (nodes[i]?.capacity.extra?.[name] === undefined ? [m] : []));
      this.without.set(name, found);
    }
    return found;
  }
  private throughAll(statics: CellStatics, use: number, term: number): void {
    const { cells } = this.floor;
    for (const c of statics.open) {
      const base = (statics.score[c] as number) + (this.byMake[cells.make[c] as number] as number) + term;
      if (base !== -Infinity && base + cells.bound(c, use) >= this.runner.score) this.offer(c, base);
    }
  }

  /** Whether nodes are best kept in order for shapes that pack. */
  private packs(statics: CellStatics): boolean {
    const { length } = this.floor.cells.changes;
    const { packs } = statics;
    packs.count = length - packs.at <= CLOSE ? packs.count + 1 : 0;
    packs.at = length;
    if (packs.count === 0) statics.packed = undefined;
    return packs.count >= MANY_PACKS;
  }
  private throughPacked(statics: CellStatics, term: number): void {
    const { floor, use } = this;
    const t = (this.tournament = statics.tournament ??= new Tournament(floor.cells, statics));
    const packed = (statics.packed ??= new PackedNodes(floor, t));
    packed.catchUp();
    for (let p = 0; p < t.parts; p++) {
      const base = this.baseOf(statics, t.at(p, 1), term);
      if (base === -Infinity || base + packed.bound(p, use) < this.runner.score) continue;
      const best = packed.best(p, this.entry.needs, NONE);
      if (best !== NONE && this.consider(best, base)) this.consider(packed.best(p, this.entry.needs, best), base);
    }
  }
  private throughTournament(statics: CellStatics, term: number): void {
    const { cells } = this.floor;
    const t = (this.tournament = statics.tournament ??= new Tournament(cells, statics));
    t.catchUp();
    // The part with the best prospect first: the others most often have no chance then.
    let first = NONE;
    let most = -Infinity;
    for (let p = 0; p < t.parts; p++) {
      const c = t.at(p, 1);
      const top = this.baseOf(statics, c, term) + cells.bound(c, this.use);
      if (top > most) [most, first] = [top, p];
    }
    if (first === NONE) return;
    this.part(first, statics, term);
    for (let p = 0; p < t.parts; p++) if (p !== first) this.part(p, statics, term);
  }
  private baseOf(statics: CellStatics, c: number, term: number): number {
    return (statics.score[c] as number) + (this.byMake[this.floor.cells.make[c] as number] as number) + term;
  }
  private part(p: number, statics: CellStatics, term: number): void {
    const base = this.baseOf(statics, this.tournament.at(p, 1), term);
    if (base !== -Infinity) this.visit(p, 1, this.tournament.sizeOf(p), base);
  }
  private visit(p: number, k: number, size: number, base: number): void {
    const { cells } = this.floor;
    const c = this.tournament.at(p, k);
    const bound = base + cells.bound(c, this.use);
    // The emptiest node has the first tie among those as empty: if it does not stand before the runner-up, none does.
    if (bound < this.runner.score || (bound === this.runner.score && (cells.firstTie[c] as number) > this.runnerTie)) return;
    if (k >= size) return this.offer(c, base);
    const left = this.tournament.at(p, 2 * k) === c;
    this.visit(p, left ? 2 * k : 2 * k + 1, size, base);
    this.visit(p, left ? 2 * k + 1 : 2 * k, size, base);
  }

  /** The two best nodes of a cell, if they are better than those known. */
  private offer(c: number, base: number): void {
    const { cells } = this.floor;
    const { needs } = this.entry;
    const best = cells.best(c, needs, this.use, null, NONE);
    if (best !== NONE && this.consider(best, base)) this.consider(cells.best(c, needs, this.use, null, best), base);
  }
  /** Whether a node is one of the best two so far: then it stands among them now. */
  private consider(node: number, base: number): boolean {
    if (node === NONE) return false;
    const { chosen, runner } = this;
    const { cells, used } = this.floor;
    const score = base + this.use * (used[node] as number);
    if (score > chosen.score || (score === chosen.score && cells.before(node, chosen.node))) {
      runner.node = chosen.node;
      runner.score = chosen.score;
      chosen.node = node;
      chosen.score = score;
    } else if (score > runner.score || (score === runner.score && cells.before(node, runner.node))) {
      runner.node = node;
      runner.score = score;
    } else return false;
    this.runnerTie = runner.node === NONE ? Infinity : (cells.tie[runner.node] as number);
    return true;
  }
}
