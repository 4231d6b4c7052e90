/** From e-values to the outcome, and what the outcome could still become. */
import { lnMix } from "./mixture";
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

  // Worst: every withheld canary request is as bad as can be, and no stable one is.
  const bySite = new Map(silent.map((s) => [s, totals(s)] as const));
  const canaryOf = (site: SiteState): number => bySite.get(site)?.canary ?? 0;
  const worst = worstOutcome(judge, missing, deadlinePassed, canaryOf, now);

  // Best: nothing withheld went wrong, all that could have gone wrong in stable did, and suspicion is gone.
  const needed = Math.log(judge.settings.promoteThreshold);
  const proofs = missing.proofs.filter(({ fleet, ln }) => ln + silent.reduce((sum, s) => sum + Math.max(...fleet.model.notWorse.map((p) => mostProof(judge, fleet, p.value, bySite.get(s) ?? { canary: 0, stable: 0 }))), 0) < needed);
  const best = outcomeNow(judge, { ...missing, proofs, covered: coverageOf(judge, true) >= judge.settings.coverage.weight - 1e-9, suspicious: false }, deadlinePassed);
  return { best: rank(best) > rank(now) ? best : now, worst: rank(worst) < rank(now) ? worst : now, withheldBy };
}

/** The outcome when all withheld canary requests are as bad as can be. */
function worstOutcome(judge: SequentialJudge, missing: Missing, deadlinePassed: boolean, canaryOf: (site: SiteState) => number, now: SequentialOutcome): SequentialOutcome {
  const kinds = judge.kinds.map((fleet) => ({ fleet, perRequest: Float64Array.from(fleet.model.worse, ({ value }) => mostPerRequest(fleet, value)) }));
  const withheld = judge.sites.reduce((sum, s) => sum + canaryOf(s), 0);
  if (withheld === 0) return now;
  const times = (x: Float64Array, n: number): Float64Array => x.map((v) => v * n);
  const mostAt = (kind: (typeof kinds)[number], site: SiteState): number => site.kinds.get(kind.fleet.kind)?.against.lnAtMost(times(kind.perRequest, canaryOf(site))) ?? 0;
  const exp = (ln: number): number => Math.exp(Math.min(600, ln));
  let all = 0;
  for (const { kind, weight } of judge.acting) {
    const one = kinds.find((k) => k.fleet.kind === kind);
    if (one) all += weight * exp(Math.max(one.fleet.together.lnAtMost(times(one.perRequest, withheld)), ...judge.sites.map((s) => mostAt(one, s))));
  }
  if (all >= 1 / judge.settings.alpha) return "rollBack";
  const acting = kinds.filter((k) => judge.acting.some((a) => a.kind === k.fleet.kind));
  const suspicious = missing.suspicious || Math.log(all) >= suspicionLimit(judge) || judge.sites.some((s) => acting.reduce((sum, k) => sum + exp(mostAt(k, s)), 0) / acting.length >= exp(suspicionLimit(judge)));
  const needed = Math.log(judge.settings.promoteThreshold);
  const proofs = judge.kinds
    .filter((f) => judge.settings.roles[f.kind] === "critical" || judge.settings.roles[f.kind] === "counts")
    .map((fleet) => ({ fleet, ln: lnProofAtLeast(judge, fleet, withheld) }))
    // A kind that was not measured so far may be by what is withheld, and is asked for its proof then.
    .filter((p) => p.ln < needed && (isAsked(judge, p.fleet) || p.fleet.kind !== "reporting"));
  return outcomeNow(judge, { ...missing, proofs, suspicious }, deadlinePassed);
}

/** The least that a proof of "not worse" can become by so many withheld canary requests, all bad. */
function lnProofAtLeast(judge: SequentialJudge, fleet: FleetKind, withheld: number): number {
  const parts = fleet.model.notWorse.map((part, i) => judge.sites.reduce((ln, site) => ln + (site.kinds.get(fleet.kind)?.notWorse[i] ?? 0), 0) + (fleet.kind === "reporting" ? 0 : fleet.kind === "latency" ? -withheld * (part.value / 2 + part.value ** 2 / 8) : withheld * Math.log1p(-part.value)));
  return lnMix(fleet.model.notWorse, parts);
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
