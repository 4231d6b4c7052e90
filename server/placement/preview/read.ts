import { workloadManifest } from "../../core/manifest/workload";
import { goalOf } from "../../core/placement";
import type { Held, OngoingRepair, QuotaFacts } from "../../core/placement";
import { objects, repairs, schedulerSnapshot, schedulerWorld, sites } from "../../store";
import type { Queryable } from "../../store";
import { loadQuotas, loadReservations } from "../sets-snapshot";
import { FINISHED, generationsOf, templateKey } from "../workload-snapshot";
import type { StoredManifest, WorkloadParts } from "../workload-snapshot";

/** A project as it is stored: what a preview changes a copy of, before pictures are made from it. */
export interface ProjectRows {
  nodes: readonly schedulerSnapshot.FleetNodeRow[];
  /** Nodes that are decommissioned and still stand in assignments. */
  gone: readonly schedulerSnapshot.FleetNodeRow[];
  links: readonly { siteA: string; siteB: string; latencyMs: number }[];
  sites: readonly sites.StoredSite[];
  workloads: readonly WorkloadRows[];
  policies: ReadonlyMap<string, { digest: string; spec: unknown }>;
  quotas: readonly QuotaFacts[];
  held: readonly Held[];
  /** The repair that is under way; null when none is. */
  repair: OngoingRepair | null;
}
export interface WorkloadRows extends Pick<WorkloadParts, "object" | "units" | "manifests" | "open" | "pieces"> {
  revisions: readonly schedulerWorld.RevisionRow[];
  successes: readonly { toGeneration: number; endedAtMs: number }[];
}

/** Which revision should run, as `loadGoal` finds it. */
export const goalFrom = (w: Pick<WorkloadRows, "revisions" | "successes">) => goalOf(w.revisions.map((r) => ({ generation: r.generation, templateDigest: templateKey(r), held: r.heldReason !== null, gated: r.gated, createdAtMs: r.createdAtMs })), w.successes);

/** Reads all of a project that placement may see. Questions that do not depend on one another are asked at once. */
export async function readProject(db: Queryable, projectId: string): Promise<ProjectRows> {
  const [nodes, units, found, revisionRows, rolloutRows, policies, quotas, held, links, siteRows, repair] = await Promise.all([
    schedulerSnapshot.fleetNodes(db, projectId), schedulerWorld.units(db, projectId), schedulerWorld.workloads(db, projectId), schedulerWorld.revisions(db, projectId), schedulerWorld.rollouts(db, projectId, FINISHED),
    objects.ofKinds(db, projectId, ["PlacementPolicy"]), loadQuotas(db, projectId), loadReservations(db, projectId), sites.links(db, projectId), sites.all(db, projectId), repairs.open(db, projectId),
  ]);
  const byWorkload = groupBy(revisionRows, (r) => r.objectId);
  const rolled = groupBy(rolloutRows, (r) => r.workloadId);
  const parts = found.map((object) => {
    const own = { object, units: units.get(object.id) ?? [], revisions: byWorkload.get(object.id) ?? [], successes: (rolled.get(object.id) ?? []).flatMap((r) => (r.endedAtMs === null ? [] : [{ toGeneration: r.toGeneration, endedAtMs: r.endedAtMs }])), open: (rolled.get(object.id) ?? []).find((r) => r.endedAtMs === null) ?? null };
    return { ...own, wanted: generationsOf({ units: own.units, goal: goalFrom(own), open: own.open }) };
  });
  const batches = found.filter((o) => (o.spec as { kind?: string }).kind === "batch").map((o) => o.id);
  const known = new Set(nodes.map((n) => n.id));
  const missing = [...new Set(parts.flatMap((p) => p.units.map((u) => u.nodeId)))].filter((id) => !known.has(id));
  const [manifests, pieces, gone] = await Promise.all([
    schedulerWorld.manifests(db, parts.flatMap((p) => [...p.wanted].map((generation) => ({ objectId: p.object.id, generation })))),
    schedulerWorld.completedPieces(db, batches),
    missing.length ? schedulerSnapshot.fleetNodes(db, projectId, missing) : [],
  ]);
  const stored = new Map<string, Map<number, StoredManifest>>();
  for (const r of manifests) {
    const parsed = workloadManifest.safeParse(r.manifest);
    if (parsed.success) stored.set(r.objectId, (stored.get(r.objectId) ?? new Map<number, StoredManifest>()).set(r.generation, { manifest: parsed.data, digest: r.digest, key: templateKey(r) }));
  }
  const done = groupBy(pieces, (x) => x.workloadId);
  return {
    nodes, gone, links, sites: siteRows, quotas, held, repair, policies: new Map(policies.map((o) => [o.name, { digest: o.digest, spec: o.spec }])),
    workloads: parts.map((p) => ({ ...p, manifests: stored.get(p.object.id) ?? new Map(), pieces: done.get(p.object.id) ?? [] })),
  };
}

function groupBy<T>(list: readonly T[], key: (x: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const x of list) {
    const group = found.get(key(x));
    if (group) group.push(x);
    else found.set(key(x), [x]);
  }
  return found;
}
