import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { buildCatalogue, CATALOGUE_FILE, DATA_FILE, readCatalogue, readHeldOut, readModel, sha256, type Catalogue } from "./catalogue";
import { HELD_OUT_COUNT, parseSource, splitImages, SPLIT_SEED } from "./dataset";
import { evaluateModel } from "./evaluation";
import { predict } from "./model";
import { RECIPES } from "./recipes";

const folder = join(import.meta.dirname, "..");
const source = readFileSync(join(folder, DATA_FILE));
const catalogue = readCatalogue(folder);

describe("the checked-in models", () => {
  // Guarantee: held-out accuracy of the checked-in models is what the manifest says.
  it.each(catalogue.models)("$name has the held-out accuracy, size and digest that the manifest says", (entry) => {
    const result = evaluateModel(readModel(folder, entry.name), readHeldOut(folder));
    expect(result.correct).toBe(entry.heldOut.correct);
    expect(result.images).toBe(entry.heldOut.images);
    expect(result.accuracy).toBeCloseTo(entry.heldOut.accuracy, 4);
    expect(sha256(readFileSync(join(folder, entry.file)))).toBe(entry.sha256);
    expect(statSync(join(folder, entry.file)).size).toBe(entry.bytes);
    expect(entry.bytes).toBeLessThan(200_000);
  });

  // Guarantee: the worse model is plausibly worse, 5 to 10 points below both others, and not broken.
  it("ranks v2 above v1 and v3 five to ten points below both", () => {
    const [v1, v2, v3] = catalogue.models.map((model) => model.heldOut.accuracy) as [number, number, number];
    expect(v1).toBeGreaterThan(0.94);
    expect(v2).toBeGreaterThan(0.97);
    for (const better of [v1, v2]) {
      expect(better - v3).toBeGreaterThanOrEqual(0.05);
      expect(better - v3).toBeLessThanOrEqual(0.1);
    }
  });

  // Guarantee: the models come from the script in the repository and the data that ships with it, by seed.
  it("are what training again gives", () => {
    const again = buildCatalogue(source, RECIPES);
    const remade = JSON.parse(again.get(CATALOGUE_FILE) as string) as Catalogue;
    const images = readHeldOut(folder);
    for (const entry of catalogue.models) {
      const other = remade.models.find((model) => model.name === entry.name);
      expect(other?.heldOut.correct).toBe(entry.heldOut.correct);
      const mine = readModel(folder, entry.name);
      const theirs = JSON.parse(again.get(entry.file) as string) as typeof mine;
      expect(images.filter((image) => predict(mine, image.pixels).prediction !== predict(theirs, image.pixels).prediction)).toEqual([]);
    }
    expect(again.get(catalogue.split.heldOutFile)).toBe(readFileSync(join(folder, catalogue.split.heldOutFile), "utf8"));
  }, 60_000);
});

describe("the split", () => {
  // Guarantee: no client image is in the training split, neither by id nor by its pixels.
  it("keeps every client image out of training", () => {
    const { train } = splitImages(parseSource(source), SPLIT_SEED, HELD_OUT_COUNT);
    const trainedIds = new Set(train.map((image) => image.id));
    const trainedPixels = new Set(train.map((image) => image.pixels.join()));
    const sent = readHeldOut(folder);
    expect(sent).toHaveLength(HELD_OUT_COUNT);
    expect(train).toHaveLength(catalogue.split.train);
    expect(sent.filter((image) => trainedIds.has(image.id) || trainedPixels.has(image.pixels.join()))).toEqual([]);
  });

  // Guarantee: the client's file holds the source's images and labels, unchanged.
  it("hands clients the rows of the source as they are", () => {
    const byId = new Map(parseSource(source).map((image) => [image.id, image]));
    for (const image of readHeldOut(folder)) expect(image).toEqual(byId.get(image.id));
  });

  // Guarantee: the data ships with its licence, named.
  it("names the data and its licence", () => {
    expect(sha256(source)).toBe(catalogue.data.sha256);
    expect(existsSync(join(folder, "data", "LICENCE.md"))).toBe(true);
    expect(readFileSync(join(folder, "data", "LICENCE.md"), "utf8")).toContain("CC BY 4.0");
  });
});
