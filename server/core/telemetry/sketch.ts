/**
 * A mergeable latency sketch with a relative error of at most 1 %.
 *
 * It is the DDSketch of C. Masson, J. E. Rim and H. K. Lee, "DDSketch: A Fast and Fully-Mergeable Quantile Sketch
 * with Relative-Error Guarantees", PVLDB 12(12), 2019, https://arxiv.org/abs/1908.10693, with the logarithmic mapping
 * of its section 2.1: with gamma = (1 + a) / (1 - a), value x falls in bucket i = ceil(log_gamma x), that is
 * gamma^(i-1) < x <= gamma^i, and is read back as 2 gamma^i / (gamma + 1), which is at most the share a away from
 * every value of the bucket.
 *
 * Worked example, a = 0.01: gamma = 1.0202…; 100 ms falls in bucket ceil(230.25…) = 231 and reads back as 100.5 ms.
 *
 * The range is bounded instead of the number of buckets: values below 1 µs count as zero, values above about
 * 11.5 days count as that. So there are at most 1,383 buckets, none is ever collapsed, and merging is exactly
 * associative and commutative: agents, gateways and queries may add sketches up in any order.
 */

/** Relative accuracy of every quantile. */
export const SKETCH_ACCURACY = 0.01;
const GAMMA = (1 + SKETCH_ACCURACY) / (1 - SKETCH_ACCURACY);
const LOG_GAMMA = Math.log(GAMMA);
/** Smallest value told apart from zero, and the largest told apart from anything larger; ms. */
export const SKETCH_MIN_MS = 0.001;
export const SKETCH_MAX_MS = 1e9;
const FIRST_BUCKET = bucketOf(SKETCH_MIN_MS);
const LAST_BUCKET = bucketOf(SKETCH_MAX_MS);
const FORMAT = 1;

/** Counts per bucket. Treat it as a value: the functions below return new ones, except `addTo`. */
export type Sketch = {
  /** Values below SKETCH_MIN_MS. */
  zeros: number;
  /** Bucket number to count, counts above 0 only. */
  buckets: Map<number, number>;
};

function bucketOf(ms: number): number {
  return Math.ceil(Math.log(ms) / LOG_GAMMA);
}

/** A sketch of nothing. */
export function emptySketch(): Sketch {
  return { zeros: 0, buckets: new Map() };
}

/**
 * Adds `times` occurrences of a latency in ms to the sketch, in place. What is no latency (negative, NaN, infinite)
 * is refused by returning false and leaves the sketch as it was.
 */
export function addTo(sketch: Sketch, ms: number, times = 1): boolean {
  if (!Number.isFinite(ms) || ms < 0 || !Number.isSafeInteger(times) || times < 1) return false;
  if (ms < SKETCH_MIN_MS) sketch.zeros += times;
  else {
    const bucket = Math.min(LAST_BUCKET, bucketOf(ms));
    sketch.buckets.set(bucket, (sketch.buckets.get(bucket) ?? 0) + times);
  }
  return true;
}

/** The sketch of all values in either. */
export function mergeSketches(a: Sketch, b: Sketch): Sketch {
  const buckets = new Map(a.buckets);
  for (const [bucket, n] of b.buckets) buckets.set(bucket, (buckets.get(bucket) ?? 0) + n);
  return { zeros: a.zeros + b.zeros, buckets };
}

/** How many values were added. */
export function sketchCount(sketch: Sketch): number {
  let n = sketch.zeros;
  for (const c of sketch.buckets.values()) n += c;
  return n;
}

const valueOf = (bucket: number): number => (2 * GAMMA ** bucket) / (GAMMA + 1);
const inOrder = (sketch: Sketch): [number, number][] => [...sketch.buckets].sort((a, b) => a[0] - b[0]);

/**
 * The value in ms below which the share `q` (0..1) of the values lies, at most 1 % off the true one; the lower
 * quantile at rank floor(q (n - 1)), as in algorithm 2 of the paper. Null for an empty sketch or a `q` outside 0..1.
 */
export function sketchQuantile(sketch: Sketch, q: number): number | null {
  const n = sketchCount(sketch);
  if (n === 0 || !(q >= 0 && q <= 1)) return null;
  const rank = Math.floor(q * (n - 1));
  let seen = sketch.zeros;
  if (rank < seen) return 0;
  for (const [bucket, count] of inOrder(sketch)) {
    seen += count;
    if (rank < seen) return valueOf(bucket);
  }
  return null;
}

/** How many values are at most `ms`; values within 1 % of it may be counted on either side. */
export function countAtMost(sketch: Sketch, ms: number): number {
  if (!(ms >= 0)) return 0;
  let n = sketch.zeros;
  for (const [bucket, count] of sketch.buckets) if (valueOf(bucket) <= ms) n += count;
  return n;
}

/**
 * The sketch as bytes: format (1), zeros, number of buckets, then for each bucket in rising order its distance from
 * the one before (the first from the lowest possible bucket) and its count, all as LEB128 unsigned varints. A minute of
 * a service typically takes 60 to 300 bytes. Equal sketches give equal bytes.
 */
export function encodeSketch(sketch: Sketch): Uint8Array {
  const out: number[] = [FORMAT];
  writeVarint(out, sketch.zeros);
  writeVarint(out, sketch.buckets.size);
  let before = FIRST_BUCKET;
  for (const [bucket, count] of inOrder(sketch)) {
    writeVarint(out, bucket - before);
    writeVarint(out, count);
    before = bucket;
  }
  return Uint8Array.from(out);
}

/** The sketch that `encodeSketch` wrote; null for anything else (never throws: it comes from the wire). */
export function decodeSketch(bytes: Uint8Array): Sketch | null {
  if (bytes[0] !== FORMAT) return null;
  const at = { offset: 1 };
  const zeros = readVarint(bytes, at);
  const size = readVarint(bytes, at);
  if (zeros === null || size === null || size > LAST_BUCKET - FIRST_BUCKET + 1) return null;
  const buckets = new Map<number, number>();
  let bucket = FIRST_BUCKET;
  for (let i = 0; i < size; i++) {
    const step = readVarint(bytes, at);
    const count = readVarint(bytes, at);
    if (step === null || count === null || count === 0 || (i > 0 && step === 0)) return null;
    bucket += step;
    if (bucket > LAST_BUCKET) return null;
    buckets.set(bucket, count);
  }
  return at.offset === bytes.length ? { zeros, buckets } : null;
}

/** `encodeSketch` as base64, as it travels in reports. */
export function sketchToBase64(sketch: Sketch): string {
  let text = "";
  for (const byte of encodeSketch(sketch)) text += String.fromCharCode(byte);
  return btoa(text);
}

/** The inverse of `sketchToBase64`; null when the text is no sketch. */
export function sketchFromBase64(text: string): Sketch | null {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) return null;
  return decodeSketch(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)));
}

// Counts may exceed 32 bits, so the varints are done by arithmetic instead of by bit operators.
function writeVarint(out: number[], n: number): void {
  let rest = n;
  while (rest >= 128) {
    out.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  out.push(rest);
}

function readVarint(bytes: Uint8Array, at: { offset: number }): number | null {
  let value = 0;
  let scale = 1;
  for (let i = 0; i < 8; i++) {
    const byte = bytes[at.offset++];
    if (byte === undefined) return null;
    value += (byte % 128) * scale;
    if (byte < 128) return Number.isSafeInteger(value) ? value : null;
    scale *= 128;
  }
  return null;
}
