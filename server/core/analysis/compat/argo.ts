import { compileCondition, ConditionError, type ConditionValue } from "./condition";

/**
 * How an AnalysisRun of Argo Rollouts decides, rule by rule. Counts are cumulative and limits strict: a metric fails with
 * the first failure beyond its limit. Where the documentation and the program differ, the program is followed.
 */
export type ArgoPhase = "Pending" | "Running" | "Successful" | "Inconclusive" | "Error" | "Failed";

export interface ArgoLimits {
  count?: number | undefined;
  /** Null: measured once. */
  intervalMs?: number | null | undefined;
  failureLimit?: number | undefined;
  inconclusiveLimit?: number | undefined;
  consecutiveErrorLimit?: number | undefined;
  consecutiveSuccessLimit?: number | undefined;
}

/** What was measured of one metric so far. `count` leaves errors out. */
export interface ArgoCounts {
  measurements: number;
  last: ArgoPhase | null;
  successful: number;
  failed: number;
  inconclusive: number;
  errors: number;
  count: number;
  consecutiveError: number;
  consecutiveSuccess: number;
}
export const noCounts: ArgoCounts = { measurements: 0, last: null, successful: 0, failed: 0, inconclusive: 0, errors: 0, count: 0, consecutiveError: 0, consecutiveSuccess: 0 };

export type Measured = { result: ConditionValue } | { error: string };
export interface Measurement {
  phase: "Successful" | "Failed" | "Inconclusive" | "Error";
  message: string | null;
}

/** Compiles a metric's two conditions to what they make of a result. Without any condition every result is a success. */
export function measurementBy(conditions: { successCondition?: string | undefined; failureCondition?: string | undefined }): (m: Measured) => Measurement {
  const success = conditions.successCondition ? compileCondition(conditions.successCondition) : null;
  const failure = conditions.failureCondition ? compileCondition(conditions.failureCondition) : null;
  return (m) => {
    if ("error" in m) return { phase: "Error", message: m.error };
    try {
      for (const c of [success, failure]) if (c && !c.ok) return { phase: "Error", message: c.message };
      const succeeds = success?.ok ? success.test(m.result) : null;
      const fails = failure?.ok ? failure.test(m.result) : null;
      if (succeeds === null && fails === null) return { phase: "Successful", message: null };
      if (fails ?? succeeds === false) return { phase: "Failed", message: null };
      return { phase: (succeeds ?? true) ? "Successful" : "Inconclusive", message: null };
    } catch (e) {
      if (e instanceof ConditionError) return { phase: "Error", message: e.message };
      throw e;
    }
  };
}

/** Counts one more measurement. An error breaks a row of successes and is broken by anything else. */
export function counted(c: ArgoCounts, phase: Measurement["phase"]): ArgoCounts {
  const is = (p: Measurement["phase"]): number => (phase === p ? 1 : 0);
  return {
    measurements: c.measurements + 1,
    last: phase,
    successful: c.successful + is("Successful"),
    failed: c.failed + is("Failed"),
    inconclusive: c.inconclusive + is("Inconclusive"),
    errors: c.errors + is("Error"),
    count: c.count + 1 - is("Error"),
    consecutiveError: phase === "Error" ? c.consecutiveError + 1 : 0,
    consecutiveSuccess: phase === "Successful" ? c.consecutiveSuccess + 1 : 0,
  };
}

/** The phase of a metric that is still going on. `terminating`: the run ends, so nothing more will be measured. */
export function assessMetric(limits: ArgoLimits, c: ArgoCounts, terminating: boolean): ArgoPhase {
  if (c.measurements === 0) return terminating ? "Successful" : "Pending";
  if (c.last === "Running" || c.last === "Pending") return "Running";
  const failureLimit = limits.failureLimit ?? 0;
  // Within one metric too many errors are told before inconclusive results, and those before failures.
  if (c.consecutiveError > (limits.consecutiveErrorLimit ?? 4)) return "Error";
  if (c.inconclusive > (limits.inconclusiveLimit ?? 0)) return "Inconclusive";
  if (failureLimit >= 0 && c.failed > failureLimit) return "Failed";
  const wanted = limits.consecutiveSuccessLimit ?? 0;
  if (wanted > 0 && c.consecutiveSuccess >= wanted) return "Successful";
  // Neither a count nor an interval: measured once. An interval alone: for ever.
  const count = limits.count ?? (limits.intervalMs == null ? 1 : null);
  if (count !== null && c.count >= count) return wanted === 0 ? "Successful" : failureLimit >= 0 ? "Inconclusive" : "Failed";
  return terminating ? "Successful" : "Running";
}

const ORDER: readonly ArgoPhase[] = ["Successful", "Running", "Pending", "Inconclusive", "Error", "Failed"];
const completed = (p: ArgoPhase | null): boolean => p !== null && p !== "Running" && p !== "Pending";

/** The phase of a whole run from those of its metrics (null: not begun): the worst of them, once all are over; dry runs count for nothing. */
export function assessRun(metrics: readonly { phase: ArgoPhase | null; dryRun: boolean }[], terminating: boolean): ArgoPhase {
  const over = metrics.filter((m) => completed(m.phase));
  const worst = over.reduce<ArgoPhase | null>((w, m) => {
    if (m.dryRun) return w ?? "Successful";
    return w === null || ORDER.indexOf(m.phase ?? "Pending") > ORDER.indexOf(w) ? m.phase : w;
  }, null);
  if (terminating) return worst ?? "Successful";
  return over.length < metrics.length || worst === null ? "Running" : worst;
}

/** Time after an error until the same is measured again. */
const ERROR_RETRY_MS = 10_000;

export interface ArgoRunMetric extends ArgoLimits {
  name: string;
  dryRun: boolean;
  initialDelayMs?: number | undefined;
  successCondition?: string | undefined;
  failureCondition?: string | undefined;
}
export interface ArgoRun {
  phase: ArgoPhase;
  /** When the last measurement that mattered was taken; null before any. */
  atMs: number | null;
  metrics: { name: string; phase: ArgoPhase; counts: ArgoCounts; message: string | null; dryRun: boolean }[];
}

/**
 * Runs an analysis from `fromMs` to `toMs` over results as they stood at each time. `stop` is a controller's wish to end
 * it at `toMs`: a run that is stopped before any measurement counts as successful.
 */
export function runArgo(metrics: readonly ArgoRunMetric[], measure: (metric: number, atMs: number) => Measured, span: { fromMs: number; toMs: number; stop?: boolean }): ArgoRun {
  const state = metrics.map((m) => ({ m, evaluate: measurementBy(m), counts: noCounts, phase: "Pending" as ArgoPhase, message: null as string | null, nextMs: span.fromMs + (m.initialDelayMs ?? 0) }));
  let atMs: number | null = null;
  const broken = (): boolean => state.some((s) => !s.m.dryRun && (s.phase === "Failed" || s.phase === "Error" || s.phase === "Inconclusive"));
  while (!broken()) {
    const due = Math.min(...state.filter((s) => !completed(s.phase)).map((s) => s.nextMs));
    if (due > span.toMs || due === Infinity) break;
    atMs = due;
    state.forEach((s, i) => {
      if (completed(s.phase) || s.nextMs !== due) return;
      const measured = s.evaluate(measure(i, due));
      s.counts = counted(s.counts, measured.phase);
      s.message = measured.message ?? s.message;
      s.nextMs = due + (measured.phase === "Error" ? ERROR_RETRY_MS : (s.m.intervalMs ?? Infinity));
      s.phase = assessMetric(s.m, s.counts, false);
    });
  }
  const terminating = broken() || span.stop === true;
  if (terminating) for (const s of state) if (!completed(s.phase)) s.phase = assessMetric(s.m, s.counts, true);
  return { phase: assessRun(state.map((s) => ({ phase: s.phase, dryRun: s.m.dryRun })), terminating), atMs, metrics: state.map((s) => ({ name: s.m.name, phase: s.phase, counts: s.counts, message: s.message, dryRun: s.m.dryRun })) };
}
