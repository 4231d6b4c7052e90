import type { z } from "zod";
import type { RolloutWave } from "../core/manifest/rollout";
import { activeWaves, anyApprover, classOf, gateName, groupText, nextOpening, stepText, wavesBefore, waveDone, windowOpen, windowText, type Target } from "../core/rollout";
import type * as v from "../core/views";
import type { assignments, rollouts } from "../store";
import { stateOf, targetsFrom, waveOf, zonesOf, type KnownFacts } from "./facts";
import { phaseOf } from "./views";

type At = { nowMs: number; silentAfterMs: number };
type WaveOut = z.input<typeof v.waveView>;
type Trials = ReadonlyMap<string, Awaited<ReturnType<typeof assignments.trialsOfRollout>>[number]>;

/** Waves with their steps and a block per target. */
export function wavesOf(r: rollouts.RolloutRecord, units: readonly rollouts.SitedUnit[], at: At, trials: Trials, known: KnownFacts): WaveOut[] {
  const phase = phaseOf(r.phase);
  const spec = r.plan.strategy.spec;
  const over = phase === "succeeded";
  const stopped = phase === "rollingBack" || phase === "rolledBack";
  const active = new Set(stopped || over ? [] : activeWaves(spec, r.progress.waves));
  const waveAt = waveOf(r.plan);
  const targets = targetsFrom(units, r.plan, at, trials, known);
  const byUnit = new Map(units.map((u) => [u.assignmentId, u]));
  const snapshot = { nowMs: at.nowMs, plan: r.plan, progress: r.progress, phase, targets };
  const zones = zonesOf(units);
  return spec.waves.map((w, index) => {
    const done = over || waveDone(spec, r.progress.waves, index);
    const mine = targets.filter((t) => waveAt(t.unit) === index);
    return {
      index, name: w.name, selector: w.selector ?? null, offline: w.offline, state: done ? "done" : active.has(index) ? "current" : "waiting",
      steps: stepsOf(r, w, index, { over, stopped, active: active.has(index) }),
      targets: mine.map((t) => ({
        unit: t.unit, assignmentId: t.assignmentId, node: t.node, site: t.site, siteTitle: byUnit.get(t.assignmentId)?.siteTitle ?? t.site, wave: index, desiredGeneration: t.desiredGeneration, observedGeneration: t.observedGeneration,
        ...observed(byUnit.get(t.assignmentId), at), class: classOf(snapshot, t), doubt: t.doubt ?? null, trial: trialView(trials.get(t.assignmentId)), pinned: r.progress.sitesBack.find((b) => b.site === t.site)?.reason ?? null,
      })),
      after: wavesBefore(spec, index).flatMap((i) => spec.waves[i]?.name ?? []), blocking: w.blocking !== false, remainder: w.selector === undefined, exclude: w.exclude ?? null,
      window: windowView(w.windows ?? spec.windows, mine, zones, at.nowMs),
    };
  });
}

function observed(u: rollouts.ObservedUnit | undefined, at: At): Pick<z.input<typeof v.targetView>, "state" | "observedAtMs"> {
  if (!u) throw new Error("a target stands for no unit");
  return { state: stateOf(u, at), observedAtMs: u.observed ? (u.lastSeenMs ?? u.observed.observedAtMs) : null };
}

function trialView(t: ReturnType<Trials["get"]>): z.input<typeof v.targetView>["trial"] {
  if (!t) return null;
  const said = t.said && t.said.rollout === t.trial.rollout ? t.said : null;
  return { state: said?.state ?? "ordered", returnAtMs: t.trial.returnAtMs, atMs: said?.atMs ?? null };
}

function stepsOf(r: rollouts.RolloutRecord, w: RolloutWave, index: number, o: { over: boolean; stopped: boolean; active: boolean }): WaveOut["steps"] {
  const at = r.progress.waves[index]?.step ?? 0;
  const firstUpdate = w.steps.findIndex((s) => s.do === "update");
  const lastUpdate = w.steps.findLastIndex((s) => s.do === "update");
  return w.steps.map((s, i) => {
    const done = o.over || i < at;
    // A rollout that stopped shows the step in which it did as skipped.
    const current = !done && i === at && (o.active || (o.stopped && r.progress.waves[index]?.startedAtMs !== null));
    const state = done ? "done" : o.stopped ? "skipped" : current ? "current" : "waiting";
    const gate = s.do !== "approval" ? null : { name: gateName(w.name, s), at: i < firstUpdate || firstUpdate < 0 ? ("before" as const) : i > lastUpdate ? ("after" as const) : ("between" as const), groups: (s.groups ?? anyApprover).map((g) => ({ name: g.name, who: groupText(g), needed: g.count })) };
    return { index: i, text: stepText(s), kind: s.do, state, note: current && !o.stopped ? r.reason : "", gate };
  });
}

function windowView(windows: RolloutWave["windows"], targets: readonly Target[], zones: Record<string, string>, nowMs: number): WaveOut["window"] {
  if (!windows) return null;
  const sites = [...new Set(targets.map((t) => t.site))].sort();
  const open = sites.filter((s) => windowOpen(windows, zones[s] ?? "UTC", nowMs));
  return { text: windowText(windows), openSites: open, closedSites: sites.filter((s) => !open.includes(s)).map((site) => ({ site, opensAtMs: nextOpening(windows, zones[site] ?? "UTC", nowMs) })) };
}
