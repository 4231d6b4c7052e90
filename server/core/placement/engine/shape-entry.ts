import type { FleetNode } from "../fleet";
import { MICRO, askedPart, costMicros, weighingOf } from "../rank";
import type { Weighing } from "../rank";
import type { Shape } from "../shape";
import { needsOf } from "./columns";
import type { Needs } from "./columns";
import type { Floor, Group } from "./floor";
import type { ShapeClass } from "./shape-class";
import { staticKeyOf } from "./statics";

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
  /** The group of its first class. */
  firstGroup: Group | undefined;
  template: ShapeClass | undefined;
  last: ShapeClass | undefined;
  private makes: Float64Array | undefined;

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
  /** Score of an unused node by make, in billionths, rules and spread over sites apart; minus infinity for a make that has none of the devices asked for. */
  byMake(floor: Floor): Float64Array {
    if (!this.makes) this.scoresByMake(floor, (this.makes = new Float64Array(floor.columns.makes.length)));
    return this.makes;
  }
  /** The same, written to `out`. */
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
