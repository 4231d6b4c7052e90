import { nearest } from "../core/base/nearest";
import type { FieldError } from "../core/base/refusal";
import { kindWords } from "../core/manifest";
import type { Manifest, ManifestKind, ReadManifest } from "../core/manifest";
import { objects, secrets } from "../store";
import type { Queryable } from "../store";

type Path = (string | number)[];
type Reference = { path: Path; kind: ManifestKind | "artifact" | "secret"; name: string };

/** Everything outside itself that a manifest names. */
function referencesOf(m: Manifest): Reference[] {
  switch (m.kind) {
    case "Workload": {
      const { spec } = m;
      const found: Reference[] = [];
      if (spec.policy !== undefined) found.push({ path: ["spec", "policy"], kind: "PlacementPolicy", name: spec.policy });
      if (spec.quota !== undefined) found.push({ path: ["spec", "quota"], kind: "Quota", name: spec.quota });
      if (spec.rollout !== undefined) found.push({ path: ["spec", "rollout"], kind: "RolloutStrategy", name: spec.rollout });
      spec.template.artifacts.forEach((a, i) => found.push({ path: ["spec", "template", "artifacts", i, "digest"], kind: "artifact", name: a.digest }));
      for (const [name, value] of Object.entries(spec.template.env)) if (typeof value !== "string") found.push({ path: ["spec", "template", "env", name, "secret"], kind: "secret", name: value.secret });
      return found;
    }
    case "RolloutStrategy": {
      const found: Reference[] = [];
      if (m.spec.analysis !== undefined) found.push({ path: ["spec", "analysis"], kind: "AnalysisTemplate", name: m.spec.analysis });
      m.spec.waves.forEach((w, i) =>
        w.steps.forEach((s, j) => {
          if (s.do === "analysis") found.push({ path: ["spec", "waves", i, "steps", j, "template"], kind: "AnalysisTemplate", name: s.template });
        }),
      );
      return found;
    }
    case "Quota":
      return m.spec.parent === undefined ? [] : [{ path: ["spec", "parent"], kind: "Quota", name: m.spec.parent }];
    default:
      return [];
  }
}

const dotted = (path: Path): string => path.reduce<string>((t, p) => (typeof p === "number" ? `${t}[${p}]` : t ? `${t}.${p}` : p), "");

/** Errors for every reference to what is neither in the project nor in the same text. */
export async function checkReferences(db: Queryable, projectId: string, read: readonly ReadManifest[]): Promise<FieldError[]> {
  const all = read.flatMap((r) => referencesOf(r.manifest).map((ref) => ({ r, ref })));
  if (all.length === 0) return [];
  const kinds = ["PlacementPolicy", "RolloutStrategy", "AnalysisTemplate", "Quota"] as const;
  const known = new Map<string, string[]>(kinds.map((k) => [k, []]));
  for (const o of await objects.ofKinds(db, projectId, kinds)) known.get(o.kind)?.push(o.name);
  for (const r of read) known.get(r.manifest.kind)?.push(r.manifest.metadata.name);
  const artifacts = await objects.storedArtifacts(db, projectId, all.filter((x) => x.ref.kind === "artifact").map((x) => x.ref.name));
  const secretNames = await secrets.names(db, projectId);
  known.set("secret", [...secretNames]);
  return all.flatMap(({ r, ref }) => {
    if (ref.kind === "artifact" ? artifacts.has(ref.name) : known.get(ref.kind)?.includes(ref.name)) return [];
    return [{ path: dotted(ref.path), ...sentences(ref, known.get(ref.kind) ?? []), ...r.at(ref.path) }];
  });
}

function sentences(ref: Reference, known: readonly string[]): { message: string; remedy: string } {
  if (ref.kind === "artifact") return { message: `The project has no artifact ${ref.name.slice(0, 19)}….`, remedy: "Upload it first: holdfast artifact push FILE prints its digest." };
  const meant = nearest(ref.name, known);
  const what = ref.kind === "secret" ? "secret" : kindWords[ref.kind];
  return { message: `There is no ${what} "${ref.name}".`, remedy: meant ? `Did you mean ${meant}?` : ref.kind === "secret" ? `Set it first: holdfast secret set ${ref.name}.` : `Apply a ${ref.kind} of that name first, or in the same text.` };
}
