import type { Actor, ProjectRef } from "../core/access/actor";
import { refuseNow } from "../core/base/refusal";
import type { Manifest, ManifestKind } from "../core/manifest";
import { newId } from "../platform";
import type { Sealer } from "../platform";
import { createRolloutIn } from "../rollouts";
import { objects, schedulerKeys } from "../store";
import type { Tx } from "../store";
import { sealManifest } from "./environment";
import { nameOf } from "./prepare";
import type { Prepared } from "./prepare";
import { writeSiteRows } from "./site-rows";

/** Change topic and audit kind of each kind of object. */
export const topicOf = { Workload: "workload", PlacementPolicy: "policy", Site: "site", RolloutStrategy: "object", AnalysisTemplate: "object", Quota: "object" } as const satisfies Record<ManifestKind, string>;
export const auditKindOf: Record<ManifestKind, string> = { Workload: "workload", PlacementPolicy: "policy", Site: "site", RolloutStrategy: "strategy", AnalysisTemplate: "analysis", Quota: "quota" };

export interface Written {
  id: string;
  version: number;
  generation: number;
  rolloutNumber: number | null;
}

/**
 * Writes one object in the caller's transaction: the object, its revision, what its kind keeps besides, the rollout that
 * brings it to units, and the nudge for the scheduler. Compare-and-set on the version that was read.
 */
export async function writeObject(tx: Tx, seal: Sealer, actor: Actor, project: ProjectRef, p: Prepared, o: { reason: string | null; nowMs: number }): Promise<Written> {
  const stored = sealManifest(seal, project.id, p.manifest);
  const { metadata } = p.manifest;
  const row = { title: metadata.title ?? null, labels: metadata.labels ?? {}, generation: p.generation, digest: p.digest, spec: stored.spec, nowMs: o.nowMs };
  const id = p.existing?.id ?? newId(idKind[p.manifest.kind]);
  let version = p.existing?.version ?? 1;
  if (p.action === "create") await objects.insert(tx.client, { id, projectId: project.id, kind: p.manifest.kind, name: metadata.name, ...row });
  else if (p.action === "update") {
    if (!(await objects.update(tx.client, { id, version, ...row }))) return refuseNow("stale_version", `${nameOf(p.manifest)} was changed by somebody else meanwhile.`, "Look at it as it is now, then apply your change again.");
    version += 1;
  }
  if (p.action !== "unchanged")
    await objects.insertRevision(tx.client, { objectId: id, generation: p.generation, digest: p.digest, manifest: stored, author: actor.name, authorId: actor.id, reason: o.reason, changes: p.changes, templateDigest: p.templateDigest, gated: p.delivery.by === "rollout", nowMs: o.nowMs });
  if (p.manifest.kind === "Site" && p.action !== "unchanged") await writeSiteRows(tx, project.id, id, p.manifest);
  let rolloutNumber: number | null = null;
  if (p.delivery.by === "rollout") {
    const made = await createRolloutIn(tx, actor, { project, workload: { id, name: metadata.name }, from: p.delivery.from, to: p.generation, strategy: p.delivery.strategy, reason: o.reason, nowMs: o.nowMs });
    rolloutNumber = made.number;
    await schedulerKeys.nudge(tx, "rollout", [made.id], o.nowMs);
  }
  if (p.action !== "unchanged" || rolloutNumber !== null) await announce(tx, project.id, id, p.manifest, o.nowMs);
  return { id, version, generation: p.generation, rolloutNumber };
}

async function announce(tx: Tx, projectId: string, id: string, m: Manifest, nowMs: number): Promise<void> {
  tx.changes.add(topicOf[m.kind], id, projectId);
  if (topicOf[m.kind] === "policy") tx.changes.add("object", id, projectId);
  if (m.kind === "Workload") await schedulerKeys.nudge(tx, "workload", [id], nowMs);
  if (m.kind === "PlacementPolicy") await schedulerKeys.nudge(tx, "workload", await schedulerKeys.workloadsOfPolicy(tx.client, projectId, m.metadata.name), nowMs);
}

const idKind: Record<ManifestKind, string> = { Workload: "workload", PlacementPolicy: "policy", Site: "site", RolloutStrategy: "strategy", AnalysisTemplate: "analysis", Quota: "quota" };
