import { LineCounter, parseAllDocuments } from "yaml";
import type { Document } from "yaml";
import type { FieldError } from "../base/refusal";
import { checkMeaning } from "./check";
import { dotted, problemsOf, valueAt } from "./issues";
import { manifest as manifestSchema } from "./kinds";
import type { Manifest } from "./kinds";
import { positionInText, positionOf } from "./positions";
import type { Path, Position } from "./positions";

export const MAX_DOCUMENTS = 200;
const MAX_TEXT = 1_048_576;

/** One object of a submitted text. `at` says where a path stands in it, for errors that are found later. */
export interface ReadManifest {
  manifest: Manifest;
  at(path: Path): Position;
}
export interface ReadResult {
  manifests: ReadManifest[];
  /** All that is wrong; when there is something, nothing of the text may be applied. */
  errors: FieldError[];
}

/**
 * Reads YAML (of which JSON is a part), several objects separated by `---`. Every error names path, line, column and
 * remedy. `project` is what objects without `metadata.project` belong to; another project than that is an error.
 */
export function readManifests(text: string, project: string): ReadResult {
  const errors: FieldError[] = [];
  if (text.length > MAX_TEXT) return { manifests: [], errors: [{ path: "", message: `The text has ${text.length} characters.`, remedy: "Split it: at most 1 MiB at a time." }] };
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, version: "1.2", logLevel: "silent" });
  const docs: Document[] = Array.isArray(parsed) ? (parsed as Document[]).filter((d) => d.contents !== null || d.errors.length > 0) : [];
  if (docs.length === 0) return { manifests: [], errors: [{ path: "", message: "There is no object in the text.", remedy: "Write apiVersion, kind, metadata and spec.", line: 1, column: 1 }] };
  if (docs.length > MAX_DOCUMENTS) return { manifests: [], errors: [{ path: "", message: `There are ${docs.length} objects in the text.`, remedy: `Submit at most ${MAX_DOCUMENTS} at a time.` }] };

  const manifests: ReadManifest[] = [];
  const seen = new Map<string, number>();
  docs.forEach((doc, index) => {
    const found = readOne(doc, lines, text, project, errors);
    if (!found) return;
    const id = `${found.manifest.kind}/${found.manifest.metadata.name}`;
    if (seen.has(id)) errors.push({ path: "metadata.name", message: `${id} stands twice in the text.`, remedy: "Keep one of them.", ...found.at(["metadata", "name"]) });
    seen.set(id, index);
    manifests.push(found);
  });
  return { manifests, errors };
}

function readOne(doc: Document, lines: LineCounter, text: string, project: string, errors: FieldError[]): ReadManifest | null {
  if (doc.errors.length > 0) {
    for (const e of doc.errors.slice(0, 20)) {
      const at = lines.linePos(e.pos[0]);
      errors.push({ path: "", message: `This is not YAML: ${e.message.replace(/\s+/g, " ").replace(/\.?$/, ".")}`, remedy: yamlRemedy[e.code] ?? "Check indentation, quotes and colons here.", line: Math.max(1, at.line), column: Math.max(1, at.col) });
    }
    return null;
  }
  let input: unknown;
  try {
    input = doc.toJS({ maxAliasCount: 50 });
  } catch (error) {
    errors.push({ path: "", message: `This can't be read: ${error instanceof Error ? error.message : String(error)}.`, remedy: "Write values out instead of using many aliases.", ...positionOf(doc, lines, []) });
    return null;
  }
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    errors.push({ path: "", message: "An object is a mapping with apiVersion, kind, metadata and spec.", remedy: "Separate several objects by a line with ---.", ...positionOf(doc, lines, []) });
    return null;
  }
  const at = (path: Path, of: "key" | "value" = "value") => positionOf(doc, lines, path, of);
  const record = input as Record<string, unknown>;
  if ("status" in record) {
    errors.push({ path: "status", message: "Manifests have no status: they say what should be, never what is.", remedy: "Leave status out.", ...at(["status"], "key") });
    delete record["status"];
  }
  const givenProject = valueAt(input, ["metadata", "project"]);
  if (givenProject === undefined && typeof record["metadata"] === "object" && record["metadata"] !== null) record["metadata"] = { ...record["metadata"], project };
  else if (typeof givenProject === "string" && givenProject !== project)
    errors.push({ path: "metadata.project", message: `The object belongs to project ${givenProject}, and ${project} is what you apply to.`, remedy: `Leave project out, or apply to ${givenProject}.`, ...at(["metadata", "project"]) });

  const result = manifestSchema.safeParse(input);
  if (!result.success) {
    for (const p of problemsOf(result.error.issues, input)) errors.push({ path: dotted(p.path), message: p.message, remedy: p.remedy, ...at(p.path, p.of) });
    return null;
  }
  for (const p of checkMeaning(result.data)) {
    const position = p.character === undefined ? at(p.path) : positionInText(doc, lines, text, p.path, p.character);
    errors.push({ path: dotted(p.path), message: p.message, remedy: p.remedy, ...position });
  }
  return { manifest: result.data, at };
}

const yamlRemedy: Partial<Record<string, string>> = {
  TAB_AS_INDENT: "Indent with spaces, not with tabs.",
  DUPLICATE_KEY: "Keep one of the two.",
  BAD_INDENT: "Indent fields of one mapping by the same number of spaces.",
  MISSING_CHAR: "A bracket, brace or quote is missing.",
  MULTILINE_IMPLICIT_KEY: "A colon or a quote is missing.",
  BLOCK_AS_IMPLICIT_KEY: "Put nested fields on lines of their own, or values with a colon in quotes.",
};
