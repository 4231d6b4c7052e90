import { systemActor } from "../core/access/actor";
import { changedLeaves, isFinal, planRollout, type RolloutSnapshot } from "../core/rollout";
import { appendAudit } from "../audit";
import { roomInPlace } from "../placement";
import { approvals, assignments, rolloutControl, rollouts, type Tx } from "../store";
import { applyActions } from "./apply";
import { buildPlan, planDigestOf, type BuiltPlan } from "./build-plan";
import type { RolloutDeps } from "./deps";
import { knownFacts, targetsFrom, zonesOf } from "./facts";
import { judgeNow, newestVerdict, VerdictMemory } from "./verdicts";
import { phaseOf } from "./views";

const scheduler = systemActor("scheduler");
/** Passes of one look: a step that ends at once lets the next begin without waiting for the timer. */
const MAX_PASSES = 20;

/** The reconciler of rollouts, as the scheduler's table of reconcilers wants it. */
export function createRolloutReconciler(deps: RolloutDeps) {
  const memory = new VerdictMemory();
  return {
    kind: "rollout" as const,
    /** Every rollout that has not ended: what the resync looks at. */
    liveKeys: (): Promise<string[]> => rollouts.openIds(deps.store.read.client),
    /** One look at one rollout: as many small transactions as it takes. Returns when to look again, null for never. */
    async reconcile(id: string): Promise<{ nextLookAtMs: number | null }> {
      for (let pass = 0; pass < MAX_PASSES; pass++) {
        const r = await onePass(deps, id, memory);
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
async function onePass(deps: RolloutDeps, id: string, memory: VerdictMemory): Promise<Pass> {
  const before = await rollouts.byId(deps.store.read.client, id);
  if (!before || isFinal(phaseOf(before.phase))) return { acted: false, nextLookAtMs: null };
  const verdicts = await judgeNow(deps, before, memory);
  return deps.store.inTransaction(async (tx) => {
    const r = await rollouts.byId(tx.client, id, true);
    // Somebody moved it between reading the evidence and taking the lock: look again.
    if (!r || r.version !== before.version) return { acted: true, nextLookAtMs: deps.clock.nowMs() };
    const nowMs = deps.clock.nowMs();
    if (await replan(tx, r, nowMs)) return { acted: true, nextLookAtMs: nowMs };
    const units = await rollouts.unitsOf(tx.client, r.workloadId, true);
    const snapshot = await snapshotOf(deps, tx, r, units, nowMs, verdicts);
    const decision = planRollout(snapshot);
    const newest = newestVerdict(verdicts);
    if (newest) await rollouts.keepVerdict(tx.client, id, newest);
    if (decision.actions.length === 0) {
      const because = decision.because.join(" ");
      const says = because !== "" && because !== r.reason && snapshot.phase === "running";
      if (says) await rollouts.save(tx.client, id, r.version, { reason: because }, nowMs);
      if (newest || says) tx.changes.add("rollout", id, r.projectId);
      return { acted: false, nextLookAtMs: decision.wakeAtMs };
    }
    await applyActions(tx, r, units, decision, snapshot, verdicts);
    // Only the deadlines of dead-man switches moved: there is nothing new to decide.
    const tended = decision.actions.every((a) => a.do === "setTrial");
    return { acted: !tended, nextLookAtMs: tended ? decision.wakeAtMs : nowMs };
  });
}

/** All that the planner may see, read under the rollout's lock. */
async function snapshotOf(deps: RolloutDeps, tx: Tx, r: rollouts.RolloutRecord, units: readonly rollouts.UnitFactsRow[], nowMs: number, verdicts: Awaited<ReturnType<typeof judgeNow>>): Promise<RolloutSnapshot> {
  const gates = await approvals.ofRollout(tx.client, r.id);
  const open = await rolloutControl.openFreezes(tx.client, r.projectId);
  const trials = new Map((await assignments.trialsOfRollout(tx.client, r.id)).map((t) => [t.assignmentId, t]));
  // Only a rollout that runs asks for the new revision: for the others no node is read, nor locked.
  const room = r.phase !== "running" ? new Map<string, string | null>() : await roomInPlace(tx.client, { projectId: r.projectId, workloadId: r.workloadId, generation: r.toGeneration, nowMs, silentAfterMs: deps.silentAfterMs });
  const targets = targetsFrom(units, r.plan, { nowMs, silentAfterMs: deps.silentAfterMs }, trials, await knownFacts(tx.client, r, units, nowMs));
  return {
    nowMs, phase: phaseOf(r.phase), progress: r.progress, plan: r.plan, planDigest: r.planDigest, gates,
    targets: targets.map((t) => (room.has(t.assignmentId) ? { ...t, room: room.get(t.assignmentId) ?? null } : t)),
    stepVerdicts: verdicts.steps.map((v) => v?.verdict ?? null), backgroundVerdict: verdicts.background?.verdict ?? null,
    frozen: { project: open.find((f) => f.site === null)?.reason ?? null, sites: Object.fromEntries(open.flatMap((f) => (f.site === null ? [] : [[f.site, f.reason] as const]))) },
    zones: zonesOf(units), breakGlass: (await rolloutControl.glassBrokenUntil(tx.client, r.id, nowMs)) !== null,
  };
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
  const plan = what.includes("strategy") ? { ...built.plan, strategy: r.plan.strategy, waves: r.plan.waves, ...(r.plan.excluded ? { excluded: r.plan.excluded } : {}) } : built.plan;
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
