import type { GpuNode, GpuShape } from "../gpu";
import type { Place } from "../packer";

/** A unit that runs, as a repair sees it. */
export interface RepairUnit extends Place {
  id: string;
  shape: GpuShape;
  /** Seconds until the unit serves again on another node that has its artifacts: the price of moving it. */
  warmStartSeconds: number;
  /** False for what must stay: pinned, in a rollout, or on a node that is not heard from. */
  movable: boolean;
  /** What its disruption counts against, such as its workload. */
  budget: string;
}

/** Nodes with what is free beside the units, and the units on them. `Place.node` is a number in `nodes`. */
export interface RepairFleet {
  nodes: readonly GpuNode[];
  units: readonly RepairUnit[];
  /** Every rule but room: architecture, residency, taints, trust. Any node will do when it is left out. */
  mayRun?: (unit: RepairUnit, node: GpuNode) => boolean;
}

/** Units that must be placed together, on any nodes. */
export interface PendingGang {
  shape: GpuShape;
  count: number;
  mayRun?: (node: GpuNode) => boolean;
}

export interface RepairLimits {
  moves: number;
  seconds: number;
  /** Moves that are left of a disruption budget; one that is not named has no limit. */
  perBudget?: ReadonlyMap<string, number>;
  /** States that the exact search may look at before the greedy plan is taken. */
  states?: number;
}

/** One step: the unit fits its new place while it still holds the old one. */
export interface RepairMove {
  unit: string;
  from: Place;
  to: Place;
  seconds: number;
}

export interface RepairPlan {
  /** In the order they are run: each is possible after those before it. */
  moves: readonly RepairMove[];
  seconds: number;
  /** True when no plan within the limits costs fewer seconds. */
  optimal: boolean;
}
