import { createHash } from "node:crypto";
import { refuseNow } from "../core/base/refusal";
import type { FieldError } from "../core/base/refusal";
import type { ProjectRef } from "../core/access/actor";
import { diffManifests, fillHidden, kindWords, manifestDigest, readManifests, templateDigest } from "../core/manifest";
import type { Manifest, ManifestKind } from "../core/manifest";
import type { ChangeView } from "../core/views/common";
import type { Sealer } from "../platform";
import { loadGoal } from "../placement";
import { objects, rollouts } from "../store";
import type { Queryable } from "../store";
import { openManifest } from "./environment";
import { checkReferences } from "./references";

export const sha256 = (text: string): string => createHash("sha256").update(text, "utf8").digest("hex");

/** One object of a submitted text, compared with what is stored. */
export interface Prepared {
  manifest: Manifest;
  existing: objects.StoredObject | null;
  /** The newest revision, with its values. */
  previous: Manifest | null;
  action: "create" | "update" | "unchanged";
  digest: string;
  templateDigest: string | null;
  changes: ChangeView[];
  generation: number;
  /** For a workload that runs something else now: how its units come to this revision. */
  delivery: Delivery;
}
export type Delivery =
  | { by: "nothing" }
  | { by: "reconciler"; from: number | null }
  | { by: "rollout"; strategy: string; from: number };

/** What is applied first, so that what it is named by finds it. */
const order: readonly ManifestKind[] = ["Site", "Quota", "AnalysisTemplate", "PlacementPolicy", "RolloutStrategy", "Workload"];

/** Reads a text and checks everything that can be checked without writing; refuses with all that is wrong. */
export async function prepareText(db: Queryable, seal: Sealer, project: ProjectRef, o: { text: string; expectVersion?: number | undefined; lock: boolean }): Promise<Prepared[]> {
  const read = readManifests(o.text, project.name);
  const errors: FieldError[] = [...read.errors];
  if (errors.length === 0) errors.push(...(await checkReferences(db, project.id, read.manifests)));
  if (errors.length === 0 && o.expectVersion !== undefined && read.manifests.length > 1) errors.push({ path: "expectVersion", message: "A version was given, and the text has several objects.", remedy: "Give it for one object, or leave it out." });
  if (errors.length > 0) return refuseNow("invalid_input", errors.length === 1 ? (errors[0] as FieldError).message : `The text has ${errors.length} errors.`, (errors[0] as FieldError).remedy, errors);
  const sorted = [...read.manifests].sort((a, b) => order.indexOf(a.manifest.kind) - order.indexOf(b.manifest.kind));
  const prepared: Prepared[] = [];
  for (const r of sorted) {
    const existing = await objects.byName(db, project.id, r.manifest.kind, r.manifest.metadata.name, o.lock);
    if (o.expectVersion !== undefined && (existing?.version ?? 0) !== o.expectVersion)
      return refuseNow("stale_version", `${nameOf(r.manifest)} was changed by somebody else meanwhile: it has version ${existing?.version ?? 0}, and you saw ${o.expectVersion}.`, "Look at it as it is now, then apply your change again.");
    const newest = existing && (await objects.revision(db, existing.id, existing.generation));
    const previous = newest ? openManifest(seal, project.id, newest.manifest) : null;
    const filled = fillHidden(r.manifest, previous);
    if (filled.errors.length > 0) return refuseNow("invalid_input", (filled.errors[0] as FieldError).message, (filled.errors[0] as FieldError).remedy, filled.errors.map((e) => ({ ...e, ...r.at(e.path.split(".")) })));
    prepared.push(await prepareOne(db, filled.manifest, existing, previous, r.at(["spec", "kind"])));
  }
  return prepared;
}

/** Compares one manifest (with its values) with what is stored, and finds how it would come into force. */
export async function prepareOne(db: Queryable, m: Manifest, existing: objects.StoredObject | null, previous: Manifest | null, at: { line?: number; column?: number } = {}): Promise<Prepared> {
  const digest = manifestDigest(m, sha256);
  const template = m.kind === "Workload" ? templateDigest(m.spec, sha256) : null;
  const same = existing?.digest === digest;
  const base = { manifest: m, existing, previous, digest, templateDigest: template, changes: same ? [] : diffManifests(previous, m) };
  if (!existing) return { ...base, action: "create", generation: 1, delivery: m.kind === "Workload" ? { by: "reconciler", from: null } : { by: "nothing" } };
  const generation = same ? existing.generation : existing.generation + 1;
  const action = same ? "unchanged" : "update";
  if (m.kind !== "Workload") return { ...base, action, generation, delivery: { by: "nothing" } };

  if (previous?.kind === "Workload" && previous.spec.kind !== m.spec.kind)
    return refuseNow("invalid_input", `A workload keeps its kind: ${m.metadata.name} is ${previous.spec.kind}.`, "Give the new workload another name, or remove this one first.", [{ path: "spec.kind", message: `It is ${previous.spec.kind}, and can't become ${m.spec.kind}.`, remedy: "Give the new workload another name.", ...at }]);
  const goal = await loadGoal(db, existing.id);
  const goalTemplate = goal?.revisions.find((r) => r.generation === goal.generation)?.templateDigest ?? null;
  // What was rolled back is refused whatever else the text changes: it would run the same thing again.
  const held = goal?.revisions.find((r) => r.heldReason !== null && (r.digest === digest || (r.templateDigest === template && template !== goalTemplate)));
  if (held) return refuseNow("held", `Revision r${held.generation} of "${m.metadata.name}" is held: ${held.heldReason ?? ""}`, "Apply a corrected revision, or lift the hold with a reason on the workload's page, under Revisions.");
  return { ...base, action, generation, delivery: await deliveryOf(db, m, existing, template, goal?.generation ?? null, goalTemplate) };
}

async function deliveryOf(db: Queryable, m: Extract<Manifest, { kind: "Workload" }>, existing: objects.StoredObject, template: string | null, goal: number | null, goalTemplate: string | null): Promise<Delivery> {
  if (goal === null) return { by: "reconciler", from: null };
  const open = await rollouts.openOfWorkload(db, existing.id);
  if (open) {
    const pending = await objects.revision(db, existing.id, open.toGeneration);
    // The same unit template as what is rolling out: only what lies outside the template changes, and takes effect at once.
    if (template === pending?.templateDigest || template === goalTemplate) return { by: "nothing" };
    return refuseNow("in_use", `Rollout ${open.number} of "${m.metadata.name}" to r${open.toGeneration} has not ended.`, `Let it end, or abort it first: holdfast rollout abort ${open.number}.`);
  }
  if (template === goalTemplate) return { by: "nothing" };
  const units = await rollouts.unitsOf(db, existing.id);
  if (m.spec.rollout !== undefined && units.length > 0) return { by: "rollout", strategy: m.spec.rollout, from: goal };
  return { by: "reconciler", from: goal };
}

/** "workload digits" */
export const nameOf = (m: Manifest): string => `${kindWords[m.kind]} ${m.metadata.name}`;
