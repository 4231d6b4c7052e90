/** A link between two sites, as far as latency is concerned. Links run both ways. */
export interface RouteLink {
  siteA: string;
  siteB: string;
  latencyMs: number;
}

/**
 * Shortest round trips between all sites over their links, in ms (Floyd and Warshall; sites are some hundred at most).
 * A site is 0 from itself; what no link reaches is Infinity.
 */
export function routesOf(sites: readonly string[], links: readonly RouteLink[]): (from: string, to: string) => number {
  const at = new Map(sites.map((s, i) => [s, i]));
  const n = sites.length;
  const ms = new Float64Array(n * n).fill(Infinity);
  for (let i = 0; i < n; i++) ms[i * n + i] = 0;
  for (const l of links) {
    const [a, b] = [at.get(l.siteA), at.get(l.siteB)];
    if (a === undefined || b === undefined) continue;
    ms[a * n + b] = Math.min(ms[a * n + b] as number, l.latencyMs);
    ms[b * n + a] = Math.min(ms[b * n + a] as number, l.latencyMs);
  }
  for (let k = 0; k < n; k++)
    for (let i = 0; i < n; i++) {
      const ik = ms[i * n + k] as number;
      if (ik === Infinity) continue;
      for (let j = 0; j < n; j++) if (ik + (ms[k * n + j] as number) < (ms[i * n + j] as number)) ms[i * n + j] = ik + (ms[k * n + j] as number);
    }
  return (from, to) => {
    const [a, b] = [at.get(from), at.get(to)];
    return a === undefined || b === undefined ? Infinity : (ms[a * n + b] as number);
  };
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
