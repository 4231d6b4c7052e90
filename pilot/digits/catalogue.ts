import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { formatHeldOut, HELD_OUT_COUNT, parseHeldOut, parseSource, SPLIT_SEED, splitImages, type DigitImage } from "./dataset";
import { evaluateModel } from "./evaluation";
import { parseModel, type DigitModel } from "./model";
import type { NamedRecipe } from "./recipes";
import { trainModel } from "./training";

/** What is known of one shipped model. Accuracies are fractions of 1. */
export type ModelEntry = {
  readonly name: string;
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly about: string;
  readonly training: {
    readonly seed: number; readonly hidden: readonly number[]; readonly epochs: number; readonly batch: number;
    readonly learningRate: number; readonly weightDecay: number; readonly preparation: string;
    /** Measured on the images as the training desk prepared them, which is what its author would have seen. */
    readonly deskAccuracy: number;
  };
  readonly heldOut: { readonly images: number; readonly correct: number; readonly accuracy: number };
};

/** `pilot/models/manifest.json`. */
export type Catalogue = {
  readonly data: { readonly file: string; readonly sha256: string; readonly name: string; readonly licence: string; readonly source: string };
  readonly split: { readonly seed: number; readonly train: number; readonly heldOut: number; readonly heldOutFile: string; readonly heldOutSha256: string };
  readonly models: readonly ModelEntry[];
};

/** Paths, from the pilot's own folder. */
export const DATA_FILE = "data/digits.csv.gz";
export const HELD_OUT_FILE = "data/held-out.csv";
export const CATALOGUE_FILE = "models/manifest.json";

/** The lower-case hexadecimal SHA-256 of some bytes. */
export const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");

/** Trains every recipe and describes the result. Returns files by path from the pilot's folder; writes nothing. */
export function buildCatalogue(source: Uint8Array, recipes: readonly NamedRecipe[]): Map<string, string> {
  const { train, heldOut } = splitImages(parseSource(source), SPLIT_SEED, HELD_OUT_COUNT);
  const heldOutText = formatHeldOut(heldOut);
  const files = new Map([[HELD_OUT_FILE, heldOutText]]);
  const models = recipes.map((recipe) => {
    const model = trainModel(train, recipe);
    const text = `${JSON.stringify(model)}\n`;
    const file = `models/${recipe.name}.json`;
    files.set(file, text);
    return describe(model, text, file, recipe, train, heldOut);
  });
  const catalogue: Catalogue = {
    data: {
      file: DATA_FILE, sha256: sha256(source), name: "Optical Recognition of Handwritten Digits (Alpaydin and Kaynak, 1998), test part",
      licence: "CC BY 4.0", source: "https://doi.org/10.24432/C50P49",
    },
    split: { seed: SPLIT_SEED, train: train.length, heldOut: heldOut.length, heldOutFile: HELD_OUT_FILE, heldOutSha256: sha256(heldOutText) },
    models,
  };
  files.set(CATALOGUE_FILE, `${JSON.stringify(catalogue, null, 2)}\n`);
  return files;
}

function describe(model: DigitModel, text: string, file: string, recipe: NamedRecipe, train: readonly DigitImage[], heldOut: readonly DigitImage[]): ModelEntry {
  const { name, about, seed, hidden, epochs, batch, learningRate, weightDecay, preparation } = recipe;
  // The desk looks at the images as it prepared them, without the random part: that is how its author judged.
  const still = (): number => 0.999;
  const desk = evaluateModel(model, train.map((image) => ({ ...image, pixels: recipe.prepare(image.pixels, still) })));
  const served = evaluateModel(model, heldOut);
  return {
    name, file, sha256: sha256(text), bytes: Buffer.byteLength(text), about,
    training: { seed, hidden, epochs, batch, learningRate, weightDecay, preparation, deskAccuracy: fraction(desk.accuracy) },
    heldOut: { images: served.images, correct: served.correct, accuracy: fraction(served.accuracy) },
  };
}

const fraction = (value: number | null): number => Math.round((value ?? 0) * 10_000) / 10_000;

/** Reads the catalogue that is checked in. `folder` is the pilot's own folder. */
export function readCatalogue(folder: string): Catalogue {
  return JSON.parse(readFileSync(join(folder, CATALOGUE_FILE), "utf8")) as Catalogue;
}

/** Reads a shipped model by name. Throws with the names there are when it is none of them. */
export function readModel(folder: string, name: string): DigitModel {
  const { models } = readCatalogue(folder);
  const entry = models.find((model) => model.name === name);
  if (entry === undefined) throw new Error(`no model "${name}"; there are ${models.map((model) => model.name).join(", ")}`);
  return parseModel(readFileSync(join(folder, entry.file), "utf8"));
}

/** Reads the images that clients send. */
export function readHeldOut(folder: string): DigitImage[] {
  return parseHeldOut(readFileSync(join(folder, HELD_OUT_FILE), "utf8"));
}
