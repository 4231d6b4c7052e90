import type { ASTNode } from "@marcbachmann/cel-js";
import { attributes } from "./attributes";
import type { SelectorSubject } from "./attributes";

/** Something of a node or site that a selector looks at; `key` of a map when it is one entry that is asked for. */
export interface Mention {
  of: "site" | "node";
  attribute: string;
  key: string | null;
}

/**
 * All that a selector's answer can depend on: two subjects that agree in these get the same answer. A loop's variable that
 * hides `site` or `node` only makes the list longer than it has to be.
 */
export function mentionsOf(ast: ASTNode): Mention[] {
  const found = new Map<string, Mention>();
  walk(ast, (m) => found.set(JSON.stringify(m), m));
  return [...found.values()];
}

function walk(node: unknown, note: (m: Mention) => void): void {
  if (Array.isArray(node)) {
    for (const item of node as unknown[]) walk(item, note);
    return;
  }
  if (typeof node !== "object" || node === null || !("op" in node)) return;
  const ast = node as ASTNode;
  const read = readOf(ast);
  if (read) return note(read);
  const whole = variableOf(ast);
  if (whole) for (const attribute of Object.keys(attributes[whole])) note({ of: whole, attribute, key: null });
  walk(ast.args, note);
}

/** `site.kind`, `node.labels.rack`, `node.labels["rack"]`: what is read, if it is no more than that. */
function readOf(ast: ASTNode): Mention | null {
  if (ast.op !== "." && ast.op !== "[]") return null;
  const [object, index] = ast.args as unknown as [ASTNode, unknown];
  const name = typeof index === "string" ? index : literalOf(index);
  if (name === null) return null;
  const of = variableOf(object);
  if (of) return { of, attribute: name, key: null };
  const outer = readOf(object);
  return outer && outer.key === null && outer.attribute === "labels" ? { ...outer, key: name } : null;
}
const variableOf = (ast: ASTNode): "site" | "node" | null => (ast.op === "id" && ((ast.args as unknown) === "site" || (ast.args as unknown) === "node") ? (ast.args as unknown as "site" | "node") : null);
const literalOf = (x: unknown): string | null => (typeof x === "object" && x !== null && "op" in x && x.op === "value" && "args" in x && typeof x.args === "string" ? x.args : null);

/** What a subject has of a mention, as a value that is equal exactly when the thing is. */
export function mentioned(subject: SelectorSubject, { of, attribute, key }: Mention): unknown {
  const value = (subject[of] as unknown as Record<string, unknown>)[attribute];
  if (typeof value !== "object" || value === null) return value;
  if (key !== null) return (value as Record<string, unknown>)[key];
  return JSON.stringify(value, (_, v: unknown) => (typeof v === "bigint" ? `${v}n` : v));
}
