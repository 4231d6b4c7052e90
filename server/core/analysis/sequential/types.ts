/**
 * What the anytime-valid judge is given and what it answers. Both are plain data: the canonical JSON of the input
 * identifies the evidence, and whoever holds the input can recompute the verdict. Minutes are whole numbers of any
 * origin (in the product: minutes since 1970), the same in one input.
 */

/**
 * A kind of evidence. `errors`: failed requests; `latency`: the typical request; `tail`: requests far above the stable
 * p99; `reporting`: units that fall silent; `accuracy`: answers found right by later labels.
 */
export const evidenceKinds = ["errors", "latency", "tail", "reporting", "accuracy"] as const;
export type EvidenceKind = (typeof evidenceKinds)[number];

/** One number per kind of evidence. */
export type PerKind<T> = { readonly [kind in EvidenceKind]: T };

/**
 * What a kind may do: `critical` can roll back, and nothing is promoted before it has shown that the canary is not worse;
 * `counts` can roll back, and is asked for promotion only when it was measured; `dryRun` is shown and decides nothing;
 * `off` is not computed.
 */
export type KindRole = "critical" | "counts" | "dryRun" | "off";

export interface SequentialSettings {
  /** Error budget of the rollout: the chance that a canary within its margins is ever rolled back. 0 to 1. */
  readonly alpha: number;
  /** E-value that each kind's proof of "not worse than the margin" has to reach before promotion: 20 allows 1 wrong in 20. */
  readonly promoteThreshold: number;
  /** False discovery rate at which single sites are named guilty (e-BH). */
  readonly siteLevel: number;
  /** After a rollback's evidence was found at single sites: minutes for which further suspected sites are worth waiting for. */
  readonly namingMinutes: number;
  readonly roles: PerKind<KindRole>;
  /** Share of the error budget by kind; shares of kinds that are off are spread over the rest. */
  readonly weights: PerKind<number>;
  readonly margins: {
    /** Canary's error rate over stable's that is still allowed. */
    readonly errorRatio: number;
    /** Canary's latency over stable's on the same hosts that is still allowed: 1.05 is 5% slower. */
    readonly latencyRatio: number;
    /** A slow request takes longer than this times the stable p99 of the minutes before. */
    readonly tailFactor: number;
    /** Share of slow requests that is always allowed in the canary, and beyond it this multiple of stable's share. */
    readonly tailShare: number;
    readonly tailRatio: number;
    /** How much more often a canary unit may be silent than a stable unit of the same site in the same minute. */
    readonly reportingRatio: number;
    /** Accuracy below stable's that is still allowed (share, such as 0.01). */
    readonly accuracyDrop: number;
  };
  /** Promotion needs proof that the canary is not worse than these. They are wider than the margins: between the two nothing is done in haste. */
  readonly promoteMargins: {
    /** Error rate: this multiple of stable's and this share above it (without the share, a service without errors could never be proven). */
    readonly errorRatio: number;
    readonly errorShare: number;
    readonly latencyRatio: number;
    /** Share of slow requests above `tailRatio` times stable's. */
    readonly tailShare: number;
    /** Share of silent canary units above `reportingRatio` times stable's. */
    readonly reportingShare: number;
    readonly accuracyDrop: number;
  };
  /** What machines differ by themselves. */
  readonly hosts: {
    /** Standard errors of a learnt difference between hosts that are added to the latency margin. */
    readonly deviations: number;
    /** Standard deviation of the logarithm of latency between machines that have no history to learn from (0.08 is 8%). */
    readonly spread: number;
    /** Factor added to the margins of latency and errors where the baseline is history instead of concurrent units. */
    readonly historyRatio: number;
  };
  /** Promotion needs this share of the traffic weight at sites that reported at least `reportedShare` of the minutes. */
  readonly coverage: { readonly weight: number; readonly reportedShare: number };
  /** Canary latency that counts as bad: slower only, or any change. */
  readonly latencyDirection: "increase" | "either";
}

/** Latency counts of DDSketch buckets (`server/core/telemetry/sketch.ts`): [bucket, count], rising by bucket. */
export type LatencyBuckets = readonly (readonly [bucket: number, count: number])[];

/** One revision at one site in one minute. Counts are of what was reported; when no unit reported they are all 0. */
export interface ArmMinute {
  readonly unitsExpected: number;
  readonly unitsReported: number;
  /** Requests that the router sent or would have sent here; when unknown, the last known rate. */
  readonly trafficExpected: number;
  readonly requests: number;
  readonly errors: number;
  readonly latency: LatencyBuckets;
  /** Answers with a label, and those of them that were right. */
  readonly labelled: number;
  readonly correct: number;
}

export interface SiteMinute {
  readonly site: string;
  readonly minute: number;
  /**
   * When this was learnt: evidence counts in order of arrival, so that what comes late can't undo what was decided.
   * Default: `minute`. A site that was cut off and delivers its minutes later gives the same minute once more, with the
   * minute of delivery here.
   */
  readonly arrived?: number;
  readonly canary: ArmMinute;
  readonly stable: ArmMinute;
}

/** The stable revision on one group of hosts during one stretch of time before the canary. */
export interface HostHistory {
  readonly requests: number;
  /** Mean and standard deviation of the natural logarithm of latency. */
  readonly logMean: number;
  readonly logSd: number;
}

export interface JudgedSite {
  readonly name: string;
  /** Share of the traffic (any unit: only proportions count). */
  readonly weight: number;
  /**
   * Stretches of silence, first minute and first minute after (null: still silent). What a site withholds is what it
   * had to report and did not since it fell silent; once it reports again, what it missed counts as lost, unless the
   * stretch says that it is `stillToCome`. No more than twice the traffic expected is taken to have happened meanwhile.
   */
  readonly silent: readonly { readonly since: number; readonly until: number | null; readonly stillToCome?: boolean }[];
  /**
   * The stable revision before the canary, in stretches (an hour each is good): on the hosts that the canary now uses, and on
   * those that stable still uses. From it the judge learns how much slower the canary's machines are by themselves.
   */
  readonly history?: readonly { readonly canaryHosts: HostHistory; readonly stableHosts: HostHistory }[];
  /** The stable revision on these hosts before the canary; the baseline where no stable unit is left to compare with. */
  readonly baseline?: { readonly minutes: number; readonly requests: number; readonly errors: number; readonly latency: LatencyBuckets; readonly labelled: number; readonly correct: number };
}

export interface SequentialInput {
  readonly settings: SequentialSettings;
  readonly sites: readonly JudgedSite[];
  /** First minute of the canary and the first minute not judged any more. */
  readonly from: number;
  readonly to: number;
  /** No more evidence will be waited for: what can't be promoted by now is held. */
  readonly deadlinePassed: boolean;
  readonly minutes: readonly SiteMinute[];
}

export type SequentialOutcome = "promote" | "hold" | "rollBack" | "notEnoughEvidence";

/** An estimate with the interval that holds at all times at once with probability 1 - alpha. Null ends: nothing known. */
export interface EffectEstimate {
  /** `ratio`: canary over stable (of rates; of geometric means of latency on the same hosts); `difference`: canary minus stable (of shares). */
  readonly scale: "ratio" | "difference";
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** One kind of evidence at one site, or at all sites together. */
export interface KindEvidence {
  readonly kind: EvidenceKind;
  readonly role: KindRole;
  /** E-value against "not worse than the margin": the largest so far; at 1/alpha the canary is rolled back. At most 1e300. */
  readonly against: number;
  /** E-value for "not worse": at `promoteThreshold` it is enough. At most 1e300. */
  readonly notWorse: number;
  /** Requests (labels for accuracy, minutes for reporting) of both arms that this rests on. */
  readonly sample: { readonly canary: number; readonly stable: number };
  readonly effect: EffectEstimate;
  /** The margin in force on the effect's scale, with what host noise adds to it. */
  readonly margin: number;
  /** `concurrent` stable units, or the `history` of the same hosts, where all units run the canary. */
  readonly baseline: "concurrent" | "history" | "none";
  /** What is missing for promotion, in words; null when nothing is. */
  readonly missing: string | null;
}

export interface SiteEvidence {
  readonly site: string;
  readonly weight: number;
  /** Combined e-value against this site. */
  readonly against: number;
  readonly guilty: boolean;
  /** Minutes that reported of those that should have. */
  readonly reported: { readonly minutes: number; readonly of: number };
  /** Since when it has been silent; null while it reports. */
  readonly silentSince: number | null;
  readonly kinds: readonly KindEvidence[];
}

export interface SequentialVerdict {
  readonly verdict: SequentialOutcome;
  /** One sentence that says why: metric, value, limit, site. */
  readonly sentence: string;
  /** Combined e-value against the canary (largest so far), and what it has to reach for a rollback. */
  readonly against: number;
  readonly limit: number;
  /** All sites together. */
  readonly kinds: readonly KindEvidence[];
  readonly sites: readonly SiteEvidence[];
  /** Sites named guilty at the level of `siteLevel` (e-BH), worst first. */
  readonly guilty: readonly string[];
  /**
   * Sites that are suspected and not named yet, while a rollback's evidence is one of single sites: whoever rolls back everywhere
   * may wait for them (at most `namingMinutes`), whoever rolls back the guilty sites alone need not. Empty otherwise.
   */
  readonly suspects: readonly string[];
  /** Minute in which the evidence reached the limit; null when it did not. */
  readonly rolledBackAt: number | null;
  /** Share of traffic weight at sites that reported enough. */
  readonly coverage: number;
  /** The verdict if what silent sites withhold turned out as good, and as bad, as it can. */
  readonly completion: { readonly best: SequentialOutcome; readonly worst: SequentialOutcome; readonly withheldBy: readonly string[] };
  /** True when no completion of what is withheld gives another verdict. */
  readonly decided: boolean;
  /** Earliest minute in which it can be decided at the rate of evidence so far; null when that can't be known. */
  readonly earliestMinute: number | null;
  readonly from: number;
  readonly to: number;
  /** `sha256:…` of the input's canonical JSON. */
  readonly inputsDigest: string;
}
