import { affinityOf, alone, apartFrom, namedBy } from "../core/placement";
import type { Neighbours, Shape } from "../core/placement";
import { workloadSpec } from "../core/manifest/workload";
import { schedulerSets } from "../store";
import type { Queryable } from "../store";

const affinity = workloadSpec.shape.affinity;

/**
 * Units that a workload keeps apart from or stays with, and who keeps apart from it: by the newest revisions of others
 * that are not held, as a preview reads them too.
 */
export async function loadNeighbours(db: Queryable, projectId: string, name: string, shape: Shape | null): Promise<Neighbours> {
  const keepApart = (await schedulerSets.affinities(db, projectId, name)).flatMap((r) => {
    const parsed = affinity.safeParse(r.affinity);
    return parsed.success ? apartFrom(affinityOf(r.workload, { affinity: parsed.data }), name).map((over) => ({ workload: r.workload, over })) : [];
  });
  const named = [...new Set([...(shape ? namedBy(shape) : []), ...keepApart.map((k) => k.workload)])];
  if (named.length === 0) return alone;
  const units = new Map<string, { nodeId: string; stopping: boolean }[]>(named.map((n) => [n, []]));
  for (const u of await schedulerSets.unitsOfNamed(db, projectId, named)) units.get(u.workload)?.push({ nodeId: u.nodeId, stopping: u.stopping });
  return { units, keepApart };
}

/** Equal exactly when the units that matter, and the rules of others, are the same. */
export const neighboursKey = (n: Neighbours): string => JSON.stringify([[...n.units].map(([w, units]) => [w, units.map((u) => `${u.nodeId} ${u.stopping}`).sort()]).sort(([a], [b]) => ((a ?? "") < (b ?? "") ? -1 : 1)), n.keepApart.map((k) => `${k.workload} ${k.over}`).sort()]);
