import { systemActor } from "../core/access/actor";
import { judge, type Verdict } from "../core/analysis";
import { parseDurationMs } from "../core/base/duration";
import { isThresholds } from "../core/manifest/analysis";
import { changedLeaves, isFinal, nextPhase, phaseLabel, planRollout, type RolloutAction, type RolloutSnapshot } from "../core/rollout";
import { appendAudit } from "../audit";
import { newId } from "../platform";
import { approvals, assignments, nodes, rollouts, type Tx } from "../store";
import { gatherEvidence } from "../telemetry";
import { buildPlan, planDigestOf, type BuiltPlan } from "./build-plan";
import type { RolloutDeps } from "./deps";
import { targetsFrom } from "./facts";
import { approvableOf, foldChanges, phaseOf } from "./views";

const scheduler = systemActor("scheduler");
/** Passes of one look: a step that ends at once lets the next begin without waiting for the timer. */
const MAX_PASSES = 20;

/** The reconciler of rollouts, as the scheduler's table of reconcilers wants it. */
export function createRolloutReconciler(deps: RolloutDeps) {
  return {
    kind: "rollout" as const,
    /** Every rollout that has not ended: what the resync looks at. */
    liveKeys: (): Promise<string[]> => rollouts.openIds(deps.store.read.client),
    /** One look at one rollout: as many small transactions as it takes. Returns when to look again, null for never. */
    async reconcile(id: string): Promise<{ nextLookAtMs: number | null }> {
      for (let pass = 0; pass < MAX_PASSES; pass++) {
        const r = await onePass(deps, id);
        if (r.nextLookAtMs === null || !r.acted) return { nextLookAtMs: r.nextLookAtMs };
      }
      return { nextLookAtMs: deps.clock.nowMs() };
    },
  };
}

interface Pass {
  acted: boolean;
  nextLookAtMs: number | null;
}

/** Reads a snapshot, decides, applies: evidence is gathered before the transaction, the rest inside it under the row's lock. */
async function onePass(deps: RolloutDeps, id: string): Promise<Pass> {
  const before = await rollouts.byId(deps.store.read.client, id);
  if (!before || isFinal(phaseOf(before.phase))) return { acted: false, nextLookAtMs: null };
  const verdicts = await judgeNow(deps, before);
  return deps.store.inTransaction(async (tx) => {
    const r = await rollouts.byId(tx.client, id, true);
    // Somebody moved it between reading the evidence and taking the lock: look again.
    if (!r || r.version !== before.version) return { acted: true, nextLookAtMs: deps.clock.nowMs() };
    const nowMs = deps.clock.nowMs();
    const replanned = await replan(tx, r, nowMs);
    if (replanned) return { acted: true, nextLookAtMs: nowMs };
    const units = await rollouts.unitsOf(tx.client, r.workloadId, true);
    const gates = await approvals.ofRollout(tx.client, id);
    const snapshot: RolloutSnapshot = {
      nowMs, phase: phaseOf(r.phase), waveIndex: r.waveIndex, stepIndex: r.stepIndex, stepStartedAtMs: r.stepStartedAtMs, plan: r.plan, planDigest: r.planDigest,
      targets: targetsFrom(units, r.plan, { nowMs, silentAfterMs: deps.silentAfterMs }), gates, stepVerdict: verdicts.step, backgroundVerdict: verdicts.background,
    };
    const decision = planRollout(snapshot);
    const verdict = verdicts.step ?? verdicts.background;
    if (decision.actions.length === 0) {
      const because = decision.because.join(" ");
      if (verdict) await rollouts.keepVerdict(tx.client, id, verdict);
      if (verdict || (because !== "" && because !== r.reason && snapshot.phase === "running")) {
        if (because !== "" && because !== r.reason && snapshot.phase === "running") await rollouts.save(tx.client, id, r.version, { reason: because }, nowMs);
        tx.changes.add("rollout", id, r.projectId);
      }
      return { acted: false, nextLookAtMs: decision.wakeAtMs };
    }
    if (verdict) await rollouts.keepVerdict(tx.client, id, verdict);
    await apply(tx, r, units, decision.actions, snapshot, verdict);
    return { acted: true, nextLookAtMs: nowMs };
  });
}

/** Verdicts of the present step and of the background template, from what was measured since they began. */
async function judgeNow(deps: RolloutDeps, r: rollouts.RolloutRecord): Promise<{ step: Verdict | null; background: Verdict | null }> {
  const phase = phaseOf(r.phase);
  if (phase === "rollingBack") return { step: null, background: null };
  const nowMs = deps.clock.nowMs();
  const wave = r.plan.strategy.spec.waves[r.waveIndex];
  const step = wave?.steps[r.stepIndex];
  const units = await rollouts.unitsOf(deps.store.read.client, r.workloadId);
  const targets = targetsFrom(units, r.plan, { nowMs, silentAfterMs: deps.silentAfterMs });
  const silentTargets = targets.filter((t) => t.silent).length;
  const run = async (name: string, sinceMs: number, deadlinePassed: boolean): Promise<Verdict | null> => {
    const template = r.plan.templates[name]?.spec;
    if (!template || !isThresholds(template)) return null;
    const fromMs = Math.max(sinceMs, nowMs - (parseDurationMs(template.window) ?? 0));
    const evidence = await gatherEvidence(deps.store.read.client, { workloadId: r.workloadId, canary: r.toGeneration, stable: r.fromGeneration, fromMs, toMs: nowMs, metrics: template.metrics.map((m) => m.metric) });
    return judge({ template, evidence, canaryGeneration: r.toGeneration, stableGeneration: r.fromGeneration, wave: wave?.name ?? r.plan.waves.at(-1)?.name ?? "", fromMs, toMs: nowMs, deadlinePassed, silentTargets });
  };
  const late = step?.do === "analysis" && nowMs - r.stepStartedAtMs >= (parseDurationMs(step.deadline) ?? 0);
  const stepVerdict = step?.do === "analysis" ? await run(step.template, r.stepStartedAtMs, late) : null;
  const updated = targets.some((t) => t.desiredGeneration === r.toGeneration);
  const background = r.plan.strategy.spec.analysis !== undefined && updated ? await run(r.plan.strategy.spec.analysis, r.createdAtMs, false) : null;
  return { step: stepVerdict, background };
}

/**
 * Makes the plan anew from the store; when a leaf changed, keeps the new plan and voids every approval of the older one,
 * naming what changed. A rollout that returns needs no consent and keeps its plan.
 */
async function replan(tx: Tx, r: rollouts.RolloutRecord, nowMs: number): Promise<boolean> {
  const phase = phaseOf(r.phase);
  if (phase === "rollingBack" || isFinal(phase)) return false;
  let built: BuiltPlan;
  try {
    built = await buildPlan(tx.client, { projectId: r.projectId, workload: { id: r.workloadId, name: r.workload }, from: r.fromGeneration, to: r.toGeneration, strategy: r.plan.strategy.name, fromMs: r.plan.window.fromMs });
  } catch {
    // The strategy or a template was deleted under the rollout: it goes on with the plan it has.
    return false;
  }
  if (built.digest === r.planDigest) return false;
  const what = changedLeaves(r.plan, built.plan);
  const text = `The plan changed: ${what.join(", ")}.`;
  // An older strategy stays in force with its steps: only what it acts on is renewed, or "step 3" would mean another step.
  const plan = what.includes("strategy") ? { ...built.plan, strategy: r.plan.strategy, waves: r.plan.waves } : built.plan;
  const digest = what.includes("strategy") ? planDigestOf(plan) : built.digest;
  if (digest === r.planDigest) return false;
  const voided = await approvals.voidOthers(tx.client, r.id, digest, `${text} Consent was for the plan as it was shown.`, nowMs);
  await rollouts.save(tx.client, r.id, r.version, { plan, planDigest: digest }, nowMs);
  await rollouts.addEvent(tx.client, r.id, { kind: "planChanged", actor: null, text: voided.length > 0 ? `${text} ${voided.length} approval${voided.length === 1 ? " is" : "s are"} void.` : text, atMs: nowMs });
  await appendAudit(tx, { actor: scheduler, action: "rollout.planChanged", objectKind: "rollout", objectId: r.id, object: `${r.number} of ${r.workload}`, projectId: r.projectId, outcome: "done", reason: text, before: { planDigest: r.planDigest }, after: { planDigest: digest, voidedApprovals: voided } });
  for (const id of voided) tx.changes.add("approval", id, r.projectId);
  tx.changes.add("rollout", r.id, r.projectId);
  return true;
}

async function apply(tx: Tx, r: rollouts.RolloutRecord, units: readonly rollouts.UnitFactsRow[], actions: readonly RolloutAction[], s: RolloutSnapshot, verdict: Verdict | null): Promise<void> {
  const object = `${r.number} of ${r.workload}`;
  const byAssignment = new Map(units.map((u) => [u.assignmentId, u]));
  const touched: string[] = [];
  const moved: { unit: string; node: string; to: number }[] = [];
  const patch: rollouts.RolloutPatch = {};
  for (const a of actions) {
    switch (a.do) {
      case "setGeneration": {
        const u = byAssignment.get(a.assignmentId);
        if (!u) break;
        const digest = a.generation === r.plan.to.generation ? r.plan.to.digest : r.plan.from.digest;
        await assignments.setGeneration(tx.client, { id: u.assignmentId, unit: u.unit, version: u.version }, { generation: a.generation, digest, cause: s.phase === "rollingBack" ? "rollback" : "rollout", rolloutId: r.id });
        tx.changes.add("assignment", u.assignmentId, r.projectId);
        touched.push(u.nodeId);
        moved.push({ unit: u.unit, node: u.node, to: a.generation });
        break;
      }
      case "goTo":
        Object.assign(patch, { waveIndex: a.wave, stepIndex: a.step, stepStartedAtMs: s.nowMs, reason: a.text });
        await rollouts.addEvent(tx.client, r.id, { kind: "step", actor: null, text: a.text, atMs: s.nowMs });
        break;
      case "requestApproval":
        await askApproval(tx, r, a.gate, a.expiresAtMs, s.nowMs);
        break;
      case "expireApproval":
        if (await approvals.expire(tx.client, a.id, s.nowMs)) {
          tx.changes.add("approval", a.id, r.projectId);
          await appendAudit(tx, { actor: scheduler, action: "approval.expire", objectKind: "approval", objectId: a.id, object, projectId: r.projectId, outcome: "done" });
        }
        break;
      case "transition": {
        const next = nextPhase(s.phase, a.command);
        if (next === null) throw new Error(`the planner asked for ${a.command} in phase ${s.phase}`);
        patch.phase = next;
        patch.reason = next === "rollingBack" ? `Rolling back: ${a.reason}` : next === "rolledBack" ? `Rolled back: ${causeOf(r.reason)} ${a.reason}` : a.reason;
        if (isFinal(next)) {
          patch.endedAtMs = s.nowMs;
          await approvals.closePending(tx.client, r.id, `The rollout has ended: ${phaseLabel[next].toLowerCase()}.`, s.nowMs);
        }
        if (next === "rollingBack") await rollouts.holdRevision(tx.client, r.workloadId, r.toGeneration, `rolled back by rollout ${r.number}: ${a.reason}`);
        // A released or approved rollout goes on behind the step that it waited in.
        if (a.command === "release") Object.assign(patch, stepAfter(r));
        if (a.command === "release" || a.command === "approved") patch.stepStartedAtMs = s.nowMs;
        await rollouts.addEvent(tx.client, r.id, { kind: a.command, actor: null, text: patch.reason, data: verdict ?? undefined, atMs: s.nowMs });
        await appendAudit(tx, { actor: scheduler, action: `rollout.${a.command}`, objectKind: "rollout", objectId: r.id, object, projectId: r.projectId, outcome: "done", reason: a.reason, before: { phase: s.phase }, after: { phase: next } });
        break;
      }
    }
  }
  if (moved.length > 0) {
    const text = `${moved.length === 1 ? `Unit ${moved[0]?.unit} on ${moved[0]?.node}` : `${moved.length} units`} asked for r${moved[0]?.to}.`;
    await rollouts.addEvent(tx.client, r.id, { kind: "asked", actor: null, text, data: moved, atMs: s.nowMs });
    await appendAudit(tx, { actor: scheduler, action: s.phase === "rollingBack" ? "rollout.return" : "rollout.update", objectKind: "rollout", objectId: r.id, object, projectId: r.projectId, outcome: "done", reason: text, after: { units: moved } });
    await nodes.touchDesired(tx, touched);
    tx.changes.add("workload", r.workloadId, r.projectId);
  }
  // The version moves with every act, so that whoever decided on an older picture is refused.
  if (!(await rollouts.save(tx.client, r.id, r.version, patch, s.nowMs))) throw new Error(`rollout ${r.id} changed under its own lock`);
  tx.changes.add("rollout", r.id, r.projectId);
  tx.notify("holdfast_keys", `workload:${r.workloadId}`);
}

async function askApproval(tx: Tx, r: rollouts.RolloutRecord, gate: string, expiresAtMs: number, nowMs: number): Promise<void> {
  const titles = await rollouts.artifactNames(tx.client, r.projectId, r.plan.artifacts.map((a) => a.digest));
  const changes = foldChanges(await rollouts.changesBetween(tx.client, r.workloadId, r.fromGeneration, r.toGeneration));
  const id = newId("approval");
  await approvals.insert(tx.client, { id, projectId: r.projectId, rolloutId: r.id, gate, planDigest: r.planDigest, plan: approvableOf(r.plan, gate, titles, changes), nowMs, expiresAtMs });
  await rollouts.addEvent(tx.client, r.id, { kind: "approvalRequested", actor: null, text: `An approval is asked for at gate “${gate}”.`, atMs: nowMs });
  tx.changes.add("approval", id, r.projectId);
}

/** Where a rollout goes on behind its present step. */
export function stepAfter(r: rollouts.RolloutRecord): { waveIndex: number; stepIndex: number } {
  const steps = r.plan.strategy.spec.waves[r.waveIndex]?.steps.length ?? 0;
  return r.stepIndex + 1 >= steps ? { waveIndex: r.waveIndex + 1, stepIndex: 0 } : { waveIndex: r.waveIndex, stepIndex: r.stepIndex + 1 };
}

const causeOf = (reason: string): string => reason.replace(/^Rolling back: /, "");
