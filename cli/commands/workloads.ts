import type { Command } from "commander";
import { usage } from "../io";
import { sessionOf } from "../session";
import type { Context } from "../session";

/** A whole number of an option, or a refusal that names the option. */
function whole(text: string, option: string, least: number): number {
  const n = Number(text);
  if (!Number.isSafeInteger(n) || n < least) throw usage(`${option} must be a whole number from ${least} on, not '${text}'.`);
  return n;
}

/** `workload …`: what is done to a workload besides applying its manifest. */
export function workloadCommands(program: Command, ctx: Context): void {
  const { io } = ctx;
  const workload = program.command("workload").description("scale a workload, go back to a revision, lift a hold");
  workload
    .command("scale")
    .description("change how many units it has; needs no rollout")
    .argument("<name>")
    .requiredOption("--replicas <n>", "how many units")
    .option("--reason <text>", "why; kept in the audit log")
    .action(async (name: string, o: { replicas: string; reason?: string }, command: Command) => {
      const s = sessionOf(ctx, command);
      const replicas = whole(o.replicas, "--replicas", 0);
      const { version } = await s.api.workloads.get.query({ project: s.project, name });
      const { message } = await s.api.workloads.scale.mutate({ project: s.project, name, replicas, version, ...(o.reason ? { reason: o.reason } : {}) });
      io.out(`${message}\n`);
    });
  workload
    .command("roll-back")
    .description("make the content of an earlier revision the newest one; it goes out as any new revision does")
    .argument("<name>")
    .requiredOption("--to <generation>", "the revision to go back to")
    .requiredOption("--reason <text>", "why; kept with the revision and in the audit log")
    .action(async (name: string, o: { to: string; reason: string }, command: Command) => {
      const s = sessionOf(ctx, command);
      const { message } = await s.api.workloads.rollBackTo.mutate({ project: s.project, name, generation: whole(o.to.replace(/^r/, ""), "--to", 1), reason: o.reason });
      io.out(`${message}\n`);
    });
  workload
    .command("lift-hold")
    .description("let a revision that was rolled back be applied and rolled out again")
    .argument("<name>")
    .requiredOption("--generation <generation>", "the held revision")
    .requiredOption("--reason <text>", "why; kept in the audit log")
    .action(async (name: string, o: { generation: string; reason: string }, command: Command) => {
      const s = sessionOf(ctx, command);
      const { message } = await s.api.workloads.liftHold.mutate({ project: s.project, name, generation: whole(o.generation.replace(/^r/, ""), "--generation", 1), reason: o.reason });
      io.out(`${message}\n`);
    });
}
