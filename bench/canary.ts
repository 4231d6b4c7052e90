/**
 * `npm run bench -- canary --seeds A..B --data DIR [--json] [--details] [--engines a,b] [--scenarios N1,R1] [--minutes N]
 * [--workers N] [--freeze FOLDER]`
 *
 * Replays the canary benchmark: traces of canaries over three cloud and eight edge sites, drawn from public data (DIR holds
 * `azure-llm/` and `canary/`), judged by every engine. With `--json` the last line is `{engine: {scenario: figures}}`, with
 * `--details` too with further figures in it. `--freeze` writes each trace to a file in the folder, or takes it from there.
 * The scenarios L1 and L2 (partitions of six hours) run when they are asked for.
 */
import fs from "node:fs";
import os from "node:os";
import { parseArgs } from "node:util";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { readData } from "./canary/data";
import { engines } from "./canary/engines";
import { readTrace, traceFile, writeTrace } from "./canary/freeze";
import { makeGenerator } from "./canary/generate";
import { SITES, isNull, long, nulls, regressions, type Scenario } from "./canary/scenarios";
import { figuresOf, plainFigures, tableOf, type Details, type Scored } from "./canary/score";

interface Job {
  scenario: Scenario;
  seeds: number[];
}
interface Shared {
  data: string;
  engines: string[];
  minutes: number | undefined;
  freeze: string | undefined;
}

if (isMainThread) await main();
else work(workerData as Shared);

async function main(): Promise<void> {
  const { values: flags } = parseArgs({
    options: { seeds: { type: "string", default: "1..50" }, data: { type: "string" }, json: { type: "boolean", default: false }, details: { type: "boolean", default: false }, engines: { type: "string" }, scenarios: { type: "string" }, minutes: { type: "string" }, workers: { type: "string" }, freeze: { type: "string" } },
  });
  const shared: Shared = { data: folderOf(flags.data), engines: chosen("engines", flags.engines, Object.keys(engines)), minutes: flags.minutes === undefined ? undefined : whole("minutes", flags.minutes, 10, 10_000), freeze: flags.freeze };
  const scenarios = chosen("scenarios", flags.scenarios, [...nulls, ...regressions, ...long], [...nulls, ...regressions]) as Scenario[];
  const seeds = seedsOf(flags.seeds);
  const workers = Math.min(flags.workers === undefined ? Math.min(2, os.availableParallelism()) : whole("workers", flags.workers, 1, 64), Math.ceil((scenarios.length * seeds.length) / 10));
  const jobs: Job[] = [];
  for (let at = 0; at < seeds.length; at += 10) for (const scenario of scenarios) jobs.push({ scenario, seeds: seeds.slice(at, at + 10) });
  const say = (line: string): void => void (flags.json ? process.stderr : process.stdout).write(`${line}\n`);

  const from = performance.now();
  const results = await runAll(jobs, shared, workers, say);
  const all = new Map<string, Map<string, Details>>();
  for (const engine of shared.engines) all.set(engine, new Map(scenarios.map((s) => [s, figuresOf(results.filter((r) => r.engine === engine && r.scenario === s), SITES.length)])));
  for (const line of tableOf(all, (s) => isNull(s as Scenario))) say(line);
  say(`${seeds.length} seeds (${flags.seeds}) x ${scenarios.length} scenarios x ${shared.engines.length} engines in ${((performance.now() - from) / 1000).toFixed(0)} s`);
  if (flags.json) {
    const plain = Object.fromEntries([...all].map(([engine, by]) => [engine, Object.fromEntries([...by].map(([s, f]) => [s, flags.details ? f : plainFigures(f)]))]));
    process.stdout.write(`${JSON.stringify(plain)}\n`);
  }
}

/** Hands the jobs out to threads; each gets the next as soon as it is done with one. */
async function runAll(jobs: readonly Job[], shared: Shared, count: number, say: (line: string) => void): Promise<Scored[]> {
  const results: Scored[] = [];
  let next = 0;
  let done = 0;
  let told = performance.now();
  const threads = Array.from({ length: count }, () => new Worker(new URL(import.meta.url), { workerData: shared }));
  try {
    await Promise.all(
      threads.map(
        (thread) =>
          new Promise<void>((resolve, reject) => {
            const give = (): void => {
              const job = jobs[next++];
              if (job) thread.postMessage(job);
              else resolve();
            };
            thread.on("message", (scored: Scored[]) => {
              results.push(...scored);
              done++;
              if (performance.now() - told > 15_000) {
                told = performance.now();
                say(`  ${done} of ${jobs.length} jobs`);
              }
              give();
            });
            thread.on("error", reject);
            give();
          }),
      ),
    );
  } finally {
    await Promise.all(threads.map((t) => t.terminate()));
  }
  return results;
}

/** A thread: draws each trace once and shows it to all engines. */
function work(shared: Shared): void {
  const generate = makeGenerator(readData(shared.data));
  const judges = shared.engines.map((name) => ({ name, engine: engines[name]?.() }));
  parentPort?.on("message", (job: Job) => {
    const out: Scored[] = [];
    for (const seed of job.seeds) {
      const file = shared.freeze === undefined ? null : traceFile(shared.freeze, job.scenario, seed);
      const known = file !== null && fs.existsSync(file);
      const trace = known ? readTrace(file) : generate(job.scenario, seed, shared.minutes);
      if (file !== null && !known) writeTrace(file, trace);
      for (const { name, engine } of judges) if (engine) out.push({ ...engine.judge(trace), engine: name, scenario: job.scenario, seed, onset: trace.onset, badSites: trace.badSites });
    }
    parentPort?.postMessage(out);
  });
}

function fail(text: string): never {
  process.stderr.write(`${text}\n`);
  process.exit(2);
}
function folderOf(data: string | undefined): string {
  if (data === undefined) fail("--data DIR is missing: the folder that holds azure-llm/ and canary/");
  try {
    readData(data);
  } catch (error) {
    fail((error as Error).message);
  }
  return data;
}
function chosen(flag: string, text: string | undefined, known: readonly string[], usual: readonly string[] = known): string[] {
  if (text === undefined) return [...usual];
  const names = text.split(",");
  const strange = names.filter((n) => !known.includes(n));
  if (strange.length > 0) fail(`--${flag}: ${strange.join(", ")} not known; there are ${known.join(", ")}`);
  return names;
}
function whole(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least || value > most) fail(`--${flag} must be a whole number from ${least} to ${most}, not ${text}`);
  return value;
}
function seedsOf(text: string): number[] {
  const match = /^(\d+)(?:\.\.(\d+))?$/.exec(text);
  if (!match) fail(`--seeds must be A..B, not ${text}`);
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  if (last < first || last - first >= 100_000) fail(`--seeds ${text}: B must be at least A, and at most 100,000 seeds run at once`);
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
