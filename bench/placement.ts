/**
 * `npm run bench -- placement [--nodes N[,N]] [--shapes N] [--placements N] [--batches N] [--runs N] [--only NAME[,NAME]] [--json]`
 *
 * How fast the scheduler's own `place` is, on one core: shapes in turns, all shapes different, hard spread and
 * anti-affinity, a million units planned and planned again after a lost site, and the same with every decision committed
 * in PostgreSQL. Beside each the cost of a bare scan of the nodes, measured in the same run. Ends with code 1 when a limit
 * is passed; with `--json` its last line is one JSON object.
 */
import { parseArgs } from "node:util";
import { measure } from "./placement/core";
import type { Measured } from "./placement/core";
import { durable } from "./placement/durable";
import { fleetOf } from "./placement/fleet";
import { allDifferent, inTurns, million, sitesFor, spreadApart } from "./placement/scenarios";

const { values: flags } = parseArgs({ options: { nodes: { type: "string", default: "10000,100000" }, shapes: { type: "string", default: "64" }, placements: { type: "string", default: "200000" }, only: { type: "string" }, batches: { type: "string", default: "10" }, runs: { type: "string", default: "5" }, json: { type: "boolean", default: false } } });
const say = (line: string) => void (flags.json ? process.stderr : process.stdout).write(`${line}\n`);
const sizes = flags.nodes.split(",").map(Number);
const shapes = Number(flags.shapes);
const count = Number(flags.placements);
const runs = Number(flags.runs);
if (![...sizes, shapes, count, runs].every((n) => Number.isInteger(n) && n > 0)) throw new Error("--nodes, --shapes, --placements and --runs are whole numbers above 0");
const wanted = flags.only?.split(",");
const asked = (name: string) => !wanted || wanted.includes(name);
const passed: string[] = [];
const scenarios: object[] = [];

function told(m: Measured, least: number, p99Us: number | null): void {
  scenarios.push(m);
  say(`${m.scenario}, ${m.nodes} nodes, ${m.shapes} shapes: ${m.placementsPerSecond} placements/s (median of ${m.runs} runs; ${m.perSecondWithPauses} with the collector's pauses, ${m.perCpuSecond} by processor time; ${m.placed} of ${m.placements} placed), p50 ${m.p50Us} µs, p99 ${m.p99Us} µs; a bare scan costs ${m.floorNsPerNode} ns a node, one placement ${m.ratioToFloor} of a scan; ${m.gcPauses} collections, ${m.gcPauseMs} ms in all, longest ${m.gcMaxMs} ms; columns made in ${m.columnsMs} ms; ${m.rssMiB} MiB`);
  if (m.placementsPerSecond < least) passed.push(`${m.scenario}, ${m.nodes} nodes: ${m.placementsPerSecond} placements/s, at least ${least} wanted`);
  if (p99Us !== null && m.p99Us > p99Us) passed.push(`${m.scenario}, ${m.nodes} nodes: p99 ${m.p99Us} µs, at most ${p99Us} wanted`);
}

for (const nodes of sizes) {
  const snapshot = fleetOf({ nodes, sites: sitesFor(nodes), seed: 7 });
  if (asked("turns")) told(await measure("turns", snapshot, inTurns(shapes, count), shapes, runs), 100_000, 200);
  if (asked("different")) told(await measure("different", snapshot, allDifferent(Math.min(count, 100_000), false), Math.min(count, 100_000), runs), 30_000, null);
  if (asked("different-packing")) told(await measure("different-packing", snapshot, allDifferent(Math.min(count, 100_000), true), Math.min(count, 100_000), runs), 30_000, null);
}
if (asked("spread")) told(await measure("spread", fleetOf({ nodes: 5_000, sites: 20, seed: 7 }), spreadApart(20_000), 20, runs), 2_000, null);
if (asked("million")) {
  const m = million({ nodes: 100_000, units: 1_000_000, workloads: 1_000, siteNodes: 2_000, shapes: 64 });
  scenarios.push(m);
  say(`million: ${m.placed} of ${m.units} units of ${m.workloads} workloads over ${m.nodes} nodes in ${m.planMs} ms (${m.planCpuMs} of processor time); after the loss of ${m.lostNodes} nodes ${m.replaced} of ${m.lostUnits} units in ${m.replanMs} ms (${m.replanCpuMs} of processor time), ${m.otherMoves} others moved; ${m.rssMiB} MiB`);
  if (m.planMs > 20_000) passed.push(`million: ${m.planMs} ms from nothing, at most 20000 wanted`);
  if (m.replanMs > 2_000) passed.push(`million: ${m.replanMs} ms after the loss, at most 2000 wanted`);
  if (m.rssMiB > 3_072) passed.push(`million: ${m.rssMiB} MiB, at most 3072 wanted`);
}
if (asked("durable")) {
  const d = await durable({ nodes: 5_000, batches: Number(flags.batches) }, say);
  scenarios.push(d);
  say(`durable: ${d.placementsPerSecond} placements/s committed in batches of 1000 (${d.placements} on ${d.nodes} nodes), a batch ${d.batchP50Ms} ms, longest ${d.batchMaxMs} ms; reading the fleet and planning one ${d.planP50Ms} ms`);
  if (d.placementsPerSecond < 5_000) passed.push(`durable: ${d.placementsPerSecond} placements/s, at least 5000 wanted`);
}
say(passed.length === 0 ? "every limit kept" : `limits passed:\n  ${passed.join("\n  ")}`);
if (flags.json) process.stdout.write(`${JSON.stringify({ bench: "placement", scenarios, passed, ok: passed.length === 0 })}\n`);
process.exitCode = passed.length === 0 ? 0 : 1;
