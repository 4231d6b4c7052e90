import { gunzipSync } from "node:zlib";
import { seededRandom, shuffled } from "./random";

/** Width and height of an image, in pixels. */
export const IMAGE_SIDE = 8;
/** Pixels of an image, row by row from the top left. */
export const PIXELS = IMAGE_SIDE * IMAGE_SIDE;
/** The brightest value a pixel of the source data has. */
export const PIXEL_MAX = 16;
/** How many digits there are to tell apart. */
export const CLASSES = 10;

/** One handwritten digit. `id` is its row in the source file ("d0001" to "d1797") and never changes. */
export type DigitImage = { readonly id: string; readonly pixels: readonly number[]; readonly label: number };

export type Split = { readonly train: readonly DigitImage[]; readonly heldOut: readonly DigitImage[] };

/** The split that every shipped model was trained with; the manifest repeats it. */
export const SPLIT_SEED = 20_260_101;
/** Images that no model ever sees while it is trained; the pilot's clients send these and no others. */
export const HELD_OUT_COUNT = 800;

/** The id of the image in row `row` (from 1) of the source file. */
export const imageId = (row: number): string => `d${String(row).padStart(4, "0")}`;

/** Reads the source file (gzip of 64 pixel columns and a label). Throws on a malformed row, with its number. */
export function parseSource(gzipped: Uint8Array): DigitImage[] {
  return lines(gunzipSync(gzipped).toString("utf8")).map((line, index) => parseRow(line.split(","), imageId(index + 1), index + 1));
}

/** Reads the held-out file that clients are given (an id, 64 pixel columns and a label). */
export function parseHeldOut(text: string): DigitImage[] {
  return lines(text).map((line, index) => {
    const [id = "", ...columns] = line.split(",");
    if (!/^d\d{4}$/.test(id)) throw new Error(`held-out row ${index + 1}: "${id}" is not an image id`);
    return parseRow(columns, id, index + 1);
  });
}

/** The text of the held-out file. It is not compressed, because compressors differ between versions and its digest must not. */
export function formatHeldOut(images: readonly DigitImage[]): string {
  return images.map((image) => `${image.id},${image.pixels.join(",")},${image.label}\n`).join("");
}

/**
 * Splits the images by a seeded shuffle. Held-out images are returned in the order of their ids, so that the
 * same seed gives the same bytes wherever it runs.
 */
export function splitImages(images: readonly DigitImage[], seed: number, heldOutCount: number): Split {
  const order = shuffled(images, seededRandom(seed));
  const byId = (a: DigitImage, b: DigitImage): number => (a.id < b.id ? -1 : 1);
  return { heldOut: order.slice(0, heldOutCount).sort(byId), train: order.slice(heldOutCount).sort(byId) };
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}

function parseRow(columns: readonly string[], id: string, row: number): DigitImage {
  const numbers = columns.map(Number);
  const label = numbers.at(-1) ?? Number.NaN;
  const pixels = numbers.slice(0, -1);
  const wrong = pixels.length !== PIXELS || pixels.some((value) => !(value >= 0 && value <= PIXEL_MAX));
  if (wrong || !Number.isInteger(label) || label < 0 || label >= CLASSES) {
    throw new Error(`row ${row} of the digits data is not 64 values of 0 to 16 and a digit`);
  }
  return { id, pixels, label };
}
