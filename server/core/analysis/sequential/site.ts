/** What is known of one site: it turns each minute's cells into factors of the e-processes, and keeps sums for estimates. */
import { wilson } from "../interval";
import { type Counts, lnNotSlower, lnNotWorse, lnSlower, lnWorse } from "./factors";
import { MixtureProcess } from "./mixture";
import { type KindModel } from "./models";
import { type HostOffset, LN_GAMMA, RankBase, countAbove, learnOffset, logMoments, unknownOffset } from "./ranks";
import { SlowLimit } from "./slow";
import { type ArmMinute, type EvidenceKind, type JudgedSite, type KindEvidence, type LatencyBuckets, type PerKind, type SequentialSettings, type SiteMinute } from "./types";

/** One kind at one site. */
export class KindState {
  readonly against: MixtureProcess;
  /** Logarithms of this step's factors, by alternative; taken over and cleared at the step's end. */
  readonly step: Float64Array;
  readonly notWorse: Float64Array;
  canary = 0;
  stable = 0;
  canaryBad = 0;
  stableBad = 0;
  /** Mantel-Haenszel sums of the ratio of rates (over minutes, so that a share or load that changes misleads nobody). */
  ratioTop = 0;
  ratioBottom = 0;
  /** Weighted sum of differences (of rates; of mean logarithms of latency), its variance, and the sum of weights. */
  sum = 0;
  variance = 0;
  weight = 0;
  margin: number;
  baseline: KindEvidence["baseline"] = "none";

  constructor(readonly model: KindModel, margin: number) {
    this.against = new MixtureProcess(model.worseLocally);
    this.step = new Float64Array(model.worse.length);
    this.notWorse = new Float64Array(model.notWorse.length);
    this.margin = margin;
  }
}

/** What a unit that reports nothing keeps back, at most. */
export interface Withheld {
  canary: number;
  stable: number;
}

const MOST_REQUESTS = 2;
const ZERO: ArmMinute = { unitsExpected: 0, unitsReported: 0, trafficExpected: 0, requests: 0, errors: 0, latency: [], labelled: 0, correct: 0 };

export class SiteState {
  readonly kinds = new Map<EvidenceKind, KindState>();
  readonly withheld = new Map<number, Withheld>();
  /** Minutes in which the canary had units here, and those of them that reported. */
  expectedMinutes = 0;
  private readonly reported = new Set<number>();
  lastExpected: SiteMinute | null = null;
  private readonly learnt: HostOffset | null;
  private readonly base = new RankBase();
  private readonly historyBase: RankBase | null;
  private readonly slow = new SlowLimit();

  constructor(readonly site: JudgedSite, private readonly settings: SequentialSettings, computed: readonly EvidenceKind[], models: PerKind<KindModel>) {
    for (const kind of computed) this.kinds.set(kind, new KindState(models[kind], marginOf(settings, kind)));
    this.learnt = site.history ? learnOffset(site.history, settings.hosts.spread) : null;
    this.historyBase = site.baseline && site.baseline.requests > 0 ? new RankBase() : null;
    if (site.baseline) this.historyBase?.load(site.baseline.latency);
  }

  get reportedMinutes(): number {
    return this.reported.size;
  }

  /** Takes the evidence of one minute; `late` when it comes later than it was measured. */
  add(cell: SiteMinute, late: boolean): void {
    const { canary, stable } = cell;
    if (!late) {
      if (canary.unitsExpected > 0) this.expectedMinutes++;
      this.lastExpected = cell;
      this.keepWithheld(cell);
    } else this.withheld.delete(cell.minute);
    if (canary.unitsReported > 0 && !(late && this.reported.has(cell.minute))) this.reported.add(cell.minute);
    const historic = stable.unitsExpected <= 0 && this.site.baseline !== undefined;
    const of = (kind: EvidenceKind): KindState | undefined => this.kinds.get(kind);
    this.rate(of("errors"), canary.requests, canary.errors, stable.requests, stable.errors, historic);
    this.rate(of("accuracy"), canary.labelled, canary.labelled - canary.correct, stable.labelled, stable.labelled - stable.correct, historic);
    if (!late) this.reporting(of("reporting"), canary, stable);
    this.latency(of("latency"), of("tail"), canary, stable, historic);
    this.slow.learn(stable.latency);
  }

  /** Ends a step: the factors of all that came go into the processes. */
  endStep(): void {
    for (const state of this.kinds.values()) {
      state.against.step(state.step);
      state.step.fill(0);
    }
  }

  private keepWithheld(cell: SiteMinute): void {
    const missing = (arm: ArmMinute): number => (arm.unitsExpected > arm.unitsReported ? Math.ceil(Math.max(1, arm.trafficExpected) * MOST_REQUESTS * (1 - arm.unitsReported / arm.unitsExpected)) : 0);
    const now = { canary: missing(cell.canary), stable: missing(cell.stable) };
    // What was missed before a site came back is lost, unless it is announced as still to come.
    if (cell.canary.unitsReported >= cell.canary.unitsExpected) {
      for (const minute of [...this.withheld.keys()]) if (!this.stillToCome(minute)) this.withheld.delete(minute);
    }
    if (now.canary > 0 || now.stable > 0) this.withheld.set(cell.minute, now);
  }
  private stillToCome(minute: number): boolean {
    return this.site.silent.some((s) => s.stillToCome === true && minute >= s.since && (s.until === null || minute < s.until));
  }

  private rate(state: KindState | undefined, n: number, bad: number, m: number, stableBad: number, historic: boolean): void {
    if (!state || n <= 0) return;
    const kind = this.kinds.get("accuracy") === state ? "accuracy" : "errors";
    const { margins: allowed, promoteMargins: wide, hosts } = this.settings;
    const ratio = kind === "errors" ? allowed.errorRatio : 1;
    const share = kind === "errors" ? 0 : allowed.accuracyDrop;
    const wideRatio = kind === "errors" ? wide.errorRatio : 1;
    const wideShare = kind === "errors" ? wide.errorShare : wide.accuracyDrop;
    if (!historic) {
      this.bet(state, { canary: n, canaryBad: bad, stable: m, stableBad }, { ratio, share }, { ratio: wideRatio, share: wideShare });
      return;
    }
    const b = this.site.baseline;
    const of = kind === "errors" ? b?.requests : b?.labelled;
    if (!b || !of) return;
    // The rate before is known up to its own sampling error, which three standard errors cover.
    const known = wilson((kind === "errors" ? b.errors : b.labelled - b.correct) / of, of, 3);
    const more = kind === "errors" ? hosts.historyRatio : 1;
    state.baseline = "history";
    state.stable = of;
    state.stableBad = kind === "errors" ? b.errors : b.labelled - b.correct;
    this.bet(state, { canary: n, canaryBad: bad, stable: Infinity, stableBad: 0 }, { ratio: 0, share: share + ratio * more * known.high }, { ratio: 0, share: wideShare + wideRatio * known.low });
  }

  /** Bets on counts of bad among all, and adds them up. */
  private bet(state: KindState, c: Counts, allowed: { ratio: number; share: number }, wide: { ratio: number; share: number }): void {
    const { worse, notWorse } = state.model;
    for (let i = 0; i < worse.length; i++) state.step[i] = (state.step[i] ?? 0) + lnWorse(c, allowed.ratio, allowed.share, worse[i]?.value ?? 1);
    for (let i = 0; i < notWorse.length; i++) state.notWorse[i] = (state.notWorse[i] ?? 0) + lnNotWorse(c, wide.ratio, wide.share, notWorse[i]?.value ?? 0);
    state.canary += c.canary;
    state.canaryBad += c.canaryBad;
    if (c.stable === Infinity) return;
    state.stable += c.stable;
    state.stableBad += c.stableBad;
    if (c.stable <= 0 || c.canary <= 0) return;
    const pool = c.canary + c.stable;
    const weight = (c.canary * c.stable) / pool;
    state.baseline = "concurrent";
    state.ratioTop += (c.canaryBad * c.stable) / pool;
    state.ratioBottom += (c.stableBad * c.canary) / pool;
    state.sum += weight * (c.canaryBad / c.canary - c.stableBad / c.stable);
    state.weight += weight;
    const rate = (c.canaryBad + c.stableBad) / pool;
    state.variance += weight * rate * (1 - rate);
  }

  /**
   * Units that fall silent while others of the site report. All units of the canary count as one trial a minute, because
   * they may fail together; stable's count in units of that.
   */
  private reporting(state: KindState | undefined, canary: ArmMinute, stable: ArmMinute): void {
    if (!state || canary.unitsExpected <= 0 || canary.unitsReported + stable.unitsReported <= 0) return;
    const units = canary.unitsExpected;
    const c = { canary: 1, canaryBad: 1 - canary.unitsReported / units, stable: stable.unitsExpected / units, stableBad: (stable.unitsExpected - stable.unitsReported) / units };
    const { reportingRatio } = this.settings.margins;
    const { reportingShare } = this.settings.promoteMargins;
    if (stable.unitsExpected > 0) this.bet(state, c, { ratio: reportingRatio, share: 0 }, { ratio: reportingRatio, share: reportingShare });
    else {
      // Nobody to compare with: being silent in no more than that share of the minutes is taken as usual.
      state.baseline = "history";
      this.bet(state, { ...c, stable: Infinity, stableBad: 0 }, { ratio: 0, share: reportingShare }, { ratio: 0, share: reportingShare });
    }
  }

  private latency(latency: KindState | undefined, tail: KindState | undefined, canary: ArmMinute, stable: ArmMinute, historic: boolean): void {
    if (canary.latency.length === 0 || (!latency && !tail)) return;
    const { hosts } = this.settings;
    const more = historic ? Math.log(hosts.historyRatio) : 0;
    const before = historic ? this.site.baseline?.latency : undefined;
    const base = historic ? this.historyBase : this.base;
    if (!base) return;
    if (!historic) base.load(stable.latency);
    const reference = historic ? (before ?? []) : stable.latency;
    const offset = historic ? sampledOffset(before ?? []) : (this.learnt ?? unknownOffset(this.settings, canary.unitsExpected, stable.unitsExpected));
    const noise = hosts.deviations * offset.error + more;
    if (latency && base.count > 0) this.betOnRanks(latency, base, canary.latency, reference, offset.ln, noise, historic);
    if (tail) this.tail(tail, canary.latency, stable.latency, offset.ln + noise, before);
  }

  private betOnRanks(state: KindState, base: RankBase, buckets: LatencyBuckets, reference: LatencyBuckets, offset: number, noise: number, historic: boolean): void {
    const { margins: allowed, promoteMargins: wide, latencyDirection } = this.settings;
    const { worse, notWorse } = state.model;
    const margin = Math.log(allowed.latencyRatio) + noise;
    const slower = base.meanRank(buckets, offset + margin);
    const faster = latencyDirection === "either" ? base.meanRank(buckets, offset - margin) : slower;
    // What is proven for promotion is stated for the canary's own part of the latency: the uncertainty of the hosts' part counts against it.
    const proof = base.meanRank(buckets, offset + Math.max(0, Math.log(wide.latencyRatio) - noise));
    const [own, theirs] = [logMoments(buckets), logMoments(reference)];
    const [n, m] = [own.n, base.count];
    for (let i = 0; i < worse.length; i++) {
      const lambda = worse[i]?.value ?? 0;
      state.step[i] = (state.step[i] ?? 0) + lnSlower(lambda < 0 ? faster : slower, n, m, lambda);
    }
    for (let i = 0; i < notWorse.length; i++) state.notWorse[i] = (state.notWorse[i] ?? 0) + lnNotSlower(proof, n, m, notWorse[i]?.value ?? 0);
    const weight = (n * m) / (n + m);
    state.baseline = historic ? "history" : "concurrent";
    state.margin = Math.exp(margin);
    state.canary += n;
    state.stable = historic ? m : state.stable + m;
    state.sum += weight * (own.mean - theirs.mean - offset);
    state.variance += (weight * (own.sd ** 2 * n + theirs.sd ** 2 * m)) / (n + m);
    state.weight += weight;
  }

  private tail(state: KindState, canary: LatencyBuckets, stable: LatencyBuckets, shift: number, before: LatencyBuckets | undefined): void {
    const { margins: allowed, promoteMargins: wide } = this.settings;
    const p99 = before ? SlowLimit.of(before) : this.slow.bucket();
    if (p99 === null) return;
    const limit = p99 + Math.log(allowed.tailFactor) / LN_GAMMA;
    const n = canary.reduce((sum, [, count]) => sum + count, 0);
    const bad = countAbove(canary, limit + shift / LN_GAMMA);
    if (!before) {
      const m = stable.reduce((sum, [, count]) => sum + count, 0);
      this.bet(state, { canary: n, canaryBad: bad, stable: m, stableBad: countAbove(stable, limit) }, { ratio: allowed.tailRatio, share: allowed.tailShare }, { ratio: allowed.tailRatio, share: wide.tailShare });
      return;
    }
    const of = before.reduce((sum, [, count]) => sum + count, 0);
    const known = wilson(countAbove(before, limit) / of, of, 3);
    state.baseline = "history";
    state.stable = of;
    state.stableBad = countAbove(before, limit);
    this.bet(state, { canary: n, canaryBad: bad, stable: Infinity, stableBad: 0 }, { ratio: 0, share: allowed.tailShare + allowed.tailRatio * known.high }, { ratio: 0, share: wide.tailShare + allowed.tailRatio * known.low });
  }

  /** Units and traffic last expected here. */
  get expected(): { canary: ArmMinute; stable: ArmMinute } {
    return { canary: this.lastExpected?.canary ?? ZERO, stable: this.lastExpected?.stable ?? ZERO };
  }
}

/** Error of a mean known from a histogram alone. */
function sampledOffset(buckets: LatencyBuckets): HostOffset {
  const { n, sd } = logMoments(buckets);
  return { ln: 0, error: n > 0 ? sd / Math.sqrt(n) : 0 };
}

/** The margin of a kind on the scale of its effect. */
function marginOf(settings: SequentialSettings, kind: EvidenceKind): number {
  const { margins } = settings;
  if (kind === "errors") return margins.errorRatio;
  if (kind === "latency") return margins.latencyRatio;
  if (kind === "tail") return margins.tailShare;
  return kind === "reporting" ? margins.reportingRatio : margins.accuracyDrop;
}
