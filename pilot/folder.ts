import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/**
 * Finds the product's root by walking up from the program that runs: it is the same walk from a source file
 * and from a bundle in `dist/pilot`. Throws when the pilot's files are nowhere above.
 */
export function productRoot(program: string): string {
  for (let folder = dirname(resolve(program)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, "pilot", "models", "manifest.json"))) return folder;
    if (folder === dirname(folder)) throw new Error(`the pilot's files (pilot/models) are not above ${program}`);
  }
}
