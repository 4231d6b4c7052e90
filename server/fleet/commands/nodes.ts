import type { Actor, ProjectRef } from "../../core/access/actor";
import { refuseNow } from "../../core/base/refusal";
import { counted } from "../../core/fleet";
import type { AuditAction } from "../../core/audit";
import { auditedCommand } from "../../audit";
import type { AuditNote } from "../../audit";
import { identityNodes, nodes, schedulerKeys, schedulerSnapshot } from "../../store";
import type { Tx } from "../../store";
import type { FleetDeps } from "../deps";
import { livenessAt } from "../views";

type Done = { version: number | null; message: string };
type Input = { name: string; version: number; reason: string };

/** What an operator may ask of a node. Each is compare-and-set on the version that was seen. */
export function nodeCommands(deps: FleetDeps) {
  const { store, clock } = deps;

  const command = (action: AuditAction, work: (tx: Tx, node: nodes.StoredNode, input: Input, note: (n: AuditNote) => void) => Promise<string>) => (actor: Actor, project: ProjectRef, input: Input): Promise<Done> =>
    auditedCommand(store, actor, { action, objectKind: "node", objectId: input.name, object: input.name, projectId: project.id, reason: input.reason }, async (tx, note) => {
      const node = await nodes.byName(tx.client, project.id, input.name);
      if (!node) return refuseNow("not_found", `There is no node "${input.name}" in this project.`, "Look it up in Fleet.");
      note({ objectId: node.id, before: { state: node.desiredState } });
      if (node.desiredState === "decommissioned") return refuseNow("illegal_transition", `Node ${node.name} is decommissioned.`, "Enrol the machine again under another name.");
      const message = await work(tx, node, input, note);
      await schedulerKeys.nudge(tx, "workload", [...new Set((await schedulerKeys.workloadsOnNode(tx.client, node.id)).concat(await schedulerKeys.hungryWorkloads(tx.client, project.id)))], clock.nowMs());
      return { version: node.version + 1, message };
    });

  const set = (tx: Tx, node: nodes.StoredNode, input: Input, state: nodes.NodeDesiredState, note: (n: AuditNote) => void) => {
    note({ after: { state } });
    return nodes.setDesiredState(tx, node, input.version, state, state === "active" ? null : input.reason);
  };

  return {
    /** No new unit comes to the node; what runs there stays. */
    cordon: command("node.cordon", async (tx, node, input, note) => {
      if (node.desiredState !== "active") return refuseNow("illegal_transition", `Node ${node.name} is ${node.desiredState} already.`, "Look at it as it is now.");
      await set(tx, node, input, "cordoned", note);
      return `${node.name} takes no new units.`;
    }),
    /** The node takes units again; a drain that is under way stops where it is. */
    uncordon: command("node.uncordon", async (tx, node, input, note) => {
      if (node.desiredState === "active") return refuseNow("illegal_transition", `Node ${node.name} is open for new units already.`, "Look at it as it is now.");
      await set(tx, node, input, "active", note);
      return `${node.name} takes units again.`;
    }),
    /** The scheduler moves units away, each only when its replacement serves. */
    drain: command("node.drain", async (tx, node, input, note) => {
      if (node.desiredState === "draining") return refuseNow("illegal_transition", `Node ${node.name} is draining already.`, "Look at it as it is now.");
      await set(tx, node, input, "draining", note);
      const silent = livenessAt(node, { nowMs: clock.nowMs(), silentAfterMs: deps.env.AGENT_SILENT_AFTER_MS }).contact === "silent";
      return silent ? `${node.name} is silent: its units move when it is heard of again, or when it is decommissioned.` : `Units move away from ${node.name}, each when its replacement serves.`;
    }),
    /**
     * The node is gone for good: its identity is revoked and what was to run there is written off and replaced. Refused
     * while it is in contact and has units, because these would go on running unseen.
     */
    decommission: command("node.decommission", async (tx, node, input, note) => {
      const nowMs = clock.nowMs();
      const live = livenessAt(node, { nowMs, silentAfterMs: deps.env.AGENT_SILENT_AFTER_MS }).contact === "live";
      const units = await schedulerSnapshot.liveCount(tx.client, node.id);
      if (live && units > 0) return refuseNow("in_use", `Node ${node.name} is in contact and has ${counted(units, "unit")}.`, "Drain it first; when its units are gone it can be decommissioned.");
      await set(tx, node, input, "decommissioned", note);
      // Nudged before they are written off: afterwards nobody knows that they were here.
      await schedulerKeys.nudge(tx, "workload", await schedulerKeys.workloadsOnNode(tx.client, node.id), nowMs);
      const gone = await schedulerSnapshot.writeOffNode(tx.client, node.id, nowMs);
      for (const a of gone) tx.changes.add("assignment", a.id, node.projectId);
      await identityNodes.revokeIdentity(tx.client, node.id, `decommissioned: ${input.reason}`, nowMs);
      tx.notify("holdfast_revoked", node.id);
      note({ after: { state: "decommissioned", writtenOff: gone.map((a) => a.unit) } });
      return gone.length ? `${node.name} is gone; ${counted(gone.length, "unit")} ${gone.length === 1 ? "is" : "are"} replaced elsewhere.` : `${node.name} is gone.`;
    }),
  };
}
