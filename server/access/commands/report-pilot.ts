import { auditedCommand } from "../../audit";
import type { Actor, ProjectRef } from "../../core/access/actor";
import { refuseNow } from "../../core/base/refusal";
import { HOLDFAST_VERSION } from "../../platform";
import { processes } from "../../store";
import type { AccessDeps } from "../deps";

/**
 * The pilot fleet says how it is, every few seconds, so that `/api/health` can show it beside the product's own
 * processes. A change of state is a command and is audited; the beats between are not.
 */
export async function reportPilot(deps: AccessDeps, actor: Actor, project: ProjectRef, input: { state: "starting" | "ready" | "stopping" | "failing"; note: string }) {
  const { store, clock } = deps;
  const id = `pilot-${project.id}`;
  const last = (await processes.livingProcesses(store.read.client)).find((p) => p.id === id);
  const row = { id, name: "pilot", version: HOLDFAST_VERSION, state: input.state, sinceMs: last?.state === input.state ? last.sinceMs : clock.nowMs(), details: input.note ? { note: input.note } : {} };
  const message = `The pilot is ${input.state}.`;
  if (last?.state === input.state && actor.kind === "token") {
    await processes.beat(store.read.client, row);
    return { version: null, message };
  }
  return auditedCommand(store, actor, { action: "pilot.report", objectKind: "process", objectId: id, object: "pilot", projectId: project.id }, async (tx, note) => {
    if (actor.kind !== "token") return refuseNow("forbidden", "Only the pilot itself reports for the pilot.", "Use the pilot's service token.");
    await processes.beat(tx.client, row);
    note({ before: { state: last?.state ?? null }, after: { state: input.state } });
    tx.changes.add("process", id, project.id);
    return { version: null, message };
  });
}
