const FIRST_MS = 500;
const LONGEST_MS = 60_000;

/**
 * How long a key rests after its nth failure in a row: doubling from half a second to a minute, between half and all of
 * it at random, so that keys that failed together are not tried together. `random` is in [0, 1).
 */
export function restMs(failures: number, random: number): number {
  const whole = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.max(0, failures - 1));
  return Math.round(whole / 2 + (whole / 2) * random);
}
