/** The verdict object: what the e-processes say, in numbers and in one sentence. */
import { normalMixtureBestRho, normalMixtureBound } from "../statistics/confidence-sequence";
import { guiltySites, suspectedSites } from "./naming";
import { type Missing, completionOf, coverageOf, isAsked, missingFor, outcomeNow, reportsEnough } from "./outcome";
import { type FleetKind, type SequentialJudge } from "./process";
import { missingOf, sentenceFor } from "./sentence";
import { type KindState, type SiteState } from "./site";
import { lnMix } from "./mixture";
import { type EffectEstimate, type EvidenceKind, type KindEvidence, type SequentialOutcome, type SequentialVerdict, type SiteEvidence } from "./types";

/** Largest e-value shown; beyond it only its size is known. */
const MOST = 1e300;
const eValue = (ln: number): number => Math.min(MOST, Math.exp(Math.min(700, ln)));

export interface VerdictFrame {
  from: number;
  to: number;
  deadlinePassed: boolean;
  inputsDigest: string;
}

/** The verdict of a judge at this time. */
export function makeVerdict(judge: SequentialJudge, frame: VerdictFrame): SequentialVerdict {
  const missing = missingFor(judge);
  const verdict = outcomeNow(judge, missing, frame.deadlinePassed);
  const completion = completionOf(judge, verdict, missing, frame.deadlinePassed);
  const guilty = guiltySites(judge);
  const kinds = judge.kinds.map((fleet) => fleetEvidence(judge, fleet));
  const sites = judge.sites.map((site) => siteEvidence(judge, site, guilty));
  const final = verdict === "rollBack" || verdict === "promote" || frame.deadlinePassed;
  const view = {
    verdict,
    against: eValue(judge.lnMost),
    limit: 1 / judge.settings.alpha,
    kinds,
    sites,
    guilty,
    suspects: suspectedSites(judge, frame.to - 1),
    rolledBackAt: judge.rolledBackAt,
    coverage: missing.coverage,
    completion,
    decided: final && completion.best === verdict && completion.worst === verdict,
    earliestMinute: earliest(judge, frame, verdict, missing),
    from: frame.from,
    to: frame.to,
    inputsDigest: frame.inputsDigest,
  };
  return { ...view, sentence: sentenceFor(view, judge.settings, missing) };
}

function fleetEvidence(judge: SequentialJudge, fleet: FleetKind): KindEvidence {
  const states = judge.statesOf(fleet.kind);
  const sum = (of: (s: KindState) => number): number => states.reduce((total, s) => total + of(s), 0);
  const evidence = {
    kind: fleet.kind,
    role: judge.settings.roles[fleet.kind],
    against: eValue(fleet.lnMost),
    notWorse: eValue(judge.lnNotWorse(fleet)),
    sample: { canary: sum((s) => s.canary), stable: sum((s) => s.stable) },
    effect: effectOf(fleet.kind, states, judge.settings.alpha),
    margin: Math.max(0, ...states.map((s) => s.margin)),
    baseline: baselineOf(states),
  };
  return { ...evidence, missing: isAsked(judge, fleet) ? missingOf(evidence, judge.settings) : null };
}

function siteEvidence(judge: SequentialJudge, site: SiteState, guilty: readonly string[]): SiteEvidence {
  const kinds = [...site.kinds].map(([kind, state]): KindEvidence => ({
    kind,
    role: judge.settings.roles[kind],
    against: eValue(state.against.ln),
    notWorse: eValue(lnMix(state.model.notWorse, state.notWorse)),
    sample: { canary: state.canary, stable: state.stable },
    effect: effectOf(kind, [state], judge.settings.alpha),
    margin: state.margin,
    baseline: state.baseline,
    missing: state.canary > 0 ? null : "nothing was measured here",
  }));
  return {
    site: site.site.name,
    weight: site.site.weight,
    against: eValue(judge.lnSite(site)),
    guilty: guilty.includes(site.site.name),
    reported: { minutes: site.reportedMinutes, of: site.expectedMinutes },
    silentSince: silentSince(site),
    kinds,
  };
}

function silentSince(site: SiteState): number | null {
  const { canary } = site.expected;
  if (canary.unitsExpected <= 0 || canary.unitsReported > 0) return null;
  return Math.min(...site.withheld.keys());
}

const baselineOf = (states: readonly KindState[]): KindEvidence["baseline"] => (states.some((s) => s.baseline === "concurrent") ? "concurrent" : states.some((s) => s.baseline === "history") ? "history" : "none");

/**
 * The effect with an interval for all times at once: a normal mixture boundary (Howard et al. 2021, proposition 4) around the
 * Mantel-Haenszel ratio, or the weighted mean difference, with the variance estimated (asymptotic confidence sequence,
 * Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas 2024). Tuned to be tightest at ten times the evidence of one minute's look.
 */
export function effectOf(kind: EvidenceKind, states: readonly KindState[], alpha: number): EffectEstimate {
  const sum = (of: (s: KindState) => number): number => states.reduce((total, s) => total + of(s), 0);
  if (kind === "errors") {
    const [top, bottom] = [sum((s) => s.ratioTop), sum((s) => s.ratioBottom)];
    const [x, y] = [sum((s) => s.canaryBad), sum((s) => s.stableBad)];
    if (top <= 0 || bottom <= 0) return { scale: "ratio", value: bottom > 0 ? 0 : null, low: null, high: null };
    const value = top / bottom;
    const information = 1 / (1 / x + 1 / y);
    const half = radius(information, 1, alpha);
    return { scale: "ratio", value, low: value * Math.exp(-half), high: value * Math.exp(half) };
  }
  const weight = sum((s) => s.weight);
  const ratio = kind === "latency";
  if (weight <= 0) return { scale: ratio ? "ratio" : "difference", value: null, low: null, high: null };
  const value = sum((s) => s.sum) / weight;
  const half = radius(weight, Math.sqrt(Math.max(1e-12, sum((s) => s.variance) / weight)), alpha);
  if (!ratio) return { scale: "difference", value, low: value - half, high: value + half };
  return { scale: "ratio", value: Math.exp(value), low: Math.exp(value - half), high: Math.exp(value + half) };
}

/** Half width at this much information (trials of standard deviation `sd`). */
function radius(information: number, sd: number, alpha: number): number {
  const rho = normalMixtureBestRho(100, alpha);
  return (sd * normalMixtureBound(information, alpha, rho)) / information;
}

/** Earliest minute in which it can be decided if evidence goes on growing as it did; null when that is unknowable. */
function earliest(judge: SequentialJudge, frame: VerdictFrame, verdict: SequentialOutcome, missing: Missing): number | null {
  const now = frame.to - 1;
  if (verdict === "rollBack") return judge.rolledBackAt;
  if (verdict === "promote") return now;
  const ways = [rollBackAt(judge, now), promoteAt(judge, now, missing)].filter((at): at is number => at !== null);
  return ways.length > 0 ? Math.min(...ways) : null;
}

function rollBackAt(judge: SequentialJudge, now: number): number | null {
  const slope = (judge.ln - (judge.recent[0] ?? 0)) / Math.max(1, judge.recent.length - 1);
  if (judge.ln <= 0 || slope <= 0) return null;
  return now + Math.ceil((Math.log(1 / judge.settings.alpha) - judge.ln) / slope);
}

function promoteAt(judge: SequentialJudge, now: number, missing: Missing): number | null {
  if (missing.suspicious) return null;
  let wait = 0;
  for (const { ln } of missing.proofs) {
    if (ln <= 0) return null;
    wait = Math.max(wait, Math.ceil((Math.log(judge.settings.promoteThreshold) - ln) / (ln / judge.minutes)));
  }
  if (missing.covered) return now + wait;
  // Sites that report now reach their share of minutes; silent ones can't be counted on.
  const { reportedShare, weight } = judge.settings.coverage;
  const judged = judge.sites.filter((s) => s.expectedMinutes > 0);
  const all = judged.reduce((sum, s) => sum + s.site.weight, 0);
  let covered = coverageOf(judge) * all;
  const returning = judged
    .filter((s) => !reportsEnough(judge, s) && s.withheld.size === 0)
    .map((s) => ({ weight: s.site.weight, wait: Math.ceil((reportedShare * s.expectedMinutes - s.reportedMinutes) / Math.max(1e-9, 1 - reportedShare)) }))
    .sort((a, b) => a.wait - b.wait);
  for (const site of returning) {
    covered += site.weight;
    if (covered >= weight * all - 1e-9) return now + Math.max(wait, site.wait);
  }
  return null;
}
