/** Argo Rollouts' background analysis over the frozen trace: sites pooled, success rate and p99 against fixed limits. */
import { runArgo, type ArgoRunMetric, type Measured } from "../../../server/core/analysis/compat/argo";
import { CANARY, type Engine } from "../trace";
import { poolOf, quantileOf } from "./pooled";

const MINUTE = 60_000;
/** Minutes that a query looks back: [5m]. */
const WINDOW_MINUTES = 5;

/** `success`: least share of good requests; `everyMinutes`: the interval. */
export function argo(name: string, success: number, everyMinutes: number): Engine {
  const common = { dryRun: false, intervalMs: everyMinutes * MINUTE, failureLimit: 3, consecutiveErrorLimit: 4 };
  return {
    name,
    judge(trace) {
      const metrics: ArgoRunMetric[] = [
        { ...common, name: "success-rate", successCondition: `result[0] >= ${success}` },
        { ...common, name: "p99", successCondition: `result[0] <= ${1.5 * trace.referenceP99}` },
      ];
      let seen = { minute: -1, results: [[], []] as number[][] };
      const measure = (metric: number, atMs: number): Measured => {
        const minute = Math.floor(atMs / MINUTE);
        if (minute !== seen.minute) {
          const pool = poolOf(trace, CANARY, minute - WINDOW_MINUTES, minute);
          seen = { minute, results: pool.requests === 0 ? [[], []] : [[1 - pool.errors / pool.requests], [quantileOf(pool, 0.99)]] };
        }
        return { result: seen.results[metric] ?? [] };
      };
      const run = runArgo(metrics, measure, { fromMs: everyMinutes * MINUTE, toMs: trace.minutes * MINUTE, stop: true });
      const atMinute = run.phase === "Successful" ? trace.minutes - 1 : Math.max(0, Math.floor((run.atMs ?? 0) / MINUTE) - 1);
      return { outcome: run.phase === "Successful" ? "promote" : run.phase === "Inconclusive" ? "hold" : "rollBack", atMinute, sites: [] };
    },
  };
}
