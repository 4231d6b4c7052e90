/**
 * Placement as pure functions: what keeps a node away (feasible), what makes it better (rank), where units go (place),
 * and what one pass over a workload changes (reconcile). Owns the reasons; knows no store and no clock.
 */
export { fits, largerOf, withDemand } from "./demand";
export { devicesTaken, heldOn, keepsDevice, offeredDevices, profileOf, sliceName } from "./shares";
export type { SharedOn } from "./shares";
export type { Capacity, Demand, Load } from "./demand";
export { nodeReasons } from "./feasible";
export type { FleetNode, FleetSnapshot } from "./fleet";
export { goalOf } from "./goal";
export type { Goal, RevisionFacts, RolloutSuccess } from "./goal";
export type { Ask, Candidate, Judged, PlacedAsk, PlaceOptions, PlacementPlan } from "./ask";
export { Neighbourhood, alone, apartFrom, besides, namedBy } from "./affinity";
export type { Neighbours } from "./affinity";
export { networkOf, nowhere } from "./clients";
export type { Network } from "./clients";
export { evaluate } from "./naive";
export { columnsOf } from "./engine/columns";
export { Planner } from "./engine/planner";
export { flipAmong } from "./flip";
export type { Flip, Problem } from "./flip";
export { edited } from "./flip-edit";
export { place } from "./place";
export { amountText, amountsOf, plus } from "./quota/amounts";
export type { Amounts } from "./quota/amounts";
export { quotaFactsOf } from "./quota/facts";
export { queueOrder } from "./quota/order";
export { QuotaTree, usageOf } from "./quota/tree";
export type { QuotaFacts } from "./quota/tree";
export { withReservations } from "./sets/reserved";
export { plainRules } from "./sets/types";
export type { Held, Others, SetRules } from "./sets/types";
export { reasonCodes, reasonSummary } from "./reasons";
export type { Reason, ReasonCode } from "./reasons";
export { planWorkload } from "./reconcile";
export { repairPartOf } from "./repair-part";
export type { OngoingRepair } from "./repair-part";
export type { OwnUnit, RevisionShape, WorkloadPlan, WorkloadSnapshot } from "./workload-plan";
export { wantedMix, weighsWaste } from "./wanted";
export { whatIf } from "./whatif/compare";
export type { WhatIf, WhatIfWorld } from "./whatif/compare";
export { affinityOf, policyShape, previewShape, shapeOf } from "./shape";
export type { Preference, Shape } from "./shape";
