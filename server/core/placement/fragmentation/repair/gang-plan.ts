import { cheapest } from "./exact";
import { greedyPlan } from "./greedy";
import type { RepairState } from "./state";
import type { PendingGang, RepairFleet, RepairLimits, RepairPlan } from "./types";

/** States looked at before the greedy plan is taken: about a second of work. */
const STATES = 5_000;

/**
 * The moves that make a waiting gang placeable at the fewest seconds of disruption; an empty plan when it is placeable now,
 * null when none was found within the limits. Small fleets are searched in full (`optimal`); where the search gives up, the
 * plan is the greedy one.
 */
export function repairForGang(fleet: RepairFleet, gang: PendingGang, limits: RepairLimits): RepairPlan | null {
  const greedy = greedyPlan(fleet, gang, limits);
  const exact = cheapest(fleet, gang, limits, limits.states ?? STATES, greedy?.seconds);
  if (exact.found) return planOf(exact.found, true);
  return greedy ? planOf(greedy, !exact.gaveUp) : null;
}

const planOf = (state: Pick<RepairState, "moves" | "seconds">, optimal: boolean): RepairPlan => ({ moves: state.moves, seconds: state.seconds, optimal });
