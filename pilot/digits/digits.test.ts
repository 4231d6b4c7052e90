import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { formatHeldOut, imageId, parseHeldOut, parseSource, PIXELS, splitImages, type DigitImage } from "./dataset";
import { evaluateModel, imageIdOf, imagesOf } from "./evaluation";
import { forward, MODEL_FORMAT, parseModel, predict, type DigitModel } from "./model";
import { seededRandom } from "./random";
import { halfResolution, moved } from "./recipes";
import { trainModel, type Recipe } from "./training";

const blank = new Array<number>(PIXELS).fill(0);
/** Ten images that a linear model can tell apart: one bright row or column each. */
const easy: DigitImage[] = Array.from({ length: 10 }, (_, label) => ({
  id: imageId(label + 1), label, pixels: blank.map((_value, place) => (place % 10 === label ? 16 : 0)),
}));
const recipe: Recipe = {
  name: "easy", hidden: [8], epochs: 60, batch: 5, learningRate: 0.1, weightDecay: 0, seed: 3, prepare: (pixels) => pixels,
};

describe("reading the data", () => {
  // Guarantee: a malformed row is named, not read as a wrong image.
  it.each([
    ["a missing column", blank.slice(1).concat(3)],
    ["a pixel out of range", [...blank.slice(1), 17, 3]],
    ["a label that is no digit", [...blank, 10]],
  ])("refuses %s with the row's number", (_name, row) => {
    const text = `${[...blank, 3].join(",")}\n${row.join(",")}\n`;
    expect(() => parseSource(gzipSync(text))).toThrow("row 2");
  });

  it("reads back what it wrote for clients", () => {
    expect(parseHeldOut(formatHeldOut(easy))).toEqual(easy);
    expect(() => parseHeldOut(`x1,${blank.join(",")},3\n`)).toThrow('"x1" is not an image id');
  });

  // Guarantee: the same seed splits alike, and no image is in both parts or in none.
  it("splits without overlap, the same by the same seed", () => {
    const split = splitImages(easy, 5, 4);
    expect(splitImages(easy, 5, 4)).toEqual(split);
    expect(splitImages(easy, 6, 4)).not.toEqual(split);
    expect([...split.heldOut, ...split.train].map((image) => image.id).sort()).toEqual(easy.map((image) => image.id));
    expect(split.heldOut).toHaveLength(4);
  });
});

describe("training and predicting", () => {
  // Guarantee: training is deterministic by seed.
  it("gives the same model for the same seed, and learns", () => {
    const model = trainModel(easy, recipe);
    expect(trainModel(easy, recipe)).toEqual(model);
    expect(trainModel(easy, { ...recipe, seed: 4 })).not.toEqual(model);
    expect(evaluateModel(model, easy).accuracy).toBe(1);
  });

  // Guarantee: probabilities sum to one and confidence is the probability of the digit named.
  it("gives a distribution over ten digits", () => {
    const model = trainModel(easy, recipe);
    const random = seededRandom(1);
    for (let round = 0; round < 50; round += 1) {
      const pixels = blank.map(() => Math.floor(random() * 17));
      const probabilities = forward(model, pixels);
      expect(probabilities.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 10);
      const { prediction, confidence } = predict(model, pixels);
      expect(confidence).toBe(Math.max(...probabilities));
      expect(probabilities[prediction]).toBe(confidence);
    }
  });

  // Guarantee: a model file that does not fit is refused when it is read, with what is wrong.
  it("refuses model files that are not one", () => {
    const model = trainModel(easy, { ...recipe, hidden: [], epochs: 1 });
    const text = (change: Partial<DigitModel>): string => JSON.stringify({ ...model, ...change });
    expect(parseModel(text({}))).toEqual(model);
    const layer = model.layers[0] as DigitModel["layers"][number];
    expect(() => parseModel(JSON.stringify({ format: "other" }))).toThrow(MODEL_FORMAT);
    expect(() => parseModel(text({ layers: [] }))).toThrow("no layers");
    expect(() => parseModel(text({ layers: [{ ...layer, weights: layer.weights.slice(1) }] }))).toThrow("weights are not 64 x 10");
    expect(() => parseModel(text({ layers: [{ ...layer, inputs: 65 }] }))).toThrow("takes 65 values but is given 64");
    expect(() => parseModel(text({ layers: [{ ...layer, activation: "relu" }] }))).toThrow("activation relu");
  });
});

describe("preparing images", () => {
  it("halves the resolution by the mean of each block", () => {
    const corner = blank.map((_, place) => (place === 0 ? 16 : 0));
    expect([0, 1, 8, 9].map((place) => halfResolution(corner)[place])).toEqual([4, 4, 4, 4]);
    expect(halfResolution(corner).reduce((a, b) => a + b, 0)).toBe(16);
  });

  it("moves an image and fills with blank", () => {
    const corner = blank.map((_, place) => (place === 0 ? 16 : 0));
    expect(moved(corner, 1, 2).indexOf(16)).toBe(17);
    expect(moved(corner, -1, 0)).toEqual(blank);
  });
});

describe("offline evaluation", () => {
  // Guarantee: the ids of served predictions lead back to exactly the images that were sent.
  it("finds images by prediction id, as often as they were sent", () => {
    expect(imageIdOf("d0003.edge-1.42")).toBe("d0003");
    expect(imagesOf(["d0003.edge-1.42", "d0003", "d0001.edge-2.7"], easy).map((image) => image.id)).toEqual(["d0003", "d0003", "d0001"]);
    expect(() => imagesOf(["d9999.edge-1.1"], easy)).toThrow("d9999.edge-1.1");
    expect(evaluateModel(trainModel(easy, recipe), []).accuracy).toBeNull();
  });
});
