import { z } from "zod";
import { manifest } from "./kinds";

/** The part of JSON Schema (2020-12) that our own schemas come out as. */
export interface JsonSchema {
  type?: string | string[];
  properties?: Record<string, JsonSchema>;
  additionalProperties?: boolean | JsonSchema;
  items?: JsonSchema;
  oneOf?: JsonSchema[];
  anyOf?: JsonSchema[];
  const?: unknown;
  enum?: unknown[];
  required?: string[];
  description?: string;
  [keyword: string]: unknown;
}

let made: JsonSchema | undefined;

/**
 * The published JSON Schema of the manifest language: one schema for the editor, the CLI and the server, made from the
 * zod schemas. It describes what people may write (defaults are optional).
 */
export function manifestJsonSchema(): JsonSchema {
  made ??= { $id: "https://holdfast.dev/schema/v1.json", title: "Holdfast manifest", ...(z.toJSONSchema(manifest, { io: "input", target: "draft-2020-12", unrepresentable: "any" }) as JsonSchema) };
  return made;
}

/** Names that may stand at a path of a manifest, judged by the discriminators (`kind`, `do`, `by`, `type`) in the value. */
export function knownFieldsAt(path: readonly (string | number)[], value: unknown): string[] {
  let schemas: JsonSchema[] = [manifestJsonSchema()];
  let here: unknown = value;
  for (const step of [...path, null]) {
    schemas = schemas.flatMap((s) => choices(s, here));
    if (step === null) break;
    schemas = schemas.flatMap((s) => {
      if (typeof step === "number") return s.items ? [s.items] : [];
      const next = s.properties?.[step] ?? (typeof s.additionalProperties === "object" ? s.additionalProperties : undefined);
      return next ? [next] : [];
    });
    here = typeof here === "object" && here !== null ? (here as Record<string | number, unknown>)[step] : undefined;
  }
  return [...new Set(schemas.flatMap((s) => Object.keys(s.properties ?? {})))];
}

/** Of a union, the members that the value's constants select; all of them when none is selected. */
function choices(schema: JsonSchema, value: unknown): JsonSchema[] {
  const options = schema.oneOf ?? schema.anyOf;
  if (!options) return [schema];
  const flat = options.flatMap((o) => choices(o, value));
  const record = typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  const selected = flat.filter((o) => Object.entries(o.properties ?? {}).some(([k, p]) => p.const !== undefined && k !== "apiVersion" && p.const === record[k]));
  return selected.length ? selected : flat;
}
