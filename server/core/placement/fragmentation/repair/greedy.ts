import { after, fitsOn, idleOf, waysOn } from "../gpu";
import type { GpuNode } from "../gpu";
import type { Place } from "../packer";
import { slotsOn } from "./state";
import type { PendingGang, RepairFleet, RepairLimits, RepairMove, RepairPlan, RepairUnit } from "./types";

/** Nodes whose clearing is tried before the cheapest of them is taken. */
const TRIED = 32;

/**
 * A plan for fleets that are too large to search: node after node is cleared just enough to hold one more unit of the gang,
 * each time the node where that costs the fewest seconds per unit gained. On a node, units are taken away from the cheapest
 * on until there is room, and those that turn out unneeded stay; or one alone, where that costs no more. Each goes where the
 * gang loses least, then where least room is left. Null when that finds no plan, which does not mean that there is none.
 */
export function greedyPlan(fleet: RepairFleet, gang: PendingGang, limits: RepairLimits): Pick<RepairPlan, "moves" | "seconds"> | null {
  const run = new Greedy(fleet, gang, limits);
  while (run.slots < gang.count) if (!run.step()) return null;
  return { moves: run.moves, seconds: run.seconds };
}

/** What to take off a node to gain `gain` slots there, and what that costs if every unit finds a place. */
interface Clearing {
  node: number;
  units: readonly number[];
  seconds: number;
  gain: number;
}
/** The moves of a clearing, with the nodes as they are after them. */
interface Cleared {
  moves: { unit: number; from: Place; to: Place; seconds: number }[];
  nodes: ReadonlyMap<number, GpuNode>;
  seconds: number;
  gained: number;
}

/** A fleet in the middle of a plan. What a step has left as it was is not looked at again. */
class Greedy {
  readonly moves: RepairMove[] = [];
  seconds = 0;
  slots = 0;
  private readonly nodes: GpuNode[];
  private readonly slotsAt: number[];
  private readonly places: Place[];
  private readonly on: Set<number>[];
  private readonly used = new Map<string, number>();
  /** By node; undefined where it has to be found anew. */
  private readonly clearings: (Clearing | null | undefined)[];

  constructor(private readonly fleet: RepairFleet, private readonly gang: PendingGang, private readonly limits: RepairLimits) {
    this.nodes = [...fleet.nodes];
    this.slotsAt = this.nodes.map((n) => this.slotsOf(n));
    this.slots = this.slotsAt.reduce((a, b) => a + b, 0);
    this.places = fleet.units.map((u) => ({ node: u.node, devices: u.devices }));
    this.on = this.nodes.map(() => new Set());
    this.places.forEach((p, u) => this.onNode(p.node).add(u));
    this.clearings = this.nodes.map(() => undefined);
  }

  private readonly unit = (u: number): RepairUnit => this.fleet.units[u] as RepairUnit;
  private readonly place = (u: number): Place => this.places[u] as Place;
  private readonly onNode = (n: number): Set<number> => this.on[n] as Set<number>;

  /** Makes the moves that gain the most per second; false when none gain anything. */
  step(): boolean {
    const open: Clearing[] = [];
    for (let n = 0; n < this.nodes.length; n++) {
      const c = this.clearings[n] === undefined ? (this.clearings[n] = this.clearingOf(n)) : this.clearings[n];
      if (c) open.push(c);
    }
    // No clearing costs less for each slot than if it gained all that its node can: where that is no better, nothing more is tried.
    open.sort((a, b) => a.seconds / a.gain - b.seconds / b.gain || a.seconds - b.seconds || a.units.length - b.units.length || a.node - b.node);
    let found: Cleared | null = null;
    let tried = 0;
    for (const c of open) {
      if (found && (tried >= TRIED || found.seconds / found.gained <= c.seconds / c.gain)) break;
      tried++;
      const next = this.cleared(c);
      if (next && next.gained > 0 && (found === null || next.seconds / next.gained < found.seconds / found.gained)) found = next;
    }
    if (found) this.take(found);
    return found !== null;
  }

  private slotsOf(node: GpuNode): number {
    return this.gang.mayRun && !this.gang.mayRun(node) ? 0 : slotsOn(node, this.gang.shape);
  }

  /** Whether limits and budgets let a unit be moved after `more` moves of `seconds`, of which its budget pays `paid`. */
  private mayMove(unit: RepairUnit, more = 0, seconds = 0, paid = 0): boolean {
    if (!unit.movable || this.moves.length + more + 1 > this.limits.moves || this.seconds + seconds + unit.warmStartSeconds > this.limits.seconds) return false;
    return (this.used.get(unit.budget) ?? 0) + paid + 1 <= (this.limits.perBudget?.get(unit.budget) ?? Number.POSITIVE_INFINITY);
  }

  private clearingOf(n: number): Clearing | null {
    const node = this.nodes[n] as GpuNode;
    if (this.gang.mayRun && !this.gang.mayRun(node)) return null;
    const secondsOf = (u: number) => this.unit(u).warmStartSeconds;
    const without = (taken: readonly number[]): GpuNode => taken.reduce((left, u) => after(left, this.unit(u).shape, this.place(u).devices, -1), node);
    const had = this.slotsAt[n] ?? 0;
    const gainOf = (taken: readonly number[]) => slotsOn(without(taken), this.gang.shape) - had;
    const of = (taken: readonly number[]): Clearing => ({ node: n, units: taken, seconds: taken.reduce((sum, u) => sum + secondsOf(u), 0), gain: gainOf(taken) });
    const ordered = [...this.onNode(n)].filter((u) => this.mayMove(this.unit(u))).sort((a, b) => secondsOf(a) - secondsOf(b) || a - b);
    const taken: number[] = [];
    for (const u of ordered) {
      taken.push(u);
      if (gainOf(taken) > 0) break;
    }
    if (gainOf(taken) <= 0) return null;
    // The dearest first: what is not needed after all stays where it is.
    for (const u of [...taken].reverse()) {
      const fewer = taken.filter((t) => t !== u);
      if (gainOf(fewer) > 0) taken.splice(taken.indexOf(u), 1);
    }
    const several = of(taken);
    const single = ordered.find((u) => gainOf([u]) > 0);
    return single !== undefined && secondsOf(single) <= several.seconds ? of([single]) : several;
  }

  /** The moves that a clearing takes, or null when a unit finds no place or a limit stands against it. */
  private cleared(clearing: Clearing): Cleared | null {
    const now = new Map<number, GpuNode>();
    const paid = new Map<string, number>();
    const moves: Cleared["moves"] = [];
    let seconds = 0;
    const nodeAt = (n: number) => now.get(n) ?? (this.nodes[n] as GpuNode);
    // What asks for most finds a place last: it goes first.
    const order = [...clearing.units].sort((a, b) => size(this.unit(b)) - size(this.unit(a)) || a - b);
    for (const u of order) {
      const unit = this.unit(u);
      const from = this.place(u);
      if (!this.mayMove(unit, moves.length, seconds, paid.get(unit.budget) ?? 0)) return null;
      const to = this.placeFor(unit, clearing.node, nodeAt);
      if (!to) return null;
      now.set(to.place.node, to.then);
      now.set(from.node, after(nodeAt(from.node), unit.shape, from.devices, -1));
      paid.set(unit.budget, (paid.get(unit.budget) ?? 0) + 1);
      moves.push({ unit: u, from, to: to.place, seconds: unit.warmStartSeconds });
      seconds += unit.warmStartSeconds;
    }
    let gained = 0;
    for (const [n, node] of now) gained += this.slotsOf(node) - (this.slotsAt[n] ?? 0);
    return { moves, nodes: now, seconds, gained };
  }

  /** Where the gang loses least by it, then where least room is left. */
  private placeFor(unit: RepairUnit, except: number, nodeAt: (n: number) => GpuNode): { place: Place; then: GpuNode } | null {
    let best: { place: Place; then: GpuNode; loss: number; room: number } | null = null;
    for (let n = 0; n < this.nodes.length; n++) {
      const node = nodeAt(n);
      if (n === except || !fitsOn(node, unit.shape) || (this.fleet.mayRun && !this.fleet.mayRun(unit, node))) continue;
      for (const devices of waysOn(node, unit.shape)) {
        const then = after(node, unit.shape, devices);
        const loss = this.slotsOf(node) - this.slotsOf(then);
        const room = idleOf(then);
        if (best === null || loss < best.loss || (loss === best.loss && room < best.room)) best = { place: { node: n, devices }, then, loss, room };
      }
      // Nothing can be better than to take nothing from anybody.
      if (best?.loss === 0 && best.room === 0) break;
    }
    return best;
  }

  private take(c: Cleared): void {
    const spent = new Set<string>();
    for (const m of c.moves) {
      const unit = this.unit(m.unit);
      this.moves.push({ unit: unit.id, from: m.from, to: m.to, seconds: m.seconds });
      this.places[m.unit] = m.to;
      this.onNode(m.from.node).delete(m.unit);
      this.onNode(m.to.node).add(m.unit);
      this.used.set(unit.budget, (this.used.get(unit.budget) ?? 0) + 1);
      if (!this.mayMove({ ...unit, warmStartSeconds: 0 })) spent.add(unit.budget);
    }
    this.seconds += c.seconds;
    this.slots += c.gained;
    for (const [n, node] of c.nodes) {
      this.nodes[n] = node;
      this.slotsAt[n] = this.slotsOf(node);
      this.clearings[n] = undefined;
    }
    // What a budget no longer pays for can't be cleared any more.
    if (spent.size > 0) this.clearings.forEach((x, n) => x?.units.some((u) => spent.has(this.unit(u).budget)) && (this.clearings[n] = undefined));
  }
}

const size = ({ shape }: RepairUnit): number => shape.gpus * shape.gpuMillis + shape.cpuMillis / 1_000;
