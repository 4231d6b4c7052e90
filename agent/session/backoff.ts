/** How reconnecting backs off; ms. */
export type BackoffSettings = { baseMs: number; capMs: number };
export const defaultBackoff: BackoffSettings = { baseMs: 500, capMs: 30_000 };

/**
 * How long to wait before attempt `attempt` (0 for the first retry): anything between nothing and an exponentially
 * growing, capped bound ("full jitter"), so that a fleet that lost its gateway does not come back in one wave.
 * Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015. `random` in 0..1.
 */
export function fullJitterMs(attempt: number, random: number, o: BackoffSettings): number {
  return Math.round(random * Math.min(o.capMs, o.baseMs * 2 ** Math.min(30, attempt)));
}

/** Exponential back-off without jitter, for restarts of one unit on one node. */
export function exponentialMs(attempt: number, baseMs: number, maxMs: number): number {
  return Math.min(maxMs, baseMs * 2 ** Math.min(30, Math.max(0, attempt)));
}
