import type { z } from "zod";
import type { Actor, ProjectRef } from "../../core/access/actor";
import { mayDo, whoMay } from "../../core/access/permissions";
import { readCursor, writeCursor } from "../../core/base/cursor";
import { isRefused, refuseNow } from "../../core/base/refusal";
import type { FieldError } from "../../core/base/refusal";
import { counted } from "../../core/fleet";
import { analysisSummary } from "../../core/manifest/analysis";
import { API_VERSION, kindWords, manifest as manifestSchema, manifestYaml } from "../../core/manifest";
import type { Manifest, ManifestKind } from "../../core/manifest";
import { amountText, quotaFactsOf } from "../../core/placement";
import type { objectDetail, objectPage, objectRow, validateResult } from "../../core/views/workloads";
import type { secretRow } from "../../core/views/access";
import { objects, secrets } from "../../store";
import type { WorkloadsDeps } from "../deps";
import { openManifest } from "../environment";
import { prepareText } from "../prepare";
import { auditKindOf } from "../write";
import { rowOf } from "./workloads";

type Row = z.infer<typeof objectRow>;

/** Questions about objects of any kind, and about texts that are not applied yet. */
export function objectQueries(deps: WorkloadsDeps) {
  const { store, clock, seal } = deps;
  const db = store.read.client;

  const view = (o: objects.StoredObject & { author: string }, manifest: Manifest | null, users: Awaited<ReturnType<typeof objects.usedBy>>): Row => ({
    id: o.id, kind: o.kind, name: o.name, title: o.title, generation: o.generation, digest: o.digest, version: o.version, updatedAtMs: o.updatedAtMs, author: o.author,
    summary: manifest ? summaryOf(manifest) : "", usedBy: users.filter((u) => u.kind === o.kind && u.name === o.name).map((u) => u.user),
  });
  /** For summaries: environment values stay sealed. */
  const sealedManifest = (project: ProjectRef, o: objects.StoredObject): Manifest | null => {
    const parsed = manifestSchema.safeParse({ apiVersion: API_VERSION, kind: o.kind, metadata: { name: o.name, project: project.name }, spec: o.spec });
    return parsed.success ? parsed.data : null;
  };

  return {
    /** All that is wrong with a text, references included; nothing is written. */
    async validate(project: ProjectRef, input: { text: string }): Promise<z.infer<typeof validateResult>> {
      try {
        await prepareText(db, seal, project, { text: input.text, lock: false });
        return { ok: true, errors: [] };
      } catch (error) {
        if (!isRefused(error)) throw error;
        const r = error.holdfastRefusal;
        return { ok: false, errors: r.fields ?? [{ path: "", message: r.message, remedy: r.remedy } satisfies FieldError] };
      }
    },

    async objects(project: ProjectRef, input: { cursor?: string | null | undefined; limit: number; kind?: ManifestKind | undefined; q?: string | undefined }): Promise<z.infer<typeof objectPage>> {
      const after = readCursor(input.cursor, 2);
      const { items, total } = await objects.page(db, project.id, { kind: input.kind ?? null, q: input.q ?? null, after: after ? { kind: after[0] ?? "", name: after[1] ?? "" } : null, limit: input.limit });
      const users = await objects.usedBy(db, project.id);
      const last = items.at(-1);
      return { items: items.map((o) => view(o, sealedManifest(project, o), users)), nextCursor: last && items.length === input.limit ? writeCursor([last.kind, last.name]) : null, total, asOfMs: clock.nowMs() };
    },

    async object(project: ProjectRef, input: { kind: ManifestKind; name: string }, actor: Actor): Promise<z.infer<typeof objectDetail>> {
      const o = await objects.byName(db, project.id, input.kind, input.name);
      const newest = o && (await objects.revision(db, o.id, o.generation));
      if (!o || !newest) return refuseNow("not_found", `There is no ${kindWords[input.kind]} "${input.name}" in this project.`, "Look it up by its name.");
      const manifest = openManifest(seal, project.id, newest.manifest);
      const users = await objects.usedBy(db, project.id);
      const none = { desired: new Map<number, number>(), observed: new Map<number, number>() };
      const row = view({ ...o, author: newest.author }, manifest, users);
      const held = actor.roles(project.id);
      return {
        ...row,
        manifestYaml: manifestYaml(manifest),
        revisions: (await objects.revisions(db, o.id)).map((r) => rowOf(r, o.generation, none)),
        commands: [
          { command: "apply", disabledBecause: mayDo(held, "manifests.apply") ? null : whoMay("manifests.apply"), cli: `holdfast apply -f ${o.name}.yaml --reason "…"` },
          { command: "remove", disabledBecause: !mayDo(held, "manifests.delete") ? whoMay("manifests.delete") : row.usedBy.length ? `It is used by ${row.usedBy.join(", ")}.` : null, cli: `holdfast delete ${auditKindOf[o.kind]} ${o.name}` },
        ],
      };
    },

    async secrets(project: ProjectRef): Promise<z.infer<typeof secretRow>[]> {
      return secrets.list(db, project.id);
    },
  };
}

/** What an object says, in a line. */
function summaryOf(m: Manifest): string {
  switch (m.kind) {
    case "Workload":
      return `${m.spec.kind}, ${m.spec.kind === "daemon" ? "one unit a matching node" : counted(m.spec.replicas, "unit")}${m.spec.policy ? `, policy ${m.spec.policy}` : ""}`;
    case "PlacementPolicy": {
      const parts = [m.spec.require.length ? counted(m.spec.require.length, "rule") : "", m.spec.residency?.length ? `residency ${m.spec.residency.join(", ")}` : "", m.spec.trustTierMin ? `trust ${m.spec.trustTierMin} or better` : "", m.spec.spread.length ? `spread over ${m.spec.spread.map((s) => `${s.over}s`).join(" and ")}` : "", m.spec.prefer.length ? counted(m.spec.prefer.length, "preference") : ""].filter(Boolean);
      return parts.length ? parts.join(", ") : "allows everything";
    }
    case "Site":
      return `${m.spec.kind} in ${m.spec.jurisdiction}, uplink ${m.spec.uplink.class}${m.spec.uplink.metered ? " (metered)" : ""}, ${counted(m.spec.links.length, "link")}`;
    case "RolloutStrategy":
      return `${counted(m.spec.waves.length, "wave")}: ${m.spec.waves.map((w) => w.name).join(", ")}`;
    case "Quota": {
      const own = Object.entries(quotaFactsOf(m.metadata.name, m.spec).nominal).map(([r, n]) => amountText(r, n));
      return `${m.spec.parent ? `part of ${m.spec.parent}, ` : ""}${own.length ? own.join(", ") : "nothing of its own"}`;
    }
    case "AnalysisTemplate":
      return analysisSummary(m.spec);
  }
}
