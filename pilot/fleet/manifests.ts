import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";

export type ManifestKind = "Workload" | "PlacementPolicy" | "Site" | "RolloutStrategy" | "AnalysisTemplate";

/** One object of `pilot/manifests`: its text is what is applied. */
export type PilotObject = { readonly kind: ManifestKind; readonly name: string; readonly text: string; readonly document: Record<string, unknown> };

/** Files in the order in which their objects are applied: what is named comes before what names it. */
const FILES = ["sites.yaml", "policy.yaml", "intake-policy.yaml", "analysis.yaml", "strategy.yaml", "digits.yaml", "clients.yaml"] as const;

/**
 * Reads the pilot's manifests. `digestOf` says the digest of an artifact by name; `{{artifact NAME}}` stands for it
 * in the files, because the digests of programs are only known once they are built. Throws on a name it does not know.
 */
export function readManifests(pilotFolder: string, digestOf: (artifact: string) => string): PilotObject[] {
  return FILES.flatMap((file) => {
    const text = readFileSync(join(pilotFolder, "manifests", file), "utf8");
    return splitObjects(text.replace(/\{\{artifact ([a-z0-9-]+)\}\}/g, (_whole, name: string) => digestOf(name)), file);
  });
}

/** Splits a text of several YAML documents into objects that can be applied one by one. */
export function splitObjects(text: string, file: string): PilotObject[] {
  return parseAllDocuments(text).map((document) => {
    if (document.errors.length > 0) throw new Error(`${file}: ${document.errors[0]?.message}`);
    const value = document.toJS() as { kind: ManifestKind; metadata: { name: string } } & Record<string, unknown>;
    return { kind: value.kind, name: value.metadata.name, text: String(document).replace(/^---\n/, ""), document: value };
  });
}
