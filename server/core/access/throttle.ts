/**
 * How failed sign-ins slow down: by login, so that one account can't be guessed at, and by address, so that one machine
 * can't try one password on every account. The first few failures are free, because people mistype.
 */
export const throttleRules = {
  login: { free: 5, firstLockMs: 5_000, longestLockMs: 900_000 },
  address: { free: 30, firstLockMs: 5_000, longestLockMs: 900_000 },
} as const;
export type ThrottleKind = keyof typeof throttleRules;

/** Failures older than this are forgotten. */
export const THROTTLE_FORGET_MS = 3_600_000;

/** How long to refuse further attempts after this many failures in a row: doubles each time, up to a quarter of an hour. */
export function lockMsAfter(kind: ThrottleKind, failures: number): number {
  const { free, firstLockMs, longestLockMs } = throttleRules[kind];
  if (failures < free) return 0;
  return Math.min(longestLockMs, firstLockMs * 2 ** Math.min(30, failures - free));
}
