/** Ranks from latency histograms (DDSketch buckets, `server/core/telemetry/sketch.ts`). */
import { type HostHistory, type LatencyBuckets, type SequentialSettings } from "./types";
import { SKETCH_ACCURACY } from "../../telemetry/sketch";

/** Logarithm of the factor between neighbouring buckets. */
export const LN_GAMMA = Math.log((1 + SKETCH_ACCURACY) / (1 - SKETCH_ACCURACY));

/** One arm's histogram laid out so that shifted ranks against it are quick. */
export class RankBase {
  private lowest = 0;
  private ranks = new Float64Array(256);
  private size = 0;
  count = 0;

  /** Makes this the base for a histogram. */
  load(buckets: LatencyBuckets): void {
    this.count = 0;
    this.size = 0;
    const first = buckets[0];
    const last = buckets.at(-1);
    if (!first || !last) return;
    this.lowest = first[0];
    this.size = last[0] - first[0] + 1;
    if (this.size > this.ranks.length) this.ranks = new Float64Array(this.size * 2);
    const { ranks, lowest } = this;
    ranks.fill(0, 0, this.size);
    for (const [bucket, n] of buckets) ranks[bucket - lowest] = n;
    let below = 0;
    for (let i = 0; i < this.size; i++) {
      const here = ranks[i] ?? 0;
      ranks[i] = below + here / 2;
      below += here;
    }
    this.count = below;
  }

  /** Requests of the base below a bucket, and half of those in it. */
  private below(bucket: number): number {
    const i = bucket - this.lowest;
    return i < 0 ? 0 : i >= this.size ? this.count : (this.ranks[i] ?? 0);
  }

  /** Mean rank (0..1) within the base of a histogram whose latencies are divided by exp(lnShift). A bucket that falls between two is split. */
  meanRank(buckets: LatencyBuckets, lnShift: number): number {
    const shift = lnShift / LN_GAMMA;
    const whole = Math.floor(-shift);
    const part = -shift - whole;
    let sum = 0;
    let n = 0;
    for (const [bucket, count] of buckets) {
      const at = bucket + whole;
      sum += count * ((1 - part) * this.below(at) + part * this.below(at + 1));
      n += count;
    }
    return n > 0 && this.count > 0 ? sum / n / this.count : 0.5;
  }
}

/** Requests above a bucket position (not whole: its bucket counts in part). */
export function countAbove(buckets: LatencyBuckets, position: number): number {
  let n = 0;
  for (const [bucket, count] of buckets) if (bucket - 0.5 > position) n += count;
  return n;
}

/** Mean and standard deviation of the logarithm of latency, in buckets' units of ms. */
export function logMoments(buckets: LatencyBuckets): { n: number; mean: number; sd: number } {
  let n = 0;
  let sum = 0;
  let squares = 0;
  for (const [bucket, count] of buckets) {
    const x = (bucket - 0.5) * LN_GAMMA;
    n += count;
    sum += count * x;
    squares += count * x * x;
  }
  const mean = n > 0 ? sum / n : 0;
  return { n, mean, sd: n > 1 ? Math.sqrt(Math.max(0, squares / n - mean * mean)) : 0 };
}

/** How much slower the canary's hosts are by themselves (logarithm), and the standard error of it. */
export interface HostOffset {
  ln: number;
  error: number;
}

/** A stretch's variance beyond this multiple of what sampling explains counts as the hosts' own unrest. */
const UNREST = 1.8;

/** Learns the offset from history: the mean of the stretches' differences, weighted by precision; its error holds what stretches differ by beyond sampling. */
export function learnOffset(history: readonly { canaryHosts: HostHistory; stableHosts: HostHistory }[], spread: number): HostOffset | null {
  const stretches = history
    .filter((h) => h.canaryHosts.requests > 1 && h.stableHosts.requests > 1)
    .map((h) => {
      const variance = h.canaryHosts.logSd ** 2 / h.canaryHosts.requests + h.stableHosts.logSd ** 2 / h.stableHosts.requests;
      return { difference: h.canaryHosts.logMean - h.stableHosts.logMean, variance: Math.max(variance, 1e-12) };
    });
  if (stretches.length === 0) return null;
  const precision = stretches.reduce((sum, s) => sum + 1 / s.variance, 0);
  const ln = stretches.reduce((sum, s) => sum + s.difference / s.variance, 0) / precision;
  // Too few stretches say nothing of the unrest; then a part of what hosts differ by is assumed.
  if (stretches.length < 4) return { ln, error: Math.sqrt(1 / precision + spread ** 2 / 4) };
  const seen = stretches.reduce((sum, s) => sum + (s.difference - ln) ** 2, 0) / (stretches.length - 1);
  const explained = stretches.reduce((sum, s) => sum + s.variance, 0) / stretches.length;
  return { ln, error: Math.sqrt(1 / precision + Math.max(0, seen - UNREST * explained)) };
}

/** Log margin that host noise adds where nothing was learnt: machines differ by `spread`, averaged over units. */
export const unknownOffset = (settings: SequentialSettings, canaryUnits: number, stableUnits: number): HostOffset => ({
  ln: 0,
  error: settings.hosts.spread * Math.sqrt(1 / Math.max(1, canaryUnits) + 1 / Math.max(1, stableUnits)),
});
