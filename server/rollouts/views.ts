import type { z } from "zod";
import { mayDo, whoMay } from "../core/access/permissions";
import type { Actor, ProjectRef } from "../core/access/actor";
import { defaultSequentialSettings } from "../core/analysis/sequential/settings";
import { activeWaves, commandText, isFinal, isRolloutPhase, peopleCommands, phaseLabel, refusedBecause, stepText, type RolloutPhase, type RolloutPlan } from "../core/rollout";
import type * as v from "../core/views";
import type { rolloutLists, rollouts } from "../store";
import { targetsFrom } from "./facts";

type Change = v.ChangeView;
type At = { nowMs: number; silentAfterMs: number };

/** Reads a stored phase; what the table does not know is a bug. */
export function phaseOf(text: string): RolloutPhase {
  if (!isRolloutPhase(text)) throw new Error(`the store has a rollout in phase ${text}, which the lifecycle does not know`);
  return text;
}

const stateOfPhase: Record<RolloutPhase, z.input<typeof v.healthState>> = { running: "pending", awaitingApproval: "pending", holding: "degraded", paused: "pending", rollingBack: "failing", rolledBack: "failing", succeeded: "healthy" };

export function rowOf(r: rollouts.RolloutRecord, units: readonly rollouts.ObservedUnit[], at: At): z.input<typeof v.rolloutRow> {
  const phase = phaseOf(r.phase);
  const targets = targetsFrom(units, r.plan, at);
  const to = r.plan.to.generation;
  const wave = Math.min(r.waveIndex, r.plan.waves.length - 1);
  return {
    id: r.id, number: r.number, workload: r.workload, fromGeneration: r.fromGeneration, toGeneration: r.toGeneration, phase, phaseLabel: phaseLabel[phase], final: isFinal(phase), state: stateOfPhase[phase], reason: r.reason,
    wave: { index: wave, count: r.plan.waves.length, name: r.plan.waves[wave]?.name ?? "" },
    targets: {
      total: targets.length,
      updated: targets.filter((t) => t.observedGeneration === to && !t.silent).length,
      healthy: targets.filter((t) => t.healthy && !t.silent).length,
      failing: targets.filter((t) => !t.silent && (t.trouble !== null || (t.observedGeneration !== null && !t.healthy))).length,
      silent: targets.filter((t) => t.silent).length,
    },
    author: r.author, createdAtMs: r.createdAtMs, updatedAtMs: r.updatedAtMs, endedAtMs: r.endedAtMs,
  };
}

/** A row of the list: from the outline of the plan and counts made in the store. An ended rollout's units are not counted any more. */
export function listedRow(r: rolloutLists.ListedRollout, counts: rolloutLists.TargetCounts | undefined): z.input<typeof v.rolloutRow> {
  const phase = phaseOf(r.phase);
  const { waves, units } = r.outline;
  const wave = Math.min(r.waveIndex, waves.length - 1);
  const none = { total: isFinal(phase) ? units : 0, updated: 0, healthy: 0, failing: 0, silent: 0 };
  return {
    id: r.id, number: r.number, workload: r.workload, fromGeneration: r.fromGeneration, toGeneration: r.toGeneration, phase, phaseLabel: phaseLabel[phase], final: isFinal(phase), state: stateOfPhase[phase], reason: r.reason,
    wave: { index: wave, count: waves.length, name: waves[wave]?.name ?? "" }, targets: counts ?? none, author: r.author, createdAtMs: r.createdAtMs, updatedAtMs: r.updatedAtMs, endedAtMs: r.endedAtMs,
  };
}

/** Buttons with their consequence, and why one cannot be pressed. */
export function commandsOf(r: rollouts.RolloutRecord, actor: Actor, project: ProjectRef): (z.input<typeof v.commandView> & { consequence: string })[] {
  const phase = phaseOf(r.phase);
  const may = mayDo(actor.roles(project.id), "rollouts.operate");
  return peopleCommands.map((c) => ({ command: c, disabledBecause: refusedBecause(phase, c) ?? promoteBecause(r, phase, c) ?? (may ? null : whoMay("rollouts.operate")), cli: `holdfast rollout ${c} ${r.number}`, consequence: commandText[c].consequence }));
}

/** Promote has something to skip only in a pause, an analysis or a hold. */
export function promoteBecause(r: rollouts.RolloutRecord, phase: RolloutPhase, command: string): string | null {
  if (command !== "promote" || phase !== "running") return null;
  const spec = r.plan.strategy.spec;
  const skips = activeWaves(spec, r.progress.waves).some((w) => ["pause", "analysis"].includes(spec.waves[w]?.steps[r.progress.waves[w]?.step ?? 0]?.do ?? ""));
  return skips ? null : "There is nothing to skip: units are being updated.";
}

/** Field changes of several revisions folded into one: the oldest before and the newest after of each path. */
export function foldChanges(lists: readonly (readonly Change[])[]): Change[] {
  const out = new Map<string, Change>();
  for (const list of lists) for (const c of list) out.set(c.path, { path: c.path, before: out.get(c.path)?.before ?? c.before, after: c.after });
  return [...out.values()].filter((c) => c.before !== c.after);
}

/** Exactly what an approver sees and consents to. */
export function approvableOf(plan: RolloutPlan, gate: string, titles: ReadonlyMap<string, string>, changes: Change[]): z.input<typeof v.approvablePlan> {
  return {
    workload: plan.workload, fromGeneration: plan.from.generation, toGeneration: plan.to.generation, toDigest: plan.to.digest,
    artifacts: plan.artifacts.map((a) => ({ name: a.name, digest: a.digest, title: titles.get(a.digest) ?? a.name })),
    policy: plan.policy, gate,
    waves: plan.waves.map((w, i) => ({ name: w.name, targets: w.targets, steps: (plan.strategy.spec.waves[i]?.steps ?? []).map(stepText) })),
    window: plan.window, changes,
  };
}

/** The worst that can happen if this is approved and the new revision is bad, in words. `sizes` are the waves' numbers of targets. */
export function worstCase(spec: RolloutPlan["strategy"]["spec"], sizes: readonly number[], gate: string, total: number): string {
  let reached = 0;
  let passed = false;
  for (const [i, w] of spec.waves.entries()) {
    for (const s of w.steps) {
      if (s.do === "approval" && `${w.name}: ${s.name}` === gate) passed = true;
      else if (passed && (s.do === "analysis" || s.do === "approval" || s.do === "pause")) return worst(reached, total, spec.automaticRollback);
      if (s.do === "update") {
        const before = sizes.slice(0, i).reduce((n, x) => n + x, 0);
        const size = sizes[i] ?? 0;
        reached = before + Math.min(size, s.count ?? Math.ceil((size * (s.percent ?? 0)) / 100));
      }
    }
  }
  return worst(total, total, spec.automaticRollback);
}
const worst = (n: number, total: number, automatic: boolean): string =>
  `If r is bad, up to ${n} of ${total} units serve it before the next check; ${automatic ? "then they are rolled back automatically." : "automatic rollback is off, so they stay until a person acts."}`.replace("If r is bad", "If the new revision is bad");

const MINUTE_MS = 60_000;
/** A decision that the present rate of evidence puts further away than this is not foreseen at all. */
const FORESEEN_MINUTES = 30 * 24 * 60;
/** A stored verdict for screens: minutes become times. */
export function verdictView(kept: rollouts.KeptVerdict | null, promoteAt = defaultSequentialSettings.promoteThreshold): z.input<typeof v.verdictView> | null {
  if (kept === null) return null;
  const { sequential: s, guilty: _, ...rest } = kept;
  if (!s) return { ...rest, sequential: null };
  return {
    ...rest,
    sequential: {
      against: s.against, limit: s.limit, promoteAt: promoteAt, kinds: s.kinds.map((k) => ({ ...k })), guilty: [...s.guilty], coverage: s.coverage, completion: { ...s.completion, withheldBy: [...s.completion.withheldBy] }, decided: s.decided,
      earliestAtMs: s.earliestMinute === null || s.earliestMinute - s.to > FORESEEN_MINUTES ? null : s.earliestMinute * MINUTE_MS,
      sites: s.sites.map(({ silentSince, ...x }) => ({ ...x, kinds: x.kinds.map((k) => ({ ...k })), silentSinceMs: silentSince === null ? null : silentSince * MINUTE_MS })),
    },
  };
}
