import { encodeMessage } from "../protocol/codec";
import { gatewaySessions } from "../store";
import { buildDesired, digestOf } from "./desired";
import type { BuiltDesired, DesiredState } from "./desired";
import type { Session } from "./session";

/** What made us look. `connect` and `resync` send although nothing seems to have changed. */
export type DeliveryReason = "connect" | "nudge" | "endpoints" | "resync";

/**
 * Delivery of the whole desired state to one agent: computed from the store, compared with what was sent last, sent as a
 * whole. Requests to look that come while one is under way become one more look.
 */
export class Delivery {
  private wanted = new Set<DeliveryReason>();
  private running = false;
  private sent: DesiredState | null = null;
  private toldFault: string | null = null;
  /** Set by a resync that sent nothing new to an agent that had not applied it; the next report of its generation decides. */
  private awaiting: number | null = null;

  constructor(private readonly session: Session) {}

  /** Looks again, soon. */
  want(reason: DeliveryReason): void {
    if (this.session.ended || !this.session.open) return;
    this.wanted.add(reason);
    if (!this.running) void this.run();
  }

  /** Told by each observation: an agent that catches up right after a resync had missed a state. */
  applied(generation: number): void {
    if (this.awaiting === null || generation < this.awaiting) return;
    this.awaiting = null;
    this.session.hub.metrics.corrections.inc({ kind: "missed_state" });
    this.session.hub.deps.log.warn({ ...this.session.about, generation }, "a resync made the agent apply a state that it had missed");
  }

  private async run(): Promise<void> {
    this.running = true;
    const { hub } = this.session;
    try {
      while (this.wanted.size > 0 && !this.session.ended) {
        const reasons = this.wanted;
        this.wanted = new Set();
        await hub.gate.run(() => this.once(reasons));
      }
    } catch (error) {
      // The next nudge or resync tries again; the agent goes on with what it has.
      hub.deps.log.error({ ...this.session.about, err: error }, "the desired state could not be delivered");
      hub.retrySoon(this.session);
    } finally {
      this.running = false;
    }
  }

  private async once(reasons: ReadonlySet<DeliveryReason>): Promise<void> {
    const { hub } = this.session;
    const built = await this.build(reasons);
    if (!built || this.session.ended) return;
    for (const fault of built.faults) await this.tell(`fault ${fault.unit} ${fault.message}`, "desired.fault", `Unit ${fault.unit} can't be started: ${fault.message}`);
    const { state } = built;
    if (!state) return;
    if (built.faults.length === 0) this.toldFault = this.toldFault?.startsWith("fault") ? null : this.toldFault;
    const changed = this.sent?.generation !== state.generation || this.sent.digest !== state.digest;
    const always = reasons.has("connect") || reasons.has("resync");
    if (!changed && !always) return;
    const resync = reasons.has("resync");
    const message = { type: "desired" as const, ...state, resync };
    const encoded = encodeMessage(message);
    if (!encoded.ok) {
      hub.metrics.refused.inc({ code: "desired_too_large" });
      return this.tell(`too large ${state.digest}`, "desired.tooLarge", `The desired state of this node can't be sent: ${encoded.error.message} Move units to other nodes, or use smaller manifests; the agent goes on with the state before.`);
    }
    if (resync && changed && this.sent && !reasons.has("nudge") && !reasons.has("endpoints")) {
      hub.metrics.corrections.inc({ kind: "lost_nudge" });
      hub.deps.log.warn({ ...this.session.about, generation: state.generation }, "a resync found a change that nothing had told of");
    }
    this.awaiting = resync && !changed && hub.appliedBy(this.session) < state.generation ? state.generation : null;
    if (!this.session.send(message)) return;
    this.sent = state;
    const reason = reasons.has("connect") ? "connect" : reasons.has("nudge") ? "nudge" : reasons.has("endpoints") ? "endpoints" : "resync";
    hub.metrics.desiredSent.inc({ reason });
    hub.deps.log.debug({ ...this.session.about, generation: state.generation, units: state.units.length, reason }, "sent the desired state");
  }

  /** The whole from the store; when only the site's endpoints or routes may have changed, what was sent last with the present ones. */
  private async build(reasons: ReadonlySet<DeliveryReason>): Promise<BuiltDesired | undefined> {
    const { hub, siteId, nodeId } = this.session;
    if (this.sent && reasons.size === 1 && reasons.has("endpoints")) {
      const traffic = await hub.traffic(siteId);
      return { state: { ...this.sent, ...traffic, digest: digestOf(this.sent.units, traffic) }, faults: [] };
    }
    return buildDesired(hub.deps.store.read.client, nodeId, hub.deps.openEnvironment, (id) => hub.traffic(id));
  }

  /** A typed event in the node's time line and a log line, once for each fault. */
  private async tell(key: string, kind: string, message: string): Promise<void> {
    if (this.toldFault === key) return;
    this.toldFault = key;
    const { hub } = this.session;
    hub.deps.log.error({ ...this.session.about, code: kind, detail: message }, "the desired state can't be delivered whole");
    await hub.deps.store.inTransaction(async (tx) => {
      await gatewaySessions.insertGatewayEvent(tx.client, { nodeId: this.session.nodeId, atMs: hub.deps.clock.nowMs(), kind, message });
      tx.changes.add("node", this.session.nodeId, this.session.projectId);
    });
  }
}
