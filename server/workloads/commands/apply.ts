import type { Actor, ProjectRef } from "../../core/access/actor";
import { refuseNow } from "../../core/base/refusal";
import { hideEnvironment, manifestYaml, readManifests } from "../../core/manifest";
import type { ApplyResult } from "../../core/views/workloads";
import { appendAudit, auditedCommand } from "../../audit";
import { isUniqueViolation } from "../../store";
import { consequenceOf } from "../consequence";
import type { Consequence } from "../consequence";
import type { WorkloadsDeps } from "../deps";
import { nameOf, prepareText } from "../prepare";
import type { Prepared } from "../prepare";
import { auditKindOf, writeObject } from "../write";
import type { Written } from "../write";

export interface ApplyInput {
  text: string;
  dryRun: boolean;
  reason?: string | undefined;
  /** Compare-and-set on the version that the person saw; 0 for "it is not there". */
  expectVersion?: number | undefined;
}

/**
 * Applies objects of all kinds: the one command behind form, editor, CLI and API. All of a text or nothing of it, in one
 * transaction with an audit entry for each object that changed. A dry run answers with the same and writes nothing.
 * Idempotent: what is stored already with the same digest is "unchanged".
 */
export async function apply(deps: WorkloadsDeps, actor: Actor, project: ProjectRef, input: ApplyInput): Promise<ApplyResult> {
  const { store, seal, clock } = deps;
  const at = { nowMs: clock.nowMs(), silentAfterMs: deps.env.AGENT_SILENT_AFTER_MS };
  if (input.dryRun) {
    const prepared = await prepareText(store.read.client, seal, project, { text: input.text, expectVersion: input.expectVersion, lock: false });
    const consequences = await Promise.all(prepared.map((p) => consequenceOf(store.read.client, project, p, prepared, at)));
    return { dryRun: true, objects: prepared.map((p, i) => view(p, consequences[i] as Consequence, null)) };
  }
  // The names for a refusal's entry; a text that can't be read has none.
  const names = readManifests(input.text, project.name).manifests.map((m) => nameOf(m.manifest));
  const object = names.length > 0 ? names.join(", ") : "a manifest that can't be read";
  const subject = { action: "manifest.apply" as const, objectKind: "manifest", objectId: object, object, projectId: project.id, reason: input.reason };
  try {
    return await auditedCommand(store, actor, subject, async (tx, note) => {
      // Each object leaves an entry of its own below.
      note({ nothing: true });
      const prepared = await prepareText(tx.client, seal, project, { text: input.text, expectVersion: input.expectVersion, lock: true });
      const consequences: Consequence[] = [];
      for (const p of prepared) consequences.push(await consequenceOf(tx.client, project, p, prepared, at));
      const objects: ApplyResult["objects"] = [];
      for (const [i, p] of prepared.entries()) {
        const written = await writeObject(tx, seal, actor, project, p, { reason: input.reason ?? null, nowMs: at.nowMs });
        objects.push(view(p, consequences[i] as Consequence, written));
        if (p.action === "unchanged") continue;
        await appendAudit(tx, {
          actor, action: "manifest.apply", objectKind: auditKindOf[p.manifest.kind], objectId: written.id, object: p.manifest.metadata.name, projectId: project.id, outcome: "done", reason: input.reason ?? null,
          before: p.previous && hideEnvironment(p.previous), after: { ...hideEnvironment(p.manifest), revision: written.generation, digest: p.digest },
        });
      }
      return { dryRun: false, objects };
    });
  } catch (error) {
    // Two people created it at the same moment; the second one's text was checked against nothing.
    if (isUniqueViolation(error, "objects_live_name_key")) return refuseNow("stale_version", "Somebody else has just created one of these objects.", "Look at it as it is now, then apply your change again.");
    throw error;
  }
}

function view(p: Prepared, c: Consequence, written: Written | null): ApplyResult["objects"][number] {
  return {
    kind: p.manifest.kind,
    name: p.manifest.metadata.name,
    action: p.action,
    generation: written ? written.generation : p.action === "create" ? null : p.generation,
    digest: p.digest,
    changes: p.changes,
    beforeYaml: p.previous && manifestYaml(p.previous),
    afterYaml: manifestYaml(p.manifest),
    consequence: c.sentence,
    rolloutNumber: written?.rolloutNumber ?? null,
    warnings: c.warnings,
  };
}
