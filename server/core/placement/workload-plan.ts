/** What one pass over a workload sees and what it decides: data on both sides, so that tests, dry runs and audit read it. */
import type { ObservedUnit } from "../fleet/states";
import type { Neighbours } from "./affinity";
import type { PlacedAsk } from "./ask";
import type { FleetNode, FleetSnapshot } from "./fleet";
import type { Held, Others, SetRules } from "./sets/types";
import type { Shape } from "./shape";
import type { SharedOn } from "./shares";

export type Cause = "place" | "replace" | "drain" | "scale" | "rollout" | "rollback" | "move" | "update" | "preempt" | "remove" | "done" | "completed";

export interface OwnUnit {
  assignmentId: string;
  version: number;
  unit: string;
  ordinal: number;
  node: FleetNode;
  generation: number;
  desired: "run" | "stop";
  updatedAtMs: number;
  observed: ObservedUnit | null;
  /** When the node last said all that it runs; null when it never did. */
  nodeObservedAtMs: number | null;
  nodeApplied: boolean;
  /** The device that its share is of; absent or null for what has none. */
  on?: SharedOn | null;
}

export interface RevisionShape {
  generation: number;
  digest: string;
  templateDigest: string;
  shape: Shape;
}

export interface WorkloadSnapshot {
  nowMs: number;
  workloadId: string;
  name: string;
  kind: "service" | "inference" | "batch" | "daemon";
  removed: boolean;
  replicas: number;
  lostAfterMs: number | null;
  /** What should run when no rollout is open; null when there is no revision that may run. */
  goal: RevisionShape | null;
  /** Revisions that units are on, by generation. */
  revisions: ReadonlyMap<number, RevisionShape>;
  /** While a rollout is open, it alone moves units between revisions. */
  rolloutOpen: boolean;
  /** What a new unit asks for: the goal's shape, with room for both revisions of an open rollout. */
  askShape: Shape | null;
  units: readonly OwnUnit[];
  /** Batch: ordinals that have run to completion on the goal's template. */
  completed: ReadonlySet<number>;
  /** The whole fleet; null when it was not read, because most passes need it not. */
  fleet: FleetSnapshot | null;
  /** Priority, quota, gang and the like; absent: it stands alone. */
  sets?: SetRules;
  /** Moves of repair plans whose turn it is, by assignment; absent: none. */
  repairs?: ReadonlyMap<string, RepairTurn>;
  /** Units of other workloads; null or absent when they were not read, because most passes need them not. */
  others?: Others | null;
  /** Units that it keeps apart from or stays with; absent: there are none, or the fleet was not read either. */
  neighbours?: Neighbours;
}

/** A move of a repair plan whose turn it is: the unit goes to exactly this node, its replacement first. */
export interface RepairTurn {
  repairId: string;
  /** Its number in the plan. */
  move: number;
  toNodeId: string;
  /** The assignment that takes the unit's place; null until it is placed. */
  becomes: string | null;
  because: string;
}

export interface PlannedUnit {
  unit: string;
  ordinal: number;
  nodeId: string;
  generation: number;
  digest: string;
  cause: Cause;
  decision: PlacedAsk;
  /** The move of a repair plan that it carries out. */
  repair?: RepairTurn;
}
export interface PlannedStop {
  assignmentId: string;
  version: number;
  unit: string;
  nodeId: string;
  cause: Cause;
  because: string;
}
/** A unit of another workload that has to stop to make way. */
export interface PlannedEviction {
  assignmentId: string;
  version: number;
  unit: string;
  workloadId: string;
  workload: string;
  nodeId: string;
  because: string;
}
export interface WorkloadPlan {
  /** True when the plan is incomplete without the fleet: read it and plan again. */
  needsFleet: boolean;
  /** True when the plan is incomplete without the units of other workloads. */
  needsOthers: boolean;
  place: PlannedUnit[];
  unplaced: PlacedAsk[];
  stop: PlannedStop[];
  /** Ends: the agent says it is over, or nobody can say so any more. */
  end: PlannedStop[];
  move: { assignmentId: string; version: number; unit: string; nodeId: string; generation: number; digest: string }[];
  evict: PlannedEviction[];
  /** Moves of repair plans that have become impossible. */
  dropMoves: { repairId: string; move: number; because: string }[];
  /** All that is reserved for the workload from now on. */
  reserve: Held[];
  wakeAtMs: number | null;
  because: string[];
}
