import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { buildCatalogue, CATALOGUE_FILE, DATA_FILE, type Catalogue } from "./digits/catalogue";
import { RECIPES } from "./digits/recipes";

/**
 * Trains the pilot's models from the data that ships with it and writes `pilot/models` and the held-out file.
 * Run by hand (`npx tsx pilot/train.ts`) after a change of recipe; the results are checked in.
 */
function main(): void {
  const folder = resolve(process.argv[2] ?? "pilot");
  const files = buildCatalogue(readFileSync(join(folder, DATA_FILE)), RECIPES);
  for (const [file, text] of files) writeFileSync(join(folder, file), text);
  const { models, split } = JSON.parse(files.get(CATALOGUE_FILE) as string) as Catalogue;
  console.log(`trained on ${split.train} images, held out ${split.heldOut}`);
  for (const { name, heldOut, bytes, training } of models) {
    console.log(`${name}: ${heldOut.correct} of ${heldOut.images} held-out images (${heldOut.accuracy}), at the desk ${training.deskAccuracy}, ${bytes} bytes`);
  }
}

main();
