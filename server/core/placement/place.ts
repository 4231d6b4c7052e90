import type { Ask, PlaceOptions, PlacedAsk, PlacementPlan } from "./ask";
import { askShares, columnsOf } from "./engine/columns";
import { RecordedDecision } from "./engine/decision";
import { Planner } from "./engine/planner";
import type { FleetSnapshot } from "./fleet";
import { NaivePlacement } from "./naive";
import { weighsMixture } from "./shape";

export type { Ask, Candidate, PlacedAsk, PlaceOptions, PlacementPlan } from "./ask";

/**
 * Places units one after the other: of the nodes that can take a unit, the one with the highest score. A unit for which
 * there is such a node is always placed. Pure: same snapshot, asks and options, same plan; nothing is changed. Decisions
 * are recorded as numbers, and put into words when somebody reads them.
 */
export function place(snapshot: FleetSnapshot, asks: readonly Ask[], options: PlaceOptions): PlacementPlan {
  if (asks.some((a) => weighsMixture(a.shape))) {
    const plain = new NaivePlacement(snapshot, options);
    return { placements: asks.map((ask) => plain.place(ask)) };
  }
  const planner = new Planner(columnsOf(snapshot, askShares(asks)), options);
  planner.prepare(asks, true);
  const placements: PlacedAsk[] = new Array<PlacedAsk>(asks.length);
  for (let i = 0; i < asks.length; i++) {
    const ask = asks[i] as Ask;
    placements[i] = new RecordedDecision(planner, planner.decide(ask), ask);
  }
  return { placements };
}
