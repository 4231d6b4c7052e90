/**
 * `npm run bench -- guarantee [--streams 10000] [--requests 100000] [--power-streams 2000] [--alpha 0.01] [--workers N] [--json]`
 *
 * The promise of the canary judge, by simulation: A/A streams looked at after every request (batches of one, no margins,
 * so that they lie on the border of the null hypothesis); the share ever rejected must stay at or under alpha, for each kind
 * of evidence alone and all combined. And its power: three stated effects, the share rejected within 10,000 requests
 * against the best fixed-sample test of the same level on 6,000. Ends with code 1 when a promise is not kept.
 */
import os from "node:os";
import { parseArgs } from "node:util";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { clopperPearson } from "../server/core/analysis/statistics/distributions";
import { measureNull, measurePower, type Rejections } from "./canary/guarantee/measure";

const POWER_REQUESTS = 10_000;
const FIXED_REQUESTS = 6_000;

interface Part {
  from: number;
  to: number;
  requests: number;
  alpha: number;
}

if (isMainThread) await main();
else {
  const part = workerData as Part;
  parentPort?.postMessage(measureNull(part.from, part.to, part.requests, part.alpha));
}

async function main(): Promise<void> {
  const { values: flags } = parseArgs({ options: { streams: { type: "string", default: "10000" }, requests: { type: "string", default: "100000" }, "power-streams": { type: "string", default: "2000" }, alpha: { type: "string", default: "0.01" }, workers: { type: "string" }, json: { type: "boolean", default: false } } });
  const say = (line: string): void => void (flags.json ? process.stderr : process.stdout).write(`${line}\n`);
  const whole = (name: "streams" | "requests" | "power-streams"): number => {
    const value = Number(flags[name]);
    if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} must be a whole number above 0`);
    return value;
  };
  const [streams, requests, powerStreams, alpha] = [whole("streams"), whole("requests"), whole("power-streams"), Number(flags.alpha)];
  if (!(alpha > 0 && alpha < 1)) throw new Error("--alpha must lie between 0 and 1");
  const workers = Math.max(1, Number(flags.workers ?? Math.min(2, os.availableParallelism())));
  const from = performance.now();

  const rejected = await inParts(streams, requests, alpha, workers, say);
  say(`A/A: ${streams} streams of ${requests} requests, looked at after every one; share ever rejected at alpha ${alpha} (95% interval)`);
  const nulls = Object.fromEntries(
    Object.entries(rejected).map(([kind, count]) => {
      const { low, high } = clopperPearson(count, streams, 0.95);
      say(`  ${kind.padEnd(10)} ${(count / streams).toFixed(4)} (${low.toFixed(4)} to ${high.toFixed(4)})`);
      return [kind, { rejected: count, share: count / streams, low, high }];
    }),
  );
  const power = measurePower(powerStreams, POWER_REQUESTS, FIXED_REQUESTS, alpha);
  say(`power: ${powerStreams} streams each, rejected within ${POWER_REQUESTS} requests; the best fixed-sample test of the same level on ${FIXED_REQUESTS}`);
  for (const [name, p] of Object.entries(power)) say(`  ${name.padEnd(28)} ${p.sequential.toFixed(3)} against ${p.fixed.toFixed(3)} (${((p.sequential / p.fixed) * 100).toFixed(0)}%); half rejected after ${p.medianRequests ?? "more"} requests`);
  const broken = [...Object.entries(nulls).filter(([, n]) => n.share > alpha).map(([kind]) => kind), ...Object.entries(power).filter(([, p]) => p.sequential < 0.8 * p.fixed).map(([name]) => name)];
  say(`${broken.length === 0 ? "every promise kept" : `not kept: ${broken.join(", ")}`}; ${((performance.now() - from) / 1000).toFixed(0)} s`);
  if (flags.json) process.stdout.write(`${JSON.stringify({ bench: "guarantee", alpha, streams, requests, nulls, power: { streams: powerStreams, requests: POWER_REQUESTS, fixedRequests: FIXED_REQUESTS, effects: power }, broken, ok: broken.length === 0 })}\n`);
  process.exitCode = broken.length === 0 ? 0 : 1;
}

/** The streams in portions, on threads. */
async function inParts(streams: number, requests: number, alpha: number, workers: number, say: (line: string) => void): Promise<Rejections> {
  const size = Math.max(1, Math.min(250, Math.ceil(streams / workers)));
  const starts = Array.from({ length: Math.ceil(streams / size) }, (_, i) => i * size);
  const all: Rejections = { errors: 0, latency: 0, tail: 0, reporting: 0, accuracy: 0, combined: 0 };
  let done = 0;
  const next = async (): Promise<void> => {
    for (let start = starts.shift(); start !== undefined; start = starts.shift()) {
      const part: Part = { from: start, to: Math.min(streams, start + size), requests, alpha };
      const one = await new Promise<Rejections>((resolve, reject) => {
        const worker = new Worker(new URL(import.meta.url), { workerData: part });
        worker.once("message", resolve);
        worker.once("error", reject);
      });
      for (const key of Object.keys(all) as (keyof Rejections)[]) all[key] += one[key];
      done += part.to - part.from;
      say(`  ${done} of ${streams} streams; rejected so far: ${Object.entries(all).map(([kind, count]) => `${kind} ${count}`).join(", ")}`);
    }
  };
  await Promise.all(Array.from({ length: workers }, next));
  return all;
}
