import { createWriteStream } from "node:fs";
import { Writable } from "node:stream";
import type { Command } from "commander";
import { refusal as refusalSchema } from "../../server/core/base/refusal";
import { refusedWith } from "../client";
import { targetOf } from "../config";
import { Ended, exitCodes, usage } from "../io";
import { showList, time, writeTable } from "../output";
import { everyPage, sessionOf } from "../session";
import type { Context, Globals } from "../session";

type Filter = { actor?: string; action?: string; object?: string; outcome?: string; since?: string; until?: string };

/** A moment from `2026-11-23`, `2026-11-23T10:00Z`, or an age such as `2h`. */
function momentOf(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  const ago = /^(\d+)([smhd])$/.exec(text);
  if (ago) return nowMs - Number(ago[1]) * { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[ago[2] as "s" | "m" | "h" | "d"];
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw usage(`'${text}' is no time. Use 2026-11-23, 2026-11-23T10:00Z, or an age such as 2h.`);
  return ms;
}

function filterOf(o: Filter, nowMs: number) {
  if (o.outcome !== undefined && o.outcome !== "done" && o.outcome !== "refused") throw usage(`'${o.outcome}' is no outcome. Use done or refused.`);
  const outcome: "done" | "refused" | undefined = o.outcome;
  return { actor: o.actor, action: o.action, object: o.object, outcome, fromMs: momentOf(o.since, nowMs), toMs: momentOf(o.until, nowMs) };
}

const withFilter = (command: Command): Command =>
  command
    .option("--actor <name>", "only by this actor")
    .option("--action <code>", "only this action, such as rollout.approve")
    .option("--object <name>", "only to this object")
    .option("--outcome <outcome>", "only done or refused")
    .option("--since <time>", "from this time on: 2026-11-23, 2026-11-23T10:00Z, or an age such as 2h")
    .option("--until <time>", "before this time");

/** `audit …` and `health`. */
export function auditCommands(program: Command, ctx: Context): void {
  const { io } = ctx;
  const audit = program.command("audit").description("who did what, when and why, refused attempts included");

  withFilter(audit.command("ls").alias("list").description("entries, the newest first"))
    .option("-n, --limit <n>", "how many at most", "50")
    .action(async (o: Filter & { limit: string }, command: Command) => {
      const s = sessionOf(ctx, command);
      const most = Math.max(1, Math.min(100_000, Number(o.limit) || 50));
      const filter = filterOf(o, io.nowMs());
      const rows = (await everyPage((page) => s.api.audit.list.query({ project: s.project, ...page, limit: Math.min(page.limit, most), ...filter }), most)).slice(0, most);
      showList(io, s.format, [{ title: "seq", of: (r) => r.seq }, { title: "at", of: (r) => time(r.atMs) }, { title: "actor", of: (r) => r.actor }, { title: "action", of: (r) => r.action }, { title: "object", of: (r) => r.object }, { title: "outcome", of: (r) => r.outcome }, { title: "sentence", of: (r) => r.sentence }], rows, "No entry matches.");
    });

  withFilter(audit.command("export").description("all entries that match, oldest first; the export itself is audited"))
    .option("--format <format>", "jsonl or csv", "jsonl")
    .option("--to <file>", "write to this file instead of standard output")
    .action(async (o: Filter & { format: string; to?: string }, command: Command) => {
      if (o.format !== "csv" && o.format !== "jsonl") throw usage(`'${o.format}' is no format. Use csv or jsonl.`);
      const s = sessionOf(ctx, command);
      const query = new URLSearchParams({ project: s.project, format: o.format });
      for (const [key, value] of Object.entries(filterOf(o, io.nowMs()))) if (value !== undefined) query.set(key, String(value));
      const response = await fetch(`${s.target.server}/api/audit/export?${query}`, { headers: { authorization: `Bearer ${s.target.token ?? ""}` }, redirect: "error" });
      if (!response.ok || !response.body) {
        const answer = (await response.json().catch(() => null)) as { error?: { refusal?: unknown } } | null;
        const refusal = refusalSchema.safeParse(answer?.error?.refusal);
        throw refusal.success ? refusedWith(refusal.data) : new Ended(exitCodes.failure, `The server answered ${response.status}.`);
      }
      const decoder = new TextDecoder();
      const to = o.to === undefined ? new WritableStream<Uint8Array>({ write: (chunk) => io.out(decoder.decode(chunk, { stream: true })) }) : (Writable.toWeb(createWriteStream(o.to, { mode: 0o600 })) as WritableStream<Uint8Array>);
      await response.body.pipeTo(to);
    });

  program
    .command("health")
    .description("the processes of the installation; ends with 1 unless all are ready")
    .action(async (_o: unknown, command: Command) => {
      const flags = command.optsWithGlobals<Globals>();
      const target = targetOf(io, flags);
      ctx.target = target;
      const response = await fetch(`${target.server}/api/health`, { signal: AbortSignal.timeout(15_000) });
      const health = (await response.json().catch(() => null)) as { status?: string; version?: string; processes?: { name: string; state: string; version: string; since: string; ageMs: number }[] } | null;
      if (!health?.processes) throw new Ended(exitCodes.failure, `${target.server} answers, but not as Holdfast does (${response.status}).`);
      if (flags.output === "json") io.out(`${JSON.stringify(health, null, 2)}\n`);
      else io.out(`${target.server} is ${health.status === "ready" ? "ready" : "not ready"} (version ${health.version ?? "?"}, this CLI ${io.version})\n${writeTable([{ title: "process", of: (p) => p.name }, { title: "state", of: (p) => p.state }, { title: "version", of: (p) => p.version }, { title: "since", of: (p) => p.since }, { title: "beat", of: (p) => `${Math.round(p.ageMs / 1_000)}s ago` }], health.processes)}\n`);
      if (health.status !== "ready") throw new Ended(exitCodes.failure);
    });
}
