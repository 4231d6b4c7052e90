import { canonicalJson } from "../base/json";
import type { ChangeView } from "../views/common";
import type { Manifest } from "./kinds";

/** Stands for environment values in a difference: they changed, but are not shown. */
const HIDDEN_BEFORE = "(hidden)";
const HIDDEN_AFTER = "(hidden, changed)";

/**
 * The difference of two manifests field by field, in the order of their paths. Lists whose items have names (or keys)
 * are compared by them, so that a new first artifact is one change and not a change of all. Values of environment
 * variables are never shown.
 */
export function diffManifests(before: Manifest | null, after: Manifest | null): ChangeView[] {
  const a = before ? leaves(before) : new Map<string, string>();
  const b = after ? leaves(after) : new Map<string, string>();
  const paths = [...new Set([...a.keys(), ...b.keys()])].sort();
  return paths.flatMap((path) => {
    const was = a.get(path) ?? null;
    const is = b.get(path) ?? null;
    if (was === is) return [];
    const hidden = /^spec\.template\.env\.[^.]+$/.test(path);
    return [{ path, before: hidden && was !== null ? HIDDEN_BEFORE : was, after: hidden && is !== null ? HIDDEN_AFTER : is }];
  });
}

function leaves(value: unknown): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (v: unknown, path: string) => {
    if (Array.isArray(v) && v.length > 0) {
      const names = v.map(nameOf);
      const unique = names.every((n) => n !== null) && new Set(names).size === names.length;
      if (v.every((item) => typeof item !== "object" || item === null)) found.set(path, v.map(text).join(", "));
      else v.forEach((item, i) => walk(item, `${path}[${unique ? names[i] : i}]`));
    } else if (typeof v === "object" && v !== null && !Array.isArray(v) && Object.keys(v).length > 0) {
      for (const [k, inner] of Object.entries(v)) if (inner !== undefined) walk(inner, path ? `${path}.${k}` : k);
    } else if (v !== undefined && !(Array.isArray(v) || (typeof v === "object" && v !== null))) found.set(path, text(v));
  };
  walk(value, "");
  return found;
}

function nameOf(item: unknown): string | null {
  if (typeof item !== "object" || item === null) return null;
  const record = item as Record<string, unknown>;
  const name = record["name"] ?? record["key"] ?? record["to"];
  return typeof name === "string" ? name : null;
}

const text = (v: unknown): string => (typeof v === "string" ? v : canonicalJson(v));
