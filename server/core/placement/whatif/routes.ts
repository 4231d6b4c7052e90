/** A link between two sites, as far as latency is concerned. Links run both ways. */
export interface RouteLink {
  siteA: string;
  siteB: string;
  latencyMs: number;
}

/**
 * Shortest round trips between sites over their links, in ms. A site is 0 from itself; what no link reaches is Infinity.
 * From one site to all others at once (Dijkstra's method; links run both ways), when the first is asked for.
 */
export function routesOf(sites: readonly string[], links: readonly RouteLink[]): (from: string, to: string) => number {
  const at = new Map(sites.map((s, i) => [s, i]));
  const next: { to: number; ms: number }[][] = sites.map(() => []);
  for (const l of links) {
    const [a, b] = [at.get(l.siteA), at.get(l.siteB)];
    if (a === undefined || b === undefined) continue;
    next[a]?.push({ to: b, ms: l.latencyMs });
    next[b]?.push({ to: a, ms: l.latencyMs });
  }
  const known = new Map<number, Float64Array>();
  return (from, to) => {
    const [a, b] = [at.get(from), at.get(to)];
    if (a === undefined || b === undefined) return Infinity;
    let ms = known.get(b);
    if (!ms) known.set(b, (ms = waysTo(b, next)));
    return ms[a] as number;
  };
}

function waysTo(end: number, next: readonly (readonly { to: number; ms: number }[])[]): Float64Array {
  const ms = new Float64Array(next.length).fill(Infinity);
  const open = new Set([end]);
  const done = new Uint8Array(next.length);
  ms[end] = 0;
  while (open.size > 0) {
    let nearest = -1;
    for (const i of open) if (nearest < 0 || (ms[i] as number) < (ms[nearest] as number)) nearest = i;
    open.delete(nearest);
    done[nearest] = 1;
    for (const { to, ms: leg } of next[nearest] ?? []) {
      if (done[to] || (ms[nearest] as number) + leg >= (ms[to] as number)) continue;
      ms[to] = (ms[nearest] as number) + leg;
      open.add(to);
    }
  }
  return ms;
}

/**
 * What a client at each site would wait for a workload: the way to the nearest site that has a unit of it. The mean over
 * the sites that are linked to one, in ms, and how many are linked to none; every site counts alike.
 */
export function reachOf(sites: readonly string[], serving: ReadonlySet<string>, route: (from: string, to: string) => number): { meanMs: number | null; unreached: number } {
  let sum = 0;
  let reached = 0;
  for (const from of sites) {
    let best = Infinity;
    for (const to of serving) best = Math.min(best, route(from, to));
    if (best === Infinity) continue;
    sum += best;
    reached++;
  }
  return { meanMs: reached === 0 ? null : Math.round((sum / reached) * 1_000) / 1_000, unreached: sites.length - reached };
}
