import type { Command } from "commander";
import { stringify } from "yaml";
import { Ended, exitCodes } from "../io";
import { everyPage, sessionOf } from "../session";
import type { Context, Session } from "../session";
import { writeTable } from "../output";

const POLL_MS = 500;

/** The assignment behind a unit's name. A unit is `<workload>-<ordinal>` or `<workload>-<node>`, and both parts may hold dashes. */
export async function assignmentOf(s: Session, unit: string): Promise<string> {
  if (/^assignment-[0-9a-z]{20,}$/.test(unit)) return unit;
  const parts = unit.split("-");
  for (let n = parts.length - 1; n > 0; n--) {
    const workload = parts.slice(0, n).join("-");
    const units = await everyPage((page) => s.api.fleet.units.query({ project: s.project, ...page, workload }));
    const found = units.filter((u) => u.unit === unit);
    // One that is being stopped may stand beside its successor.
    const best = found.find((u) => u.desired.action === "run") ?? found[0];
    if (best) return best.assignmentId;
  }
  throw new Ended(exitCodes.notFound, `There is no unit '${unit}' in project ${s.project}.\n  \`holdfast get units\` lists them.`);
}

/** `logs` and `explain`: one unit. */
export function unitCommands(program: Command, ctx: Context): void {
  const { io } = ctx;

  program
    .command("logs")
    .description("what a unit has written")
    .argument("<unit>", "name of the unit, such as digits-0")
    .option("-f, --follow", "go on until the unit ends or you press Ctrl-C")
    .option("--tail <kib>", "how much of what was written before", "64")
    .action(async (unit: string, o: { follow?: boolean; tail: string }, command: Command) => {
      const s = sessionOf(ctx, command);
      const assignmentId = await assignmentOf(s, unit);
      const tailBytes = Math.min(1_048_576, Math.max(0, Math.round(Number(o.tail) * 1_024) || 0));
      const { requestId } = await s.api.logs.open.mutate({ project: s.project, assignmentId, tailBytes, follow: o.follow ?? false });
      let afterSeq = -1;
      let told = false;
      for (;;) {
        const read = await s.api.logs.read.query({ project: s.project, requestId, afterSeq });
        for (const chunk of read.chunks) {
          io.out(chunk.text);
          afterSeq = Math.max(afterSeq, chunk.seq);
        }
        if (read.state === "ended" && read.chunks.length === 0) {
          if (read.error) throw new Ended(exitCodes.failure, read.error);
          return;
        }
        // A node that is out of reach may answer later: whoever follows waits for it, whoever asked once is told.
        if (read.state === "waiting" && read.error && !told) {
          if (!o.follow) throw new Ended(exitCodes.failure, read.error);
          io.err(`${read.error}\n`);
          told = true;
        }
        if (read.chunks.length === 0) await io.sleep(POLL_MS);
      }
    });

  program
    .command("explain")
    .description("why a unit is where it is, or why it is nowhere: the decision, candidate by candidate")
    .argument("<unit>", "name of the unit")
    .option("--node <node>", "only: why it is not on this node, and the smallest change that sends it there, with its edit")
    .option("--why-not <node>", "the whole decision, and what would send the unit to this node")
    .action(async (unit: string, o: { whyNot?: string; node?: string }, command: Command) => {
      const s = sessionOf(ctx, command);
      if (o.node !== undefined) return whyNot(ctx, s, unit, o.node);
      const d = await s.api.placement.explain.query({ project: s.project, unit, ...(o.whyNot === undefined ? {} : { whyNot: o.whyNot }) });
      if (s.format === "json") return io.out(`${JSON.stringify(d, null, 2)}\n`);
      if (s.format === "yaml") return io.out(stringify(d));
      io.out(`${d.unit}: ${d.outcome === "placed" ? `placed on ${d.node ?? "?"} at ${d.site ?? "?"}` : "placed nowhere"}\n  ${d.because}\n  Decided ${new Date(d.atMs).toISOString()} for r${d.generation}${d.policy ? `, policy ${d.policy}` : ""}.\n${d.flip ? `  ${d.flip}\n` : o.whyNot === undefined ? "" : `  No single change sends it to ${o.whyNot}.\n`}\n`);
      const feasible = d.candidates.filter((c) => c.feasible).sort((a, b) => (b.score ?? 0) - (a.score ?? 0));
      if (feasible.length > 0) {
        io.out(`${writeTable([{ title: "candidate", of: (c) => c.node }, { title: "site", of: (c) => c.site }, { title: "score", of: (c) => c.score?.toFixed(3) }, { title: "why", of: (c) => c.parts.map((x) => x.text).join("; ") }], feasible)}\n\n`);
      }
      if (d.counts.length > 0) io.out(`${writeTable([{ title: "nodes", of: (c) => c.nodes }, { title: "refused because", of: (c) => c.text }], d.counts)}\n`);
    });
}

/** The answer about one node: the verdict, the flip, and the manifests with it made, ready for `holdfast apply -f -`. */
async function whyNot({ io }: Context, s: Session, unit: string, node: string): Promise<void> {
  const a = await s.api.placement.whyNot.query({ project: s.project, unit, node });
  if (s.format === "json") return io.out(`${JSON.stringify(a, null, 2)}\n`);
  if (s.format === "yaml") return io.out(stringify(a));
  io.out(`${a.sentence}\n${a.feasible} of ${a.nodes} nodes can take it now.\n\n${a.flip ? `What would send it there: ${a.flip.text}\n` : `${a.noFlip ?? ""}\n`}`);
  if (a.flip?.act) io.out(`That is to be done on ${a.flip.act.node}, not in a manifest.${a.flip.act.what === "activate" ? ` holdfast node uncordon ${a.flip.act.node} --reason "…"` : ""}\n`);
  if (a.flip?.alsoBinds.length) io.out(`The policy also binds ${a.flip.alsoBinds.join(", ")}: look first with holdfast preview -f FILE.\n`);
  if (a.flip?.edits.length) io.out(`\n${a.flip.edits.map((e) => e.afterYaml.trimEnd()).join("\n---\n")}\n`);
}
