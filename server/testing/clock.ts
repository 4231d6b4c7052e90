import type { Clock } from "../platform";

/** A clock that tests set and move. Starts at the machine's time unless told otherwise. */
export interface TestClock extends Clock {
  /** Moves it by so many ms; backwards too. */
  advance(ms: number): void;
}

export function testClock(startMs: number = Date.now()): TestClock {
  let moved = 0;
  return { nowMs: () => startMs + moved, advance: (ms) => void (moved += ms) };
}

/** A clock that goes on as the machine's does, and can be moved besides. */
export function runningClock(): TestClock {
  let moved = 0;
  return { nowMs: () => Date.now() + moved, advance: (ms) => void (moved += ms) };
}
