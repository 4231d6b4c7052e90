import { Counter, Gauge, Histogram } from "prom-client";
import type { Registry } from "prom-client";

/** What the scheduler tells of itself at /metrics. */
export function schedulerMetrics(registry: Registry) {
  return {
    looks: new Counter({ name: "holdfast_reconcile_total", help: "Looks at keys, by kind and how they ended (done, failed, lost).", labelNames: ["kind", "result"], registers: [registry] }),
    seconds: new Histogram({ name: "holdfast_reconcile_seconds", help: "Duration of one look.", labelNames: ["kind"], buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10], registers: [registry] }),
    corrections: new Counter({ name: "holdfast_reconcile_corrections_total", help: "Looks that found something to change and were only made because of the resync: nudges that got lost.", labelNames: ["kind"], registers: [registry] }),
    stale: new Counter({ name: "holdfast_reconcile_stale_plans_total", help: "Plans that were made anew because what they saw had changed.", labelNames: ["kind"], registers: [registry] }),
    due: new Gauge({ name: "holdfast_reconcile_due", help: "Keys that are due.", labelNames: ["kind"], registers: [registry] }),
    failing: new Gauge({ name: "holdfast_reconcile_failing", help: "Keys whose last look failed.", labelNames: ["kind"], registers: [registry] }),
    placed: new Counter({ name: "holdfast_placements_total", help: "Decisions about units, by outcome.", labelNames: ["outcome"], registers: [registry] }),
  };
}
export type SchedulerMetrics = ReturnType<typeof schedulerMetrics>;
