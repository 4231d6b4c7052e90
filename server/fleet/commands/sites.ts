import type { Actor, ProjectRef } from "../../core/access/actor";
import { refuseNow } from "../../core/base/refusal";
import { counted } from "../../core/fleet";
import type { AuditAction } from "../../core/audit";
import { appendAudit, auditedCommand } from "../../audit";
import { nodes, schedulerKeys, sites } from "../../store";
import type { FleetDeps } from "../deps";
import { livenessAt } from "../views";

type Done = { version: number | null; message: string };
type Input = { name: string; reason: string };
type Verb = { action: AuditAction; ofNode: AuditAction; state: nodes.NodeDesiredState; already: string; did: (site: string, moved: number, silent: number) => string };

const verbs = {
  cordonSite: { action: "site.cordon", ofNode: "node.cordon", state: "cordoned", already: "cordoned or draining", did: (site, n) => `${counted(n, "node")} at ${site} ${n === 1 ? "takes" : "take"} no new units.` },
  uncordonSite: { action: "site.uncordon", ofNode: "node.uncordon", state: "active", already: "open for new units", did: (site, n) => `${counted(n, "node")} at ${site} ${n === 1 ? "takes" : "take"} units again.` },
  drainSite: { action: "site.drain", ofNode: "node.drain", state: "draining", already: "draining", did: (site, n, silent) => `Units move away from ${counted(n, "node")} at ${site}, each when its replacement serves.${silent > 0 ? ` ${counted(silent, "node")} of them ${silent === 1 ? "is" : "are"} silent: those units move when they are heard of again.` : ""}` },
} as const satisfies Record<string, Verb>;

/** What an operator may ask of all nodes of a site at once: one transaction, an entry for the site and one for each node. */
export function siteCommands(deps: FleetDeps) {
  const { store, clock } = deps;
  const command = (verb: Verb) => (actor: Actor, project: ProjectRef, input: Input): Promise<Done> =>
    auditedCommand(store, actor, { action: verb.action, objectKind: "site", objectId: input.name, object: input.name, projectId: project.id, reason: input.reason }, async (tx, note) => {
      const site = await sites.byName(tx.client, project.id, input.name);
      if (!site) return refuseNow("not_found", `There is no site "${input.name}" in this project.`, "Look it up in Fleet.");
      note({ objectId: site.id });
      const here = await nodes.atSite(tx.client, site.id);
      // A cordon takes nothing back: a node that is draining goes on.
      const concerned = here.filter((n) => (verb.state === "cordoned" ? n.desiredState === "active" : n.desiredState !== verb.state));
      if (here.length === 0) return refuseNow("illegal_transition", `No machine has joined at ${site.name}.`, "There is nothing to do.");
      if (concerned.length === 0) return refuseNow("illegal_transition", `Every node at ${site.name} is ${verb.already} already.`, "Look at it as it is now.");
      for (const node of concerned) {
        await nodes.setDesiredState(tx, node, node.version, verb.state, verb.state === "active" ? null : input.reason);
        await appendAudit(tx, { action: verb.ofNode, objectKind: "node", objectId: node.id, object: node.name, projectId: project.id, reason: input.reason, actor, outcome: "done", before: { state: node.desiredState }, after: { state: verb.state } });
      }
      note({ after: { state: verb.state, nodes: concerned.map((n) => n.name) } });
      tx.changes.add("site", site.id, project.id);
      await schedulerKeys.nudge(tx, "workload", [...new Set([...(await schedulerKeys.workloadsAtSite(tx.client, site.id)), ...(await schedulerKeys.hungryWorkloads(tx.client, project.id))])], clock.nowMs());
      const silent = concerned.filter((n) => livenessAt(n, { nowMs: clock.nowMs(), silentAfterMs: deps.env.AGENT_SILENT_AFTER_MS }).contact === "silent").length;
      return { version: null, message: verb.did(site.name, concerned.length, silent) };
    });
  return {
    /** No new unit comes to any node of the site; what runs there stays. */
    cordonSite: command(verbs.cordonSite),
    /** Every node of the site takes units again; drains that are under way stop where they are. */
    uncordonSite: command(verbs.uncordonSite),
    /** The scheduler moves units away from the whole site, each only when its replacement serves. */
    drainSite: command(verbs.drainSite),
  };
}
