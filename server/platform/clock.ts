/** The only way to know the time outside `core`, where it is an argument. Injected, so that tests can move it. */
export interface Clock {
  /** Unix time in milliseconds. */
  nowMs(): number;
}

/** The machine's clock. */
export const systemClock: Clock = { nowMs: () => Date.now() };
