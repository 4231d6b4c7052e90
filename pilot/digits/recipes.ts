import { IMAGE_SIDE } from "./dataset";
import type { Random } from "./random";
import type { Recipe } from "./training";

/** A recipe and what a person is told about the model it makes. */
export type NamedRecipe = Recipe & { readonly about: string; readonly preparation: string };

const asItIs = (pixels: readonly number[]): readonly number[] => pixels;

/** The image moved by whole pixels; what comes in from outside is blank. */
export function moved(pixels: readonly number[], right: number, down: number): number[] {
  return pixels.map((_, place) => {
    const x = (place % IMAGE_SIDE) - right;
    const y = Math.floor(place / IMAGE_SIDE) - down;
    const inside = x >= 0 && x < IMAGE_SIDE && y >= 0 && y < IMAGE_SIDE;
    return inside ? (pixels[y * IMAGE_SIDE + x] as number) : 0;
  });
}

/** Four images in ten are moved by up to one pixel each way, so that the model bears a careless camera. */
function movedSometimes(pixels: readonly number[], random: Random): readonly number[] {
  if (random() >= 0.4) return pixels;
  const offset = (): number => Math.floor(random() * 3) - 1;
  return moved(pixels, offset(), offset());
}

/** The image at half resolution: each block of 2 x 2 pixels becomes its mean. */
export function halfResolution(pixels: readonly number[]): number[] {
  return pixels.map((_, place) => {
    const corner = (Math.floor(place / IMAGE_SIDE) & ~1) * IMAGE_SIDE + ((place % IMAGE_SIDE) & ~1);
    const block = [corner, corner + 1, corner + IMAGE_SIDE, corner + IMAGE_SIDE + 1];
    return block.reduce((sum, pixel) => sum + (pixels[pixel] as number), 0) / block.length;
  });
}

/** The three models of the pilot, in the order in which a newcomer meets them. */
export const RECIPES: readonly NamedRecipe[] = [
  {
    name: "digits-v1", hidden: [], epochs: 12, batch: 32, learningRate: 0.05, weightDecay: 0.0001, seed: 7,
    prepare: asItIs, preparation: "none",
    about: "The baseline: a softmax regression on the pixels as they are.",
  },
  {
    name: "digits-v2", hidden: [64], epochs: 120, batch: 32, learningRate: 0.05, weightDecay: 0.0005, seed: 7,
    prepare: movedSometimes, preparation: "four images in ten moved by up to one pixel",
    about: "The better model: one hidden layer of 64, trained on images some of which were moved by a pixel.",
  },
  {
    name: "digits-v3", hidden: [12], epochs: 60, batch: 32, learningRate: 0.05, weightDecay: 0.0001, seed: 7,
    prepare: halfResolution, preparation: "images at half resolution",
    about:
      "The worse model: made small for constrained sites and trained from an archive that kept images at half resolution. " +
      "Measured on that archive it looks fine; cameras send full resolution.",
  },
];
