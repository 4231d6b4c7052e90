import { setTimeout as delay } from "node:timers/promises";

/** Waits until a condition holds; throws with what it waited for, and what `explain` knows, when it does not in time. */
export async function until(what: string, holds: () => Promise<boolean> | boolean, timeoutMs = 60_000, explain: () => Promise<string> | string = () => ""): Promise<void> {
  const end = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      if (await holds()) return;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms for ${what}${last ? `; last error: ${String(last)}` : ""}\n${await explain()}`);
    await delay(100);
  }
}
