/**
 * How a workload carries out its part of a repair plan: the unit whose turn it is goes to the node that the plan says, by
 * the ordinary way of leaving a node. Its replacement is placed and serves before it is stopped, so no budget is touched.
 */
import { alone, besides } from "./affinity";
import { withDemand } from "./demand";
import type { Demand } from "./demand";
import { withLoads } from "./engine/columns";
import { place } from "./place";
import { amountsOf, plus } from "./quota/amounts";
import { QuotaTree } from "./quota/tree";
import { withoutNode } from "./gang/gang";
import { heldOn } from "./shares";
import type { Ask, PlacedAsk } from "./ask";
import type { OwnUnit, RepairTurn, RevisionShape, WorkloadPlan, WorkloadSnapshot } from "./workload-plan";

/** The move that a unit is to make now; undefined when there is none or its workload can't move units one by one. */
export function repairTurnOf(s: WorkloadSnapshot, u: OwnUnit): RepairTurn | undefined {
  return s.kind === "batch" || s.kind === "daemon" || s.rolloutOpen ? undefined : s.repairs?.get(u.assignmentId);
}

/**
 * Places the replacements of units that make room for others, each on the node of its plan and nowhere else, without
 * stopping anybody for it. What finds no room there any more is dropped with the reason. Gives how many of the missing
 * units these moves account for.
 */
export function placeRepairs(s: WorkloadSnapshot, goal: RevisionShape, running: readonly OwnUnit[], staying: readonly OwnUnit[], leaving: readonly OwnUnit[], missing: number, plan: WorkloadPlan): number {
  let accounted = 0;
  let fleet = s.fleet;
  const own = staying.map((x) => x.node.id);
  for (const u of leaving) {
    const turn = repairTurnOf(s, u);
    if (!turn || accounted >= missing) continue;
    if (turn.becomes !== null) {
      // Its replacement stood in the way of nobody and is gone: the unit stays after all.
      if (!staying.some((x) => x.assignmentId === turn.becomes)) {
        accounted++;
        plan.dropMoves.push({ repairId: turn.repairId, move: turn.move, because: `The replacement of ${u.unit} is no longer where the plan put it.` });
      }
      continue;
    }
    accounted++;
    if (fleet === null || s.askShape === null) {
      plan.needsFleet = true;
      continue;
    }
    const taken = new Set([...running.map((x) => x.ordinal), ...plan.place.map((p) => p.ordinal)]);
    let ordinal = 1;
    while (taken.has(ordinal)) ordinal++;
    const { shape, groups } = besides(s.askShape, s.neighbours ?? alone, own, fleet);
    const ask: Ask = { unit: `${s.name}-${ordinal}`, shape, avoid: new Set([u.node.id]), only: turn.toNodeId };
    const to = fleet.nodes.find((n) => n.id === turn.toNodeId);
    const [decision] = place(fleet, [ask], { seed: `${s.name}/${goal.generation}`, own, groups }).placements;
    const found = to && decision && withinQuota(s, decision, s.askShape.demand, own.length - staying.length);
    if (!to || !found || found.nodeId === null) plan.dropMoves.push({ repairId: turn.repairId, move: turn.move, because: `${u.unit} can't go where the plan puts it any more: ${found?.because ?? "its node is gone."}` });
    else {
      plan.place.push({ unit: ask.unit, ordinal, nodeId: found.nodeId, generation: goal.generation, digest: goal.digest, cause: "move", decision: found, repair: turn });
      plan.because.push(`${u.unit} moves: ${turn.because}`);
      // Those that move after it in the same pass find its replacement there.
      fleet = withLoads(fleet, new Map([[to.id, withDemand(to.load, heldOn(s.askShape.demand, found.on))]]));
      own.push(found.nodeId);
    }
  }
  return accounted;
}

/** While both run they count twice: where the quota has no room for that, the move waits for no one and is dropped. */
function withinQuota(s: WorkloadSnapshot, found: PlacedAsk, demand: Demand, placed: number): PlacedAsk {
  const q = s.sets?.quota;
  if (!q) return found;
  const tree = new QuotaTree(q.facts, q.used);
  const one = amountsOf(demand);
  const all = Array.from({ length: placed }).reduce<typeof one>((sum) => plus(sum, one), one);
  return tree.has(q.name) && tree.shortages(q.name, all).length === 0 ? found : withoutNode(found, `Quota ${q.name} has no room for both while it moves.`);
}
