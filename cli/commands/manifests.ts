import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { createTwoFilesPatch } from "diff";
import type { RouterOutputs } from "../../server/trpc";
import { Ended, exitCodes, usage } from "../io";
import type { Io } from "../io";
import { confirm, sessionOf } from "../session";
import type { Context, Session } from "../session";

type Applied = RouterOutputs["manifests"]["applyText"];
type ManifestKind = Applied["objects"][number]["kind"];

const manifestKinds: Record<string, ManifestKind> = {
  workload: "Workload", workloads: "Workload", policy: "PlacementPolicy", policies: "PlacementPolicy", placementpolicy: "PlacementPolicy", site: "Site", sites: "Site",
  strategy: "RolloutStrategy", strategies: "RolloutStrategy", rolloutstrategy: "RolloutStrategy", analysis: "AnalysisTemplate", analyses: "AnalysisTemplate", analysistemplate: "AnalysisTemplate", quota: "Quota", quotas: "Quota",
};

/** Text of `-f`: a file, several (joined as documents), or `-` for standard input. Errors name it by `ctx.file`. */
async function textOf(ctx: Context, files: readonly string[]): Promise<string> {
  ctx.file = files.length === 1 ? (files[0] === "-" ? "standard input" : (files[0] ?? null)) : null;
  const texts: string[] = [];
  for (const file of files) {
    if (file === "-") texts.push(await ctx.io.readInput());
    else {
      try {
        texts.push(readFileSync(file, "utf8"));
      } catch (error) {
        throw usage(`${file} can't be read: ${(error as Error).message}`);
      }
    }
  }
  const text = texts.join("\n---\n");
  if (text.trim() === "") throw usage(`${ctx.file ?? "The input"} is empty.`);
  return text;
}

function tell(io: Io, result: Applied): void {
  for (const o of result.objects) {
    const would = result.dryRun ? { create: "would be created", update: "would be updated", unchanged: "unchanged" } : { create: "created", update: "updated", unchanged: "unchanged" };
    const generation = o.generation === null ? "" : ` (r${o.generation})`;
    io.out(`${o.kind} ${o.name} ${would[o.action]}${generation}${o.rolloutNumber === null ? "" : `, rollout #${o.rolloutNumber}`}\n`);
    if (o.action !== "unchanged" && o.consequence) io.out(`  ${o.consequence}\n`);
    for (const w of o.warnings) io.err(`  Warning: ${w}\n`);
  }
}

async function send(s: Session, text: string, dryRun: boolean, reason: string | undefined): Promise<Applied> {
  return s.api.manifests.applyText.mutate({ project: s.project, text, dryRun, ...(reason === undefined ? {} : { reason }) });
}

const collect = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];

/** `apply`, `diff`, `delete`: intent. */
export function manifestCommands(program: Command, ctx: Context): void {
  const { io } = ctx;

  program
    .command("apply")
    .description("make the project's intent what the manifests say")
    .requiredOption("-f, --file <file>", "manifests as YAML or JSON; - is standard input; may be repeated", collect)
    .option("--dry-run", "the server checks everything and says what would happen, and changes nothing")
    .option("--reason <text>", "why; kept with the revision and in the audit log")
    .action(async (o: { file: string[]; dryRun?: boolean; reason?: string }, command: Command) => {
      const s = sessionOf(ctx, command);
      const result = await send(s, await textOf(ctx, o.file), o.dryRun ?? false, o.reason);
      if (s.format === "json") io.out(`${JSON.stringify(result, null, 2)}\n`);
      else tell(io, result);
    });

  program
    .command("diff")
    .description("what `apply` would change, line by line; checked by the server")
    .requiredOption("-f, --file <file>", "manifests as YAML or JSON; - is standard input; may be repeated", collect)
    .option("--exit-code", "end with 1 when something would change")
    .action(async (o: { file: string[]; exitCode?: boolean }, command: Command) => {
      const s = sessionOf(ctx, command);
      const result = await send(s, await textOf(ctx, o.file), true, undefined);
      const changed = result.objects.filter((x) => x.action !== "unchanged");
      if (s.format === "json") io.out(`${JSON.stringify(changed, null, 2)}\n`);
      else {
        for (const x of changed) io.out(createTwoFilesPatch(x.beforeYaml === null ? "/dev/null" : `${x.kind}/${x.name} (now)`, `${x.kind}/${x.name} (after)`, x.beforeYaml ?? "", x.afterYaml).replace(/^=+\n/, ""));
        for (const x of changed) if (x.consequence) io.err(`${x.kind} ${x.name}: ${x.consequence}\n`);
      }
      if (o.exitCode && changed.length > 0) throw new Ended(exitCodes.failure);
    });

  program
    .command("delete")
    .description("take a manifest away; the units of a workload are drained")
    .argument("<kind>", "workload, policy, site, strategy or analysis")
    .argument("<name>", "its name")
    .option("--reason <text>", "why; kept in the audit log")
    .option("--dry-run", "say what would happen and change nothing")
    .option("-y, --yes", "do not ask")
    .action(async (kindName: string, name: string, o: { reason?: string; dryRun?: boolean; yes?: boolean }, command: Command) => {
      const kind = manifestKinds[kindName.toLowerCase()];
      if (!kind) throw usage(`'${kindName}' can't be deleted. Use workload, policy, site, strategy or analysis.`);
      const s = sessionOf(ctx, command);
      if (!o.dryRun) await confirm(s, o.yes, `Delete ${kind} ${name} from project ${s.project}?`);
      const { message } = await s.api.manifests.remove.mutate({ project: s.project, kind, name, dryRun: o.dryRun ?? false, ...(o.reason === undefined ? {} : { reason: o.reason }) });
      io.out(`${message}\n`);
    });
}
