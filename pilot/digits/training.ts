import { CLASSES, PIXEL_MAX, PIXELS, type DigitImage } from "./dataset";
import { MODEL_FORMAT, softmax, type DenseLayer, type DigitModel } from "./model";
import { gaussian, seededRandom, shuffled, type Random } from "./random";

/** How a model is trained. `hidden: []` is a softmax regression; `[64]` is one hidden layer of 64. */
export type Recipe = {
  readonly name: string;
  readonly hidden: readonly number[];
  readonly epochs: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly seed: number;
  /** What the training desk does to an image before it learns from it. Serving never does this. */
  readonly prepare: (pixels: readonly number[], random: Random) => readonly number[];
};

type Layer = { inputs: number; outputs: number; weights: Float64Array; bias: Float64Array };

/**
 * Trains dense layers by mini-batch gradient descent with momentum on the cross-entropy. Everything random
 * comes from `recipe.seed`, so the same images and recipe give the same model.
 */
export function trainModel(images: readonly DigitImage[], recipe: Recipe): DigitModel {
  const random = seededRandom(recipe.seed);
  const widths = [PIXELS, ...recipe.hidden, CLASSES];
  const layers = widths.slice(1).map((outputs, index) => newLayer(widths[index] as number, outputs, random));
  const velocity = layers.map((layer) => emptyLike(layer));
  for (let epoch = 0; epoch < recipe.epochs; epoch += 1) {
    // The rate falls linearly to a tenth, which lets the last epochs settle.
    const rate = recipe.learningRate * (1 - (0.9 * epoch) / recipe.epochs);
    const order = shuffled(images, random);
    for (let start = 0; start < order.length; start += recipe.batch) {
      const batch = order.slice(start, start + recipe.batch);
      const gradient = layers.map((layer) => emptyLike(layer));
      for (const image of batch) accumulate(layers, recipe.prepare(image.pixels, random), image.label, gradient);
      layers.forEach((layer, index) => step(layer, gradient[index] as Layer, velocity[index] as Layer, rate / batch.length, rate * recipe.weightDecay));
    }
  }
  return { format: MODEL_FORMAT, name: recipe.name, layers: layers.map((layer, index) => toDense(layer, index === layers.length - 1)) };
}

/** One image's forward and backward pass; adds the gradient of its loss to `gradient`. */
function accumulate(layers: readonly Layer[], pixels: readonly number[], label: number, gradient: readonly Layer[]): void {
  const values: Float64Array[] = [Float64Array.from(pixels, (pixel) => pixel / PIXEL_MAX)];
  layers.forEach((layer, index) => {
    const scores = multiply(layer, values[index] as Float64Array);
    values.push(index === layers.length - 1 ? softmax(scores) : scores.map((score) => Math.max(0, score)));
  });
  let error = (values.at(-1) as Float64Array).map((probability, digit) => probability - (digit === label ? 1 : 0));
  for (let index = layers.length - 1; index >= 0; index -= 1) {
    const layer = layers[index] as Layer;
    const sums = gradient[index] as Layer;
    const input = values[index] as Float64Array;
    const back = new Float64Array(layer.inputs);
    for (let row = 0; row < layer.outputs; row += 1) {
      const slope = error[row] as number;
      if (slope === 0) continue;
      const offset = row * layer.inputs;
      (sums.bias[row] as number) += slope;
      for (let column = 0; column < layer.inputs; column += 1) {
        (sums.weights[offset + column] as number) += slope * (input[column] as number);
        (back[column] as number) += slope * (layer.weights[offset + column] as number);
      }
    }
    error = back.map((value, column) => ((input[column] as number) > 0 ? value : 0));
  }
}

function multiply(layer: Layer, input: Float64Array): Float64Array {
  const output = new Float64Array(layer.outputs);
  for (let row = 0; row < layer.outputs; row += 1) {
    let sum = layer.bias[row] as number;
    for (let column = 0; column < layer.inputs; column += 1) sum += (layer.weights[row * layer.inputs + column] as number) * (input[column] as number);
    output[row] = sum;
  }
  return output;
}

const MOMENTUM = 0.9;

function step(layer: Layer, gradient: Layer, velocity: Layer, rate: number, decay: number): void {
  const move = (values: Float64Array, slopes: Float64Array, speeds: Float64Array, shrink: number): void => {
    for (let place = 0; place < values.length; place += 1) {
      const speed = MOMENTUM * (speeds[place] as number) - rate * (slopes[place] as number) - shrink * (values[place] as number);
      speeds[place] = speed;
      (values[place] as number) += speed;
    }
  };
  move(layer.weights, gradient.weights, velocity.weights, decay);
  move(layer.bias, gradient.bias, velocity.bias, 0);
}

/** He initialisation: normal with variance 2 / inputs. */
function newLayer(inputs: number, outputs: number, random: Random): Layer {
  const spread = Math.sqrt(2 / inputs);
  const weights = new Float64Array(inputs * outputs).map(() => spread * gaussian(random));
  return { inputs, outputs, weights, bias: new Float64Array(outputs) };
}

function emptyLike(layer: Layer): Layer {
  return { inputs: layer.inputs, outputs: layer.outputs, weights: new Float64Array(layer.weights.length), bias: new Float64Array(layer.bias.length) };
}

/** Four decimals are kept: a model stays far below 200 kB and the file's text is the model, to the digit. */
function toDense(layer: Layer, last: boolean): DenseLayer {
  const rounded = (values: Float64Array): number[] => Array.from(values, (value) => Math.round(value * 10_000) / 10_000);
  return { inputs: layer.inputs, outputs: layer.outputs, activation: last ? "softmax" : "relu", weights: rounded(layer.weights), bias: rounded(layer.bias) };
}
