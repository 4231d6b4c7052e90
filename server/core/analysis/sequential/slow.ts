import { type LatencyBuckets } from "./types";

/** What one minute's weight keeps a minute later; half is left after about 23 minutes. */
const FADE = 0.97;
/** Requests, faded, that a p99 has to rest on. */
const ENOUGH = 60;
/** Sketches have no buckets beyond these (`server/core/telemetry/sketch.ts`: 1 µs to 11.5 days). */
const LOWEST = -400;
const SIZE = 1500;

/** The stable p99 of the minutes before, as a bucket position: what a minute's requests are held against is known before they are. */
export class SlowLimit {
  private readonly weights = new Float64Array(SIZE);
  private highest = 0;
  private total = 0;
  /** Weight of a request of now; it grows, instead of all the rest fading. */
  private unit = 1;

  learn(stable: LatencyBuckets): void {
    this.unit /= FADE;
    for (const [bucket, count] of stable) {
      const i = Math.min(SIZE - 1, Math.max(0, bucket - LOWEST));
      this.weights[i] = (this.weights[i] ?? 0) + count * this.unit;
      this.total += count * this.unit;
      if (i > this.highest) this.highest = i;
    }
    if (this.unit < 1e100) return;
    for (let i = 0; i <= this.highest; i++) this.weights[i] = (this.weights[i] ?? 0) / this.unit;
    this.total /= this.unit;
    this.unit = 1;
  }

  /** Middle of the bucket of the p99; null while there are too few requests. */
  bucket(): number | null {
    if (this.total / this.unit < ENOUGH) return null;
    let above = this.total * 0.01;
    for (let i = this.highest; i >= 0; i--) if ((above -= this.weights[i] ?? 0) <= 0) return i + LOWEST - 0.5;
    return null;
  }

  /** The same of one histogram. */
  static of(buckets: LatencyBuckets): number | null {
    const one = new SlowLimit();
    one.learn(buckets);
    return one.bucket();
  }
}
