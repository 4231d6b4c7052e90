/**
 * Decisions by a look at every node, in columns: what short plans are made with, which are nearly all. Cells and classes
 * pay only when many shapes are asked for many times; making them costs as much as some dozens of these looks. Asks of
 * one shape in a row share a look: a placement changes one node, and the best of its site are found again.
 */
import type { Ask } from "../ask";
import { MICRO, spreadMicros } from "../rank";
import { CODES, codeOf } from "./columns";
import type { Columns } from "./columns";
import type { Floor, Group } from "./floor";
import type { RecordedNode } from "./records";
import type { ShapeEntry } from "./shape-entry";
import type { StaticResults } from "./statics";

const NONE = -1;
const LEAVING = codeOf("leaving");
const SPREAD = codeOf("spread");
const APART = codeOf("apart");

/** Measured costs in nanoseconds: making cells and a class, a look at a node, the same for one that is only compared, and at a site. */
const COST = { cells: 2_000, look: 50, compare: 5, site: 5 };

/** Whether a plan of these asks, and no more, is made faster by looking at every node. */
export function scansFaster(columns: Columns, asks: readonly Ask[]): boolean {
  const n = columns.nodes.length;
  let looks = 0;
  asks.forEach((a, i) => {
    const last = asks[i - 1];
    if (!last || last.shape !== a.shape || last.group !== a.group || last.avoid !== a.avoid || looksAgain(a.shape.policy?.spread ?? [])) looks++;
  });
  const bySite = sitesOf(columns);
  return looks * n * COST.look + asks.length * (bySite.largest * COST.compare + columns.sites.length * COST.site) < n * COST.cells;
}
/** Hard spread over nodes: one placement may open all others. */
const looksAgain = (spread: ShapeEntry["spread"]): boolean => spread.some((x) => x.over === "node");

interface SiteRows {
  /** Nodes of site s: rows[start[s]] to rows[start[s + 1] - 1]. */
  start: Int32Array;
  rows: Int32Array;
  largest: number;
}
const bySites = new WeakMap<object, SiteRows>();
function sitesOf(columns: Columns): SiteRows {
  let found = bySites.get(columns.alike);
  if (found) return found;
  const start = new Int32Array(columns.sites.length + 1);
  for (const s of columns.siteOf) start[s + 1] = (start[s + 1] as number) + 1;
  let largest = 0;
  for (let s = 1; s < start.length; s++) {
    largest = Math.max(largest, start[s] as number);
    start[s] = (start[s] as number) + (start[s - 1] as number);
  }
  const next = start.slice();
  const rows = new Int32Array(columns.siteOf.length);
  columns.siteOf.forEach((s, i) => (rows[(next[s] = (next[s] as number) + 1) - 1] = i));
  bySites.set(columns.alike, (found = { start, rows, largest }));
  return found;
}

export class Scan {
  private readonly sites: SiteRows;
  private readonly byMake: Float64Array;
  private readonly siteTerm: Float64Array;
  /** What forbids each site, or 0. */
  private readonly siteCode: Uint8Array;
  /** Of each node: its reason, sites apart, and what it scores without its site; and by site how many of them there are, and the best two. */
  private readonly code: Uint8Array;
  private readonly score: Float64Array;
  private readonly counts = new Int32Array(CODES);
  private readonly siteFeasible: Int32Array;
  private readonly siteApart: Int32Array;
  private readonly siteEligible: Int32Array;
  private readonly best: Int32Array;
  private readonly second: Int32Array;
  /** What the look was for, and how long the log was then. */
  private seen: { entry: ShapeEntry; group: Group; avoid: Ask["avoid"]; verdicts: StaticResults; avoided: ReadonlySet<number> | null; era: number; logAt: number } | undefined;
  private leastOnNode = 0;

  constructor(private readonly floor: Floor) {
    const { columns } = floor;
    const [n, sites] = [columns.nodes.length, columns.sites.length];
    this.sites = sitesOf(columns);
    this.byMake = new Float64Array(columns.makes.length);
    this.siteTerm = new Float64Array(sites);
    this.siteCode = new Uint8Array(sites);
    this.code = new Uint8Array(n);
    this.score = new Float64Array(n);
    this.siteFeasible = new Int32Array(sites);
    this.siteApart = new Int32Array(sites);
    this.siteEligible = new Int32Array(sites);
    this.best = new Int32Array(sites);
    this.second = new Int32Array(sites);
  }

  /** Finds the best two nodes for an ask, and counts all by their decisive reason. */
  decide(entry: ShapeEntry, group: Group, ask: Ask, counts: Int32Array, chosen: RecordedNode, runner: RecordedNode): void {
    this.look(entry, group, ask);
    this.weighSites(entry, group);
    if (ask.only !== undefined) return this.only(this.floor.columns.indexOf.get(ask.only) ?? NONE, counts, chosen);
    counts.set(this.counts);
    for (let s = 0; s < this.best.length; s++) {
      const forbids = this.siteCode[s] as number;
      if (forbids) {
        const feasible = this.siteFeasible[s] as number;
        const apart = forbids === SPREAD ? (this.siteApart[s] as number) : 0;
        counts[0] = (counts[0] as number) - feasible;
        counts[APART] = (counts[APART] as number) - apart;
        counts[forbids] = (counts[forbids] as number) + feasible + apart;
        continue;
      }
      this.consider(this.best[s] as number, s, chosen, runner);
      this.consider(this.second[s] as number, s, chosen, runner);
    }
  }
  private consider(i: number, s: number, chosen: RecordedNode, runner: RecordedNode): void {
    if (i === NONE) return;
    const score = (this.score[i] as number) + (this.siteTerm[s] as number);
    if (chosen.node === NONE || score > chosen.score || (score === chosen.score && this.before(i, chosen.node))) {
      [runner.node, runner.score] = [chosen.node, chosen.score];
      [chosen.node, chosen.score] = [i, score];
    } else if (runner.node === NONE || score > runner.score || (score === runner.score && this.before(i, runner.node))) [runner.node, runner.score] = [i, score];
  }
  private only(i: number, counts: Int32Array, chosen: RecordedNode): void {
    counts.fill(0);
    if (i === NONE) return;
    const s = this.floor.columns.siteOf[i] as number;
    const [own, forbids] = [this.code[i] as number, this.siteCode[s] as number];
    const code = own === 0 || (own === APART && forbids === SPREAD) ? forbids || own : own;
    counts[code] = 1;
    if (code === 0) [chosen.node, chosen.score] = [i, (this.score[i] as number) + (this.siteTerm[s] as number)];
  }

  /** Judges every node, or only what the last placement changed. */
  private look(entry: ShapeEntry, group: Group, { avoid }: Ask): void {
    const { floor, seen } = this;
    const { logNode, columns } = floor;
    if (seen && seen.entry === entry && seen.group === group && seen.avoid === avoid && seen.era === floor.era && !looksAgain(entry.spread) && logNode.length - seen.logAt <= 1) {
      if (logNode.length === seen.logAt) return;
      if (floor.logGroup.items[seen.logAt] === group.id) {
        const i = logNode.items[seen.logAt] as number;
        this.count(i, -1);
        this.judge(i);
        this.count(i, 1);
        this.bestOf(columns.siteOf[i] as number);
        seen.logAt = logNode.length;
        return;
      }
    }
    entry.scoresByMake(floor, this.byMake);
    const verdicts = floor.verdictsOf(entry);
    this.seen = { entry, group, avoid, verdicts, avoided: avoid?.size ? new Set([...avoid].flatMap((id) => columns.indexOf.get(id) ?? [])) : null, era: floor.era, logAt: logNode.length };
    this.counts.fill(0);
    this.siteFeasible.fill(0);
    this.siteApart.fill(0);
    this.siteEligible.fill(0);
    this.leastOnNode = looksAgain(entry.spread) ? this.leastOver((i) => group.onNode.get(i) ?? 0) : 0;
    for (let i = 0; i < columns.nodes.length; i++) {
      this.judge(i);
      this.count(i, 1);
      const s = columns.siteOf[i] as number;
      if (floor.lost[i] === 0 && verdicts.code[verdicts.resultOf[i] as number] === 0) this.siteEligible[s] = (this.siteEligible[s] as number) + 1;
    }
    for (let s = 0; s < columns.sites.length; s++) this.bestOf(s);
  }
  private count(i: number, by: 1 | -1): void {
    const code = this.code[i] as number;
    const s = this.floor.columns.siteOf[i] as number;
    this.counts[code] = (this.counts[code] as number) + by;
    if (code === 0) this.siteFeasible[s] = (this.siteFeasible[s] as number) + by;
    else if (code === APART) this.siteApart[s] = (this.siteApart[s] as number) + by;
  }

  private judge(i: number): void {
    const { floor, seen } = this;
    if (!seen) return;
    const { entry, group, verdicts, avoided } = seen;
    const result = verdicts.resultOf[i] as number;
    let code = (floor.lost[i] as number) || (verdicts.code[result] as number);
    if (code === 0 && avoided !== null && avoided.has(i)) code = LEAVING;
    if (code === 0) {
      const { dims, amounts, codes } = entry.needs;
      const at = i * floor.columns.width;
      for (let k = 0; k < dims.length; k++) {
        const d = dims[k] as number;
        if (d >= 0 && (floor.free[at + d] as number) >= (amounts[k] as number)) continue;
        code = codes[k] as number;
        break;
      }
    }
    if (code === 0) {
      const own = group.total > 0 ? (group.onNode.get(i) ?? 0) : 0;
      for (const x of entry.spread) if (x.over === "node" && own + 1 - this.leastOnNode > x.maxSkew) code = SPREAD;
      if (code === 0) for (const a of entry.apart) if (a.over === "node" && (a.from === null ? own : (floor.groupOf(a.from).onNode.get(i) ?? 0)) > 0) code = APART;
      const { use, spreadNode } = entry.weighing;
      this.score[i] = (verdicts.score[result] as number) + (this.byMake[floor.columns.makeOf[i] as number] as number) + use * (floor.used[i] as number) + (own > 0 && spreadNode ? spreadNode * (spreadMicros(own) - MICRO) : 0);
    }
    this.code[i] = code;
  }

  private bestOf(s: number): void {
    const { start, rows } = this.sites;
    const { code, score } = this;
    let [best, second] = [NONE, NONE];
    let [top, next] = [-Infinity, -Infinity];
    for (let k = start[s] as number; k < (start[s + 1] as number); k++) {
      const i = rows[k] as number;
      if (code[i] !== 0) continue;
      const mine = score[i] as number;
      if (mine < next) continue;
      if (best === NONE || mine > top || (mine === top && this.before(i, best))) [second, next, best, top] = [best, top, i, mine];
      else if (second === NONE || mine > next || this.before(i, second)) [second, next] = [i, mine];
    }
    this.best[s] = best;
    this.second[s] = second;
  }
  private before(a: number, b: number): boolean {
    const { tie, columns } = this.floor;
    const [ta, tb] = [tie[a] as number, tie[b] as number];
    return ta !== tb ? ta < tb : (columns.nodes[a]?.name ?? "") < (columns.nodes[b]?.name ?? "");
  }

  /** What the units of groups forbid and are worth, by site. */
  private weighSites(entry: ShapeEntry, group: Group): void {
    const { siteTerm, siteCode, floor } = this;
    const { spreadSite } = entry.weighing;
    const onSite = group.total > 0 ? group.onSite : null;
    if (spreadSite) for (let s = 0; s < siteTerm.length; s++) siteTerm[s] = spreadSite * spreadMicros(onSite ? (onSite[s] as number) : 0);
    else siteTerm.fill(0);
    siteCode.fill(0);
    for (const a of entry.apart) if (a.over === "site") (a.from === null ? group : floor.groupOf(a.from)).onSite.forEach((n, s) => n > 0 && (siteCode[s] = APART));
    for (const x of entry.spread) {
      if (x.over !== "site" || onSite === null) continue;
      let least = Infinity;
      for (let s = 0; s < onSite.length; s++) if ((this.siteEligible[s] as number) > 0) least = Math.min(least, onSite[s] as number);
      if (!Number.isFinite(least)) least = 0;
      for (let s = 0; s < onSite.length; s++) if ((onSite[s] as number) + 1 - least > x.maxSkew) siteCode[s] = SPREAD;
    }
  }
  /** The lowest count over the nodes where a unit could be at all. */
  private leastOver(countAt: (i: number) => number): number {
    const { verdicts } = this.seen as NonNullable<typeof this.seen>;
    let least = Infinity;
    for (let i = 0; i < verdicts.resultOf.length && least > 0; i++) if (this.floor.lost[i] === 0 && verdicts.code[verdicts.resultOf[i] as number] === 0) least = Math.min(least, countAt(i));
    return Number.isFinite(least) ? least : 0;
  }
}
