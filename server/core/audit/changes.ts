import { canonicalJson } from "../base/json";
import type { ChangeView } from "../views/common";

/** More fields than this are not told one by one. */
const MOST = 500;

/**
 * The fields in which two states differ, in the order of their paths. Members of objects and items of lists are told
 * one by one; a state that is absent has no fields.
 */
export function changedFields(before: unknown, after: unknown): ChangeView[] {
  const a = leaves(before);
  const b = leaves(after);
  return [...new Set([...a.keys(), ...b.keys()])]
    .sort()
    .flatMap((path) => {
      const was = a.get(path) ?? null;
      const is = b.get(path) ?? null;
      return was === is ? [] : [{ path, before: was, after: is }];
    })
    .slice(0, MOST);
}

function leaves(value: unknown): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (v: unknown, path: string): void => {
    if (v === null || v === undefined) return;
    if (typeof v !== "object") return void found.set(path || "value", typeof v === "string" ? v : canonicalJson(v));
    const entries: [string, unknown][] = Array.isArray(v) ? v.map((item, i) => [`[${i}]`, item]) : Object.entries(v).map(([k, inner]) => [path ? `.${k}` : k, inner]);
    if (entries.length === 0) return void found.set(path || "value", Array.isArray(v) ? "(none)" : "{}");
    for (const [step, inner] of entries) walk(inner, path + step);
  };
  walk(value, "");
  return found;
}
