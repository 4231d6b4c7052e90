import { CLASSES, PIXEL_MAX, PIXELS } from "./dataset";

/** The one format the pilot's models are written in; a reader refuses any other. */
export const MODEL_FORMAT = "holdfast.dev/pilot-dense/v1";

/** A dense layer: `weights` holds `outputs` rows of `inputs` values; `bias` one value a row. */
export type DenseLayer = {
  readonly inputs: number;
  readonly outputs: number;
  readonly activation: "relu" | "softmax";
  readonly weights: readonly number[];
  readonly bias: readonly number[];
};

/** A classifier of 8 x 8 images: dense layers, the last one a softmax over ten digits. */
export type DigitModel = {
  readonly format: typeof MODEL_FORMAT;
  readonly name: string;
  readonly layers: readonly DenseLayer[];
};

export type Prediction = { readonly prediction: number; readonly confidence: number };

/** Reads a model artifact. Throws with the first thing that is wrong, so that a bad file fails at start. */
export function parseModel(text: string): DigitModel {
  const value = JSON.parse(text) as Partial<DigitModel> | null;
  if (value === null || typeof value !== "object" || value.format !== MODEL_FORMAT) {
    throw new Error(`not a model of format ${MODEL_FORMAT}`);
  }
  const { name, layers } = value;
  if (typeof name !== "string" || name === "") throw new Error("the model has no name");
  if (!Array.isArray(layers) || layers.length === 0) throw new Error(`model ${name} has no layers`);
  let width = PIXELS;
  for (const [index, layer] of (layers as DenseLayer[]).entries()) {
    width = checkLayer(layer, width, index === layers.length - 1, `model ${name}, layer ${index + 1}`);
  }
  return { format: MODEL_FORMAT, name, layers: layers as DenseLayer[] };
}

/**
 * Says which digit an image shows. `pixels` are 64 values of 0 to 16; confidence is the softmax probability
 * of the digit named, in (0, 1].
 */
export function predict(model: DigitModel, pixels: readonly number[]): Prediction {
  const probabilities = forward(model, pixels);
  let best = 0;
  for (let digit = 1; digit < probabilities.length; digit += 1) {
    if (at(probabilities, digit) > at(probabilities, best)) best = digit;
  }
  return { prediction: best, confidence: at(probabilities, best) };
}

/** The probability of each of the ten digits; the values sum to 1. */
export function forward(model: DigitModel, pixels: readonly number[]): Float64Array {
  let values: Float64Array = Float64Array.from(pixels, (pixel) => pixel / PIXEL_MAX);
  for (const layer of model.layers) values = applyLayer(layer, values);
  return values;
}

function applyLayer(layer: DenseLayer, input: Float64Array): Float64Array {
  const output = new Float64Array(layer.outputs);
  for (let row = 0; row < layer.outputs; row += 1) {
    let sum = at(layer.bias, row);
    const offset = row * layer.inputs;
    for (let column = 0; column < layer.inputs; column += 1) sum += at(layer.weights, offset + column) * at(input, column);
    output[row] = layer.activation === "relu" ? Math.max(0, sum) : sum;
  }
  return layer.activation === "softmax" ? softmax(output) : output;
}

/** Exponentials normalised to sum 1, shifted by the largest so that none overflows. */
export function softmax(scores: Float64Array): Float64Array {
  const top = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const raised = scores.map((score) => Math.exp(score - top));
  const total = raised.reduce((a, b) => a + b, 0);
  return raised.map((value) => value / total);
}

function checkLayer(layer: DenseLayer, width: number, last: boolean, where: string): number {
  const numbers = (list: unknown, length: number): boolean =>
    Array.isArray(list) && list.length === length && list.every((value) => Number.isFinite(value));
  if (layer.inputs !== width) throw new Error(`${where}: takes ${layer.inputs} values but is given ${width}`);
  if (layer.activation !== (last ? "softmax" : "relu")) throw new Error(`${where}: activation ${layer.activation} cannot stand here`);
  if (!numbers(layer.weights, layer.inputs * layer.outputs)) throw new Error(`${where}: weights are not ${layer.inputs} x ${layer.outputs} numbers`);
  if (!numbers(layer.bias, layer.outputs)) throw new Error(`${where}: bias is not ${layer.outputs} numbers`);
  if (last && layer.outputs !== CLASSES) throw new Error(`${where}: gives ${layer.outputs} values instead of ${CLASSES}`);
  return layer.outputs;
}

/** Reads a place that the checks at load have shown to exist. */
function at(values: ArrayLike<number>, index: number): number {
  return values[index] as number;
}
