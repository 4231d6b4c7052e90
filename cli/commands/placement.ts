import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { stringify } from "yaml";
import { placementCaseSchema, readCase, runCase } from "../../server/core/placement/case";
import { Ended, exitCodes, usage } from "../io";
import { age, time, writeTable } from "../output";
import { sessionOf } from "../session";
import type { Context } from "../session";
import { showPreview } from "./show-preview";

type PreviewOptions = { file?: string; drainSite?: string; drainNode?: string; loseSite?: string; loseNode?: string; loseLink?: string; priceSite?: string; cpuHour?: string; memoryHour?: string; egress?: string; exitCode?: boolean };

/** A file, or `-` for standard input. */
async function textOf(ctx: Context, file: string): Promise<string> {
  if (file === "-") return ctx.io.readInput();
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw usage(`${file} can't be read: ${(error as Error).message}`);
  }
}

/** `place`, `preview`, `queue` and `quotas`. */
export function placementCommands(program: Command, ctx: Context): void {
  const { io } = ctx;
  const formatOf = (command: Command): unknown => (command.optsWithGlobals() as { output?: string }).output;

  program
    .command("place")
    .description("answer a placement problem in a file, offline: nodes, units, policies and asks in; placements, victims and reasons out")
    .option("--case <file>", "the problem as JSON; - for standard input")
    .option("--schema", "print the JSON Schema of a case")
    .action(async (o: { case?: string; schema?: boolean }, command: Command) => {
      if (o.schema) return io.out(`${JSON.stringify(placementCaseSchema(), null, 2)}\n`);
      if (o.case === undefined) throw usage("Name a file: holdfast place --case FILE.json. `holdfast place --schema` prints what stands in it.");
      let input: unknown;
      try {
        input = JSON.parse(await textOf(ctx, o.case));
      } catch (error) {
        if (error instanceof Ended) throw error;
        throw usage(`${o.case} is not JSON: ${(error as Error).message}`);
      }
      const { value, errors } = readCase(input);
      if (!value) throw usage(`${o.case} is no placement case:\n${errors.map((e) => `  ${e.path || "(whole file)"}: ${e.message} ${e.remedy}`).join("\n")}`);
      const answer = runCase(value);
      const format = formatOf(command);
      if (format === "json") return io.out(`${JSON.stringify(answer, null, 2)}\n`);
      if (format === "yaml") return io.out(stringify(answer));
      if (answer.placements.length > 0) io.out(`${writeTable([{ title: "unit", of: (p) => p.unit }, { title: "node", of: (p) => p.node ?? "nowhere" }, { title: "because", of: (p) => p.because }], answer.placements)}\n`);
      else io.out("No unit is missing.\n");
      for (const [title, list] of [["makes way", answer.victims], ["stops", answer.stopped]] as const) if (list.length > 0) io.out(`\n${writeTable([{ title, of: (p) => p.unit }, { title: "node", of: (p) => p.node }, { title: "because", of: (p) => p.because }], list)}\n`);
      if (!answer.atRest) io.out(`\nAfter ${answer.rounds} rounds there is still something to do.\n`);
    });

  program
    .command("preview")
    .description("what a change would do, without doing it: a manifest, a drained or lost site or node, a lost link, other prices")
    .option("-f, --file <file>", "manifests as they would be; - for standard input")
    .option("--drain-site <site>")
    .option("--drain-node <node>")
    .option("--lose-site <site>", "gone for good, with all that runs there")
    .option("--lose-node <node>")
    .option("--lose-link <a:b>", "two sites")
    .option("--price-site <site>", "with --cpu-hour, --memory-hour, --egress")
    .option("--cpu-hour <price>", "of one core for an hour")
    .option("--memory-hour <price>", "of one GiB for an hour")
    .option("--egress <price>", "of one GiB that leaves the site")
    .option("--exit-code", "end with 1 when a unit would have no node because of it")
    .action(async (o: PreviewOptions, command: Command) => {
      const s = sessionOf(ctx, command);
      const [a, b] = o.loseLink?.split(":") ?? [];
      if (o.loseLink !== undefined && (!a || !b)) throw usage("A link is between two sites: --lose-link kiel:lyon.");
      const price = (text: string | undefined): number | undefined => {
        if (text === undefined) return undefined;
        const n = Number(text);
        if (!Number.isFinite(n) || n < 0) throw usage(`'${text}' is no price.`);
        return n;
      };
      const p = await s.api.placement.preview.query({
        project: s.project, ...(o.file === undefined ? {} : { text: await textOf(ctx, o.file) }), ...(o.drainSite === undefined ? {} : { drainSite: o.drainSite }), ...(o.drainNode === undefined ? {} : { drainNode: o.drainNode }), ...(o.loseSite === undefined ? {} : { loseSite: o.loseSite }), ...(o.loseNode === undefined ? {} : { loseNode: o.loseNode }),
        ...(a && b ? { loseLink: { a, b } } : {}), ...(o.priceSite === undefined ? {} : { price: { site: o.priceSite, cpuHour: price(o.cpuHour), memoryGiBHour: price(o.memoryHour), egressGiB: price(o.egress) } }),
      });
      if (s.format === "json") io.out(`${JSON.stringify(p, null, 2)}\n`);
      else if (s.format === "yaml") io.out(stringify(p));
      else showPreview(io, p);
      if (o.exitCode && p.counts.impossible > p.counts.asNow) throw new Ended(exitCodes.failure);
    });

  program
    .command("queue")
    .description("who waits for room, in the order of turns")
    .action(async (_o: unknown, command: Command) => {
      const s = sessionOf(ctx, command);
      const q = await s.api.placement.queue.query({ project: s.project });
      if (s.format === "json") return io.out(`${JSON.stringify(q, null, 2)}\n`);
      if (s.format === "yaml") return io.out(stringify(q));
      if (q.items.length === 0) return io.out("Nobody waits.\n");
      io.out(`${writeTable([{ title: "#", of: (r) => r.position }, { title: "workload", of: (r) => r.workload }, { title: "priority", of: (r) => r.priority }, { title: "waiting", of: (r) => `${r.waiting}/${r.replicas}` }, { title: "since", of: (r) => age(q.asOfMs, r.sinceMs) }, { title: "start", of: (r) => (r.start ? `${time(r.start.earliestMs) ?? ""}${r.start.latestMs === null ? " or later" : ` to ${time(r.start.latestMs) ?? ""}`}` : null) }, { title: "blocked by", of: (r) => r.blocker }], q.items)}\n`);
    });

  program
    .command("quotas")
    .description("quotas as a tree: deserved, allocated, borrowed")
    .action(async (_o: unknown, command: Command) => {
      const s = sessionOf(ctx, command);
      const { quotas } = await s.api.placement.quotas.query({ project: s.project });
      if (s.format === "json") return io.out(`${JSON.stringify(quotas, null, 2)}\n`);
      if (s.format === "yaml") return io.out(stringify(quotas));
      const rows = quotas.flatMap((q) => q.resources.map((r) => ({ name: `${"  ".repeat(q.depth)}${q.name}`, ...r })));
      if (rows.length === 0) return io.out("There is no quota.\n");
      io.out(`${writeTable([{ title: "quota", of: (r) => r.name }, { title: "resource", of: (r) => r.resource }, { title: "nominal", of: (r) => r.nominal }, { title: "deserved", of: (r) => Math.round(r.deserved) }, { title: "allocated", of: (r) => r.allocated }, { title: "borrowed", of: (r) => r.borrowed }, { title: "waiting", of: (r) => r.waiting }], rows)}\n`);
    });
}
