/** Flagger's checks over the frozen trace: sites pooled, success rate and p99 of each minute against fixed limits. */
import { passes, runFlagger } from "../../../server/core/analysis/compat/flagger";
import { CANARY, type Engine, type Trace } from "../trace";
import { poolOf, quantileOf } from "./pooled";

const THRESHOLD = 10;

function* checks(trace: Trace): Generator<boolean> {
  for (let minute = 0; minute < trace.minutes; minute++) {
    const pool = poolOf(trace, CANARY, minute, minute + 1);
    const none = pool.requests === 0;
    yield passes(none ? null : 100 * (1 - pool.errors / pool.requests), { min: 99 }) && passes(none ? null : quantileOf(pool, 0.99), { max: 1.5 * trace.referenceP99 });
  }
}

export function flagger(): Engine {
  return {
    name: "flagger",
    judge(trace) {
      const run = runFlagger(checks(trace), { threshold: THRESHOLD, iterations: Infinity });
      // A canary that has not failed by the end has got all its weight, and is promoted.
      return run.outcome === "failed" ? { outcome: "rollBack", atMinute: run.tick ?? 0, sites: [] } : { outcome: "promote", atMinute: trace.minutes - 1, sites: [] };
    },
  };
}
