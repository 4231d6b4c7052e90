/**
 * A seeded source of numbers in [0, 1): mulberry32, 32 bits of state. Training, splitting and the relay's
 * jitter draw from it, so that a seed written in a manifest reproduces the run. Not for secrets.
 */
export type Random = () => number;

/** Makes a generator from a 32-bit seed. Algorithm: mulberry32 by Tommy Ettinger (public domain). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A copy of the items in random order (Fisher-Yates). */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const copy = [...items];
  for (let last = copy.length - 1; last > 0; last -= 1) {
    const pick = Math.floor(random() * (last + 1));
    const kept = copy[last] as T;
    copy[last] = copy[pick] as T;
    copy[pick] = kept;
  }
  return copy;
}

/** One draw from the normal distribution with mean 0 and standard deviation 1 (Box-Muller). */
export function gaussian(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return radius * Math.cos(2 * Math.PI * random());
}
