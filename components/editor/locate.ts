import { isNode, parseAllDocuments } from "yaml";
import type { FieldError } from "@/server/core/base/refusal";

/** The stretch of a text that an error is about: its line if it has one, otherwise what stands at its path. */
export function locate(text: string, error: FieldError): { from: number; to: number } {
  if (error.line !== undefined) {
    const lines = text.split("\n");
    const index = Math.min(Math.max(1, error.line), lines.length) - 1;
    const start = lines.slice(0, index).reduce((sum, line) => sum + line.length + 1, 0);
    const line = lines[index] ?? "";
    const column = Math.min(Math.max(0, (error.column ?? 1) - 1), line.length);
    const word = /^[^\s,\]}]+/.exec(line.slice(column))?.[0].length ?? 0;
    if (error.column !== undefined && word > 0) return { from: start + column, to: start + column + word };
    const lead = /^\s*/.exec(line)?.[0].length ?? 0;
    return { from: start + Math.min(lead, line.length), to: start + line.length };
  }
  const parts = error.path.split(/[.[\]]+/).filter((part) => part !== "").map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  for (const document of parseAllDocuments(text)) {
    // What is missing has no place: its nearest ancestor is marked instead.
    for (let length = parts.length; length > 0; length -= 1) {
      const found: unknown = document.getIn(parts.slice(0, length), true);
      if (isNode(found) && found.range) return { from: found.range[0], to: Math.max(found.range[0], found.range[1]) };
    }
  }
  return { from: 0, to: text.indexOf("\n") === -1 ? text.length : text.indexOf("\n") };
}
