import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";

const root = path.resolve(import.meta.dirname, "../..");

/** How a program ended, and what it said. */
export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/**
 * Bundles an entry file of `server/bin` as the build does, beside the packages that it imports, and gives a function
 * that runs it with arguments and with exactly these variables in its environment.
 */
export async function programOf(name: string): Promise<(args: readonly string[], env: Record<string, string>) => Promise<Ended>> {
  const folder = path.join(root, "node_modules/.cache/holdfast-test-programs");
  mkdirSync(folder, { recursive: true });
  const outfile = path.join(folder, `${name}-${process.pid}.mjs`);
  await build({ absWorkingDir: root, entryPoints: [`server/bin/${name}.ts`], outfile, bundle: true, platform: "node", format: "esm", target: "node20.19", packages: "external", logLevel: "silent" });
  return (args, env) =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [outfile, ...args], { cwd: root, env: { PATH: "/usr/bin:/bin", ...env } as unknown as NodeJS.ProcessEnv, stdio: ["ignore", "pipe", "pipe"] });
      let out = "";
      let err = "";
      child.stdout.on("data", (d: Buffer) => (out += d.toString()));
      child.stderr.on("data", (d: Buffer) => (err += d.toString()));
      child.once("error", reject);
      child.once("close", (code) => resolve({ code, out, err }));
    });
}
