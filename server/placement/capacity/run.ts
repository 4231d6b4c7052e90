import type { z } from "zod";
import { auditedCommand } from "../../audit";
import type { Actor, ProjectRef } from "../../core/access/actor";
import { refuseNow } from "../../core/base/refusal";
import { counted } from "../../core/fleet";
import type { repairRow } from "../../core/views/placement";
import { newId } from "../../platform";
import { repairs, schedulerKeys } from "../../store";
import type { PlacementDeps } from "../deps";
import type { RepairInput, repairPlanner } from "./plan";
import { demandText } from "./shapes";

const SHOWN = 20;
const reached = (r: repairs.RepairRecord): string => (r.endedAtMs === null ? `The repair for ${r.object} is under way: ${r.moves.filter((m) => m.state === "done").length} of ${counted(r.moves.length, "move")} done.` : `This repair was run already. ${r.endReason ?? ""}`.trim());

export function repairCommands(deps: PlacementDeps, planner: ReturnType<typeof repairPlanner>) {
  const { store, clock } = deps;
  return {
    commands: {
      /** Runs exactly the plan that was shown. Asking again for one that runs or has run is the same repair. */
      async repairRun(actor: Actor, project: ProjectRef, input: RepairInput & { digest: string; reason: string }): Promise<{ id: string; version: number | null; message: string }> {
        const object = input.workload ?? counted(input.count ?? 1, "unit");
        return auditedCommand(store, actor, { action: "repair.run", objectKind: "repair", objectId: input.workload ?? "shape", object, projectId: project.id, reason: input.reason }, async (tx, note) => {
          const before = await repairs.byDigest(tx.client, project.id, input.digest);
          const same = (r: repairs.RepairRecord) => {
            note({ nothing: true });
            return { id: r.id, version: r.version, message: reached(r) };
          };
          if (before && before.endedAtMs === null) return same(before);
          const made = await planner.make(project, input).catch((error: unknown) => {
            // Who waited has its room: the plan that was run is no longer needed.
            if (before) return null;
            throw error;
          });
          if (!made || made.digest !== input.digest) {
            if (before) return same(before);
            return refuseNow("plan_changed", "The plan is no longer the one that was shown.", made?.digest ? "Look at the plan as it is now, and run that." : "Nothing has to move now, or no plan makes room any more: look again.");
          }
          const { pending, found, moves } = made;
          if (!found) return refuseNow("plan_changed", "There is nothing to move.", "Look again.");
          const nowMs = clock.nowMs();
          const id = newId("repair");
          const plan: repairs.RepairPlanRecord = {
            units: pending.count, demand: pending.shape.demand, text: demandText(pending.shape.demand), priority: pending.priority, seconds: found.seconds, optimal: found.optimal, runningBefore: pending.own.length,
            rooms: found.rooms.map((r) => ({ nodeId: r.id, node: r.name })),
          };
          const begun = await repairs.begin(tx.client, { id, projectId: project.id, workloadId: pending.workloadId, object, digest: input.digest, plan, moves: moves.map(({ pricedBecause: _, ...m }) => (m.batch === 0 ? { ...m, sinceMs: nowMs } : m)), reason: input.reason, byId: actor.id, by: actor.name, atMs: nowMs });
          if (!begun) {
            const open = await repairs.open(tx.client, project.id);
            if (open?.digest === input.digest) return same(open);
            return refuseNow("in_use", `A repair for ${open?.object ?? "others"} is under way.`, "Wait until it is over, then look at the plan again: it will have changed.");
          }
          note({ objectId: id, after: { digest: input.digest, seconds: found.seconds, moves: moves.map((m) => ({ unit: m.unit, from: m.from, to: m.to, seconds: m.seconds, priced: m.priced })), room: found.rooms.map((r) => r.name) } });
          const workloads = [...new Set([...moves.map((m) => m.workloadId), ...(pending.workloadId === null ? [] : [pending.workloadId])])];
          for (const w of workloads) tx.changes.add("workload", w, project.id);
          await schedulerKeys.nudge(tx, "workload", workloads, nowMs);
          await schedulerKeys.nudge(tx, "repair", [id], nowMs);
          return { id, version: 1, message: `The repair for ${object} has begun: ${counted(moves.length, "move")}, batch after batch; each unit is stopped only when its replacement serves.` };
        });
      },
    },
    queries: {
      /** Repairs that were run, the newest first, with how each move stands. */
      async repairs(project: ProjectRef): Promise<z.input<typeof repairRow>[]> {
        return (await repairs.newest(store.read.client, project.id, SHOWN)).map(rowOf);
      },
    },
  };
}

function rowOf(r: repairs.RepairRecord): z.input<typeof repairRow> {
  const done = r.moves.filter((m) => m.state === "done").length;
  const state = r.outcome === null ? "pending" : r.outcome === "placed" || r.outcome === "moved" ? "healthy" : r.outcome === "waits" ? "degraded" : "failing";
  const under = done < r.moves.length ? `${done} of ${counted(r.moves.length, "move")} done.` : `Every move is done; ${r.object} takes its room.`;
  return {
    id: r.id, object: r.object, workload: r.workloadId === null ? null : r.object, state, sentence: r.endReason ?? under, reason: r.reason, by: r.by, atMs: r.atMs, endedAtMs: r.endedAtMs, outcome: r.outcome,
    moves: r.moves.map((m) => ({ unit: m.unit, workload: m.workload, from: m.from, to: m.to, seconds: m.seconds, state: m.state, because: m.because, sinceMs: m.sinceMs })),
  };
}
