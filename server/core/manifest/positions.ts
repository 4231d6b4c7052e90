import { isAlias, isCollection, isMap, isPair, isScalar, isSeq } from "yaml";
import type { Document, LineCounter, Node as YamlNode, Scalar } from "yaml";

export type Path = readonly (string | number)[];
export interface Position {
  line: number;
  column: number;
}

/** Finds where the value (or the key) of a path stands in the text; the nearest parent that is there, if it is absent. */
export function positionOf(doc: Document, lines: LineCounter, path: Path, of: "key" | "value" = "value"): Position {
  let node: unknown = doc.contents;
  let offset = startOf(node) ?? doc.range?.[0] ?? 0;
  for (const [i, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(doc);
    const last = i === path.length - 1;
    if (isMap(node)) {
      const pair = node.items.find((p) => isPair(p) && String(isScalar(p.key) ? p.key.value : p.key) === String(step));
      if (!pair) break;
      const keyAt = startOf(pair.key);
      const valueAt = startOf(pair.value);
      offset = (last && of === "key" ? keyAt : (valueAt ?? keyAt)) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      const item: unknown = node.items[Number(step)];
      offset = startOf(item) ?? offset;
      node = item;
    } else break;
  }
  return at(lines, offset);
}

/**
 * Where a character of a text value stands. Exact for plain and quoted scalars on one line without escapes and for
 * literal blocks (`|`); otherwise the start of the value.
 */
export function positionInText(doc: Document, lines: LineCounter, source: string, path: Path, character: number): Position {
  const node = nodeAt(doc, path);
  if (!isScalar(node) || typeof node.value !== "string" || !node.range) return positionOf(doc, lines, path);
  return at(lines, characterOffset(node as Scalar<string>, node.range, source, character));
}

function characterOffset(node: Scalar<string>, range: readonly [number, number, number], source: string, character: number): number {
  const [start, end] = range;
  const raw = source.slice(start, end);
  if (node.type === "BLOCK_LITERAL") {
    const before = node.value.slice(0, character);
    const line = before.split("\n").length - 1;
    const column = character - (before.lastIndexOf("\n") + 1);
    const body = raw.split("\n").slice(1);
    const indent = Math.min(...body.filter((l) => l.trim() !== "").map((l) => l.length - l.trimStart().length));
    let offset = start + (raw.indexOf("\n") + 1);
    for (let i = 0; i < line; i++) offset += (body[i]?.length ?? 0) + 1;
    return offset + (Number.isFinite(indent) ? indent : 0) + column;
  }
  if (raw.startsWith(node.value)) return start + character;
  if (raw.slice(1).startsWith(node.value)) return start + 1 + character;
  return start;
}

function nodeAt(doc: Document, path: Path): unknown {
  let node: unknown = doc.contents;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(doc);
    if (!isCollection(node)) return undefined;
    node = node.get(step, true);
  }
  return isAlias(node) ? node.resolve(doc) : node;
}

const startOf = (node: unknown): number | undefined => (node as YamlNode | null | undefined)?.range?.[0];

function at(lines: LineCounter, offset: number): Position {
  const p = lines.linePos(offset);
  return { line: Math.max(1, p.line), column: Math.max(1, p.col) };
}
