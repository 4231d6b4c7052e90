/** Kayenta's judge over the frozen trace: sites pooled, a look each hour at everything since the beginning. */
import { classifyMetric, classifyScore, scoreMetrics, type KayentaSettings } from "../../../server/core/analysis/compat/kayenta";
import { CANARY, type Engine } from "../trace";
import { baselineOf, poolOf, quantileOf, type Pool } from "./pooled";

const LOOK_MINUTES = 60;
/** At a look before the last a score below `marginal` fails; Kayenta's own stage fails at exactly `marginal` too. */
const LIMITS = { pass: 95, marginal: 75 };
const base: KayentaSettings = { direction: "increase", nanStrategy: "remove", critical: false, mustHaveData: false };
/** Values of one minute; NaN where there were no requests. Latencies are in seconds, errors a share. */
const METRICS: readonly { group: string; settings: KayentaSettings; value: (p: Pool) => number }[] = [
  { group: "errors", settings: { ...base, nanStrategy: "replace" }, value: (p) => p.errors / p.requests },
  { group: "latency", settings: base, value: (p) => quantileOf(p, 0.5) },
  { group: "latency", settings: base, value: (p) => quantileOf(p, 0.99) },
];
const WEIGHTS = { errors: 50, latency: 50 };

export function kayenta(): Engine {
  return {
    name: "kayenta",
    judge(trace) {
      const control: number[][] = METRICS.map(() => []);
      const experiment: number[][] = METRICS.map(() => []);
      for (let minute = 0; minute < trace.minutes; minute++) {
        const [stable, canary] = [baselineOf(trace, minute), poolOf(trace, CANARY, minute, minute + 1)];
        METRICS.forEach((m, i) => {
          control[i]?.push(m.value(stable));
          experiment[i]?.push(m.value(canary));
        });
        const last = minute === trace.minutes - 1;
        if ((minute + 1) % LOOK_MINUTES !== 0 && !last) continue;
        const classes = METRICS.map((m, i) => ({ ...classifyMetric(control[i] ?? [], experiment[i] ?? [], m.settings), groups: [m.group] }));
        const found = classifyScore(scoreMetrics(classes, WEIGHTS).score, LIMITS);
        if (found === "Fail") return { outcome: "rollBack", atMinute: minute, sites: [] };
        // The last score has to pass: between the limits is not enough any more.
        if (last) return { outcome: found === "Pass" ? "promote" : "rollBack", atMinute: minute, sites: [] };
      }
      throw new Error("a run without minutes");
    },
  };
}
