/** From e-values to the outcome, and what the outcome could still become. */
import { type FleetKind, type SequentialJudge } from "./process";
import { type SiteState } from "./site";
import { type SequentialOutcome } from "./types";

/** What stands in the way of promotion. */
export interface Missing {
  /** Kinds whose proof of "not worse" is not there yet, with the logarithm reached. */
  proofs: { fleet: FleetKind; ln: number }[];
  coverage: number;
  covered: boolean;
  /** A site, or everything together, is under suspicion: strong evidence against it that is no rollback yet. */
  suspects: string[];
  suspicious: boolean;
}

/** A canary that reported enough of the minutes in which it had units here. */
export const reportsEnough = (judge: SequentialJudge, site: SiteState, more = 0): boolean => site.reportedMinutes + more >= judge.settings.coverage.reportedShare * site.expectedMinutes;

/** Share of the traffic weight of sites with a canary that reported enough; `more`: as if what is withheld came in. */
export function coverageOf(judge: SequentialJudge, more = false): number {
  const judged = judge.sites.filter((s) => s.expectedMinutes > 0);
  const weight = (sites: readonly SiteState[]): number => sites.reduce((sum, s) => sum + s.site.weight, 0);
  const all = weight(judged);
  return all > 0 ? weight(judged.filter((s) => reportsEnough(judge, s, more ? s.withheld.size : 0))) / all : 0;
}

/** Whether a kind is asked for its proof: critical ones always, others when they were measured. */
export function isAsked(judge: SequentialJudge, fleet: FleetKind): boolean {
  const role = judge.settings.roles[fleet.kind];
  return role === "critical" || (role === "counts" && judge.statesOf(fleet.kind).some((s) => s.canary > 0 && (s.stable > 0 || s.baseline === "history")));
}

/** Evidence against a site (or all) that is no rollback yet and still forbids promotion. */
const suspicionLimit = (judge: SequentialJudge): number => Math.log(1 / judge.settings.siteLevel);

export function missingFor(judge: SequentialJudge): Missing {
  const needed = Math.log(judge.settings.promoteThreshold);
  const coverage = coverageOf(judge);
  const suspects = judge.sites.filter((s) => judge.lnSite(s) >= suspicionLimit(judge)).map((s) => s.site.name);
  return {
    proofs: judge.kinds.filter((f) => isAsked(judge, f)).map((fleet) => ({ fleet, ln: judge.lnNotWorse(fleet) })).filter((p) => p.ln < needed),
    coverage,
    covered: coverage >= judge.settings.coverage.weight - 1e-9,
    suspects,
    suspicious: suspects.length > 0 || judge.ln >= suspicionLimit(judge),
  };
}

/** The outcome by what is known now. */
export function outcomeNow(judge: SequentialJudge, missing: Missing, deadlinePassed: boolean): SequentialOutcome {
  if (judge.rolledBackAt !== null) return "rollBack";
  if (missing.proofs.length > 0) return deadlinePassed ? "hold" : "notEnoughEvidence";
  return missing.covered && !missing.suspicious && judge.kinds.some((f) => isAsked(judge, f)) ? "promote" : "hold";
}

/**
 * The best and the worst that the outcome can become by what is withheld. Both are bounds that no completion passes, so
 * "decided" is never said too early; it may be said a little late. A rollback is final, because evidence counts in order
 * of arrival and the e-process has reached its limit.
 */
export function completionOf(judge: SequentialJudge, now: SequentialOutcome, missing: Missing, deadlinePassed: boolean): { best: SequentialOutcome; worst: SequentialOutcome; withheldBy: string[] } {
  const silent = judge.sites.filter((s) => s.withheld.size > 0);
  const withheldBy = silent.map((s) => s.site.name);
  if (now === "rollBack" || silent.length === 0) return { best: now, worst: now, withheldBy };

  // Worst: every withheld canary request is as bad as can be.
  const bySite = new Map(silent.map((s) => [s, totals(s)] as const));
  const worstLn = (fleet: FleetKind, site: SiteState): Float64Array => Float64Array.from(fleet.model.worse, ({ value }) => (bySite.get(site)?.canary ?? 0) * mostPerRequest(fleet, value));
  let worstAll = 0;
  for (const { kind, weight } of judge.acting) {
    const fleet = judge.kinds.find((f) => f.kind === kind);
    if (!fleet) continue;
    const each = judge.sites.map((s) => s.kinds.get(kind)?.against.lnAtMost(worstLn(fleet, s)) ?? 0);
    const sum = new Float64Array(fleet.model.worse.length);
    for (const s of silent) worstLn(fleet, s).forEach((x, i) => (sum[i] = (sum[i] ?? 0) + x));
    worstAll += weight * Math.exp(Math.min(600, Math.max(...each, fleet.together.lnAtMost(sum))));
  }
  const canaryWithheld = [...bySite.values()].some((w) => w.canary > 0);
  const worst: SequentialOutcome = worstAll >= 1 / judge.settings.alpha ? "rollBack" : canaryWithheld && (now === "promote" || now === "hold") ? (deadlinePassed ? "hold" : "notEnoughEvidence") : now;

  // Best: nothing withheld went wrong, all that could have gone wrong in stable did, and suspicion is gone.
  const needed = Math.log(judge.settings.promoteThreshold);
  const proofs = missing.proofs.filter(({ fleet, ln }) => ln + silent.reduce((sum, s) => sum + Math.max(...fleet.model.notWorse.map((p) => mostProof(judge, fleet, p.value, bySite.get(s) ?? { canary: 0, stable: 0 }))), 0) < needed);
  const best = outcomeNow(judge, { ...missing, proofs, covered: coverageOf(judge, true) >= judge.settings.coverage.weight - 1e-9, suspicious: false }, deadlinePassed);
  return { best: rank(best) > rank(now) ? best : now, worst: rank(worst) < rank(now) ? worst : now, withheldBy };
}

const rank = (o: SequentialOutcome): number => ["rollBack", "notEnoughEvidence", "hold", "promote"].indexOf(o);

function totals(site: SiteState): { canary: number; stable: number } {
  let canary = 0;
  let stable = 0;
  for (const w of site.withheld.values()) {
    canary += w.canary;
    stable += w.stable;
  }
  return { canary, stable };
}

/** The most that one canary request can add to the logarithm of an alternative's e-value. */
function mostPerRequest(fleet: FleetKind, value: number): number {
  if (fleet.kind === "reporting") return 0; // What arrives late tells nothing of who was silent.
  return fleet.kind === "latency" ? Math.abs(value) / 2 : Math.log(value);
}

/** The most that withheld requests can add to the logarithm of a proof of "not worse". */
function mostProof(judge: SequentialJudge, fleet: FleetKind, value: number, w: { canary: number; stable: number }): number {
  const { promoteMargins: wide, margins } = judge.settings;
  if (fleet.kind === "reporting") return 0;
  if (fleet.kind === "latency") return (value / 2) * w.canary;
  const ratio = fleet.kind === "errors" ? wide.errorRatio : fleet.kind === "tail" ? margins.tailRatio : 1;
  const share = fleet.kind === "errors" ? wide.errorShare : fleet.kind === "tail" ? wide.tailShare : wide.accuracyDrop;
  // Y ln(1 + h ratio n/m) is at most h ratio n for Y up to m.
  return w.canary * value * (ratio + share);
}
