import type { KindEvidence } from "./words";

/** The value on a scale at which canary and stable are the same; null where there is none. */
export const neutralOn = (scale: string): number | null => (scale === "ratio" ? 1 : scale === "difference" ? 0 : scale === "rank" ? 0.5 : null);

/** Maps an effect's scale to pixels so that interval, margin and "no difference" all lie inside; ratios by their logarithm. */
export function scaleOf(effect: KindEvidence["effect"], margin: number, width: number): (value: number) => number {
  const log = effect.scale === "ratio";
  const to = (v: number) => (log ? Math.log(Math.max(v, 0.05)) : v);
  const none = neutralOn(effect.scale);
  const within = [effect.low, effect.value, effect.high, margin, none].filter((v): v is number => v !== null && Number.isFinite(v)).map(to);
  // An interval that is almost unbounded would squeeze everything else to a dot: it is cut off at three margins.
  const reach = 3 * Math.max(Math.abs(to(margin) - to(none ?? 0)), 1e-6);
  const middle = to(none ?? margin);
  const low = Math.max(Math.min(...within), middle - reach);
  const high = Math.min(Math.max(...within), middle + reach);
  const pad = (high - low) * 0.08 || 1e-6;
  return (value) => Math.min(width - 3, Math.max(3, ((to(value) - low + pad) / (high - low + 2 * pad)) * width));
}
