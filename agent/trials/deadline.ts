/** When a switch on trial ends by itself: pure rules about two clocks. */

/** How far the two clocks may disagree before the earlier one decides; so much later than the earlier one, and never more, the agent goes back. */
export const CLOCK_TOLERANCE_MS = 30_000;

/** What the agent's machine says of time: the wall clock, and how long it has been up (which no step of the clock moves), in ms. */
export type Clocks = { nowMs: number; upMs: number; bootId: string };

/** A deadline as it is noted on disk. */
export type Deadline = {
  /** As the gateway said it, by its clock, and what its clock was ahead of ours then. */
  returnAtMs: number;
  skewMs: number;
  /** The same by our wall clock. */
  wallAtMs: number;
  /** The same by the time since boot, which counts in this boot only. */
  bootId: string;
  upAtMs: number;
  /** By our wall clock, when it was noted. */
  notedAtMs: number;
};

/** Notes a deadline of the gateway's clock by both of ours. */
export function noteDeadline(returnAtMs: number, skewMs: number, c: Clocks): Deadline {
  const wallAtMs = returnAtMs - skewMs;
  return { returnAtMs, skewMs, wallAtMs, bootId: c.bootId, upAtMs: Math.round(c.upMs + wallAtMs - c.nowMs), notedAtMs: c.nowMs };
}

/**
 * How long until the deadline is due; 0 or less: now. In the boot in which it was noted the later of both clocks decides,
 * but at most CLOCK_TOLERANCE_MS after the earlier one: no step of the wall clock, back or forth, keeps a revision on
 * trial for longer than that. After a reboot only the wall clock has gone on; when it has gone back to before the note,
 * nobody knows how much time has passed, and the deadline is due at once.
 */
export function msUntilDue(d: Deadline, c: Clocks): number {
  const byWallMs = d.wallAtMs - c.nowMs;
  if (d.bootId !== c.bootId) return c.nowMs < d.notedAtMs - CLOCK_TOLERANCE_MS ? 0 : byWallMs;
  const byUptimeMs = d.upAtMs - c.upMs;
  return Math.min(Math.max(byWallMs, byUptimeMs), Math.min(byWallMs, byUptimeMs) + CLOCK_TOLERANCE_MS);
}

/** The deadline as it holds from now on: noted anew when the gateway moved it, when its clock is another than thought, or in a new boot (there the time left is what is known of it). */
export function carryOn(d: Deadline, o: { returnAtMs: number; skewMs: number }, c: Clocks): Deadline {
  if (o.returnAtMs !== d.returnAtMs || Math.abs(o.skewMs - d.skewMs) > 1_000) return noteDeadline(o.returnAtMs, o.skewMs, c);
  if (d.bootId === c.bootId) return d;
  const leftMs = msUntilDue(d, c);
  return { ...d, bootId: c.bootId, upAtMs: Math.round(c.upMs + leftMs), wallAtMs: c.nowMs + leftMs, notedAtMs: c.nowMs };
}
