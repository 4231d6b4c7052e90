import type { Unit } from "./units";

/** What a chart is made from; `ChartView` of the server fits. */
export type ChartInput = {
  title: string;
  series: readonly {
    name: string;
    unit: Unit;
    generation: number | null;
    points: readonly (readonly [number, number | null])[];
    sample: number;
  }[];
  flags: readonly Flag[];
  fromMs: number;
  toMs: number;
  stepMs: number;
  shown: number;
  total: number;
  asOfMs: number;
};
export type Flag = { atMs: number; toMs: number | null; kind: "rollout" | "policy" | "partition" | "revision"; text: string; href: string };

export type ChartModel = {
  /** Bucket starts in seconds, every bucket of the range, so that a gap is a gap. */
  times: number[];
  lines: { name: string; unit: Unit; color: number; sample: number; values: (number | null)[]; last: number | null }[];
  unit: Unit;
  fromMs: number;
  toMs: number;
  /** From here on the buckets are still filling; null if all are complete. */
  unfinishedFromMs: number | null;
  flags: Flag[];
  isEmpty: boolean;
};

const COLORS = 8;

/**
 * Makes a chart ready to be drawn: all series on one grid of buckets, missing values null (a gap, never zero), colours
 * that follow the identity of a series, flags inside the range in order.
 */
export function prepareChart(input: ChartInput): ChartModel {
  const step = Math.max(1, input.stepMs);
  const first = Math.floor(input.fromMs / step) * step;
  const count = Math.max(1, Math.ceil((input.toMs - first) / step));
  const times = Array.from({ length: count }, (_, index) => (first + index * step) / 1000);
  const colors = assignColors(input.series);
  const lines = input.series.map((series, index) => {
    const values: (number | null)[] = Array.from({ length: count }, () => null);
    let last: number | null = null;
    for (const [atMs, value] of series.points) {
      const at = Math.floor((atMs - first) / step);
      if (at < 0 || at >= count) continue;
      values[at] = value;
      if (value !== null) last = value;
    }
    return { name: series.name, unit: series.unit, color: colors[index] ?? 1, sample: series.sample, values, last };
  });
  const lastBucket = Math.floor(input.asOfMs / step) * step;
  return {
    times,
    lines,
    unit: input.series[0]?.unit ?? "count",
    fromMs: input.fromMs,
    toMs: input.toMs,
    unfinishedFromMs: lastBucket < input.toMs && lastBucket + step > input.asOfMs ? Math.max(lastBucket, input.fromMs) : null,
    flags: input.flags
      .filter((flag) => flag.atMs <= input.toMs && (flag.toMs ?? (flag.kind === "partition" ? input.toMs : flag.atMs)) >= input.fromMs)
      .sort((a, b) => a.atMs - b.atMs),
    isEmpty: lines.every((line) => line.values.every((value) => value === null)),
  };
}

/**
 * Colours 1 to 8 by identity: a revision has the colour of its generation, any other series one from its name. Where
 * two of a chart would share one, the later (by name) takes the next that is free, so a chart's colours do not depend
 * on the order its series come in.
 */
function assignColors(series: ChartInput["series"]): number[] {
  const wanted = series.map((one, index) => ({
    index,
    name: one.name,
    want: (one.generation !== null ? one.generation - 1 : hash(one.name)) % COLORS,
  }));
  const taken = new Set<number>();
  const result: number[] = Array.from({ length: series.length }, () => 1);
  for (const one of [...wanted].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.index - b.index))) {
    let color = one.want;
    for (let tries = 0; taken.has(color) && tries < COLORS; tries += 1) color = (color + 1) % COLORS;
    taken.add(color);
    result[one.index] = color + 1;
  }
  return result;
}

function hash(text: string): number {
  let value = 2166136261;
  for (let index = 0; index < text.length; index += 1) value = Math.imul(value ^ text.charCodeAt(index), 16777619) >>> 0;
  return value;
}
