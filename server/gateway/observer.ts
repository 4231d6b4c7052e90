import type { AgentMessage, NodeFacts } from "../protocol/messages";
import { gatewayObservations, gatewaySessions, gatewaySpells } from "../store";
import { Fenced } from "./ingest";
import type { EndedSpell } from "./ingest";
import { corrections, nothingToStop, planObserved } from "./observe";
import type { Stored } from "./observe";
import type { Session } from "./session";

type Observed = Extract<AgentMessage, { type: "observed" }>;

/** Writes what one agent observes: changed rows only, in one statement, and only rows of its own assignments. */
export class Observer {
  /** What is stored, as this session knows it: nobody else writes these rows while the session is the node's. */
  private stored: Map<string, Stored> | undefined;
  private readonly foreign = new Set<string>();
  private lastApplied = -1;
  private lastReceived = -1;

  constructor(private readonly session: Session) {}

  async observed(message: Observed, spell: EndedSpell | null): Promise<void> {
    const { hub, nodeId, projectId, siteId } = this.session;
    const nowMs = hub.deps.clock.nowMs();
    const first = this.stored === undefined;
    this.stored ??= await hub.gate.run(async () => new Map((await gatewayObservations.observedOfNode(hub.deps.store.read.client, nodeId)).map((row) => [row.assignmentId, { row, writtenMs: 0 }])));
    const stored = this.stored;
    const plan = planObserved({ units: message.units, stored, foreign: this.foreign, nowMs });
    this.session.delivery.applied(message.appliedGeneration);
    const moved = message.appliedGeneration !== this.lastApplied || message.receivedGeneration !== this.lastReceived;
    if (!first && !moved && plan.write.length === 0) return hub.alive(this.session, { appliedGeneration: message.appliedGeneration, journalDepth: null, rttMs: null, observedMs: nowMs });

    const written = await hub.gate.run(() =>
      hub.deps.store.inTransaction(async (tx) => {
        const node = await gatewayObservations.beginObserved(tx.client, { nodeId, sessionId: this.session.id, appliedGeneration: message.appliedGeneration, atMs: nowMs });
        if (!node) throw new Fenced("superseded");
        const assignments = first || moved ? await gatewayObservations.assignmentsOfNode(tx.client, nodeId) : [];
        // Only an agent that has received the present state can be said to lack a unit that should stop.
        const gone = message.receivedGeneration >= node.desiredGeneration && message.appliedGeneration >= node.desiredGeneration ? nothingToStop(assignments, message.units, nowMs).filter((r) => stored.get(r.assignmentId)?.row.phase !== "stopped") : [];
        const rows = [...plan.write.filter((r) => !gone.some((g) => g.assignmentId === r.assignmentId)), ...gone];
        const own = await gatewayObservations.writeObserved(tx.client, nodeId, rows, nowMs);
        const mine = new Set(own);
        const told = [...plan.material, ...gone.map((g) => g.assignmentId)].filter((id) => mine.has(id));
        // The pointers also wake the scheduler.
        for (const id of told) tx.changes.add("observation", id, projectId);
        if (plan.endpointsChanged) tx.notify("holdfast_desired", `site:${siteId}`);
        if (first && spell?.endedHere) {
          const found = corrections(assignments, message.units);
          if (found > 0) {
            await gatewaySpells.addToSpell(tx.client, spell.id, { received: 0, dropped: 0, corrections: found });
            tx.afterCommit(() => hub.metrics.corrections.inc({ kind: "after_silence" }, found));
          }
        }
        return { rows, own: mine };
      }),
    );
    this.lastApplied = message.appliedGeneration;
    this.lastReceived = message.receivedGeneration;
    for (const row of written.rows) {
      if (written.own.has(row.assignmentId)) stored.set(row.assignmentId, { row, writtenMs: nowMs });
      else this.foreign.add(row.assignmentId);
    }
    const strangers = written.rows.filter((r) => !written.own.has(r.assignmentId)).map((r) => r.assignmentId);
    hub.metrics.observations.inc({ outcome: "written" }, written.own.size);
    if (strangers.length > 0) {
      hub.metrics.observations.inc({ outcome: "foreign" }, strangers.length);
      hub.deps.log.warn({ ...this.session.about, code: "foreign_assignment", assignments: strangers.slice(0, 20) }, "the agent reports units that are not its own; they are ignored");
    }
    // Rows of assignments that have ended are of no more use here.
    const live = new Set(message.units.map((u) => u.assignmentId));
    for (const id of stored.keys()) if (!live.has(id) && stored.get(id)?.row.phase !== "pending") stored.delete(id);
  }

  async facts(facts: NodeFacts): Promise<void> {
    const { hub, nodeId, projectId } = this.session;
    await hub.gate.run(() =>
      hub.deps.store.inTransaction(async (tx) => {
        if (!(await gatewaySessions.recordFacts(tx.client, { nodeId, sessionId: this.session.id, facts }))) throw new Fenced("superseded");
        tx.changes.add("node", nodeId, projectId);
      }),
    );
  }
}
