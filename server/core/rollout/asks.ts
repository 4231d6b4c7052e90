import { parseDurationMs } from "../base/duration";
import { waveDone } from "./graph";
import { settledOn, type RolloutAction, type RolloutDecision, type RolloutSnapshot, type Target } from "./snapshot";
import { nextOpening, windowOpen } from "./windows";

/** Units that the rollout moves: not excluded, and not at a site that was sent back. */
export const movable = (s: RolloutSnapshot, t: Target): boolean => t.excluded !== true && !s.progress.sitesBack.some((b) => b.site === t.site);

/** Whether nothing is waited for of a target: its wave skips what is offline (or of which nothing can be believed), and follows up later. */
export const skipped = (s: RolloutSnapshot, t: Target): boolean => (t.silent || (t.doubt ?? null) !== null) && s.plan.strategy.spec.waves[t.wave]?.offline === "skip";

/** Why a unit may not be asked now, and when to look again; null when it may. */
export function heldBack(s: RolloutSnapshot, t: Target): { text: string; untilMs: number | null } | null {
  // Breaking the glass makes no room.
  if (t.room) return { text: t.room, untilMs: null };
  if (s.breakGlass) return null;
  if (s.frozen.project !== null) return { text: `Frozen: ${s.frozen.project}`, untilMs: null };
  const site = s.frozen.sites[t.site];
  if (site !== undefined) return { text: `Site ${t.site} is frozen: ${site}`, untilMs: null };
  const windows = s.plan.strategy.spec.waves[t.wave]?.windows ?? s.plan.strategy.spec.windows;
  const zone = s.zones[t.site] ?? "UTC";
  if (windows === undefined || windowOpen(windows, zone, s.nowMs)) return null;
  return { text: `Site ${t.site} is outside its window`, untilMs: nextOpening(windows, zone, s.nowMs) };
}

export const returnAt = (s: RolloutSnapshot): number | null => {
  const deadline = s.plan.strategy.spec.deadMan?.deadline;
  return deadline === undefined ? null : s.nowMs + (parseDurationMs(deadline) ?? 0);
};

/** How many more units may be taken out of service: by wave, by site and in all waves together. */
export class Budget {
  private readonly perSite = new Map<string, number>();
  private total: number;
  private readonly waves = new Map<number, number>();
  constructor(s: RolloutSnapshot) {
    const { maxUnavailable, concurrency } = s.plan.strategy.spec;
    this.total = concurrency?.total ?? Number.POSITIVE_INFINITY;
    for (const t of s.targets) {
      if (t.desiredGeneration !== s.plan.to.generation || !movable(s, t) || settledOn(t, s.plan.to.generation) || skipped(s, t)) continue;
      this.spend(t);
    }
    this.limit = maxUnavailable;
    this.siteLimit = concurrency?.perSite ?? Number.POSITIVE_INFINITY;
  }
  private readonly limit: number;
  private readonly siteLimit: number;
  private spend(t: Target): void {
    this.total--;
    this.perSite.set(t.site, (this.perSite.get(t.site) ?? 0) + 1);
    this.waves.set(t.wave, (this.waves.get(t.wave) ?? 0) + 1);
  }
  inFlight(wave: number): number {
    return this.waves.get(wave) ?? 0;
  }
  /** Takes one place for a unit if there is one. `together`: the limit of a wave counts units of all waves (after the last one). */
  take(t: Target, together = false): boolean {
    const used = together ? [...this.waves.values()].reduce((n, x) => n + x, 0) : this.inFlight(t.wave);
    if (used >= this.limit || this.total <= 0 || (this.perSite.get(t.site) ?? 0) >= this.siteLimit) return false;
    this.spend(t);
    return true;
  }
}

/** Asks as many of these units as the budget, windows and freezes allow, in their order; says what holds the rest back. */
export function askUnits(s: RolloutSnapshot, d: RolloutDecision, open: readonly Target[], budget: Budget, together = false): void {
  const to = s.plan.to.generation;
  const held = new Map<string, number>();
  // The room of a node is known for one unit at a time: the next one sees what this one took.
  const growing = new Set<string>();
  for (const t of open) {
    if (t.desiredGeneration === to) continue;
    const back = heldBack(s, t);
    if (back) {
      held.set(back.text, (held.get(back.text) ?? 0) + 1);
      if (back.untilMs !== null) d.wakeAtMs = Math.min(d.wakeAtMs, back.untilMs);
      continue;
    }
    if (t.room === null && growing.has(t.node)) continue;
    if (!skipped(s, t) && !budget.take(t, together)) continue;
    if (t.room === null) growing.add(t.node);
    d.actions.push({ do: "setGeneration", assignmentId: t.assignmentId, unit: t.unit, generation: to, returnAtMs: returnAt(s) });
  }
  const texts = [...held].map(([text, n]) => `${text} (${n} unit${n === 1 ? "" : "s"} wait${n === 1 ? "s" : ""}).`);
  d.because.push(...texts.slice(0, 5), ...(texts.length > 5 ? [`${texts.length - 5} more sites are held back.`] : []));
}

/**
 * Dead-man switches: the deadline of a unit in reach moves on while its wave has no verdict, when less than half of it is
 * left; it is taken away (the order to keep) once its wave is done. A unit that went back by itself in a wave that skips is
 * given another trial when it is in reach again.
 */
export function tendTrials(s: RolloutSnapshot): RolloutAction[] {
  const deadline = parseDurationMs(s.plan.strategy.spec.deadMan?.deadline ?? "") ?? 0;
  const to = s.plan.to.generation;
  const spec = s.plan.strategy.spec;
  const out: RolloutAction[] = [];
  for (const t of s.targets) {
    if (!t.trial || t.desiredGeneration !== to || !movable(s, t)) continue;
    const set = (returnAtMs: number | null): void => void out.push({ do: "setTrial", assignmentId: t.assignmentId, unit: t.unit, returnAtMs });
    // With its wave's verdict given the order is to keep, also for units that hear of it only later.
    if (waveDone(spec, s.progress.waves, t.wave)) set(null);
    else if (t.trial.returned) {
      if (!t.silent && spec.waves[t.wave]?.offline === "skip" && deadline > 0) set(s.nowMs + deadline);
    } else if (!t.silent && deadline > 0 && t.trial.returnAtMs - s.nowMs < deadline / 2) set(s.nowMs + deadline);
  }
  return out;
}
