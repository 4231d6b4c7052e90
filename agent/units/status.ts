import type { UnitSpec, UnitStatus } from "../../server/protocol/messages";
import type { Instance } from "./instance";

type Seen = Pick<Instance, "spec" | "data" | "status">;

/**
 * What is told of units: for each desired assignment the instance of the wanted revision and every other one that is
 * still alive, a unit that shall stop as `stopped` once nothing of it is alive, and what is still alive of
 * assignments that are gone. `sinceMs` is told for units of which there is nothing here: when that was desired.
 */
export function statusesOf(desired: readonly UnitSpec[], instances: readonly Seen[], o: { sinceMs: number; limits: UnitStatus["limits"] }): UnitStatus[] {
  const told: UnitStatus[] = [];
  const wanted = new Map(desired.map((u) => [u.assignmentId, u]));
  for (const i of instances) if (!wanted.has(i.spec.assignmentId) && alive(i)) told.push(i.status);
  for (const unit of desired) {
    const own = instances.filter((i) => i.spec.assignmentId === unit.assignmentId);
    const living = own.filter(alive);
    const target = own.find((i) => i.spec.generation === unit.generation && i.spec.revisionDigest === unit.revisionDigest);
    if (unit.action === "stop") told.push(...(living.length > 0 ? living.map((i) => i.status) : [stopped(unit, target, o)]));
    else told.push(...(target ? [target.status] : [none(unit, "pending", o)]), ...living.filter((i) => i !== target).map((i) => i.status));
  }
  return told;
}

const alive = (i: Seen): boolean => i.data.state !== "ended";

function stopped(unit: UnitSpec, last: Seen | undefined, o: { sinceMs: number; limits: UnitStatus["limits"] }): UnitStatus {
  // A batch unit that had finished before it was told to stop keeps its outcome.
  return last ? last.status : none(unit, "stopped", o);
}

function none(unit: UnitSpec, phase: "pending" | "stopped", o: { sinceMs: number; limits: UnitStatus["limits"] }): UnitStatus {
  return { assignmentId: unit.assignmentId, unit: unit.unit, generation: unit.generation, revisionDigest: unit.revisionDigest, phase, health: "unknown", pid: null, startedAtMs: null, restarts: 0, exitCode: null, exitSignal: null, message: "", ports: {}, limits: o.limits, cpuMillisUsed: null, memoryBytesUsed: null, sinceMs: o.sinceMs, trial: null };
}
