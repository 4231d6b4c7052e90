import { parseAllDocuments, type Document } from "yaml";
import { importArgo } from "./argo";
import { importKayenta } from "./kayenta";
import { isFields, type Imported, type ImportOptions } from "./source";

export type { Imported, ImportOptions } from "./source";

/**
 * Reads analysis templates of Argo Rollouts (YAML, several documents) and canary configurations of Kayenta (JSON) as
 * analysis templates. Whatever can't be carried over is a problem with its field and remedy, and then there are no
 * manifests at all; what is left out without changing the judgement is noted.
 */
export function importAnalysis(text: string, o: ImportOptions): Imported {
  const out: Imported = { manifests: [], notes: [], problems: [] };
  const parsed = parseAllDocuments(text, { prettyErrors: true, version: "1.2", logLevel: "silent" });
  const documents = Array.isArray(parsed) ? (parsed as Document[]).filter((d) => d.contents !== null || d.errors.length > 0) : [];
  if (documents.length === 0) out.problems.push({ path: "", message: "There is no object in the file.", remedy: "Give an AnalysisTemplate of Argo Rollouts or a canary configuration of Kayenta." });
  const taken = new Set<string>();
  documents.forEach((d, i) => {
    const prefix = documents.length > 1 ? `document ${i + 1}: ` : "";
    const one = imported(d, prefix, taken, o);
    out.manifests.push(...one.manifests);
    out.notes.push(...one.notes);
    out.problems.push(...one.problems);
  });
  return out.problems.length > 0 ? { ...out, manifests: [] } : out;
}

function imported(d: Document, prefix: string, taken: Set<string>, o: ImportOptions): Imported {
  const problem = (path: string, message: string, remedy: string): Imported => ({ manifests: [], notes: [], problems: [{ path: `${prefix}${path}`, message, remedy }] });
  const broken = d.errors[0];
  if (broken) return problem("", `This is neither YAML nor JSON: ${broken.message.split("\n")[0] ?? ""}`, "Check indentation, quotes and brackets there.");
  const value: unknown = d.toJS({ maxAliasCount: 100 });
  if (!isFields(value)) return problem("", "This is no object.", "Give an AnalysisTemplate of Argo Rollouts or a canary configuration of Kayenta.");
  const [api, kind] = [value["apiVersion"], value["kind"]];
  if (typeof api === "string" && api.startsWith("argoproj.io/")) {
    if (kind === "AnalysisTemplate" || kind === "ClusterAnalysisTemplate") return importArgo(value, prefix, taken, o);
    return problem("kind", `${String(kind)} can't be carried over: it is no analysis template.`, "Give the AnalysisTemplate or ClusterAnalysisTemplate that it uses.");
  }
  if (api === undefined && (isFields(value["classifier"]) || isFields(value["judge"]))) return importKayenta(value, prefix, taken, o);
  return problem(api === undefined ? "" : "apiVersion", "This is neither an analysis template of Argo Rollouts nor a canary configuration of Kayenta.", "Other kinds can't be imported: write the template by hand.");
}
