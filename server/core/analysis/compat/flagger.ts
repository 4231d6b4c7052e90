/**
 * How Flagger's analysis decides: every tick all checks of the canary are made, any that fails adds one failed check, and
 * none is ever taken back. Values stand in the unit of the limits.
 */
export interface FlaggerLimits {
  min?: number | undefined;
  max?: number | undefined;
}
/** What a query gave: nothing (no series, or NaN), a value, or an error. */
export type FlaggerValue = number | null | { error: string };

/** Whether a value passes: limits are inclusive; no value and an error fail. */
export function passes(value: FlaggerValue, limits: FlaggerLimits): boolean {
  if (value === null || typeof value === "object" || Number.isNaN(value)) return false;
  return !(limits.min !== undefined && value < limits.min) && !(limits.max !== undefined && value > limits.max);
}

/** The older form with one number: the least for request-success-rate, the most for everything else. */
export const limitsOfThreshold = (metric: string, threshold: number): FlaggerLimits => (metric === "request-success-rate" ? { min: threshold } : { max: threshold });

/** The value of an answer to an instant query: an empty vector and NaN are no value; ranges of values are refused. */
export function valueOfVector(series: readonly { value?: readonly [number, string]; values?: readonly unknown[] }[]): FlaggerValue {
  if (series.some((s) => s.values !== undefined)) return { error: "multiple values returned" };
  const last = series.at(-1)?.value?.[1];
  if (last === undefined) return null;
  const value = Number(last);
  return Number.isNaN(value) ? null : value;
}

export interface FlaggerRun {
  outcome: "progressing" | "failed" | "promoted";
  failedChecks: number;
  /** The tick (from 0) that decided; null while it goes on. */
  tick: number | null;
}

/**
 * Follows an analysis over its ticks. The count of failed checks is looked at when a tick begins, so the rollback comes
 * one tick after the last failed check; a failed tick does not advance the canary, which needs `iterations` good ones.
 */
export function runFlagger(ticks: Iterable<boolean>, settings: { threshold: number; iterations: number }): FlaggerRun {
  let failedChecks = 0;
  let advanced = 0;
  let tick = 0;
  for (const good of ticks) {
    if (failedChecks >= settings.threshold) return { outcome: "failed", failedChecks, tick };
    if (!good) failedChecks++;
    else if (++advanced >= settings.iterations) return { outcome: "promoted", failedChecks, tick };
    tick++;
  }
  return { outcome: "progressing", failedChecks, tick: null };
}

/** By how much the canary's weight grows next. */
export function nextStepWeight(s: { stepWeight: number; stepWeights: readonly number[]; totalWeight: number }, canaryWeight: number): number {
  if (s.stepWeight > 0 || s.stepWeights.length === 0) return s.stepWeight;
  const most = s.totalWeight - canaryWeight;
  // All weight is there: any step but zero leads on to promotion.
  if (most === 0) return 1;
  const at = canaryWeight === 0 ? -1 : s.stepWeights.indexOf(canaryWeight);
  const next = canaryWeight !== 0 && at < 0 ? undefined : s.stepWeights[at + 1];
  return next === undefined ? most : Math.min(most, next - canaryWeight);
}
