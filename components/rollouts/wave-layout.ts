export type Edge = { from: string; to: string };
export type Placed<W> = { wave: W; column: number; row: number };

/**
 * Places waves of a graph in columns: each as far right as the longest chain of waves that stand before it, so that every
 * edge runs from left to right; rows in the order in which the strategy names them. A wave named by `after` that is not there
 * draws no edge, and a circle (which the server refuses) does not hang.
 */
export function placeWaves<W extends { name: string; after: readonly string[] }>(waves: readonly W[]): { placed: Placed<W>[]; edges: Edge[]; columns: number; rows: number } {
  const known = new Map(waves.map((w) => [w.name, w]));
  const columns = new Map<string, number>();
  const depth = (w: W, on: ReadonlySet<string>): number => {
    const before = columns.get(w.name);
    if (before !== undefined) return before;
    const found = w.after.flatMap((name) => {
      const one = known.get(name);
      return one && !on.has(name) ? [depth(one, new Set([...on, name])) + 1] : [];
    });
    const column = Math.max(0, ...found);
    columns.set(w.name, column);
    return column;
  };
  const used = new Map<number, number>();
  const placed = waves.map((wave) => {
    const column = depth(wave, new Set([wave.name]));
    const row = used.get(column) ?? 0;
    used.set(column, row + 1);
    return { wave, column, row };
  });
  return {
    placed,
    edges: waves.flatMap((w) => w.after.filter((a) => known.has(a)).map((from) => ({ from, to: w.name }))),
    columns: Math.max(0, ...placed.map((p) => p.column)) + (placed.length > 0 ? 1 : 0),
    rows: Math.max(0, ...used.values()),
  };
}
