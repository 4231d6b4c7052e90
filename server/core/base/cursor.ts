import { refuseNow } from "./refusal";

/** Writes the place after the last row of a page, as a text that is safe in an address. */
export const writeCursor = (parts: readonly string[]): string => encodeURIComponent(JSON.stringify(parts));

/** Reads a cursor of so many parts; null for the first page. Refuses what no list of ours gave. */
export function readCursor(cursor: string | null | undefined, parts: number): string[] | null {
  if (!cursor) return null;
  try {
    const read: unknown = JSON.parse(decodeURIComponent(cursor));
    if (Array.isArray(read) && read.length === parts && read.every((p) => typeof p === "string")) return read as string[];
  } catch {
    // Falls through to the refusal: a cursor is ours, and one that is not ours is bad input.
  }
  return refuseNow("invalid_input", "The cursor is not one that this list gave.", "Start again at the first page.", [{ path: "cursor", message: "It is not one that this list gave.", remedy: "Leave it out to start at the first page." }]);
}
