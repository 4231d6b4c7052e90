import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readHeldOut, readModel } from "./digits/catalogue";
import { evaluateModel, imagesOf } from "./digits/evaluation";
import { productRoot } from "./folder";

const USAGE = "evaluate --model NAME [--ids FILE|-] [--json]   ids: image or prediction ids, one a line; all held-out images without";

/**
 * Evaluates a shipped model offline on the images named, so that an accuracy on screen can be checked:
 * give it the prediction ids that were served and labelled.
 */
function main(): number {
  const { values } = parseArgs({ options: { model: { type: "string" }, ids: { type: "string" }, json: { type: "boolean", default: false } } });
  if (values.model === undefined) {
    console.error(USAGE);
    return 2;
  }
  const folder = join(productRoot(process.argv[1] as string), "pilot");
  const known = readHeldOut(folder);
  const ids = values.ids === undefined ? undefined : readFileSync(values.ids === "-" ? 0 : values.ids, "utf8").split(/\s+/).filter((id) => id !== "");
  const result = evaluateModel(readModel(folder, values.model), ids === undefined ? known : imagesOf(ids, known));
  if (values.json) console.log(JSON.stringify({ model: values.model, images: result.images, correct: result.correct, accuracy: result.accuracy }));
  else console.log(`${values.model}: ${result.correct} of ${result.images} images right${result.accuracy === null ? "" : `, accuracy ${result.accuracy.toFixed(4)}`}`);
  return 0;
}

process.exitCode = main();
