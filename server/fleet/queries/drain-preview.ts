import type { z } from "zod";
import type { ProjectRef } from "../../core/access/actor";
import { refuseNow } from "../../core/base/refusal";
import { counted } from "../../core/fleet";
import type { drainPreview } from "../../core/views/fleet";
import { loadFleet, planFor } from "../../placement";
import { nodes, objects, schedulerKeys } from "../../store";
import type { FleetDeps } from "../deps";

/** What draining a node would do: the scheduler's own plans, made on a picture in which the node is draining. */
export function drainQueries(deps: FleetDeps) {
  const db = deps.store.read.client;
  return {
    async drainPreview(project: ProjectRef, input: { name: string }): Promise<z.infer<typeof drainPreview>> {
      const node = await nodes.byName(db, project.id, input.name);
      if (!node) return refuseNow("not_found", `There is no node "${input.name}" in this project.`, "Look it up in Fleet.");
      const moves: z.infer<typeof drainPreview>["moves"] = [];
      const at = { nowMs: deps.clock.nowMs(), silentAfterMs: deps.env.AGENT_SILENT_AFTER_MS };
      // One picture for all its workloads. Where room is short the second one may find less: plans are made anew when applied.
      const fleet = await loadFleet(db, project.id, at);
      for (const id of await schedulerKeys.workloadsOnNode(db, node.id)) {
        const planned = await planFor(db, id, {
          ...at,
          fleet,
          change: (l) => ({ ...l, snapshot: { ...l.snapshot, units: l.snapshot.units.map((u) => (u.node.id === node.id ? { ...u, node: { ...u.node, desiredState: "draining" as const } } : u)) } }),
          changeFleet: (f) => ({ ...f, nodes: f.nodes.map((n) => (n.id === node.id ? { ...n, desiredState: "draining" as const } : n)) }),
        });
        if (!planned) continue;
        const name = (await objects.byId(db, id))?.name ?? id;
        const here = planned.snapshot.units.filter((u) => u.node.id === node.id && u.desired === "run");
        // Replacements and units without a node, in the order in which the plan made them.
        const to = [...planned.plan.place.map((p) => ({ to: p.decision.node, because: p.decision.because })), ...planned.plan.unplaced.map((u) => ({ to: null, because: u.because }))];
        here.forEach((u, i) => {
          const silent = u.node.contact !== "live";
          const daemon = planned.snapshot.kind === "daemon";
          const found = to[i];
          moves.push({
            unit: u.unit,
            workload: name,
            to: silent || daemon ? null : (found?.to ?? null),
            because: silent ? "The node is silent: the unit moves when it is heard of again." : daemon ? "A daemon has its unit on this node only: it stops." : found ? found.because : planned.plan.stop.some((s) => s.assignmentId === u.assignmentId) ? "It stops; enough others serve." : "It stays until a node can take it.",
          });
        });
      }
      return { node: node.name, moves, changes: node.desiredState === "draining" ? [] : [{ path: "state", before: node.desiredState, after: "draining" }, ...(moves.length ? [{ path: "units", before: counted(moves.length, "unit"), after: counted(moves.filter((m) => m.to === null && !m.because.startsWith("It stops") && !m.because.startsWith("A daemon")).length, "unit") }] : [])] };
    },
  };
}
