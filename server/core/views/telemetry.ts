import { z } from "zod";
import { timeMs } from "./common";

/** One line of a chart: null is a gap (nobody reported), never zero. Times are the starts of the buckets. */
export const seriesView = z.object({ name: z.string(), unit: z.enum(["ms", "share", "perSecond", "bytes", "cores", "count"]), generation: z.int().nullable(), site: z.string().nullable(), points: z.array(z.tuple([timeMs, z.number().nullable()])), sample: z.int() });
export type SeriesView = z.infer<typeof seriesView>;
/** A flag on the time axis that can be opened. */
export const flagView = z.object({ atMs: timeMs, toMs: timeMs.nullable(), kind: z.enum(["rollout", "policy", "partition", "revision"]), text: z.string(), href: z.string() });
export const chartView = z.object({ title: z.string(), series: z.array(seriesView), flags: z.array(flagView), fromMs: timeMs, toMs: timeMs, stepMs: z.int(), shown: z.int(), total: z.int(), asOfMs: timeMs });
export type ChartView = z.infer<typeof chartView>;
export const timeRange = z.object({ fromMs: timeMs, toMs: timeMs });
