import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "../platform";

/**
 * Faults that say "not now": the server starts, stops or recovers (class 57P), has no connection left (53300), or nothing
 * answers at its address yet. Anything else (a wrong password, a database that is not there) does not pass by waiting.
 */
const PASSING = new Set(["57P01", "57P02", "57P03", "53300", "ECONNREFUSED", "ECONNRESET", "ENOENT", "ETIMEDOUT", "EAI_AGAIN", "EPIPE"]);
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 2_000;
const SAY_EVERY_MS = 10_000;

/** Would the same question be answered once the database has finished what it is doing? */
export function passesByItself(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ("code" in error && PASSING.has(String(error.code))) return true;
  if (error instanceof AggregateError) return error.errors.some(passesByItself);
  return /timeout exceeded when trying to connect|Connection terminated/.test(error.message);
}

/**
 * Asks until the database answers, with growing pauses, and says in the log what it waits for: a process may be started
 * before its database is. Faults that do not pass by themselves are thrown at once.
 */
export async function whenReachable<T>(ask: () => Promise<T>, o: { log: Logger; nowMs?: () => number }): Promise<T> {
  const nowMs = o.nowMs ?? (() => performance.now());
  let saidMs = -Infinity;
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
    try {
      return await ask();
    } catch (error) {
      if (!passesByItself(error)) throw error;
      if (nowMs() - saidMs >= SAY_EVERY_MS) {
        o.log.warn({ err: error }, "waiting for the database to answer");
        saidMs = nowMs();
      }
      await delay(waitMs);
    }
  }
}
