import type { z } from "zod";
import type { Actor, ProjectRef } from "../core/access/actor";
import { mayDo, whoMay } from "../core/access/permissions";
import { formatDurationMs } from "../core/base/duration";
import { refuseNow } from "../core/base/refusal";
import { isFinal, nextPhase } from "../core/rollout";
import type * as v from "../core/views";
import { auditedCommand } from "../audit";
import { newId } from "../platform";
import { rolloutControl, rollouts, type Tx } from "../store";
import { withdrawTraffic } from "./apply";
import type { RolloutDeps } from "./deps";
import { phaseOf } from "./views";

type Done = { version: number | null; message: string };
const LISTED = 100;

/** Tells the reconciler of every open rollout of a project, and whoever looks at them. */
async function nudgeOpen(tx: Tx, projectId: string): Promise<rollouts.RolloutRecord[]> {
  const open = await rollouts.openOfProject(tx.client, projectId);
  for (const r of open) {
    tx.changes.add("rollout", r.id, projectId);
    tx.notify("holdfast_keys", `rollout:${r.id}`);
  }
  return open;
}

/** Freezes, aborting everything, and breaking the glass: each by command, with a reason, once however often it is sent. */
export function emergencyCommands(deps: RolloutDeps) {
  const { store, clock } = deps;
  return {
    /** No unit of the project (or at one site) is asked for a new revision until the freeze ends. What returns goes on returning. */
    freeze: (actor: Actor, project: ProjectRef, input: { site?: string | undefined; reason: string }): Promise<Done> =>
      auditedCommand(store, actor, { action: "rollout.freeze", objectKind: "freeze", objectId: input.site ?? project.id, object: input.site ? `site ${input.site}` : `project ${project.name}`, projectId: project.id, reason: input.reason }, async (tx, note) => {
        if (input.site !== undefined && !(await rollouts.objectByName(tx.client, project.id, "Site", input.site))) return refuseNow("not_found", `There is no site “${input.site}” in this project.`, "Look it up in Fleet.");
        const id = newId("freeze");
        if (!(await rolloutControl.freeze(tx.client, { id, projectId: project.id, site: input.site ?? null, reason: input.reason, byId: actor.id, by: actor.name, nowMs: clock.nowMs() }))) {
          note({ nothing: true });
          return { version: null, message: `Rollouts of ${input.site ? `site ${input.site}` : "the project"} are frozen already.` };
        }
        note({ objectId: id, after: { site: input.site ?? null } });
        const open = await nudgeOpen(tx, project.id);
        tx.changes.add("project", project.id, project.id);
        return { version: null, message: `Frozen: ${open.length} open rollout${open.length === 1 ? " updates" : "s update"} no further unit${input.site ? ` at ${input.site}` : ""}.` };
      }),

    /** Ends a freeze. What was looked at before is part of the record. */
    thaw: (actor: Actor, project: ProjectRef, input: { id: string; reason: string }): Promise<Done> =>
      auditedCommand(store, actor, { action: "rollout.thaw", objectKind: "freeze", objectId: input.id, object: "a freeze", projectId: project.id, reason: input.reason }, async (tx, note) => {
        const f = (await rolloutControl.freezes(tx.client, project.id, 1_000)).find((x) => x.id === input.id);
        if (!f) return refuseNow("not_found", "There is no such freeze in this project.", "Look at the freezes in force under Rollouts.");
        note({ object: f.site ? `site ${f.site}` : `project ${project.name}`, before: { frozenBy: f.by, reason: f.reason } });
        if (f.endedAtMs !== null || !(await rolloutControl.thaw(tx.client, f.id, { by: actor.name, reason: input.reason, nowMs: clock.nowMs() }))) {
          note({ nothing: true });
          return { version: null, message: "This freeze has ended already." };
        }
        const open = await nudgeOpen(tx, project.id);
        tx.changes.add("project", project.id, project.id);
        return { version: null, message: `${open.length} open rollout${open.length === 1 ? " goes" : "s go"} on.` };
      }),

    /** Aborts every rollout that has not ended: all units return. */
    abortAll: (actor: Actor, project: ProjectRef, input: { reason: string }): Promise<Done> =>
      auditedCommand(store, actor, { action: "rollout.abortAll", objectKind: "project", objectId: project.id, object: `project ${project.name}`, projectId: project.id, reason: input.reason }, async (tx, note) => {
        const nowMs = clock.nowMs();
        const aborted: number[] = [];
        for (const { id } of await rollouts.openOfProject(tx.client, project.id)) {
          const r = await rollouts.byId(tx.client, id, true);
          const next = r === null || isFinal(phaseOf(r.phase)) ? null : nextPhase(phaseOf(r.phase), "abort");
          if (!r || next === null) continue;
          await withdrawTraffic(tx, r);
          await rollouts.holdRevision(tx.client, r.workloadId, r.toGeneration, `rollout ${r.number} was aborted by ${actor.name}: ${input.reason}`);
          await rollouts.save(tx.client, r.id, r.version, { phase: next, reason: `Rolling back: aborted by ${actor.name}: ${input.reason}` }, nowMs);
          await rollouts.addEvent(tx.client, r.id, { kind: "abort", actor: actor.name, text: `Abort everywhere by ${actor.name}: ${input.reason}`, atMs: nowMs });
          tx.changes.add("rollout", r.id, project.id);
          tx.notify("holdfast_keys", `rollout:${r.id}`);
          aborted.push(r.number);
        }
        // Also an emergency that found nothing to do is on the record.
        note({ after: { rollouts: aborted } });
        return { version: null, message: aborted.length === 0 ? "No rollout is open that does not return already." : `${aborted.length} rollout${aborted.length === 1 ? " returns" : "s return"}: ${aborted.join(", ")}.` };
      }),

    /** Lets one rollout past freezes, windows and gates until a time; owes a review by somebody else. */
    breakGlass: (actor: Actor, project: ProjectRef, input: { number: number; reason: string; minutes: number }): Promise<Done> =>
      auditedCommand(store, actor, { action: "rollout.breakGlass", objectKind: "rollout", objectId: String(input.number), object: String(input.number), projectId: project.id, reason: input.reason }, async (tx, note) => {
        const nowMs = clock.nowMs();
        const r = await rollouts.byNumber(tx.client, project.id, input.number, true);
        if (!r) return refuseNow("not_found", `There is no rollout ${input.number} in this project.`, "Look it up in Rollouts.");
        note({ objectId: r.id, object: `${r.number} of ${r.workload}` });
        const phase = phaseOf(r.phase);
        if (isFinal(phase) || phase === "rollingBack") return refuseNow("illegal_transition", `Rollout ${r.number} goes nowhere that the glass keeps it from: ${r.reason}`, "Look at the rollout as it is now.");
        const until = await rolloutControl.glassBrokenUntil(tx.client, r.id, nowMs);
        if (until !== null) {
          note({ nothing: true });
          return { version: r.version, message: `The glass is broken already, for ${formatDurationMs(until - nowMs)} more.` };
        }
        const expiresAtMs = nowMs + input.minutes * 60_000;
        const id = newId("glass");
        await rolloutControl.breakGlass(tx.client, { id, projectId: project.id, rolloutId: r.id, reason: input.reason, byId: actor.id, by: actor.name, nowMs, expiresAtMs });
        await rollouts.addEvent(tx.client, r.id, { kind: "breakGlass", actor: actor.name, text: `${actor.name} broke the glass for ${input.minutes} minutes: ${input.reason} Gates, windows and freezes do not stop it; a review is owed.`, atMs: nowMs });
        note({ after: { id, expiresAtMs } });
        tx.changes.add("rollout", r.id, project.id);
        tx.notify("holdfast_keys", `rollout:${r.id}`);
        return { version: r.version, message: `For ${input.minutes} minutes gates, windows and freezes do not stop rollout ${r.number}. Somebody else has to review this.` };
      }),

    /** Keeps what somebody else than the one who broke the glass says of it. */
    reviewGlass: (actor: Actor, project: ProjectRef, input: { id: string; remark: string }): Promise<Done> =>
      auditedCommand(store, actor, { action: "rollout.reviewGlass", objectKind: "rollout", objectId: input.id, object: "a broken glass", projectId: project.id, reason: input.remark }, async (tx, note) => {
        const g = await rolloutControl.glassById(tx.client, project.id, input.id);
        if (!g) return refuseNow("not_found", "There is no such record in this project.", "Look at the emergency page.");
        note({ objectId: g.rolloutId, object: `${g.rolloutNumber} of ${g.workload}`, before: { brokenBy: g.by, reason: g.reason } });
        if (g.byId === actor.id) return refuseNow("author_may_not_approve", "You broke this glass, and nobody reviews what they did themselves.", "Ask another person with the role approver or administrator.");
        if (g.reviewedBy !== null || !(await rolloutControl.reviewGlass(tx.client, g.id, { by: actor.name, remark: input.remark, nowMs: clock.nowMs() }))) {
          if (g.reviewedBy === actor.name) {
            note({ nothing: true });
            return { version: null, message: "You reviewed this already." };
          }
          return refuseNow("already_used", `${g.reviewedBy ?? "Somebody"} reviewed this already.`, "Nothing is left to review here.");
        }
        tx.changes.add("rollout", g.rolloutId, project.id);
        return { version: null, message: "Your review is on the record." };
      }),
  };
}

type Commands = z.input<typeof v.commandView>[];

/** A freeze for screens, with its commands. */
export function freezeView(f: rolloutControl.FreezeRecord, actor: Actor, project: ProjectRef): z.input<typeof v.freezeView> {
  const may = mayDo(actor.roles(project.id), "rollouts.operate") ? null : whoMay("rollouts.operate");
  const commands: Commands = [{ command: "thaw", disabledBecause: f.endedAtMs !== null ? "This freeze has ended." : may, cli: `holdfast rollout thaw ${f.id} --reason "…"` }];
  return { ...f, scope: f.site === null ? "project" : "site", commands };
}

function glassView(g: rolloutControl.BreakGlassRecord, actor: Actor, project: ProjectRef, nowMs: number): z.input<typeof v.breakGlassView> {
  const why = g.reviewedAtMs !== null ? "This was reviewed already." : g.byId === actor.id ? "You broke this glass: another person has to review it." : mayDo(actor.roles(project.id), "rollouts.approve") ? null : whoMay("rollouts.approve");
  return {
    id: g.id, rolloutNumber: g.rolloutNumber, workload: g.workload, reason: g.reason, by: g.by, atMs: g.atMs, expiresAtMs: g.expiresAtMs, active: g.expiresAtMs > nowMs,
    review: { state: g.reviewedAtMs === null ? "open" : "done", by: g.reviewedBy, atMs: g.reviewedAtMs, remark: g.reviewRemark },
    commands: [{ command: "reviewGlass", disabledBecause: why, cli: `holdfast rollout review-glass ${g.id} --remark "…"` }],
  };
}

export function emergencyQueries(deps: RolloutDeps) {
  const q = deps.store.read.client;
  return {
    /** Freezes, broken glass and what may be done at once. */
    async emergency(project: ProjectRef, _input: object, actor: Actor): Promise<z.input<typeof v.emergencyView>> {
      const nowMs = deps.clock.nowMs();
      const [frozen, glass, open] = await Promise.all([rolloutControl.freezes(q, project.id, LISTED), rolloutControl.brokenGlass(q, project.id, LISTED), rollouts.openOfProject(q, project.id)]);
      const may = mayDo(actor.roles(project.id), "rollouts.operate") ? null : whoMay("rollouts.operate");
      const all = frozen.some((f) => f.site === null && f.endedAtMs === null);
      return {
        freezes: frozen.map((f) => freezeView(f, actor, project)), breakGlass: glass.map((g) => glassView(g, actor, project, nowMs)), openRollouts: open.length,
        commands: [
          { command: "freeze", disabledBecause: may ?? (all ? "The project is frozen already." : null), cli: 'holdfast rollout freeze --reason "…" [--site NAME]', consequence: "No rollout asks a further unit for a new revision. Units that are updated stay judged, and what returns goes on returning." },
          { command: "abortAll", disabledBecause: may ?? (open.length === 0 ? "No rollout is open." : null), cli: 'holdfast rollout abort-all --reason "…"', consequence: `Every unit of ${open.length} open rollout${open.length === 1 ? "" : "s"} returns to the previous revision, and the new ones are held.` },
        ],
      };
    },
    /** Revisions that may not be applied until somebody lifts their hold. */
    async holds(project: ProjectRef, _input: object, actor: Actor): Promise<z.input<typeof v.holdView>[]> {
      const may = mayDo(actor.roles(project.id), "rollouts.operate") ? null : whoMay("rollouts.operate");
      return (await rolloutControl.heldRevisions(q, project.id)).map((h) => ({ ...h, commands: [{ command: "liftHold", disabledBecause: may, cli: `holdfast workload lift-hold ${h.workload} --generation ${h.generation} --reason "…"` }] }));
    },
  };
}
