/**
 * `npm run bench -- gpu-trace --nodes CSV --pods CSV [--seeds 42..51] [--policy holdfast] [--moves 2%] [--json]`
 *
 * GPU allocation on a trace of Alibaba's cluster-trace-gpu-v2023 under the protocol of the FGD paper (USENIX ATC 2023):
 * tasks arrive until they ask for 130% of the GPUs and stay; `alloc100` and `alloc130` are the percentage of all GPUs
 * allocated at 100% and 130% arrivals, means over the seeds. With `--json` its last line is one JSON object.
 */
import { parseArgs } from "node:util";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { play, policies } from "./gpu-trace/play";
import type { PolicyName, SeedResult } from "./gpu-trace/play";
import { readTrace } from "./gpu-trace/trace";
import { round } from "./lib/numbers";

interface Job {
  nodes: string;
  pods: string;
  policy: PolicyName;
  moves: number;
  seeds: readonly number[];
}

if (isMainThread) await main();
else work(workerData as Job);

function work(job: Job): void {
  const trace = readTrace(job.nodes, job.pods);
  for (const seed of job.seeds) parentPort?.postMessage(play(trace, seed, job.policy, job.moves));
}

async function main(): Promise<void> {
  const { values: flags } = parseArgs({
    options: { nodes: { type: "string" }, pods: { type: "string" }, seeds: { type: "string", default: "42..51" }, policy: { type: "string", default: "holdfast" }, moves: { type: "string", default: "0%" }, threads: { type: "string", default: "2" }, json: { type: "boolean", default: false } },
  });
  const say = (line: string) => void (flags.json ? process.stderr : process.stdout).write(`${line}\n`);
  const { nodes, pods } = flags;
  if (!nodes || !pods) throw new Error("--nodes and --pods name the CSV files of the trace");
  const policy = policies.find((p) => p === flags.policy);
  if (!policy) throw new Error(`--policy is one of ${policies.join(", ")}`);
  const seeds = seedsOf(flags.seeds);
  const moves = shareOf(flags.moves);
  if (moves > 0 && policy !== "holdfast") throw new Error("--moves goes with --policy holdfast: the others never move a task");

  const from = performance.now();
  const threads = Math.max(1, Math.min(2, Number(flags.threads) || 1, seeds.length));
  const results = await Promise.all(Array.from({ length: threads }, (_, t) => runWorker({ nodes, pods, policy, moves, seeds: seeds.filter((_s, i) => i % threads === t) }, say)));
  const perSeed = results.flat().sort((a, b) => a.seed - b.seed);
  const wallMs = Math.round(performance.now() - from);

  const mean = (of: (r: SeedResult) => number) => round(perSeed.reduce((sum, r) => sum + of(r), 0) / perSeed.length, 3);
  const sum = (of: (r: SeedResult) => number) => perSeed.reduce((s, r) => s + of(r), 0);
  const summary = { policy, seeds, alloc100: mean((r) => r.alloc100), alloc130: mean((r) => r.alloc130), perSeed, placed: sum((r) => r.placed), rejectedFitting: sum((r) => r.rejectedFitting), cpuOnlyFailures: sum((r) => r.cpuOnlyFailures), moved: sum((r) => r.moved), wallMs };
  say(`${policy}: ${summary.alloc100}% of the GPUs at 100% arrivals, ${summary.alloc130}% at 130%; ${summary.placed} placed, ${summary.rejectedFitting} refused though they fit, ${summary.cpuOnlyFailures} without GPU found no place, ${summary.moved} moved; ${wallMs} ms`);
  if (flags.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
}

function runWorker(job: Job, say: (line: string) => void): Promise<SeedResult[]> {
  return new Promise((resolve, reject) => {
    const results: SeedResult[] = [];
    const worker = new Worker(new URL(import.meta.url), { workerData: job });
    worker.on("message", (result: SeedResult) => {
      results.push(result);
      say(`  seed ${result.seed}: ${result.alloc130.toFixed(2)}% at 130% arrivals, ${result.cpuOnlyFailures} tasks without GPU found no place, ${result.moved} moved`);
    });
    worker.on("error", reject);
    worker.on("exit", (code) => (code === 0 ? resolve(results) : reject(new Error(`a worker ended with ${code}`))));
  });
}

/** `42..51`, `7` or `1,2,5`. */
function seedsOf(text: string): number[] {
  const range = /^(\d+)\.\.(\d+)$/.exec(text);
  const seeds = range ? Array.from({ length: Number(range[2]) - Number(range[1]) + 1 }, (_, i) => Number(range[1]) + i) : text.split(",").map(Number);
  if (seeds.length === 0 || !seeds.every((s) => Number.isInteger(s) && s >= 0)) throw new Error(`--seeds is a range like 42..51 or a list like 1,2,3, not ${text}`);
  return seeds;
}

/** `2%` or `0.02`, as a share. */
function shareOf(text: string): number {
  const value = text.endsWith("%") ? Number(text.slice(0, -1)) / 100 : Number(text);
  if (!Number.isFinite(value) || value < 0 || value > 1) throw new Error(`--moves is a share like 2%, not ${text}`);
  return value;
}
