/** How far clients are from the sites that could serve them: what the preference `latency` weighs. Pure. */
import { routesOf } from "./whatif/routes";
import type { RouteLink } from "./whatif/routes";

/** Sites, and round trips between them over their links. */
export interface Network {
  sites: readonly string[];
  /** In ms; Infinity where no link leads. */
  roundTrip: (from: string, to: string) => number;
}
export const networkOf = (sites: readonly string[], links: readonly RouteLink[]): Network => ({ sites, roundTrip: routesOf(sites, links) });
export const nowhere: Network = networkOf([], []);

/** A client that no link leads to counts as so far away, in ms; one that is linked counts as no farther. */
export const UNREACHED_MS = 10_000;

/** Where clients are, and how long they wait for a site. */
export interface Population {
  /** Of each site: the mean round trip in ms by the shares of the clients, and the clients' sites that no link leads to. */
  waits: ReadonlyMap<string, { meanMs: number; unreached: readonly string[] }>;
  sites: readonly string[];
  /** Two populations with one text wait alike for every site. */
  key: string;
}

/** What clients with these shares wait for each site. A site is no way from itself. */
export function populationOf(clients: Readonly<Record<string, number>>, network: Network): Population {
  const shares = Object.entries(clients).sort(([a], [b]) => (a < b ? -1 : 1));
  const all = shares.reduce((sum, [, share]) => sum + share, 0);
  const wait = (site: string) => {
    const unreached: string[] = [];
    let sum = 0;
    for (const [client, share] of shares) {
      const ms = client === site ? 0 : network.roundTrip(site, client);
      if (ms === Infinity) unreached.push(client);
      sum += share * Math.min(UNREACHED_MS, ms);
    }
    return { meanMs: all > 0 ? sum / all : 0, unreached };
  };
  const waits = new Map([...new Set([...network.sites, ...shares.map(([s]) => s)])].sort().map((site) => [site, wait(site)]));
  return { waits, sites: shares.map(([s]) => s), key: JSON.stringify([shares, [...waits].map(([s, w]) => [s, w.meanMs])]) };
}

/** What a population waits for a site; a site that nobody knows is reached by none. */
export const waitFor = (clients: Population, site: string): { meanMs: number; unreached: readonly string[] } => clients.waits.get(site) ?? { meanMs: UNREACHED_MS, unreached: clients.sites };
