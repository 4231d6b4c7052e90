import type { FleetNode } from "../fleet";
import { MICRO, askedPart, costMicros, weighingOf } from "../rank";
import type { Weighing } from "../rank";
import type { Shape } from "../shape";
import { codeOf, needsOf } from "./columns";
import type { Needs } from "./columns";
import type { Floor } from "./floor";
import type { ShapeClass } from "./shape-class";
import { staticKeyOf } from "./statics";

const DEVICE = codeOf("device");

/** What holds for a shape in each cell, whatever runs there. */
interface CellScores {
  era: number;
  /** Score of an unused node in billionths, spread over sites apart. */
  of: Float64Array;
  fixed: Uint8Array;
  /** Cells that are not closed for good; those of site s from openStart[s] to openStart[s + 1] - 1. */
  open: Int32Array;
  openStart: Int32Array;
}

/** What asks of one shape have in common, whatever their group. */
export class ShapeEntry {
  readonly needs: Needs;
  readonly weighing: Weighing;
  readonly staticKey: string;
  readonly spread: readonly { over: "site" | "node"; maxSkew: number }[];
  readonly apart: readonly { from: string | null; over: "site" | "node" }[];
  uses = 0;
  /** Where the counts of its last decision were kept, when no class keeps them; -1 for nowhere. */
  countsAt = -1;
  template: ShapeClass | undefined;
  last: ShapeClass | undefined;
  private scores: CellScores | undefined;

  constructor(
    readonly id: number,
    readonly shape: Shape,
    floor: Floor,
  ) {
    this.needs = needsOf(shape.demand, floor.columns.dimension);
    this.weighing = weighingOf(shape);
    this.staticKey = staticKeyOf(shape);
    this.spread = shape.policy?.spread ?? [];
    this.apart = shape.apart ?? [];
  }
  /** By cell: the score of an unused node in billionths, spread over sites apart; and the reason that holds whatever runs there, for which the score is minus infinity. */
  byCell(floor: Floor): CellScores {
    if (this.scores?.era === floor.era) return this.scores;
    const statics = floor.staticsOf(this.shape, this.staticKey);
    const { make } = floor.cells;
    const byMake = new Float64Array(floor.columns.makes.length);
    this.scoresByMake(floor, byMake);
    // A make without such devices at all: the first of all shortages, for good.
    const fixed = Uint8Array.from(make, (m, c) => (statics.code[c] as number) || (byMake[m] === -Infinity ? DEVICE : 0));
    const of = Float64Array.from(make, (m, c) => (fixed[c] ? -Infinity : (statics.score[c] as number) + (byMake[m] as number)));
    const { start } = floor.cells;
    const open = Int32Array.from(of.keys()).filter((c) => of[c] !== -Infinity);
    const openStart = new Int32Array(start.length);
    for (let s = 0, k = 0; s < start.length; s++) {
      while (k < open.length && (open[k] as number) < (start[s] as number)) k++;
      openStart[s] = k;
    }
    return (this.scores = { era: floor.era, of, fixed, open, openStart });
  }
  /** The part of these scores that depends on a node's make; minus infinity for one that has none of the devices asked for. */
  scoresByMake(floor: Floor, out: Float64Array): void {
    const { nodes, makes, sizeCpu, sizeMemory } = floor.columns;
    const { demand } = this.shape;
    const w = this.weighing;
    for (let m = 0; m < makes.length; m++) {
      const i = makes[m] as number;
      const node = nodes[i] as FleetNode;
      const asked = askedPart(demand.cpuMillis, sizeCpu[i] as number) + askedPart(demand.memoryBytes, sizeMemory[i] as number);
      out[m] = demand.devices && this.lacks(node) ? -Infinity : w.roomBase + w.use * asked + (w.cost ? w.cost * costMicros(demand, node.rates) : 0) + w.spreadNode * MICRO;
    }
  }
  private lacks({ capacity }: FleetNode): boolean {
    const wanted = this.shape.demand.devices;
    if (!wanted || wanted.count === 0) return false;
    if (wanted.model !== null) return (capacity.devices[wanted.model] ?? 0) === 0;
    return Object.values(capacity.devices).every((n) => n === 0);
  }
}
