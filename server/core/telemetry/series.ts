/** Names, order and units of a node's series as they stand in a sample's array. Append only: old rows keep their order. */
export const nodeSeries = [
  { name: "CPU", key: "cpuShare", unit: "share" },
  { name: "Memory used", key: "memoryUsedBytes", unit: "bytes" },
  { name: "Disk used", key: "diskUsedBytes", unit: "bytes" },
  { name: "Received", key: "netRxBytesPerSecond", unit: "bytes" },
  { name: "Sent", key: "netTxBytesPerSecond", unit: "bytes" },
  { name: "Load (1 min)", key: "load1", unit: "count" },
] as const;

const niceSteps = [10_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000, 86_400_000];
/** Most points a chart shows per series. */
export const MAX_POINTS = 300;

/** The smallest even step (ms) with which a range has at most MAX_POINTS buckets and which is at least `minStepMs`. */
export function stepFor(fromMs: number, toMs: number, minStepMs: number): number {
  const wanted = Math.max(minStepMs, (toMs - fromMs) / MAX_POINTS);
  return niceSteps.find((s) => s >= wanted) ?? Math.ceil(wanted / 86_400_000) * 86_400_000;
}

/** Starts of the buckets that cover a range, aligned to the step. */
export function bucketsOf(fromMs: number, toMs: number, stepMs: number): number[] {
  const out: number[] = [];
  for (let t = Math.floor(fromMs / stepMs) * stepMs; t < toMs; t += stepMs) out.push(t);
  return out;
}

/** Points of one series over the buckets: a bucket without a value is a gap (null), never zero. */
export function withGaps(buckets: readonly number[], values: ReadonlyMap<number, number>): [number, number | null][] {
  return buckets.map((t) => [t, values.get(t) ?? null]);
}
