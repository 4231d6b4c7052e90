import type { z } from "zod";
import type * as v from "../core/views";
import { rolloutControl, type Queryable, type rollouts } from "../store";

const HOUR_MS = 3_600_000;
/** The site's label that says how many people it serves. */
const PEOPLE = "holdfast.dev/people-served";

/** Whom a plan's targets reach: counts, sites with their jurisdictions, share of the last hour's requests, people served. */
export async function blastRadius(q: Queryable, workloadId: string, targets: readonly { unit: string; node: string; site: string }[], units: readonly rollouts.SitedUnit[], at: { nowMs: number; silentAfterMs: number }): Promise<z.input<typeof v.blastRadiusView>> {
  const named = new Set(targets.map((t) => t.unit));
  const reached = units.filter((u) => named.has(u.unit));
  const hereOf = countBySite(units);
  const reachedOf = countBySite(reached);
  const sites = [...new Set(targets.map((t) => t.site))].sort();
  const requests = await rolloutControl.requestsBySite(q, workloadId, at.nowMs - HOUR_MS);
  const all = requests.reduce((n, r) => n + r.requests, 0);
  // A site's requests belong to its units alike.
  const share = (site: string): number => {
    const here = hereOf.get(site) ?? 0;
    return here === 0 ? 0 : (reachedOf.get(site) ?? 0) / here;
  };
  const people = sites.flatMap((s) => Number(reached.find((u) => u.site === s)?.siteLabels[PEOPLE] ?? NaN)).filter((n) => Number.isFinite(n) && n >= 0);
  return {
    units: targets.length, unitsTotal: units.length, nodes: new Set(targets.map((t) => t.node)).size, sites,
    silent: reached.filter((u) => u.lastSeenMs === null || at.nowMs - u.lastSeenMs >= at.silentAfterMs).length,
    trafficShare: all === 0 ? null : requests.reduce((n, r) => n + r.requests * share(r.site), 0) / all,
    peopleServed: people.length === 0 ? null : Math.round(people.reduce((n, x) => n + x, 0)),
    residency: [...new Set(reached.map((u) => u.jurisdiction))].sort(),
  };
}

function countBySite(units: readonly { site: string }[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const u of units) counts.set(u.site, (counts.get(u.site) ?? 0) + 1);
  return counts;
}
