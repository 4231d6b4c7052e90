import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { processEnvironment } from "./env";
import { runCommand, USAGE } from "./fleet/commands";
import { PilotFolder } from "./fleet/state";
import { productRoot } from "./folder";

/** `npm run pilot -- COMMAND`: tells a running pilot what to do. Exit codes: 0 done, 1 refused or failed, 2 wrong use. */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { data: { type: "string" }, json: { type: "boolean", default: false }, help: { type: "boolean", default: false } },
  });
  if (values.help || positionals.length === 0) {
    console.log(USAGE);
    return values.help ? 0 : 2;
  }
  const root = productRoot(process.argv[1] as string);
  const data = resolve(values.data ?? processEnvironment()["HOLDFAST_DATA"] ?? join(root, ".data"));
  return runCommand(positionals, { folder: new PilotFolder(join(data, "pilot")), json: values.json, print: (text) => console.log(text), complain: (text) => console.error(text) });
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
