import type { Command } from "commander";
import { isFinal, isRolloutPhase, nextPhase } from "../../server/core/rollout/lifecycle";
import type { RouterOutputs } from "../../server/trpc";
import { Ended, exitCodes, usage } from "../io";
import type { Io } from "../io";
import { age, showList, time, writeTable } from "../output";
import type { Column } from "../output";
import { confirm, everyPage, sessionOf } from "../session";
import type { Context, Session } from "../session";
import { emergencyCommands } from "./emergency";
import { kindNamed, rolloutNumber } from "./kinds";

type Detail = RouterOutputs["rollouts"]["get"];
type Approval = RouterOutputs["approvals"]["get"];
const WATCH_EVERY_MS = 2_000;

function tellRollout(io: Io, r: Detail): void {
  io.out(`Rollout #${r.number} of ${r.workload}, r${r.fromGeneration} to r${r.toGeneration}: ${r.phaseLabel}\n  ${r.reason}\n`);
  io.out(`  ${r.targets.updated} of ${r.targets.total} units updated, ${r.targets.healthy} healthy, ${r.targets.failing} failing, ${r.targets.silent} silent\n`);
  for (const f of r.freezes) io.out(`  frozen: ${f.site ?? "the project"} by ${f.by}: ${f.reason}\n`);
  for (const b of r.sitesBack) io.out(`  sent back: ${b.site} (${b.units} units): ${b.reason}\n`);
  if (r.proof) io.out(`  proof: ${r.proof.sentence}\n`);
  for (const wave of r.waves) {
    io.out(`  wave ${wave.index + 1} ${wave.name} (${wave.state}, ${wave.targets.length} units${wave.after.length > 0 ? `, after ${wave.after.join(" and ")}` : ""})\n`);
    for (const step of wave.steps) io.out(`    ${{ done: "✓", current: "▸", waiting: "·", skipped: "-" }[step.state]} ${step.text}${step.note ? `: ${step.note}` : ""}\n`);
  }
  if (r.verdict) {
    io.out(`  verdict: ${r.verdict.sentence}\n`);
    for (const m of r.verdict.metrics) io.out(`    ${m.outcome.padEnd(9)} ${m.sentence}\n`);
  }
}

/** Whether a rollout ended with the new revision everywhere; what the table of phases calls it is where `finish` leads. */
const asAsked = nextPhase("running", "finish");
const wentAsAsked = (phase: string): boolean => phase === asAsked;
const hasEnded = (phase: string): boolean => isRolloutPhase(phase) && isFinal(phase);

async function watch(s: Session, number: number): Promise<Detail> {
  let told = "";
  for (;;) {
    const r = await s.api.rollouts.get.query({ project: s.project, number });
    const line = `${r.phaseLabel}: ${r.reason} (${r.targets.updated}/${r.targets.total} updated, wave ${Math.min(r.wave.index + 1, r.wave.count)}/${r.wave.count} ${r.wave.name})`;
    if (line !== told && s.format === "table") s.io.out(`${time(s.io.nowMs())}  ${line}\n`);
    told = line;
    if (hasEnded(r.phase)) return r;
    await s.io.sleep(WATCH_EVERY_MS);
  }
}

/** The approval that a rollout waits for; an error that says so when there is none. */
async function pendingApproval(s: Session, number: number, gate: string | undefined): Promise<Approval> {
  const { approvals } = await s.api.rollouts.get.query({ project: s.project, number });
  const pending = approvals.filter((a) => a.state === "pending" && (gate === undefined || a.gate === gate));
  if (pending.length > 1) throw usage(`Rollout #${number} waits for several approvals: ${pending.map((a) => a.gate).join(", ")}. Name one with --gate.`);
  const [one] = pending;
  if (!one) throw new Ended(exitCodes.notFound, `Rollout #${number} waits for no approval${gate ? ` '${gate}'` : ""}.`);
  return one;
}

function tellPlan(io: Io, a: Approval): void {
  io.out(`Rollout #${a.rolloutNumber} of ${a.workload}, r${a.plan.fromGeneration} to r${a.plan.toGeneration}, gate '${a.gate}', asked by ${a.author}\n`);
  io.out(`  ${a.blastRadius.units} of ${a.blastRadius.unitsTotal} units on ${a.blastRadius.nodes} nodes at ${a.blastRadius.sites.join(", ")}${a.blastRadius.silent > 0 ? `; ${a.blastRadius.silent} silent` : ""}\n  Worst case: ${a.worstCase}\n`);
  for (const x of a.plan.artifacts) io.out(`  artifact ${x.name}: ${x.digest}\n`);
  for (const c of a.plan.changes) io.out(`  ${c.path}: ${c.before ?? "(absent)"} → ${c.after ?? "(absent)"}\n`);
  if (a.evidence) io.out(`  evidence: ${a.evidence.sentence}\n`);
  if (a.stillNeeded) io.out(`  still needed: ${a.stillNeeded}\n`);
  io.out(`  expires ${time(a.expiresAtMs) ?? ""}\n  plan ${a.planDigest}\n`);
}

const approvalColumns = (nowMs: number): readonly Column<Approval>[] => kindNamed("approvals").columns(nowMs) as unknown as readonly Column<Approval>[];

/** `rollout …` and `approvals …`. */
export function rolloutCommands(program: Command, ctx: Context): void {
  const { io } = ctx;
  const rollout = program.command("rollout").description("move a workload from one revision to another, in waves");

  rollout
    .command("list")
    .alias("ls")
    .description("rollouts, the newest first")
    .option("--workload <name>", "only of this workload")
    .option("--open", "only those that have not ended")
    .action(async (o: { workload?: string; open?: boolean }, command: Command) => {
      const s = sessionOf(ctx, command);
      const rows = await everyPage((page) => s.api.rollouts.list.query({ project: s.project, ...page, workload: o.workload, ...(o.open ? { open: true } : {}) }), 1_000);
      showList(io, s.format, kindNamed("rollouts").columns(io.nowMs()) as unknown as Column<(typeof rows)[number]>[], rows, `There are no rollouts in project ${s.project}.`);
    });

  rollout
    .command("status")
    .description("where a rollout stands, with the evidence; ends with 6 if it was rolled back")
    .argument("<number>")
    .option("-w, --watch", "wait until it has ended")
    .action(async (text: string, o: { watch?: boolean }, command: Command) => {
      const number = rolloutNumber(text);
      const s = sessionOf(ctx, command);
      const r = o.watch ? await watch(s, number) : await s.api.rollouts.get.query({ project: s.project, number });
      if (s.format === "table") tellRollout(io, r);
      else io.out(`${JSON.stringify(r, null, 2)}\n`);
      if (hasEnded(r.phase) && !wentAsAsked(r.phase)) throw new Ended(exitCodes.rolloutNotAsAsked, s.format === "table" ? "" : r.reason);
    });

  rollout
    .command("create")
    .description("start a rollout of a revision that exists")
    .argument("<workload>")
    .requiredOption("--generation <n>", "the revision to move to, such as 3 or r3")
    .requiredOption("--strategy <name>", "the rollout strategy")
    .requiredOption("--reason <text>", "why; kept with the rollout")
    .option("--dry-run", "show waves and targets, and start nothing")
    .action(async (workload: string, o: { generation: string; strategy: string; reason: string; dryRun?: boolean }, command: Command) => {
      const generation = Number(o.generation.replace(/^r/, ""));
      if (!Number.isInteger(generation) || generation < 1) throw usage(`'${o.generation}' is no revision. Use a number such as 3.`);
      const s = sessionOf(ctx, command);
      if (o.dryRun) {
        const preview = await s.api.rollouts.preview.query({ project: s.project, workload, generation, strategy: o.strategy });
        if (s.format !== "table") return io.out(`${JSON.stringify(preview, null, 2)}\n`);
        for (const wave of preview.waves) io.out(`wave ${wave.name}: ${wave.steps.join(", then ")}\n${wave.targets.length > 0 ? `${writeTable([{ title: "unit", of: (t) => t.unit }, { title: "node", of: (t) => t.node }, { title: "site", of: (t) => t.site }, { title: "state", of: (t) => t.state }], wave.targets)}\n` : "  no targets\n"}`);
        for (const w of preview.warnings) io.err(`Warning: ${w}\n`);
        return;
      }
      const done = await s.api.rollouts.create.mutate({ project: s.project, workload, generation, strategy: o.strategy, reason: o.reason });
      io.out(s.format === "table" ? `${done.message}\nRollout #${done.number}; follow it with \`holdfast rollout status ${done.number} --watch\`.\n` : `${JSON.stringify(done, null, 2)}\n`);
    });

  for (const verb of ["promote", "pause", "resume", "abort"] as const) {
    const what = { promote: "skip the rest of the present pause, hold or analysis (never an approval)", pause: "update no further unit", resume: "go on where it was paused", abort: "roll every unit back to the revision before" }[verb];
    rollout
      .command(verb)
      .description(what)
      .argument("<number>")
      .requiredOption("--reason <text>", "why; kept with the rollout and in the audit log")
      .option("-y, --yes", "do not ask")
      .action(async (text: string, o: { reason: string; yes?: boolean }, command: Command) => {
        const number = rolloutNumber(text);
        const s = sessionOf(ctx, command);
        const { version } = await s.api.rollouts.get.query({ project: s.project, number });
        if (verb === "abort") await confirm(s, o.yes, `Roll back rollout #${number}?`);
        const { message } = await s.api.rollouts[verb].mutate({ project: s.project, number, version, reason: o.reason });
        io.out(`${message}\n`);
      });
  }

  for (const verb of ["approve", "reject"] as const) {
    rollout
      .command(verb)
      .description(`${verb} the plan that a rollout waits with; the plan is shown, and its digest is what you ${verb}`)
      .argument("<number>")
      .requiredOption("--remark <text>", "why; kept with the approval")
      .option("--gate <name>", "which approval, if it waits for several")
      .option("--plan <digest>", "the digest of the plan that you have seen; needed where there is no terminal to ask on")
      .action(async (text: string, o: { remark: string; gate?: string; plan?: string }, command: Command) => {
        const number = rolloutNumber(text);
        const s = sessionOf(ctx, command);
        const approval = await pendingApproval(s, number, o.gate);
        // Whoever may not decide is told so by the server, whose audit log then has the attempt; there is nothing to ask about.
        const may = approval.commands.find((c) => c.command === verb)?.disabledBecause === null;
        if (o.plan === undefined && may) {
          tellPlan(io, approval);
          await confirm(s, false, `${verb === "approve" ? "Approve" : "Reject"} exactly this plan?`).catch((e: unknown) => {
            throw e instanceof Ended && e.code === exitCodes.usage ? usage(`There is no terminal to ask on. Look at the plan, then add --plan ${approval.planDigest}`) : e;
          });
        }
        const { message } = await s.api.approvals.decide.mutate({ project: s.project, id: approval.id, planDigest: o.plan ?? approval.planDigest, decision: verb, remark: o.remark });
        io.out(`${message}\n`);
      });
  }

  emergencyCommands(rollout, ctx);

  const approvals = program.command("approvals").description("what waits for somebody's consent");
  approvals
    .command("ls")
    .alias("list")
    .description("approvals that are pending; all of them with --all")
    .option("--all", "also those that were decided, are void or have expired")
    .action(async (o: { all?: boolean }, command: Command) => {
      const s = sessionOf(ctx, command);
      const rows = await everyPage((page) => s.api.approvals.list.query({ project: s.project, ...page, ...(o.all ? {} : { state: "pending" as const }) }), 1_000);
      showList(io, s.format, approvalColumns(io.nowMs()), rows, "Nothing waits for an approval.");
    });
  approvals
    .command("show")
    .description("the plan of an approval, as it would be approved")
    .argument("<number>", "number of the rollout")
    .option("--gate <name>", "which approval, if it waits for several")
    .action(async (text: string, o: { gate?: string }, command: Command) => {
      const s = sessionOf(ctx, command);
      const approval = await pendingApproval(s, rolloutNumber(text), o.gate);
      if (s.format === "table") {
        tellPlan(io, approval);
        io.out(`  asked ${age(io.nowMs(), approval.requestedAtMs) ?? ""} ago\n`);
      } else io.out(`${JSON.stringify(approval, null, 2)}\n`);
    });
}
