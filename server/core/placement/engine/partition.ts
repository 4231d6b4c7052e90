/** A partition of things: of each the number of its class, numbered as they first come, and how many classes there are. */
export interface Partition {
  of: Int32Array;
  count: number;
}

/** A table for pairs is worth its memory up to so many of them. */
const MOST_PAIRS = 1 << 22;

/** Classes of things that agree in all of these. */
export const agreeing = (things: number, all: readonly Partition[]): Partition => all.reduce(finer, { of: new Int32Array(things), count: Math.min(1, things) });

/** Classes of things that agree in both. */
export function finer(a: Partition, b: Partition): Partition {
  if (b.count <= 1) return a;
  const n = a.of.length;
  const of = new Int32Array(n);
  let count = 0;
  if (a.count * b.count <= MOST_PAIRS) {
    const table = new Int32Array(a.count * b.count);
    for (let i = 0; i < n; i++) {
      const at = (a.of[i] as number) * b.count + (b.of[i] as number);
      if (table[at] === 0) table[at] = ++count;
      of[i] = (table[at] as number) - 1;
    }
    return { of, count };
  }
  const table = new Map<number, number>();
  for (let i = 0; i < n; i++) {
    const pair = (a.of[i] as number) * b.count + (b.of[i] as number);
    let at = table.get(pair);
    if (at === undefined) table.set(pair, (at = count++));
    of[i] = at;
  }
  return { of, count };
}

/** Classes of things of which the same is told. */
export function partitionBy<T>(things: readonly T[], tell: (thing: T) => unknown): Partition {
  const of = new Int32Array(things.length);
  const known = new Map<unknown, number>();
  for (let i = 0; i < things.length; i++) {
    const value = tell(things[i] as T);
    let at = known.get(value);
    if (at === undefined) known.set(value, (at = known.size));
    of[i] = at;
  }
  return { of, count: known.size };
}

/** One thing of each class. */
export function samplesOf(p: Partition): Int32Array {
  const samples = new Int32Array(p.count);
  for (let i = p.of.length - 1; i >= 0; i--) samples[p.of[i] as number] = i;
  return samples;
}
