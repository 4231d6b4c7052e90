import { readFileSync } from "node:fs";
import { join } from "node:path";
import { HELD_OUT_FILE, readCatalogue, sha256 } from "../digits/catalogue";

/** Something the pilot uploads, by digest ("sha256:…"). */
export type PilotArtifact = { readonly name: string; readonly mediaType: string; readonly bytes: Buffer; readonly digest: string };

/**
 * The agent keeps artifacts by digest, without an extension, and Node guesses a program's module system from the
 * nearest package.json. With these two names defined a CommonJS bundle runs either way.
 */
const EITHER_WAY = "var require = (name) => process.getBuiltinModule(name), __filename = process.argv[1];\n";

/** The models, the images for clients, and the two programs that the agents run. */
export function readArtifacts(root: string): PilotArtifact[] {
  const pilot = join(root, "pilot");
  const models = readCatalogue(pilot).models.map(({ name, file }) => artifact(name, "application/json", readFileSync(join(pilot, file))));
  const images = artifact("held-out-images", "text/csv", readFileSync(join(pilot, HELD_OUT_FILE)));
  return [...models, images, program(root, "serve"), program(root, "client")];
}

function program(root: string, name: string): PilotArtifact {
  const file = join(root, "dist", "pilot", `${name}.cjs`);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new Error(`${file} cannot be read (${(error as Error).message}). Build it with "npm run build".`, { cause: error });
  }
  return artifact(name, "text/javascript", Buffer.from(EITHER_WAY + text));
}

function artifact(name: string, mediaType: string, bytes: Buffer): PilotArtifact {
  return { name, mediaType, bytes, digest: `sha256:${sha256(bytes)}` };
}

/** Looks an artifact's digest up by name; throws with the names there are. */
export function digestIn(artifacts: readonly PilotArtifact[]): (name: string) => string {
  return (name) => {
    const found = artifacts.find((one) => one.name === name);
    if (found === undefined) throw new Error(`no artifact "${name}"; there are ${artifacts.map((one) => one.name).join(", ")}`);
    return found.digest;
  };
}
