import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { importAnalysis } from "../../server/core/analysis/import";
import { refuse } from "../../server/core/base/refusal";
import { manifestYaml } from "../../server/core/manifest";
import { refusedWith } from "../client";
import { usage } from "../io";
import type { Context } from "../session";

/** Gathers NAME=VALUE of a flag that may be repeated. */
function pair(value: string, before: Record<string, string> | undefined): Record<string, string> {
  const at = value.indexOf("=");
  if (at < 1) throw usage(`'${value}' is no argument. Write NAME=VALUE.`);
  return { ...before, [value.slice(0, at)]: value.slice(at + 1) };
}

interface Options {
  provider: string;
  arg?: Record<string, string>;
  canaryArg?: Record<string, string>;
  stableArg?: Record<string, string>;
  scopeLabel?: string;
}

/** `import`: what other tools have, as manifests. Needs no server. */
export function importCommands(program: Command, ctx: Context): void {
  const { io } = ctx;
  const group = program.command("import").description("turn what other tools have into manifests; prints them, and sends nothing");
  group
    .command("analysis")
    .description("an AnalysisTemplate of Argo Rollouts or a canary configuration of Kayenta as AnalysisTemplate")
    .argument("<file>", "YAML or JSON; - is standard input")
    .option("--provider <name>", "name of the Prometheus setting that holds address and credentials", "prometheus")
    .option("--arg <name=value>", "value of an argument; may be repeated; {{workload}}, {{project}} and {{revision}} may stand in it", pair)
    .option("--canary-arg <name=value>", "value of an argument for the canary", pair)
    .option("--stable-arg <name=value>", "value of an argument for stable", pair)
    .option("--scope-label <label>", "Kayenta: label that tells canary from control where a metric names none")
    .action(async (file: string, o: Options) => {
      ctx.file = file === "-" ? "standard input" : file;
      const text = file === "-" ? await io.readInput() : readText(file);
      const result = importAnalysis(text, { provider: o.provider, args: o.arg ?? {}, canaryArgs: o.canaryArg ?? {}, stableArgs: o.stableArg ?? {}, scopeLabel: o.scopeLabel });
      if (result.problems.length > 0) throw refusedWith(refuse("invalid_input", `${ctx.file} can't be imported whole, so nothing is.`, "Each line above says what to do about its field.", result.problems), ctx.file);
      for (const n of result.notes) io.err(`Left out: ${n.path}: ${n.text}.\n`);
      io.out(result.manifests.map((m) => manifestYaml(m)).join("---\n"));
    });
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw usage(`${file} can't be read: ${(error as Error).message}`);
  }
}
