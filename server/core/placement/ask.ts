import type { Reason, ReasonCode } from "./reasons";
import type { FleetNode } from "./fleet";
import type { ScorePart } from "./rank";
import type { Shape } from "./shape";
import type { SharedOn } from "./shares";

/** One unit that needs a node. */
export interface Ask {
  unit: string;
  shape: Shape;
  /** What it is spread and kept apart with: its workload. Asks without one are of one group. */
  group?: string;
  /** Nodes it must not go to, because it moves away from there or has a copy there. */
  avoid?: ReadonlySet<string>;
  /** The only node it may go to: for daemons. */
  only?: string;
}

export interface PlaceOptions {
  /** Breaks ties: the same snapshot, asks and seed give the same plan. */
  seed: string;
  /** Units of the group without a name that stay where they are, by node id: what spread is counted over. */
  own: readonly string[];
  /** The same for named groups. */
  groups?: ReadonlyMap<string, readonly string[]>;
}

export interface Candidate {
  node: string;
  site: string;
  feasible: boolean;
  reason: Reason | null;
  score: number | null;
  parts: ScorePart[];
}

/** What was decided for one ask, and why: every node counted by its decisive reason, the best two and some of each reason shown. */
export interface PlacedAsk {
  readonly unit: string;
  readonly nodeId: string | null;
  readonly node: string | null;
  /** The device on that node that its share is of; absent or null for what asks for none. */
  readonly on?: SharedOn | null;
  readonly because: string;
  readonly candidates: Candidate[];
  readonly counts: { code: ReasonCode; text: string; nodes: number }[];
  readonly feasible: number;
  /** How far the chosen node is ahead of the next best; null without either. */
  readonly margin: number | null;
}

export interface PlacementPlan {
  placements: readonly PlacedAsk[];
}

/** How one shape fares on one node. `parts` are made when asked for: most of a large fleet is only counted. */
export interface Judged {
  node: FleetNode;
  /** All that keeps the unit away, the decisive reason first; empty exactly when the node is feasible. */
  reasons: Reason[];
  score: number | null;
  parts(): ScorePart[];
}
