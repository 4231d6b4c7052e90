/** A value as JSON has it. `undefined` members of objects count as absent. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * Canonical JSON by RFC 8785 (JCS): members sorted by UTF-16 code units, no white space, numbers and strings as
 * ECMAScript writes them. Two equal values have one text, whatever their order of members was.
 * Throws on what JSON can't say (NaN, infinities, lone surrogates): that is a bug of the caller.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new Error(`canonical JSON has no ${value}`);
    return JSON.stringify(value);
  }
  if (typeof value === "string") {
    if (/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(value)) throw new Error("canonical JSON has no lone surrogates");
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(",")}]`;
  if (typeof value !== "object") throw new Error(`canonical JSON has no ${typeof value}`);
  const members = Object.entries(value)
    .filter(([, v]) => v !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([k, v]) => `${canonicalJson(k)}:${canonicalJson(v)}`);
  return `{${members.join(",")}}`;
}

/** Hex SHA-256 of a text in UTF-8; passed in, because `core` does no hashing of its own. */
export type Sha256Hex = (text: string) => string;

/** `sha256:…` of a value's canonical JSON. */
export function digestOf(value: unknown, sha256: Sha256Hex): string {
  return `sha256:${sha256(canonicalJson(value))}`;
}
