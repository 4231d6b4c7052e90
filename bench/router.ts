/**
 * `npm run bench -- router [--runs 5] [--requests 2000] [--concurrency 16] [--bytes 256] [--json]`
 *
 * What the agent's router adds to a request: direct and through the router in turn, in one run on one machine. Endpoint,
 * router and client are threads of their own. Medians over the runs; with `--json` the last line is the object.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { Agent, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { Router } from "../agent/router/router";
import { routeSpec } from "../server/protocol/messages";

type Role = { role: "endpoint"; bytes: number } | { role: "router"; port: number };
type Figures = { medianMs: number; p99Ms: number; perSecond: number };

if (isMainThread) await main();
else await serve(workerData as Role);

async function serve(o: Role): Promise<void> {
  if (o.role === "endpoint") {
    const body = "x".repeat(o.bytes);
    const server = createServer((_q, r) => r.end(body)).listen(0, "127.0.0.1", () => parentPort?.postMessage((server.address() as AddressInfo).port));
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-router-"));
  mkdirSync(join(folder, "state"));
  const none = (): undefined => undefined;
  const backend = { id: "a", generation: 1, host: "127.0.0.1", port: o.port, own: null };
  const router = new Router({ dataFolder: folder, log: { debug: none, info: none, warn: none, error: none }, nowMs: Date.now, random: Math.random, backends: () => [backend], served: none });
  await router.apply([{ ...routeSpec.parse({ weights: [{ generation: 1, weight: 100 }] }), service: "bench", portName: "http" }]);
  rmSync(folder, { recursive: true });
  parentPort?.postMessage(router.applied[0]?.port);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { runs: { type: "string", default: "5" }, requests: { type: "string", default: "2000" }, concurrency: { type: "string", default: "16" }, bytes: { type: "string", default: "256" }, json: { type: "boolean", default: false } } });
  const [runs, requests, concurrency, bytes] = [values.runs, values.requests, values.concurrency, values.bytes].map(Number) as [number, number, number, number];
  if (![runs, requests, concurrency, bytes].every((n) => Number.isInteger(n) && n > 0)) throw new Error("--runs, --requests, --concurrency and --bytes are whole numbers over 0.");
  const say = (line: string): void => void (values.json ? process.stderr : process.stdout).write(`${line}\n`);
  const workers: Worker[] = [];
  const started = async (role: Role): Promise<number> => {
    const worker = new Worker(process.argv[1] ?? "", { workerData: role });
    workers.push(worker);
    return new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
  };
  const direct = await started({ role: "endpoint", bytes });
  const routed = await started({ role: "router", port: direct });
  const one: Record<"direct" | "routed", Figures[]> = { direct: [], routed: [] };
  const many: Record<"direct" | "routed", Figures[]> = { direct: [], routed: [] };
  // One run that does not count warms both paths.
  for (let run = -1; run < runs; run++) {
    for (const [name, port] of [["direct", direct], ["routed", routed]] as const) {
      const alone = await measure(port, requests, 1);
      const together = await measure(port, requests, concurrency);
      if (run < 0) continue;
      one[name].push(alone);
      many[name].push(together);
      say(`run ${run + 1} ${name}: one at a time median ${alone.medianMs.toFixed(3)} ms, p99 ${alone.p99Ms.toFixed(3)} ms; ${concurrency} at a time ${together.perSecond.toFixed(0)} requests/s`);
    }
  }
  await Promise.all(workers.map((w) => w.terminate()));
  const of = (list: readonly Figures[], pick: (f: Figures) => number): number => quantile(list.map(pick), 0.5);
  const result = {
    runs, requests, concurrency, bytes,
    direct: { medianMs: of(one.direct, (f) => f.medianMs), p99Ms: of(one.direct, (f) => f.p99Ms), perSecond: of(many.direct, (f) => f.perSecond) },
    routed: { medianMs: of(one.routed, (f) => f.medianMs), p99Ms: of(one.routed, (f) => f.p99Ms), perSecond: of(many.routed, (f) => f.perSecond) },
  };
  say(`median of ${runs}: the router adds ${(result.routed.medianMs - result.direct.medianMs).toFixed(3)} ms at the median and ${(result.routed.p99Ms - result.direct.p99Ms).toFixed(3)} ms at p99; ${result.routed.perSecond.toFixed(0)} requests/s through it, ${result.direct.perSecond.toFixed(0)} direct`);
  if (values.json) process.stdout.write(`${JSON.stringify({ ...result, addedMedianMs: result.routed.medianMs - result.direct.medianMs, addedP99Ms: result.routed.p99Ms - result.direct.p99Ms })}\n`);
}

async function measure(port: number, requests: number, concurrency: number): Promise<Figures> {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  const tookMs: number[] = [];
  let left = requests;
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: concurrency }, async () => {
    while (left-- > 0) {
      const from = performance.now();
      await new Promise<void>((resolve, reject) => request({ host: "127.0.0.1", port, agent }, (r) => r.resume().on("end", resolve)).on("error", reject).end());
      tookMs.push(performance.now() - from);
    }
  }));
  const seconds = (performance.now() - startedAt) / 1_000;
  agent.destroy();
  return { medianMs: quantile(tookMs, 0.5), p99Ms: quantile(tookMs, 0.99), perSecond: requests / seconds };
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}
