/** A token bucket: so many at once, and so many a second for long. Time is told to it. */
export class Bucket {
  private level: number;
  private atMs: number;

  constructor(
    private readonly perSecond: number,
    private readonly burst: number,
    nowMs: number,
  ) {
    this.level = burst;
    this.atMs = nowMs;
  }

  /** Takes one; false when there is none. */
  take(nowMs: number): boolean {
    this.fill(nowMs);
    if (this.level < 1) return false;
    this.level -= 1;
    return true;
  }

  /** Ms until one can be taken; 0 when one can be taken now. */
  waitMs(nowMs: number): number {
    this.fill(nowMs);
    return this.level >= 1 ? 0 : Math.ceil(((1 - this.level) / this.perSecond) * 1_000);
  }

  /** True when nothing was taken for so long that it can be forgotten. */
  full(nowMs: number): boolean {
    this.fill(nowMs);
    return this.level >= this.burst;
  }

  private fill(nowMs: number): void {
    // A clock that was set back gives nothing and takes nothing.
    if (nowMs > this.atMs) this.level = Math.min(this.burst, this.level + ((nowMs - this.atMs) / 1_000) * this.perSecond);
    this.atMs = nowMs;
  }
}

/** A bucket for each key, such as an address; those that are full again are forgotten. */
export class Buckets {
  private readonly byKey = new Map<string, Bucket>();

  constructor(
    private readonly perSecond: number,
    private readonly burst: number,
  ) {}

  /** How many keys are remembered. */
  get size(): number {
    return this.byKey.size;
  }

  take(key: string, nowMs: number): boolean {
    let bucket = this.byKey.get(key);
    if (!bucket) {
      if (this.byKey.size >= 10_000) this.forget(nowMs);
      this.byKey.set(key, (bucket = new Bucket(this.perSecond, this.burst, nowMs)));
    }
    return bucket.take(nowMs);
  }

  private forget(nowMs: number): void {
    for (const [key, bucket] of this.byKey) if (bucket.full(nowMs)) this.byKey.delete(key);
    // More than ten thousand that are all busy: an attack by many addresses. Start anew rather than grow.
    if (this.byKey.size >= 10_000) this.byKey.clear();
  }
}
