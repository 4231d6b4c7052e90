/**
 * Fragmentation of GPUs and packing against it, as pure functions: the F measure of the FGD paper, the expected fill that
 * Holdfast packs by, and a fleet that tasks are put on one after another. Knows no policy, no store and no clock.
 */
export { fillEstimate } from "./fill";
export type { FillEstimate, FillOptions } from "./fill";
export { after, fitsOn, gpuMillisOf, idleOf, isShare, waysOn, WHOLE } from "./gpu";
export type { GpuNode, GpuShape } from "./gpu";
export { headroomPrice } from "./headroom";
export { deltaOf, fragmentationBy, fragmentationOf, fragmentFor } from "./measure";
export type { FragmentationSum } from "./measure";
export { countedMix, mixOf } from "./mix";
export type { Mix } from "./mix";
export { makeRoom } from "./moves";
export type { MakeRoom, Running } from "./moves";
export { Packer } from "./packer";
export type { FleetPrice, Packed, Place } from "./packer";
export { bestFitScore, fgdScore, fillScore } from "./scores";
export type { NodeScore, Scored } from "./scores";
export { gpuNodesOf, gpuShapeOf } from "./units";
export { repairForGang } from "./repair/gang-plan";
export { repairForMix } from "./repair/mix-plan";
export type { MixRepairPlan } from "./repair/mix-plan";
export { repairStep, turnsOf } from "./repair/step";
export type { RepairStepMove } from "./repair/step";
export { largestGang, slotsOn } from "./repair/state";
export type { PendingGang, RepairFleet, RepairLimits, RepairMove, RepairPlan, RepairUnit } from "./repair/types";
