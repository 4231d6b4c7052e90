import { setTimeout as delay } from "node:timers/promises";
import { parseDurationMs } from "../../server/core/base/duration";
import type { HealthCheck } from "../../server/core/manifest/workload";
import { afterCheck, check } from "../engine/health";
import type { HealthState, ProbeContext } from "../engine/health";

/** A unit that starts is asked this often at least, so that it serves as soon as it can. */
const STARTING_EVERY_MS = 500;
const FIRST_AFTER_MS = 100;

/**
 * Asks one process for its health until `signal` ends it, and tells each judgement. `startedMs` is when the process
 * started, also for one that was found again.
 */
export async function watchHealth(o: { check: HealthCheck; context: () => ProbeContext; state: () => HealthState; judged: (next: HealthState) => void; startedMs: number; nowMs: () => number; signal: AbortSignal }): Promise<void> {
  const startPeriodMs = parseDurationMs(o.check.startPeriod) ?? 0;
  const intervalMs = parseDurationMs(o.check.interval) ?? 5_000;
  const paceMs = (): number => (o.state().health === "starting" ? Math.min(STARTING_EVERY_MS, intervalMs) : intervalMs);
  for (let first = true; !o.signal.aborted; first = false) {
    await delay(first ? Math.min(FIRST_AFTER_MS, intervalMs) : paceMs(), undefined, { signal: o.signal, ref: false }).catch(() => undefined);
    if (o.signal.aborted) return;
    const failure = await check(o.check, o.context());
    if (o.signal.aborted) return;
    o.judged(afterCheck(o.state(), failure, { inStartPeriod: o.nowMs() - o.startedMs < startPeriodMs, failureThreshold: o.check.failureThreshold }));
  }
}
