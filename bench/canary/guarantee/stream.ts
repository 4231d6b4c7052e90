/**
 * One stream of requests, looked at after every one of them: the judge's factors with batches of one request, in the
 * mixture over alternatives and beginnings that the judge uses (plain numbers instead of logarithms, for speed; a test
 * holds both to each other).
 */
import { lnBinomialPmf } from "../../../server/core/analysis/statistics/distributions";
import { lnUniform, lnWorse } from "../../../server/core/analysis/sequential/factors";
import { weightOfLater, weightOfStart } from "../../../server/core/analysis/sequential/mixture";
import { kindsFor, modelsFor } from "../../../server/core/analysis/sequential/models";
import { defaultSequentialSettings } from "../../../server/core/analysis/sequential/settings";
import { type EvidenceKind, type SequentialSettings, evidenceKinds } from "../../../server/core/analysis/sequential/types";
import { type Random } from "../random";

/** What both arms do. Rates per request; `reporting`: chance of a unit to be silent in one look, one canary unit to four of stable. */
export interface World {
  /** Canary's share of the requests. */
  share: number;
  stable: Record<Exclude<EvidenceKind, "latency">, number>;
  canary: Record<Exclude<EvidenceKind, "latency">, number>;
  /** Buckets by which the canary is slower (one is 2%). */
  shift: number;
}

/** An A/A stream: both arms alike. */
export const alike: World = {
  share: 0.5,
  stable: { errors: 0.01, tail: 0.01, accuracy: 0.08, reporting: 0.01 },
  canary: { errors: 0.01, tail: 0.01, accuracy: 0.08, reporting: 0.01 },
  shift: 0,
};

/** All kinds on and no margin, so that an A/A stream lies on the border of what is tested. */
export const settings: SequentialSettings = { ...defaultSequentialSettings, roles: { errors: "critical", latency: "critical", tail: "counts", reporting: "counts", accuracy: "critical" } };
const models = modelsFor(settings);
const acting = kindsFor(settings).acting;

const rateKinds = ["errors", "tail", "accuracy"] as const;
const STABLE_UNITS = 4;
/** Latency as equally likely quantiles of a lognormal of spread 0.7, in buckets of 2%. */
const BUCKETS = 1024;
export const SPREAD_IN_BUCKETS = 35;
const latencyTable = (normal: () => number): Int32Array => Int32Array.from({ length: 65536 }, () => Math.min(BUCKETS - 40, Math.max(0, Math.round(BUCKETS / 2 + SPREAD_IN_BUCKETS * normal()))));

/** Ways in which units can be silent: the canary's one (bit 0), and 0 to 4 of stable's (the rest). */
const SILENCES = 2 * (STABLE_UNITS + 1);
/** From one uniform number to how many are silent, by the inverse of the distribution; none comes first, as it is most likely. */
function silenceDraw(world: World): (u: number) => number {
  const chance = Array.from({ length: SILENCES }, (_, s) => (s & 1 ? world.canary.reporting : 1 - world.canary.reporting) * Math.exp(lnBinomialPmf(s >>> 1, STABLE_UNITS, world.stable.reporting)));
  return (u) => {
    let rest = u;
    for (let s = 0; s < SILENCES; s++) if ((rest -= chance[s] ?? 0) < 0) return s;
    return 0;
  };
}

/** A mixture e-process in plain numbers. */
export class PlainMixture {
  private readonly started: Float64Array;
  private readonly weights: Float64Array;
  private waiting = 0;
  value = 1;
  constructor(weights: readonly number[]) {
    this.weights = Float64Array.from(weights);
    this.started = new Float64Array(weights.length);
  }
  /** A look at which all factors are 1. */
  rest(begins: number): void {
    this.waiting += begins;
  }
  step(begins: number, later: number, factors: ArrayLike<number>): number {
    let sum = later;
    const waiting = this.waiting + begins;
    this.waiting = 0;
    for (let i = 0; i < this.started.length; i++) {
      const x = ((this.started[i] ?? 0) + waiting) * (factors[i] ?? 1);
      this.started[i] = x;
      sum += (this.weights[i] ?? 0) * x;
    }
    return (this.value = sum);
  }
}

/** Tables that all streams of one length share. */
export interface Tables {
  requests: number;
  begins: Float64Array;
  later: Float64Array;
  /** By lambda and pool size: 1 / E exp(lambda (R - 1/2)). */
  uniform: Float64Array[];
  latency: Int32Array;
}
export function makeTables(requests: number, random: Random): Tables {
  return {
    requests,
    begins: Float64Array.from({ length: requests }, (_, t) => weightOfStart(t)),
    later: Float64Array.from({ length: requests }, (_, t) => weightOfLater(t)),
    uniform: models.latency.worse.map(({ value }) => Float64Array.from({ length: requests + 1 }, (_, pool) => Math.exp(-lnUniform(value, Math.max(1, pool))))),
    latency: latencyTable(() => random.normal()),
  };
}

/** Look (1, 2, …) at which each kind, and all combined, first reached 1/alpha; 0 when never. */
export type FirstReached = Record<EvidenceKind | "combined", number>;
/** Counts after some requests, for the fixed-sample test. */
export interface Totals {
  canary: number;
  stable: number;
  bad: Record<(typeof rateKinds)[number], [canary: number, stable: number]>;
  /** Sums of latency in buckets, and of squares. */
  sum: [number, number];
  squares: [number, number];
}

/** Runs one stream; `fixedAt`: after how many requests the counts for the fixed-sample test are taken. */
export function runStream(world: World, tables: Tables, alpha: number, random: Random, fixedAt: number): { reached: FirstReached; fixed: Totals } {
  const odds = world.share / (1 - world.share);
  const limit = 1 / alpha;
  const mixtures = Object.fromEntries(evidenceKinds.map((k) => [k, new PlainMixture(models[k].worse.map((a) => a.weight))])) as Record<EvidenceKind, PlainMixture>;
  const weights = Object.fromEntries(acting.map((a) => [a.kind, a.weight])) as Record<EvidenceKind, number>;
  const factor = (kind: EvidenceKind, isCanary: boolean): number[] => models[kind].worse.map((a) => Math.exp(lnWorse({ canary: isCanary ? 1 : 0, canaryBad: isCanary ? 1 : 0, stable: isCanary ? 0 : 1, stableBad: isCanary ? 0 : 1 }, 1, 0, a.value, odds)));
  const bad = Object.fromEntries(rateKinds.map((k) => [k, [factor(k, true), factor(k, false)]])) as Record<(typeof rateKinds)[number], [number[], number[]]>;
  const silence = (x: number, y: number): number[] => models.reporting.worse.map((a) => Math.exp(lnWorse({ canary: 1, canaryBad: x, stable: STABLE_UNITS, stableBad: y }, 1, 0, a.value)));
  const silences = [0, 1].map((x) => Array.from({ length: STABLE_UNITS + 1 }, (_, y) => silence(x, y)));
  const silentUnits = silenceDraw(world);
  const { reporting } = mixtures;
  const byKind = evidenceKinds.map((k) => mixtures[k]);
  const shares = evidenceKinds.map((k) => weights[k]);
  const lambdas = models.latency.worse.map((a) => a.value);
  const ranks = new Int32Array(BUCKETS + 1);
  const held = new Int32Array(BUCKETS);
  const factors = new Float64Array(lambdas.length);
  const reached: FirstReached = { errors: 0, latency: 0, tail: 0, reporting: 0, accuracy: 0, combined: 0 };
  const totals: Totals = { canary: 0, stable: 0, bad: { errors: [0, 0], tail: [0, 0], accuracy: [0, 0] }, sum: [0, 0], squares: [0, 0] };
  let fixed = totals;
  for (let t = 0; t < tables.requests; t++) {
    const begins = tables.begins[t] ?? 0;
    const later = tables.later[t] ?? 0;
    const isCanary = random.uniform() < world.share;
    const side = isCanary ? 0 : 1;
    if (isCanary) totals.canary++;
    else totals.stable++;
    for (const kind of rateKinds) {
      if (random.uniform() >= (isCanary ? world.canary : world.stable)[kind]) mixtures[kind].rest(begins);
      else {
        totals.bad[kind][side]++;
        mixtures[kind].step(begins, later, bad[kind][side]);
      }
    }

    // Latency: the request's rank among all before it, by a tree of counts.
    const bucket = (tables.latency[random.bits() >>> 16] ?? 0) + (isCanary ? world.shift : 0);
    let below = 0;
    for (let i = bucket; i > 0; i -= i & -i) below += ranks[i] ?? 0;
    const centred = (below + (held[bucket] ?? 0) / 2 - t / 2) / (t + 1);
    const sign = isCanary ? 1 : -odds;
    for (let i = 0; i < lambdas.length; i++) factors[i] = Math.exp((lambdas[i] ?? 0) * sign * centred) * (isCanary || odds === 1 ? (tables.uniform[i]?.[t + 1] ?? 1) : Math.exp(-lnUniform((lambdas[i] ?? 0) * odds, t + 1)));
    mixtures.latency.step(begins, later, factors);
    held[bucket] = (held[bucket] ?? 0) + 1;
    for (let i = bucket + 1; i <= BUCKETS; i += i & -i) ranks[i] = (ranks[i] ?? 0) + 1;
    totals.sum[side] += bucket;
    totals.squares[side] += bucket * bucket;

    // One draw tells which units are silent: mostly none.
    const silent = silentUnits(random.uniform());
    // When nobody reports, the link is cut, which says nothing.
    if (silent === 0 || silent === SILENCES - 1) reporting.rest(begins);
    else reporting.step(begins, later, silences[silent & 1]?.[silent >>> 1] ?? []);

    let combined = 0;
    for (let k = 0; k < byKind.length; k++) {
      const value = byKind[k]?.value ?? 0;
      combined += (shares[k] ?? 0) * value;
      if (value >= limit) {
        const kind = evidenceKinds[k];
        if (kind && reached[kind] === 0) reached[kind] = t + 1;
      }
    }
    if (combined >= limit && reached.combined === 0) reached.combined = t + 1;
    if (t + 1 === fixedAt) fixed = structuredClone(totals);
  }
  return { reached, fixed };
}
