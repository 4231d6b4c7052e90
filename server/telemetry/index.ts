/**
 * Telemetry: what nodes, units and requests measured, kept in PostgreSQL and queried for charts and verdicts; logs on
 * demand. It knows nothing of rollouts beyond the generation of a revision.
 */
import type { Actor, ProjectRef } from "../core/access/actor";
import type { Clock } from "../platform";
import type { Store } from "../store";
import { chartQueries } from "./charts";
import { logFeature } from "./logs";

export { ingestReport, type Ingested } from "./ingest";
export { gatherEvidence, RequestSum } from "./measure";
export { gatherMinutes, type EvidenceUnit } from "./minutes";
export { querySeries } from "./queries";
export { gatherSeries } from "./series";

export function createTelemetry(deps: { store: Store; clock: Clock }) {
  const charts = chartQueries(deps.store, deps.clock);
  const logs = logFeature(deps.store, deps.clock);
  return {
    queries: {
      ...charts,
      readLogs: (project: ProjectRef, input: { requestId: string; afterSeq: number }) => logs.read(project, input),
    },
    commands: {
      openLogs: (actor: Actor, project: ProjectRef, input: { assignmentId: string; tailBytes: number; follow: boolean }) => logs.open(actor, project, input),
    },
  };
}
