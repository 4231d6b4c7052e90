import { toMs, toMsOrNull } from "../queryable";
import type { Queryable } from "../queryable";

/** Observed: what the agent last said of an assignment. Written by the gateway only. */
export interface StoredObservation {
  assignmentId: string;
  nodeId: string;
  generation: number;
  digest: string;
  phase: string;
  health: string;
  pid: number | null;
  restarts: number;
  exitCode: number | null;
  message: string;
  ports: Record<string, number>;
  limits: string;
  cpuMillis: number | null;
  memoryBytes: number | null;
  startedAtMs: number | null;
  sinceMs: number;
  observedAtMs: number;
}

interface Row {
  assignment_id: string; node_id: string; generation: number; digest: string; phase: string; health: string; pid: number | null; restarts: number; exit_code: number | null; message: string;
  ports: Record<string, number>; limits: string; cpu_millis: number | null; memory_bytes: number | null; started_at: Date | null; since_at: Date; observed_at: Date;
}

const toObservation = (r: Row): StoredObservation => ({
  assignmentId: r.assignment_id, nodeId: r.node_id, generation: r.generation, digest: r.digest, phase: r.phase, health: r.health, pid: r.pid, restarts: r.restarts, exitCode: r.exit_code,
  message: r.message, ports: r.ports, limits: r.limits, cpuMillis: r.cpu_millis, memoryBytes: r.memory_bytes, startedAtMs: toMsOrNull(r.started_at), sinceMs: toMs(r.since_at), observedAtMs: toMs(r.observed_at),
});

/** Observations of these assignments, by assignment id. What was never observed is absent. */
export async function ofAssignments(db: Queryable, assignmentIds: readonly string[]): Promise<Map<string, StoredObservation>> {
  const { rows } = await db.query<Row>("select * from observations where assignment_id = any($1)", [assignmentIds]);
  return new Map(rows.map((r) => [r.assignment_id, toObservation(r)]));
}

export const ofNode = async (db: Queryable, nodeId: string) => (await db.query<Row>("select * from observations where node_id = $1", [nodeId])).rows.map(toObservation);
