import type { Actor, ProjectRef } from "../core/access/actor";
import { refuseNow } from "../core/base/refusal";
import { auditedCommand } from "../audit";
import { newId, type Clock } from "../platform";
import { logRequests, telemetryRead, type Store } from "../store";

/** A request is kept this long after the last read, so that a closed browser ends the stream at the agent. */
const KEEP_MS = 30_000;
/** Chunks a read returns at most. */
const CHUNKS = 200;
/** A request that no gateway took up by then says so. */
const UNANSWERED_MS = 10_000;

/**
 * Logs on demand: a person asks, the store holds the question, the gateway that has the node's session asks the agent and
 * writes what comes. Web and gateway never speak to each other.
 */
export function logFeature(store: Store, clock: Clock) {
  return {
    /** Opens a unit's log: its last `tailBytes`, and what follows when asked. Reading logs is audited. */
    async open(actor: Actor, project: ProjectRef, input: { assignmentId: string; tailBytes: number; follow: boolean }): Promise<{ requestId: string }> {
      const requestId = newId("log");
      const subject = { action: "logs.open" as const, objectKind: "unit", objectId: input.assignmentId, object: input.assignmentId, projectId: project.id };
      return auditedCommand(store, actor, subject, async (tx, note) => {
        const a = await telemetryRead.assignmentInProject(tx.client, project.id, input.assignmentId);
        if (!a) return refuseNow("not_found", "There is no such unit in this project.", "It may have been removed: look in the workload's list of units.");
        note({ object: a.unit });
        await logRequests.openLogRequest(tx.client, { id: requestId, projectId: project.id, nodeId: a.nodeId, assignmentId: a.id, tailBytes: Math.min(input.tailBytes, 262_144), follow: input.follow, keepUntilMs: clock.nowMs() + KEEP_MS });
        tx.notify("holdfast_logs", requestId);
        return { requestId };
      });
    },

    /** What has come since `afterSeq`. A node that is out of reach is said to be so, not shown as an empty log. */
    async read(project: ProjectRef, input: { requestId: string; afterSeq: number }): Promise<{ chunks: { seq: number; offset: number; text: string }[]; state: "waiting" | "open" | "ended"; error: string | null }> {
      const nowMs = clock.nowMs();
      const r = await logRequests.keepLogRequest(store.read.client, project.id, input.requestId, nowMs + KEEP_MS);
      if (!r) return refuseNow("not_found", "This log is no longer open.", "Open the log again.");
      const chunks = await logRequests.readLogChunks(store.read.client, input.requestId, input.afterSeq, CHUNKS);
      if (r.state === "waiting" && chunks.length === 0 && nowMs - r.createdAtMs > UNANSWERED_MS)
        return { chunks, state: "waiting", error: "The node has not answered yet: it may be out of reach. Its log is kept on the node and can be read when it is back." };
      return { chunks, state: r.state, error: r.error };
    },
  };
}
