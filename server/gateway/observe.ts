/** Pure half of observing: what an agent's whole observation means for the store. No I/O, no clock. */
import type { UnitStatus } from "../protocol/messages";
import type { gatewayObservations } from "../store";

type ObservedRow = gatewayObservations.ObservedRow;
type NodeAssignment = gatewayObservations.NodeAssignment;

/** Phases in which nothing of a unit runs any more. */
const over = new Set(["stopped", "succeeded", "failed"]);
const leaving = new Set(["stopping", "stopped", "succeeded"]);
const comingUp = new Set(["pending", "fetching", "starting", "backoff"]);
/** A row is written anew after this long although nothing but its usage has changed. */
export const REFRESH_MS = 30_000;

/**
 * One row per assignment. During an update an agent reports two instances of one assignment: the row is the one that
 * serves (the healthy one, else the older), `incoming` the other one that is starting beside it. An old instance that
 * stops after the new one is healthy is not worth a row.
 */
export function observedRows(units: readonly UnitStatus[]): ObservedRow[] {
  const byAssignment = new Map<string, UnitStatus[]>();
  for (const u of units) byAssignment.set(u.assignmentId, [...(byAssignment.get(u.assignmentId) ?? []), u]);
  return [...byAssignment.values()].map((instances) => {
    const ordered = [...instances].sort((a, b) => a.generation - b.generation);
    const alive = ordered.filter((u) => !over.has(u.phase));
    const candidates = alive.length > 0 ? alive : ordered.slice(-1);
    // The newest healthy one serves; with none healthy the oldest that is alive is what people still reach.
    const serving = candidates.findLast((u) => u.health === "healthy" && u.phase === "running") ?? candidates[0] ?? instances[0];
    // A newer revision is told of however it fares, an older one only while it comes up: a roll-back.
    const incoming = serving && ordered.findLast((u) => (u.generation > serving.generation ? !leaving.has(u.phase) : u.generation < serving.generation && comingUp.has(u.phase)));
    return rowOf(serving as UnitStatus, incoming);
  });
}

function rowOf(u: UnitStatus, incoming: UnitStatus | undefined): ObservedRow {
  return {
    assignmentId: u.assignmentId, generation: u.generation, digest: u.revisionDigest, phase: u.phase, health: u.health, pid: u.pid, restarts: u.restarts,
    exitCode: u.exitCode, message: messageOf(u), ports: u.ports, limits: u.limits, cpuMillis: u.cpuMillisUsed, memoryBytes: u.memoryBytesUsed === null ? null : Math.round(u.memoryBytesUsed),
    startedAtMs: u.startedAtMs, sinceMs: u.sinceMs,
    incoming: incoming ? { generation: incoming.generation, digest: incoming.revisionDigest, phase: incoming.phase, health: incoming.health, restarts: incoming.restarts, exitCode: incoming.exitCode, message: messageOf(incoming), sinceMs: incoming.sinceMs } : null,
    trial: u.trial,
  };
}
const messageOf = (u: UnitStatus) => (u.exitSignal && !u.message.includes(u.exitSignal) ? `${u.message}${u.message ? " " : ""}(ended by ${u.exitSignal})` : u.message);

/** Everything about a unit that people or the scheduler act on; usage is left out. */
const materialOf = (r: ObservedRow) => JSON.stringify([r.generation, r.digest, r.phase, r.health, r.pid, r.restarts, r.exitCode, r.message, Object.entries(r.ports).sort(), r.limits, r.startedAtMs, r.sinceMs, r.incoming, r.trial]);
/** What makes a unit an endpoint of its service; null when it is none. */
const endpointOf = (r: ObservedRow | undefined) => (r && r.phase === "running" && (r.health === "healthy" || r.health === "unknown") && Object.keys(r.ports).length > 0 ? JSON.stringify([r.generation, Object.entries(r.ports).sort()]) : null);

export type Stored = { row: ObservedRow; writtenMs: number };
export type ObservedPlan = {
  /** Rows to write; `material` names those in which more than usage changed. */
  write: ObservedRow[];
  material: string[];
  /** True when the site's endpoints are different now. */
  endpointsChanged: boolean;
};

/**
 * What to write of a whole observation, given what is stored. Units that are stored and no longer reported do not run: an
 * observation is always the whole. `assignments` adds those that were asked to stop and never ran.
 */
export function planObserved(o: { units: readonly UnitStatus[]; stored: ReadonlyMap<string, Stored>; foreign: ReadonlySet<string>; nowMs: number }): ObservedPlan {
  const rows = observedRows(o.units).filter((r) => !o.foreign.has(r.assignmentId));
  const write: ObservedRow[] = [];
  const material: string[] = [];
  let endpointsChanged = false;
  const put = (row: ObservedRow, before: ObservedRow | undefined) => {
    write.push(row);
    material.push(row.assignmentId);
    if (endpointOf(row) !== endpointOf(before)) endpointsChanged = true;
  };
  for (const row of rows) {
    const before = o.stored.get(row.assignmentId);
    if (!before || materialOf(before.row) !== materialOf(row)) put(row, before?.row);
    else if (o.nowMs - before.writtenMs >= REFRESH_MS || o.nowMs < before.writtenMs) write.push(row);
  }
  const reported = new Set(rows.map((r) => r.assignmentId));
  for (const [id, { row }] of o.stored) {
    if (reported.has(id) || over.has(row.phase) || (row.phase === "pending" && row.pid === null)) continue;
    put({ ...row, phase: "pending", health: "unknown", pid: null, ports: {}, cpuMillis: null, memoryBytes: null, startedAtMs: null, sinceMs: o.nowMs, incoming: null, trial: null, message: "The agent does not report this unit: it does not run." }, row);
  }
  return { write, material, endpointsChanged };
}

/**
 * Assignments that should stop, that the agent has been told of and does not report: there is nothing to stop, and the
 * scheduler may end them. Only for an observation made after the present desired state was received.
 */
export function nothingToStop(assignments: readonly NodeAssignment[], units: readonly UnitStatus[], nowMs: number): ObservedRow[] {
  const reported = new Set(units.map((u) => u.assignmentId));
  return assignments
    .filter((a) => a.desired === "stop" && !reported.has(a.id))
    .map((a) => ({ assignmentId: a.id, generation: a.generation, digest: a.digest, phase: "stopped", health: "unknown", pid: null, restarts: 0, exitCode: null, message: "The agent has no such unit.", ports: {}, limits: "none", cpuMillis: null, memoryBytes: null, startedAtMs: null, sinceMs: nowMs, incoming: null, trial: null }));
}

/** How many units were found otherwise than they should be: after a silence, what the first observation has to be corrected in. */
export function corrections(assignments: readonly NodeAssignment[], units: readonly UnitStatus[]): number {
  const wanted = new Map(assignments.map((a) => [a.id, a]));
  let count = 0;
  for (const a of assignments) {
    const here = units.filter((u) => u.assignmentId === a.id && !over.has(u.phase));
    if (a.desired === "run" ? !here.some((u) => u.generation === a.generation) : here.length > 0) count++;
  }
  return count + new Set(units.filter((u) => !wanted.has(u.assignmentId) && !over.has(u.phase)).map((u) => u.assignmentId)).size;
}
