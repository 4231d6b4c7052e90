import type { Actor, ProjectRef } from "../core/access/actor";
import { formatDurationMs } from "../core/base/duration";
import { refuseNow } from "../core/base/refusal";
import { activeWaves, anyApprover, commandText, divideConsents, groupText, mayStandFor, nextPhase, phaseLabel, refusedBecause, stillNeeded, type PeopleCommand } from "../core/rollout";
import { auditedCommand } from "../audit";
import { approvals, rollouts, type Tx } from "../store";
import { createRolloutIn } from "./create";
import type { RolloutDeps } from "./deps";
import { goneOn, standing, withdrawTraffic } from "./apply";
import { phaseOf, promoteBecause } from "./views";

type Done = { version: number | null; message: string };

/** Commands of people. Each is refused with the reason that the disabled button shows. */
export function rolloutCommands(deps: RolloutDeps) {
  const { store, clock } = deps;

  const give = (command: PeopleCommand) => (actor: Actor, project: ProjectRef, input: { number: number; version: number; reason: string }): Promise<Done> =>
    auditedCommand(store, actor, { action: `rollout.${command}`, objectKind: "rollout", objectId: String(input.number), object: String(input.number), projectId: project.id, reason: input.reason }, async (tx, note) => {
      const nowMs = clock.nowMs();
      const r = await rollouts.byNumber(tx.client, project.id, input.number, true);
      if (!r) return refuseNow("not_found", `There is no rollout ${input.number} in this project.`, "Look it up in Rollouts.");
      note({ objectId: r.id, object: `${r.number} of ${r.workload}` });
      const phase = phaseOf(r.phase);
      const next = nextPhase(phase, command);
      const why = refusedBecause(phase, command) ?? promoteBecause(r, phase, command);
      // The same command again, after it took effect, is no error: a retry must not look like a failure.
      if (next === null && phase === resultOf(command)) {
        note({ nothing: true });
        return { version: r.version, message: `Rollout ${r.number} is ${phaseLabel[phase].toLowerCase()} already.` };
      }
      if (next === null || why !== null) return refuseNow("illegal_transition", `Rollout ${r.number} cannot be told to ${command}: ${why ?? ""}`, "Look at the rollout as it is now.");
      if (r.version !== input.version) return refuseNow("stale_version", `Rollout ${r.number} went on meanwhile: ${r.reason}`, "Look at it as it is now, then decide again.");
      const text = `${commandText[command].verb} by ${actor.name}: ${input.reason}`;
      const patch: rollouts.RolloutPatch = { phase: next, reason: command === "abort" ? `Rolling back: aborted by ${actor.name}: ${input.reason}` : text };
      if (command === "promote") {
        patch.progress = goneOn(r, activeWaves(r.plan.strategy.spec, r.progress.waves), nowMs);
        Object.assign(patch, standing(r, patch.progress), { stepStartedAtMs: nowMs });
      }
      // Time in which it was paused counts for no wait and no deadline.
      if (command === "resume") Object.assign(patch, { stepStartedAtMs: nowMs, progress: { ...r.progress, waves: r.progress.waves.map((w) => (w.startedAtMs === null ? w : { ...w, startedAtMs: nowMs })) } });
      if (command === "abort") await withdrawTraffic(tx, r);
      if (command === "abort") await rollouts.holdRevision(tx.client, r.workloadId, r.toGeneration, `rollout ${r.number} was aborted by ${actor.name}: ${input.reason}`);
      await rollouts.save(tx.client, r.id, r.version, patch, nowMs);
      await rollouts.addEvent(tx.client, r.id, { kind: command, actor: actor.name, text, atMs: nowMs });
      note({ before: { phase }, after: { phase: next } });
      nudge(tx, r);
      return { version: r.version + 1, message: `${phaseLabel[next]}.` };
    });

  return {
    create: (actor: Actor, project: ProjectRef, input: { workload: string; generation: number; strategy: string; reason: string }): Promise<Done & { number: number }> =>
      auditedCommand(store, actor, { action: "rollout.create", objectKind: "workload", objectId: input.workload, object: input.workload, projectId: project.id, reason: input.reason }, async (tx, note) => {
        const w = await rollouts.objectByName(tx.client, project.id, "Workload", input.workload);
        if (!w) return refuseNow("not_found", `There is no workload “${input.workload}” in this project.`, "Look it up in Workloads.");
        note({ objectId: w.id });
        const units = await rollouts.unitsOf(tx.client, w.id);
        const from = mostCommon(units.map((u) => u.generation));
        if (from === null) return refuseNow("unavailable", `Workload “${input.workload}” has no unit yet, so there is nothing to roll out over.`, "Wait until its units are placed; a first revision needs no rollout.");
        const made = await createRolloutIn(tx, actor, { project, workload: { id: w.id, name: w.name }, from, to: input.generation, strategy: input.strategy, reason: input.reason, nowMs: clock.nowMs() });
        // createRolloutIn left the entry of success.
        note({ nothing: true });
        return { version: 1, number: made.number, message: `Rollout ${made.number} has started.` };
      }),
    pause: give("pause"),
    resume: give("resume"),
    promote: give("promote"),
    abort: give("abort"),

    /** Consent or refusal to exactly one plan. Never by the author of the rollout or of the revision. */
    decide: (actor: Actor, project: ProjectRef, input: { id: string; planDigest: string; decision: "approve" | "reject"; remark: string }): Promise<Done> =>
      auditedCommand(store, actor, { action: input.decision === "approve" ? "rollout.approve" : "rollout.reject", objectKind: "approval", objectId: input.id, object: "approval", projectId: project.id, reason: input.remark }, async (tx, note) => {
        const nowMs = clock.nowMs();
        const a = await approvals.byId(tx.client, project.id, input.id, false);
        if (!a) return refuseNow("not_found", "There is no such approval in this project.", "Look it up in Approvals.");
        // The rollout first, then the approval: the order in which the reconciler locks.
        const r = await rollouts.byId(tx.client, a.rolloutId, true);
        const locked = await approvals.byId(tx.client, project.id, input.id, true);
        if (!r || !locked) return refuseNow("not_found", "There is no such approval in this project.", "Look it up in Approvals.");
        note({ object: `${r.number} of ${r.workload} at gate “${a.gate}”`, before: { state: locked.state } });
        const state = input.decision === "approve" ? "approved" : "rejected";
        if (locked.state === state && locked.decidedById === actor.id && locked.planDigest === input.planDigest) {
          note({ nothing: true });
          return { version: locked.version, message: `You ${state} this plan already.` };
        }
        if (locked.state === "void") return refuseNow("plan_changed", `This approval is void: ${locked.voidReason ?? "the plan changed."}`, "Look at the new plan in Approvals.");
        if (locked.state === "expired" || (locked.state === "pending" && locked.expiresAtMs <= nowMs)) return refuseNow("expired", `This approval expired ${formatDurationMs(nowMs - locked.expiresAtMs)} ago.`, "The rollout asks again: look in Approvals.");
        if (locked.state !== "pending") return refuseNow("already_used", `${locked.decidedBy ?? "Somebody"} ${locked.state} this plan already.`, "Nothing is left to decide here.");
        if (input.planDigest !== locked.planDigest || locked.planDigest !== r.planDigest) return refuseNow("plan_changed", "The plan is not the one that was shown to you.", "Look at the plan as it is now, then decide.", [{ path: "planDigest", message: "is not the digest of the plan as it is now", remedy: "open the approval again" }]);
        const revision = await rollouts.revision(tx.client, r.workloadId, r.toGeneration);
        if (actor.id === r.authorId || actor.id === revision?.authorId)
          return refuseNow("author_may_not_approve", `You are the author of ${actor.id === r.authorId ? `rollout ${r.number}` : `revision r${r.toGeneration}`}, and nobody approves their own change.`, "Ask another person with the role approver or administrator.");
        if (state === "approved") {
          const open = await consentTo(tx, locked, actor, project, input.remark, nowMs);
          if (open === null) {
            note({ nothing: true });
            return { version: locked.version, message: "You agreed to this plan already." };
          }
          if (open !== "") {
            await approvals.bump(tx.client, a.id);
            await rollouts.addEvent(tx.client, r.id, { kind: "consent", actor: actor.name, text: `${actor.name} agreed at gate “${a.gate}”: ${input.remark} Still needed: ${open}.`, atMs: nowMs });
            note({ after: { state: "pending", planDigest: a.planDigest, stillNeeded: open } });
            tx.changes.add("approval", a.id, project.id);
            tx.changes.add("rollout", r.id, project.id);
            return { version: locked.version + 1, message: `You agreed. Still needed: ${open}.` };
          }
        }
        if (!(await approvals.decide(tx.client, a.id, { state, byId: actor.id, by: actor.name, remark: input.remark, nowMs }))) throw new Error(`approval ${a.id} changed under its own lock`);
        await rollouts.addEvent(tx.client, r.id, { kind: state, actor: actor.name, text: `${actor.name} ${state} gate “${a.gate}”: ${input.remark}`, atMs: nowMs });
        note({ after: { state, planDigest: a.planDigest } });
        tx.changes.add("approval", a.id, project.id);
        nudge(tx, r);
        return { version: locked.version + 1, message: state === "approved" ? "Approved: the rollout goes on." : "Rejected: the rollout returns to the previous revision." };
      }),
  };
}

/**
 * Keeps a consent. Answers who is still needed: empty when the gate is complete, null when this person agreed before.
 * Refused when the person stands for none of the gate's groups.
 */
async function consentTo(tx: Tx, a: approvals.ApprovalRecord, actor: Actor, project: ProjectRef, remark: string, nowMs: number): Promise<string | null> {
  const groups = a.groups ?? anyApprover;
  const consent = { byId: actor.id, by: actor.name, login: actor.login, roles: actor.roles(project.id) };
  if (!groups.some((g) => mayStandFor(g, consent))) return refuseNow("forbidden", `This gate asks for ${groups.map((g) => `${g.count} of ${g.name} (${groupText(g)})`).join(" and ")}.`, "Ask one of them.");
  if (!(await approvals.addConsent(tx.client, { approvalId: a.id, ...consent, remark, atMs: nowMs }))) return null;
  const { given } = divideConsents(groups, await approvals.consentsOf(tx.client, [a.id]));
  return stillNeeded(groups, given);
}

const resultOf = (command: PeopleCommand): string => ({ pause: "paused", resume: "", promote: "", abort: "rollingBack" })[command];

function nudge(tx: Tx, r: rollouts.RolloutRecord): void {
  tx.changes.add("rollout", r.id, r.projectId);
  tx.notify("holdfast_keys", `rollout:${r.id}`);
}

/** The revision that most units should run: what a rollout starts from. */
export function mostCommon(generations: readonly number[]): number | null {
  const counts = new Map<number, number>();
  for (const g of generations) counts.set(g, (counts.get(g) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || b[0] - a[0])[0]?.[0] ?? null;
}
