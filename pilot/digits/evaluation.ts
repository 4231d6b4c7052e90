import type { DigitImage } from "./dataset";
import { predict, type DigitModel } from "./model";

/** How often a model is right on a list of images. `accuracy` is a fraction of 1, null where there is no image. */
export type Evaluation = {
  readonly images: number;
  readonly correct: number;
  readonly accuracy: number | null;
  /** Row: the digit written; column: the digit named. */
  readonly confusion: readonly (readonly number[])[];
};

/** Counts a model's right answers. An image given twice counts twice, as it does in what clients send. */
export function evaluateModel(model: DigitModel, images: readonly DigitImage[]): Evaluation {
  const confusion = Array.from({ length: 10 }, () => new Array<number>(10).fill(0));
  let correct = 0;
  for (const image of images) {
    const { prediction } = predict(model, image.pixels);
    if (prediction === image.label) correct += 1;
    const row = confusion[image.label] as number[];
    row[prediction] = (row[prediction] as number) + 1;
  }
  return { images: images.length, correct, accuracy: images.length === 0 ? null : correct / images.length, confusion };
}

/**
 * The id of the image that a prediction was asked for. Clients write prediction ids as
 * `<image id>.<sender>.<number>`, so that what was measured on screen can be evaluated again offline.
 */
export function imageIdOf(predictionId: string): string {
  return predictionId.split(".", 1)[0] as string;
}

/** Finds the images of a list of image or prediction ids, in its order. Throws with the ids it does not know. */
export function imagesOf(ids: readonly string[], known: readonly DigitImage[]): DigitImage[] {
  const byId = new Map(known.map((image) => [image.id, image]));
  const unknown = ids.filter((id) => !byId.has(imageIdOf(id)));
  if (unknown.length > 0) throw new Error(`unknown image ids: ${unknown.slice(0, 5).join(", ")}${unknown.length > 5 ? ` and ${unknown.length - 5} more` : ""}`);
  return ids.map((id) => byId.get(imageIdOf(id)) as DigitImage);
}
