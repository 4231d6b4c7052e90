import type { Command } from "commander";
import { stringify } from "yaml";
import { parseBytes } from "../../server/core/manifest/common";
import { Ended, exitCodes, usage } from "../io";
import type { Io } from "../io";
import { age, showList, writeTable } from "../output";
import { confirm, everyPage, sessionOf } from "../session";
import type { Context, Session } from "../session";

type ShapeOptions = { cpu?: string; memory?: string; devices?: string; share?: string; model?: string; count?: string };

function whole(text: string, option: string, least: number): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < least) throw usage(`${option} '${text}' is no whole number of at least ${least}.`);
  return n;
}
/** What one unit asks for, by options; undefined when none is given. */
function shapeOf(o: ShapeOptions): { cpuMillis: number; memoryBytes: number; devices: { count: number; model: string | null; shareMillis?: number } | null } | undefined {
  if (o.cpu === undefined && o.memory === undefined && o.devices === undefined && o.share === undefined) {
    if (o.model !== undefined) throw usage("--model says which accelerators are meant: say with --devices how many, or with --share how much of one.");
    return undefined;
  }
  let memoryBytes = 0;
  if (o.memory !== undefined) {
    memoryBytes = parseBytes(o.memory);
    if (!Number.isFinite(memoryBytes)) throw usage(`--memory '${o.memory}' is no size. Write it as 512Mi or 2Gi.`);
  }
  return { cpuMillis: o.cpu === undefined ? 0 : whole(o.cpu, "--cpu", 0), memoryBytes, devices: devicesOf(o) };
}
function devicesOf(o: ShapeOptions): { count: number; model: string | null; shareMillis?: number } | null {
  if (o.devices !== undefined && o.share !== undefined) throw usage("--devices asks for whole accelerators and --share for a part of one: give one of them.");
  if (o.share === undefined) return o.devices === undefined ? null : { count: whole(o.devices, "--devices", 1), model: o.model ?? null };
  const shareMillis = whole(o.share, "--share", 1);
  if (shareMillis > 999) throw usage("--share is in thousandths of one accelerator, from 1 to 999: ask for whole ones with --devices.");
  return { count: 1, model: o.model ?? null, shareMillis };
}
const withShape = (c: Command): Command => c.option("--cpu <millis>", "thousandths of a core that a unit asks for").option("--memory <size>", "such as 512Mi").option("--devices <n>", "accelerators").option("--share <millis>", "thousandths of one accelerator").option("--model <name>", "of the accelerators; any without it");

/** Prints an answer as data where that was asked for; false when it is to be put into words. */
function asData(io: Io, format: Session["format"], value: unknown): boolean {
  if (format === "json") io.out(`${JSON.stringify(value, null, 2)}\n`);
  else if (format === "yaml") io.out(stringify(value));
  else return false;
  return true;
}
const percent = (share: number | null): string => (share === null ? "-" : `${Math.round(share * 100)}%`);
const cores = (millis: number): string => Number((millis / 1_000).toFixed(1)).toString();
const gib = (bytes: number): string => Number((bytes / 2 ** 30).toFixed(1)).toString();

/** `capacity` and `repair plan|run|list`. */
export function capacityCommands(program: Command, ctx: Context): void {
  const { io } = ctx;
  withShape(
    program
      .command("capacity")
      .description("what there is by site, what of the idle part the project's own mix can't use, and the largest gang that finds room now")
      .option("--nodes", "node by node")
      .option("--site <name>", "only this site's nodes"),
  ).action(async (o: ShapeOptions & { nodes?: boolean; site?: string }, command: Command) => {
    const s = sessionOf(ctx, command);
    const shape = shapeOf(o);
    const ask = { project: s.project, ...(o.site === undefined ? {} : { site: o.site }), ...(shape ? { shape } : {}) };
    if (o.nodes) {
      const nodes = await everyPage((page) => s.api.placement.capacity.query({ ...ask, ...page }).then((c) => ({ items: c.nodes, nextCursor: c.nextCursor })));
      const nowMs = Date.now();
      return showList(io, s.format, [{ title: "node", of: (n) => n.name }, { title: "site", of: (n) => n.site }, { title: "state", of: (n) => n.state }, { title: "cpu idle", of: (n) => `${cores(n.cpuMillis.idle)}/${cores(n.cpuMillis.capacity)}` }, { title: "GiB idle", of: (n) => `${gib(n.memoryBytes.idle)}/${gib(n.memoryBytes.capacity)}` }, { title: "acc. idle", of: (n) => `${n.devices.idle}/${n.devices.capacity}` }, { title: "cpu stranded", of: (n) => percent(n.cpuMillis.stranded) }, { title: "seen", of: (n) => age(nowMs, n.seenMs) }], nodes, "There is no node.");
    }
    const c = await s.api.placement.capacity.query({ ...ask, limit: 1 });
    if (asData(io, s.format, c)) return;
    if (c.total.nodes === 0) return io.out("There is no node.\n");
    const sites = c.sites.filter((x) => o.site === undefined || x.name === o.site);
    io.out(`${writeTable([{ title: "site", of: (x) => x.name }, { title: "nodes", of: (x) => x.nodes }, { title: "silent", of: (x) => x.silent }, { title: "cpu idle", of: (x) => `${cores(x.cpuMillis.idle)}/${cores(x.cpuMillis.capacity)}` }, { title: "stranded", of: (x) => percent(x.cpuMillis.stranded) }, { title: "GiB idle", of: (x) => `${gib(x.memoryBytes.idle)}/${gib(x.memoryBytes.capacity)}` }, { title: "stranded", of: (x) => percent(x.memoryBytes.stranded) }, { title: "acc. idle", of: (x) => `${x.devices.idle}/${x.devices.capacity}` }, { title: "F", of: (x) => percent(x.devices.stranded) }], sites)}\n`);
    if (c.models.length > 0) io.out(`\n${writeTable([{ title: "accelerator", of: (m) => m.model }, { title: "nodes", of: (m) => m.nodes }, { title: "idle", of: (m) => `${m.idle}/${m.capacity}` }, { title: "F", of: (m) => percent(m.stranded) }], c.models)}\n`);
    if (c.mix.length > 0) io.out(`\n${writeTable([{ title: "the mix", of: (m) => m.text }, { title: "share", of: (m) => percent(m.share) }, { title: "largest gang now", of: (m) => m.largestGang }, { title: "of", of: (m) => m.workloads.join(", ") }], c.mix)}\n`);
    if (c.largest) io.out(`\nThere is room for ${c.largest.units} units of ${c.largest.text} now.\n`);
  });

  const repair = program.command("repair").description("move units that run, so that units which wait find room");
  const target = (o: ShapeOptions, workload: string | undefined) => {
    const shape = shapeOf(o);
    if ((workload === undefined) === (shape === undefined)) throw usage("Name a workload that waits (`holdfast queue` lists them), or say with --cpu, --memory and --devices what a unit asks for.");
    return { ...(workload === undefined ? {} : { workload }), ...(shape ? { shape } : {}), ...(o.count === undefined ? {} : { count: whole(o.count, "--count", 1) }) };
  };
  withShape(
    repair
      .command("plan")
      .description("the cheapest moves that make room, with their price; changes nothing")
      .argument("[workload]", "one that waits")
      .option("--count <n>", "how many units; all that wait without it")
      .option("--exit-code", "end with 1 when no plan makes the room"),
  ).action(async (workload: string | undefined, o: ShapeOptions & { exitCode?: boolean }, command: Command) => {
    const s = sessionOf(ctx, command);
    const p = await s.api.placement.repairPlan.query({ project: s.project, ...target(o, workload) });
    if (!asData(io, s.format, p)) io.out(`${p.sentence}\n${movesText(p.moves)}${p.digest === null ? "" : `\n${p.optimal ? "No plan costs fewer seconds." : "A greedy plan: there may be a cheaper one."}\nRun it with: ${p.run.cli}\n`}`);
    if (o.exitCode && p.blocked !== null) throw new Ended(exitCodes.failure);
  });
  withShape(
    repair
      .command("run")
      .description("make the moves of a plan, batch after batch; each unit is stopped only when its replacement serves")
      .argument("[workload]", "one that waits")
      .option("--count <n>", "how many units; all that wait without it")
      .option("--digest <digest>", "of the plan that you saw; without it the plan is shown and asked about")
      .requiredOption("--reason <text>", "why; kept in the audit log")
      .option("-y, --yes", "do not ask"),
  ).action(async (workload: string | undefined, o: ShapeOptions & { digest?: string; reason: string; yes?: boolean }, command: Command) => {
    const s = sessionOf(ctx, command);
    const ask = { project: s.project, ...target(o, workload) };
    let { digest } = o;
    if (digest === undefined) {
      const p = await s.api.placement.repairPlan.query(ask);
      io.out(`${p.sentence}\n${movesText(p.moves)}`);
      if (p.digest === null) throw new Ended(p.blocked === null ? 0 : exitCodes.failure);
      await confirm(s, o.yes, "Run it?");
      digest = p.digest;
    }
    const { message } = await s.api.placement.repairRun.mutate({ ...ask, digest, reason: o.reason });
    io.out(`${message}\n`);
  });
  repair
    .command("list")
    .description("repairs that were run, the newest first, and how their moves stand")
    .action(async (_o: unknown, command: Command) => {
      const s = sessionOf(ctx, command);
      const rows = await s.api.placement.repairs.query({ project: s.project });
      const nowMs = Date.now();
      showList(io, s.format, [{ title: "for", of: (r) => r.object }, { title: "began", of: (r) => age(nowMs, r.atMs) }, { title: "by", of: (r) => r.by }, { title: "moves", of: (r) => `${r.moves.filter((m) => m.state === "done").length}/${r.moves.length}` }, { title: "how it stands", of: (r) => r.sentence }, { title: "reason", of: (r) => r.reason }], rows, "No repair was ever run.");
    });
}

const movesText = (moves: readonly { unit: string; from: string; to: string; seconds: number; pricedBecause: string }[]): string =>
  moves.length === 0 ? "" : `\n${writeTable([{ title: "unit", of: (m) => m.unit }, { title: "from", of: (m) => m.from }, { title: "to", of: (m) => m.to }, { title: "seconds", of: (m) => m.seconds }, { title: "by", of: (m) => m.pricedBecause }], moves)}\n`;
