import type { YamlContext } from "./yaml-context";

/** The part of JSON Schema that the manifest language uses. */
export type Schema = {
  $ref?: string;
  $defs?: Record<string, Schema>;
  type?: string | string[];
  title?: string;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema | boolean;
  additionalProperties?: Schema | boolean;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  examples?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
};

export type Offer = { label: string; detail: string; info: string; insert: string; required: boolean };

/** What may stand at the cursor, by the schema. Keys that are there already are left out. */
export function offersAt(root: Schema, context: YamlContext): Offer[] {
  const holders = schemasAt(root, context);
  if (context.at.kind === "key") {
    // While a union is not decided a key may be of several of its branches: it is what it is in any of them, and required if in all.
    const offered = new Map<string, { schema: Schema; flat: Schema[] }>();
    for (const holder of holders) {
      for (const [key, schema] of Object.entries(holder.properties ?? {})) {
        if (context.siblings.has(key)) continue;
        const flat = flatten(root, schema);
        const known = offered.get(key);
        if (known) known.flat.push(...flat);
        else offered.set(key, { schema, flat: [...flat] });
      }
    }
    return [...offered].map(([key, { schema, flat }]) => ({
      label: key,
      detail: kindOf(flat),
      info: describe(schema, flat),
      insert: snippet(key, flat, context.column),
      required: holders.every((holder) => holder.required?.includes(key)),
    }));
  }
  const key = context.at.key;
  const flat = holders.flatMap((holder) => step(root, holder, key).map((schema) => ({ schema, holder })));
  const values = new Map<string, Offer>();
  for (const { schema, holder } of flat) {
    const options = schema.const !== undefined ? [schema.const] : (schema.enum ?? (schema.type === "boolean" ? [true, false] : (schema.examples ?? [])));
    for (const option of options) {
      const label = typeof option === "string" ? option : JSON.stringify(option);
      if (!values.has(label)) values.set(label, { label, detail: schema.default === option ? "default" : "", info: schema.description ?? (schema.const === undefined ? "" : branchText(holder)), insert: label, required: false });
    }
    if (schema.default !== undefined && typeof schema.default !== "object") {
      const label = String(schema.default);
      if (!values.has(label)) values.set(label, { label, detail: "default", info: schema.description ?? "", insert: label, required: false });
    }
  }
  return [...values.values()];
}

/** What the schema says of one key: its type, default and description; null if it knows nothing of it. */
export function explainKey(root: Schema, context: YamlContext, key: string): { detail: string; info: string } | null {
  const flat = schemasAt(root, context).flatMap((holder) => step(root, holder, key));
  const first = schemasAt(root, context).map((holder) => holder.properties?.[key]).find(Boolean);
  if (flat.length === 0) return null;
  return { detail: kindOf(flat), info: describe(first ?? {}, flat) };
}

/** The schemas of the mapping that holds the cursor; several where a union is not decided yet. */
function schemasAt(root: Schema, context: YamlContext): Schema[] {
  let current = flatten(root, root);
  if (context.documentKind !== null) {
    const fitting = current.filter((schema) => accepts(root, schema.properties?.kind, context.documentKind ?? ""));
    if (fitting.length > 0) current = fitting;
  }
  for (const key of context.path) current = current.flatMap((schema) => step(root, schema, key));
  const decided = current.filter((schema) =>
    [...context.siblings].every(([key, value]) => value === "" || accepts(root, schema.properties?.[key], value)),
  );
  return decided.length > 0 ? decided : current;
}

/** False only if the schema fixes the value to something else. */
function accepts(root: Schema, schema: Schema | undefined, value: string): boolean {
  if (!schema) return true;
  return flatten(root, schema).some((one) => (one.const !== undefined ? String(one.const) === value : one.enum ? one.enum.map(String).includes(value) : true));
}

function step(root: Schema, schema: Schema, key: string): Schema[] {
  if (key === "[]") return typeof schema.items === "object" ? flatten(root, schema.items) : [];
  const own = schema.properties?.[key];
  if (own) return flatten(root, own);
  return typeof schema.additionalProperties === "object" ? flatten(root, schema.additionalProperties) : [];
}

/** Follows references and opens unions; what is said around a union (a description) is kept on each branch. */
function flatten(root: Schema, schema: Schema, depth = 0): Schema[] {
  if (depth > 12) return [];
  if (schema.$ref) {
    const target = schema.$ref.replace(/^#\/?/, "").split("/").filter(Boolean).reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], root);
    return target ? flatten(root, { ...(target as Schema), ...(schema.description ? { description: schema.description } : {}) }, depth + 1) : [];
  }
  if (schema.allOf) {
    const merged = schema.allOf.flatMap((part) => flatten(root, part, depth + 1)).reduce<Schema>(
      (sum, part) => ({ ...sum, ...part, properties: { ...sum.properties, ...part.properties }, required: [...(sum.required ?? []), ...(part.required ?? [])] }),
      {},
    );
    return [merged];
  }
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches) {
    return branches.flatMap((branch) =>
      flatten(root, branch, depth + 1).map((flat) => ({
        ...flat,
        ...(flat.description ?? schema.description ? { description: flat.description ?? schema.description } : {}),
        ...(schema.default !== undefined ? { default: schema.default } : {}),
      })),
    );
  }
  return [schema];
}

/** What a branch of a union is about: what is said of the fields that it has. */
const branchText = (holder: Schema): string => holder.description ?? Object.entries(holder.properties ?? {}).flatMap(([key, schema]) => (schema.description ? [`${key}: ${schema.description}`] : [])).join("\n");

function kindOf(flat: readonly Schema[]): string {
  if (flat.length > 4 && flat.every((schema) => schema.const !== undefined)) return `one of ${flat.length}`;
  const kinds = flat.map((schema) =>
    schema.const !== undefined ? JSON.stringify(schema.const) : schema.enum ? schema.enum.length <= 4 ? schema.enum.join(" | ") : "one of" : schema.items ? "list" : schema.properties || schema.additionalProperties ? "mapping" : [schema.type ?? ""].flat().join(" | "),
  );
  return [...new Set(kinds)].filter(Boolean).join(" | ").slice(0, 60);
}

function describe(schema: Schema, flat: readonly Schema[]): string {
  const text = schema.description ?? flat.find((one) => one.description)?.description ?? "";
  const fallback = schema.default ?? flat.find((one) => one.default !== undefined)?.default;
  return [text, fallback !== undefined ? `Default: ${JSON.stringify(fallback)}.` : ""].filter(Boolean).join("\n");
}

function snippet(key: string, flat: readonly Schema[], column: number): string {
  const deeper = " ".repeat(column + 2);
  if (flat.length > 0 && flat.every((schema) => schema.items)) return `${key}:\n${deeper}- `;
  if (flat.length > 0 && flat.every((schema) => schema.properties || schema.additionalProperties)) return `${key}:\n${deeper}`;
  return `${key}: `;
}
