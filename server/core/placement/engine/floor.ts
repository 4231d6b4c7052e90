/** The state that a plan works on: what is left on each node, in cells, and a log of what changed. */
import type { PlaceOptions } from "../ask";
import { hash32 } from "../../base/seed";
import { tieOf } from "../naive";
import { usedPart } from "../rank";
import type { Shape } from "../shape";
import type { SharedOn } from "../shares";
import { Cells } from "./cells";
import type { Columns, Needs } from "./columns";
import { Ints } from "./ints";
import type { Tournament } from "./once";
import type { PackedNodes } from "./packed";
import { agreeing } from "./partition";
import { ShareBook } from "./share-book";
import { Statics, staticKeyOf } from "./statics";
import type { StaticResults } from "./statics";
import { Thresholds } from "./thresholds";

/** Units of one group: what spread is counted over. Many a group has one unit; tables are made for the second. */
export class Group {
  private nodes: Map<number, number> | undefined;
  private bySite: Int32Array | undefined;
  private single = -1;
  private singleSite = -1;
  /** Units on nodes of the fleet. */
  total = 0;
  /** Bumped when units leave, which classes don't follow step by step. */
  version = 0;
  constructor(
    readonly id: number,
    private readonly sites: number,
  ) {}
  /** Units by node; nodes without any are not there. */
  get onNode(): Map<number, number> {
    if (!this.nodes) this.nodes = new Map(this.total === 1 ? [[this.single, 1]] : []);
    return this.nodes;
  }
  get onSite(): Int32Array {
    if (!this.bySite) {
      this.bySite = new Int32Array(this.sites);
      if (this.total === 1) this.bySite[this.singleSite] = 1;
    }
    return this.bySite;
  }
  add(node: number, site: number, by: 1 | -1): void {
    if (this.total === 0 && by > 0 && !this.nodes && !this.bySite) {
      this.single = node;
      this.singleSite = site;
    } else {
      const { onNode, onSite } = this;
      const count = (onNode.get(node) ?? 0) + by;
      if (count > 0) onNode.set(node, count);
      else onNode.delete(node);
      onSite[site] = (onSite[site] as number) + by;
    }
    this.total += by;
    if (by < 0) this.version++;
  }
}

/** Verdicts of one static key by cell. */
export interface CellStatics {
  code: Uint8Array;
  score: Float64Array;
  /** Cells that no hard rule closes; those of site s from openStart[s] to openStart[s + 1] - 1. */
  open: Int32Array;
  openStart: Int32Array;
  /** Made when a shape that comes once is searched for. */
  tournament: Tournament | undefined;
  /** Made when shapes that pack come one after the other. */
  packed: PackedNodes | undefined;
  /** How many of them came, and how many nodes had changed then. */
  packs: { count: number; at: number };
}

function cellStatics(cells: Cells, r: StaticResults): CellStatics {
  const code = new Uint8Array(cells.count);
  const score = new Float64Array(cells.count);
  const open = new Int32Array(cells.count);
  const openStart = new Int32Array(cells.start.length);
  let opened = 0;
  for (let s = 0; s + 1 < cells.start.length; s++) {
    for (let c = cells.start[s] as number; c < (cells.start[s + 1] as number); c++) {
      const at = r.resultOf[cells.sample[c] as number] as number;
      code[c] = r.code[at] as number;
      score[c] = r.score[at] as number;
      if (code[c] === 0) open[opened++] = c;
    }
    openStart[s + 1] = opened;
  }
  return { code, score, open: open.slice(0, opened), openStart, tournament: undefined, packed: undefined, packs: { count: 0, at: 0 } };
}

/** What a change of the log is about. */
export interface Taken {
  readonly shape: Shape;
  readonly needs: Needs;
}

/** Kind of a change: a unit more, and what is left is still enough for, or still too little for, everything that is asked for. */
export const TOOK = 1;
const OTHER = 0;

export class Floor {
  readonly free: Float64Array;
  readonly used: Int32Array;
  readonly tie: Uint32Array;
  /** Reason that stands for a node whatever its cell says: it was lost since the snapshot. 0 for none. */
  readonly lost: Uint8Array;
  /** Node and group of each change. */
  readonly logNode = new Ints();
  readonly logGroup = new Ints();
  /** What each change took, or gave back. */
  readonly logTaken: Taken[] = [];
  readonly logSign = new Ints();
  /** `TOOK` where nobody finds room, or misses it, for that change. */
  readonly logKind = new Ints();
  /** What classes ask for. */
  readonly thresholds: Thresholds;
  /** Position of the change of the same node before; -1 for none. */
  readonly logBefore = new Ints();
  /** Position in the log of the newest change of each node. */
  readonly newest: Int32Array;
  readonly groups = new Map<string, Group>();
  private readonly groupList: Group[] = [];
  /** Which devices shares are on; only where some are asked for. */
  readonly shares: ShareBook | null;
  private readonly statics: Statics;
  private readonly results = new Map<string, StaticResults>();
  private readonly byCell = new Map<string, CellStatics>();
  private cellsNow: Cells | undefined;
  /** Bumped when cells are cut anew or a node is lost: what was cached by cell is void. */
  era = 0;

  constructor(
    readonly columns: Columns,
    options: PlaceOptions,
  ) {
    const n = columns.nodes.length;
    this.free = columns.free.slice();
    this.used = columns.used.slice();
    this.lost = new Uint8Array(n);
    this.thresholds = new Thresholds(columns.width);
    this.newest = new Int32Array(n).fill(-1);
    const seed = hash32(options.seed);
    this.tie = new Uint32Array(n);
    for (let i = 0; i < n; i++) this.tie[i] = tieOf(seed, columns.nameHash[i] as number);
    this.shares = columns.shares.length > 0 ? new ShareBook(columns, this.free) : null;
    this.statics = Statics.of(columns);
    for (const [name, ids] of [["", options.own] as const, ...(options.groups ?? [])])
      for (const id of ids) {
        const node = columns.indexOf.get(id);
        if (node !== undefined) this.groupOf(name).add(node, columns.siteOf[node] as number, 1);
      }
  }

  /** Makes room for so many changes. */
  expect(changes: number): void {
    for (const log of [this.logNode, this.logGroup, this.logSign, this.logKind, this.logBefore]) log.reserve(changes);
  }

  groupOf(name: string): Group {
    let group = this.groups.get(name);
    if (!group) {
      this.groups.set(name, (group = new Group(this.groupList.length, this.columns.sites.length)));
      this.groupList.push(group);
    }
    return group;
  }

  get cells(): Cells {
    return (this.cellsNow ??= this.cut());
  }

  /** Makes sure that every cell is of one mind about these shapes; best called once, with all shapes of a plan. */
  learn(shapes: Iterable<{ shape: Shape; staticKey: string }>): void {
    for (const { shape, staticKey } of shapes) {
      if (this.results.has(staticKey)) continue;
      this.results.set(staticKey, this.statics.results(shape, staticKey));
      this.cellsNow = undefined;
      this.byCell.clear();
      this.era++;
    }
  }
  /** What holds for a shape on each node, whatever runs there. */
  verdictsOf(entry: { shape: Shape; staticKey: string }): StaticResults {
    const found = this.results.get(entry.staticKey);
    if (found) return found;
    this.learn([entry]);
    return this.results.get(entry.staticKey) as StaticResults;
  }
  staticsOf(shape: Shape, staticKey: string = staticKeyOf(shape)): CellStatics {
    this.learn([{ shape, staticKey }]);
    let found = this.byCell.get(staticKey);
    if (!found) {
      found = cellStatics(this.cells, this.results.get(staticKey) as StaticResults);
      this.byCell.set(staticKey, found);
    }
    return found;
  }

  /** Cells by site, make and every verdict known so far. */
  private cut(): Cells {
    const { columns } = this;
    const verdicts = [...this.results.values()].map((r) => ({ of: r.resultOf, count: r.code.length }));
    const { of: ids, count } = agreeing(columns.nodes.length, [{ of: columns.siteOf, count: columns.sites.length }, { of: columns.makeOf, count: columns.makes.length }, ...verdicts]);
    // Numbered anew, so that the cells of a site stand together.
    const siteOfCell = new Int32Array(count);
    ids.forEach((id, i) => (siteOfCell[id] = columns.siteOf[i] as number));
    const start = new Int32Array(columns.sites.length + 1);
    for (const s of siteOfCell) start[s + 1] = (start[s + 1] as number) + 1;
    for (let s = 1; s < start.length; s++) start[s] = (start[s] as number) + (start[s - 1] as number);
    const next = start.slice();
    const number = siteOfCell.map((s) => (next[s] = (next[s] as number) + 1) - 1);
    return new Cells(columns, this.free, this.used, this.tie, ids.map((id) => number[id] as number), start);
  }

  /** Takes (1) or gives back (-1) what a unit needs, and counts it in its group. `on` is the device of a share that is given back. */
  take(node: number, taken: Taken, group: Group, by: 1 | -1, on?: SharedOn): void {
    const at = node * this.columns.width;
    const { needs } = taken;
    let passed = by < 0;
    for (let k = 0; k < needs.dims.length; k++) {
      const d = needs.dims[k] as number;
      const before = this.free[at + d] as number;
      const after = before - by * (needs.amounts[k] as number);
      this.free[at + d] = after;
      passed ||= this.thresholds.passed(d, before, after);
    }
    if (this.shares !== null && taken.shape.demand.devices) {
      this.shares.follow(node, taken.shape.demand.devices, on, by, this.logNode.length);
      passed = true;
    }
    group.add(node, this.columns.siteOf[node] as number, by);
    this.changed(node);
    this.logBefore.push(this.newest[node] as number);
    this.newest[node] = this.logNode.length;
    this.logNode.push(node);
    this.logGroup.push(group.id);
    this.logSign.push(by);
    this.logKind.push(passed ? OTHER : TOOK);
    this.logTaken.push(taken);
  }

  /** A node is no longer there for new units, for a reason from `codeOf`. */
  lose(node: number, code: number): void {
    this.lost[node] = code;
    this.free[node * this.columns.width] = -Infinity;
    this.era++;
    this.cellsNow?.moved(node);
  }

  private changed(node: number): void {
    const { columns } = this;
    const at = node * columns.width;
    if (!this.lost[node]) this.used[node] = usedPart((columns.capCpu[node] as number) - (this.free[at] as number), columns.sizeCpu[node] as number) + usedPart((columns.capMemory[node] as number) - (this.free[at + 1] as number), columns.sizeMemory[node] as number);
    this.cellsNow?.moved(node);
  }
}
