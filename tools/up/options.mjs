/** The flags of `npm run up` and `npm run down`. */
import path from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "../lib/paths.mjs";

export const UP_USAGE = `npm run up -- [flags]
  --port P      port of the console (7070; another free one if it is taken and you did not ask for it)
  --host H      address to listen on (127.0.0.1; anything else is open to the network)
  --data DIR    where everything is kept (.data)
  --no-pilot    start without the pilot fleet
  --help`;

export const DOWN_USAGE = `npm run down -- [flags]
  --data DIR    which installation (.data)
  --erase       also remove everything it keeps; asks first
  --yes         with --erase: don't ask
  --help`;

/** A flag that can't be used; the message says which and what to write. */
export class BadFlag extends Error {
  name = "BadFlag";
}

/** @template T @param {() => T} parse @param {string} usage @returns {T} */
function orUsage(parse, usage) {
  try {
    return parse();
  } catch (error) {
    throw new BadFlag(`${/** @type {Error} */ (error).message}\n\n${usage}`);
  }
}

/** Where a folder given on the command line is: relative to where npm was called, not to the checkout. @param {string | undefined} given */
export function dataFolder(given) {
  if (given === undefined) return path.join(ROOT, ".data");
  if (given.trim() === "") throw new BadFlag("--data: write a folder");
  return path.resolve(process.env["INIT_CWD"] ?? process.cwd(), given);
}

/** @param {string[]} args */
export function upOptions(args) {
  const { values } = orUsage(
    () => parseArgs({ args, options: { port: { type: "string" }, host: { type: "string" }, data: { type: "string" }, "no-pilot": { type: "boolean" }, help: { type: "boolean" } } }),
    UP_USAGE,
  );
  const port = values.port === undefined ? undefined : Number(values.port);
  if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65_534)) throw new BadFlag(`--port: write a number from 1 to 65534, not "${values.port}"\n\n${UP_USAGE}`);
  return { help: values.help ?? false, port, host: values.host ?? "127.0.0.1", data: dataFolder(values.data), pilot: !values["no-pilot"] };
}

/** @param {string[]} args */
export function downOptions(args) {
  const { values } = orUsage(() => parseArgs({ args, options: { data: { type: "string" }, erase: { type: "boolean" }, yes: { type: "boolean" }, help: { type: "boolean" } } }), DOWN_USAGE);
  return { help: values.help ?? false, data: dataFolder(values.data), erase: values.erase ?? false, yes: values.yes ?? false };
}
