/** How replicas are divided over sites; the words and their meaning are Karmada's. */
export type Division = "duplicated" | "static" | "dynamic" | "aggregated";

export interface DivisionSite {
  name: string;
  /** Of "static": 0 gets nothing. */
  weight: number;
  /** How many more units fit there now. */
  available: number;
  /** Units of the workload that are there already and may stay. */
  current: number;
}

export interface Divided {
  /** Units by site; sites with none are named too. */
  units: Map<string, number>;
  /** Units that no site can take; 0 for "duplicated" and "static", which do not ask for room. */
  left: number;
}

/**
 * Divides whole units in proportion to weights so that they sum exactly to `total` (largest remainder; of equal
 * remainders the larger weight, then the smaller name). With no weight above 0 nothing is given.
 */
export function largestRemainder(total: number, shares: readonly { name: string; weight: number }[]): Map<string, number> {
  const sum = shares.reduce((n, s) => n + s.weight, 0);
  const found = new Map(shares.map((s) => [s.name, 0]));
  if (sum <= 0) return found;
  const exact = shares.map((s) => ({ ...s, whole: Math.floor((total * s.weight) / sum), rest: (total * s.weight) % sum }));
  for (const e of exact) found.set(e.name, e.whole);
  const left = total - exact.reduce((n, e) => n + e.whole, 0);
  // Fewer are left than have a remainder: a weight of 0 never comes into it.
  const order = exact.sort((a, b) => b.rest - a.rest || b.weight - a.weight || (a.name < b.name ? -1 : 1));
  for (const e of order.slice(0, left)) found.set(e.name, e.whole + 1);
  return found;
}

/**
 * Divides replicas over sites.
 *  - duplicated: all of them at every site;
 *  - static: by weights;
 *  - dynamic: by the room that sites have;
 *  - aggregated: at as few sites as can take them: those that have units already, then those with most room.
 * The last two keep what runs: more replicas are divided by room, fewer by what is there, so that scaling moves nothing.
 */
export function divide(replicas: number, by: Division, sites: readonly DivisionSite[]): Divided {
  if (by === "duplicated") return { units: new Map(sites.map((s) => [s.name, replicas])), left: 0 };
  if (by === "static") {
    const units = largestRemainder(replicas, sites);
    return { units, left: sites.some((s) => s.weight > 0) ? 0 : replicas };
  }
  const there = sites.reduce((n, s) => n + s.current, 0);
  if (replicas <= there) return { units: by === "dynamic" ? largestRemainder(replicas, sites.map((s) => ({ name: s.name, weight: s.current }))) : shrink(replicas, sites), left: 0 };
  const more = replicas - there;
  const chosen = by === "dynamic" ? sites : fewest(more, sites);
  const room = chosen.reduce((n, s) => n + s.available, 0);
  const given = largestRemainder(Math.min(more, room), chosen.map((s) => ({ name: s.name, weight: s.available })));
  return { units: new Map(sites.map((s) => [s.name, s.current + (given.get(s.name) ?? 0)])), left: Math.max(0, more - room) };
}

/** The shortest list of sites whose room is enough; all of them when it never is. */
function fewest(more: number, sites: readonly DivisionSite[]): DivisionSite[] {
  const order = [...sites].sort((a, b) => Number(b.current > 0) - Number(a.current > 0) || b.available - a.available || (a.name < b.name ? -1 : 1));
  const chosen: DivisionSite[] = [];
  for (let room = 0; room < more && chosen.length < order.length; ) {
    const next = order[chosen.length] as DivisionSite;
    chosen.push(next);
    room += next.available;
  }
  return chosen;
}

/** Takes from the sites with fewest units first, so that fewer sites are left. */
function shrink(replicas: number, sites: readonly DivisionSite[]): Map<string, number> {
  const units = new Map(sites.map((s) => [s.name, s.current]));
  let over = sites.reduce((n, s) => n + s.current, 0) - replicas;
  for (const s of [...sites].sort((a, b) => a.current - b.current || (a.name < b.name ? 1 : -1))) {
    const less = Math.min(over, s.current);
    units.set(s.name, s.current - less);
    over -= less;
  }
  return units;
}
