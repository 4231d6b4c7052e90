import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import type { Command } from "commander";
import { judgeTemplate, type TemplateEvidence } from "../../server/core/analysis";
import { canonicalJson } from "../../server/core/base/json";
import { analysisTemplateSpec } from "../../server/core/manifest/analysis";
import { Ended, exitCodes, usage } from "../io";
import type { Io } from "../io";
import { showList, time, writeTable } from "../output";
import { confirm, sessionOf } from "../session";
import type { Context } from "../session";
import { rolloutNumber } from "./kinds";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Judges again from kept inputs, with nothing but this program: the digest says that they are the kept ones. */
function recompute(io: Io, text: string, expected: string | null): void {
  let body: { template?: unknown; evidence?: unknown };
  try {
    body = JSON.parse(text) as typeof body;
  } catch {
    throw usage("The file holds no JSON. Give what `holdfast rollout verdict --rollout N --out FILE` wrote.");
  }
  const spec = analysisTemplateSpec.safeParse(body.template);
  if (!spec.success || typeof body.evidence !== "object" || body.evidence === null) throw usage("The file holds no inputs of a verdict. Give what `holdfast rollout verdict --rollout N --out FILE` wrote.");
  const digest = `sha256:${sha256(canonicalJson(body))}`;
  const v = judgeTemplate(spec.data, body.evidence as TemplateEvidence, sha256);
  io.out(`inputs   ${digest}\nverdict  ${v.verdict}\n${v.sentence}\n`);
  if (v.guilty.length > 0) io.out(`sites    ${v.guilty.join(", ")}\n`);
  if (expected !== null && expected !== digest) throw new Ended(exitCodes.failure, `These inputs are not the ones of ${expected}.`);
}

/** `rollout verdict|proof|freeze|thaw|freezes|abort-all|break-glass|review-glass|holds`. */
export function emergencyCommands(rollout: Command, ctx: Context): void {
  const { io } = ctx;
  rollout
    .command("verdict")
    .description("judge again from the inputs that were kept of a verdict; offline with --bundle")
    .option("--bundle <file>", "inputs as a file: nothing is asked of a server")
    .option("--rollout <number>", "ask for the inputs of this rollout's newest deciding verdict")
    .option("--digest <digest>", "of another verdict of it, or what the file's inputs must be")
    .option("--out <file>", "keep the inputs in a file")
    .action(async (o: { bundle?: string; rollout?: string; digest?: string; out?: string }, command: Command) => {
      if ((o.bundle === undefined) === (o.rollout === undefined)) throw usage("Give --bundle FILE or --rollout NUMBER.");
      if (o.bundle !== undefined) {
        let text: string;
        try {
          text = readFileSync(o.bundle, "utf8");
        } catch {
          throw usage(`The file ${o.bundle} can't be read.`);
        }
        return recompute(io, text, o.digest ?? null);
      }
      const s = sessionOf(ctx, command);
      const number = rolloutNumber(o.rollout ?? "");
      const digest = o.digest ?? (await s.api.rollouts.analysis.query({ project: s.project, number })).kept[0]?.bundleDigest;
      if (digest === undefined) throw new Ended(exitCodes.notFound, `Rollout ${number} has no verdict yet that decided something.`);
      const { body } = await s.api.rollouts.bundle.query({ project: s.project, number, digest });
      if (o.out !== undefined) writeFileSync(o.out, body);
      recompute(io, body, digest);
    });

  rollout
    .command("proof")
    .description("what is proven of each unit by receipts that nodes signed")
    .argument("<number>")
    .action(async (text: string, _o: object, command: Command) => {
      const s = sessionOf(ctx, command);
      const r = await s.api.rollouts.get.query({ project: s.project, number: rolloutNumber(text) });
      if (s.format !== "table") return io.out(`${JSON.stringify(r.proof, null, 2)}\n`);
      if (!r.proof) return io.out("No unit of this rollout was on trial: its strategy has no dead-man switch.\n");
      io.out(`${r.proof.sentence}\n${writeTable([{ title: "unit", of: (x) => x.unit }, { title: "node", of: (x) => x.node }, { title: "site", of: (x) => x.site }, { title: "state", of: (x) => ({ proven: "proven", silentArmed: "silent, armed", notProven: "not proven" })[x.state] }, { title: "returns by", of: (x) => (x.deadlineMs === null ? null : (time(x.deadlineMs) ?? null)) }, { title: "because", of: (x) => x.because }], r.proof.rows)}\n`);
    });

  rollout
    .command("freeze")
    .description("ask no further unit for a new revision, in the project or at one site")
    .option("--site <name>", "only at this site")
    .requiredOption("--reason <text>", "why; kept with the freeze and in the audit log")
    .action(async (o: { site?: string; reason: string }, command: Command) => {
      const s = sessionOf(ctx, command);
      io.out(`${(await s.api.rollouts.freeze.mutate({ project: s.project, ...(o.site === undefined ? {} : { site: o.site }), reason: o.reason })).message}\n`);
    });
  rollout
    .command("thaw")
    .description("end a freeze")
    .argument("<id>", "of the freeze, as `rollout freezes` names it")
    .requiredOption("--reason <text>", "what was looked at; kept with the freeze")
    .action(async (id: string, o: { reason: string }, command: Command) => {
      const s = sessionOf(ctx, command);
      io.out(`${(await s.api.rollouts.thaw.mutate({ project: s.project, id, reason: o.reason })).message}\n`);
    });
  rollout
    .command("freezes")
    .description("freezes and broken glass, those in force first")
    .action(async (_o: object, command: Command) => {
      const s = sessionOf(ctx, command);
      const e = await s.api.rollouts.emergency.query({ project: s.project });
      if (s.format !== "table") return io.out(`${JSON.stringify(e, null, 2)}\n`);
      showList(io, s.format, [{ title: "id", of: (f) => f.id }, { title: "of", of: (f) => f.site ?? "project" }, { title: "by", of: (f) => f.by }, { title: "since", of: (f) => time(f.atMs) ?? null }, { title: "ended", of: (f) => (f.endedAtMs === null ? null : (time(f.endedAtMs) ?? null)) }, { title: "reason", of: (f) => f.reason }], e.freezes, "Nothing was ever frozen.");
      if (e.breakGlass.length > 0) showList(io, s.format, [{ title: "glass", of: (g) => g.id }, { title: "rollout", of: (g) => `#${g.rolloutNumber}` }, { title: "by", of: (g) => g.by }, { title: "until", of: (g) => time(g.expiresAtMs) ?? null }, { title: "review", of: (g) => g.review.by ?? "owed" }, { title: "reason", of: (g) => g.reason }], e.breakGlass, "");
    });
  rollout
    .command("abort-all")
    .description("roll every open rollout of the project back")
    .requiredOption("--reason <text>", "why; kept with each rollout and in the audit log")
    .option("-y, --yes", "do not ask")
    .action(async (o: { reason: string; yes?: boolean }, command: Command) => {
      const s = sessionOf(ctx, command);
      await confirm(s, o.yes, `Roll back every open rollout of project ${s.project}?`);
      io.out(`${(await s.api.rollouts.abortAll.mutate({ project: s.project, reason: o.reason })).message}\n`);
    });
  rollout
    .command("break-glass")
    .description("let a rollout past freezes, windows and gates for a time; somebody else has to review it")
    .argument("<number>")
    .requiredOption("--reason <text>", "why; kept with the rollout and in the audit log")
    .option("--minutes <n>", "for how long, at most 240", "60")
    .option("-y, --yes", "do not ask")
    .action(async (text: string, o: { reason: string; minutes: string; yes?: boolean }, command: Command) => {
      const minutes = Number(o.minutes);
      if (!Number.isInteger(minutes) || minutes < 1 || minutes > 240) throw usage("--minutes takes a whole number from 1 to 240.");
      const s = sessionOf(ctx, command);
      const number = rolloutNumber(text);
      await confirm(s, o.yes, `Let rollout #${number} past gates, windows and freezes for ${minutes} minutes?`);
      io.out(`${(await s.api.rollouts.breakGlass.mutate({ project: s.project, number, reason: o.reason, minutes })).message}\n`);
    });
  rollout
    .command("review-glass")
    .description("say what you found of a broken glass; never by whoever broke it")
    .argument("<id>", "as `rollout freezes` names it")
    .requiredOption("--remark <text>", "what you found; kept for good")
    .action(async (id: string, o: { remark: string }, command: Command) => {
      const s = sessionOf(ctx, command);
      io.out(`${(await s.api.rollouts.reviewGlass.mutate({ project: s.project, id, remark: o.remark })).message}\n`);
    });
  rollout
    .command("holds")
    .description("revisions that may not be applied until somebody lifts their hold")
    .action(async (_o: object, command: Command) => {
      const s = sessionOf(ctx, command);
      const rows = await s.api.rollouts.holds.query({ project: s.project });
      showList(io, s.format, [{ title: "workload", of: (h) => h.workload }, { title: "revision", of: (h) => `r${h.generation}` }, { title: "reason", of: (h) => h.reason }, { title: "to lift it", of: (h) => h.commands[0]?.cli ?? null }], rows, "No revision is held.");
    });
}
