import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { build } from "esbuild";
import { unitTemplate } from "../../server/core/manifest/workload";
import type { UnitSpec } from "../../server/protocol/messages";

type TemplateInput = Parameters<typeof unitTemplate.parse>[0];

/** Waits until `condition` gives something true; fails with `what` when it takes too long. */
export async function until<T>(what: string, condition: () => T | Promise<T>, timeoutMs = 30_000): Promise<NonNullable<T>> {
  for (const end = performance.now() + timeoutMs; ; await delay(25)) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > end) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`);
  }
}

/** Bundles the agent as a release does; returns the file. */
export async function bundleAgent(folder: string): Promise<string> {
  const outfile = join(folder, "holdfast-agent.cjs");
  await build({ entryPoints: [join(import.meta.dirname, "..", "main.ts")], bundle: true, platform: "node", target: "node20", format: "cjs", minify: true, outfile, logLevel: "silent" });
  return outfile;
}

/** A temporary folder of a test, removed at its end. */
export class Scratch {
  readonly folder = mkdtempSync(join(tmpdir(), "holdfast-agent-"));
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** One agent as a process of its own, from the bundle. */
export class AgentProcess {
  readonly #child: ChildProcess;
  #output = "";
  readonly exited: Promise<number | null>;

  constructor(bundle: string, args: readonly string[]) {
    this.#child = spawn(process.execPath, [bundle, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    this.#child.stdout?.on("data", (d: Buffer) => (this.#output += d.toString("utf8")));
    this.#child.stderr?.on("data", (d: Buffer) => (this.#output += d.toString("utf8")));
    this.exited = new Promise((resolve) => this.#child.once("exit", (code) => resolve(code)));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get output(): string {
    return this.#output;
  }

  /** Log lines of an event. */
  events(event: string): Record<string, unknown>[] {
    return this.#output.split("\n").filter((l) => l.startsWith("{") && l.endsWith("}")).map((l) => JSON.parse(l) as Record<string, unknown>).filter((l) => l.event === event);
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    this.#child.kill(signal);
    return this.exited;
  }
}

/** A unit that runs `script` with the agent's own Node, PORT and HOLDFAST_* in its environment. */
export function unitOf(assignmentId: string, script: string, o: { generation?: number; action?: "run" | "stop"; kind?: UnitSpec["workloadKind"]; environment?: Record<string, string>; template?: Partial<TemplateInput & object> } = {}): UnitSpec {
  const generation = o.generation ?? 1;
  return {
    assignmentId,
    unit: `${assignmentId}-unit`,
    workload: "digits",
    project: "default",
    generation,
    revisionDigest: `sha256:${String(generation).padStart(64, "0")}`,
    action: o.action ?? "run",
    workloadKind: o.kind ?? "service",
    environment: o.environment ?? {},
    trial: null,
    template: unitTemplate.parse({ engine: { type: "process", command: ["${node}", "-e", script] }, ports: [{ name: "http" }], resources: { cpuMillis: 500, memory: "256Mi" }, stop: { grace: "2s" }, restart: { backoff: "200ms", backoffMax: "2s" }, ...o.template }),
  };
}

/** `unit` on trial until so many ms from now; it would go back to `previous`. */
export function onTrial(unit: UnitSpec, previous: UnitSpec, o: { inMs: number; rollout?: string; attempt?: number }): UnitSpec {
  const { generation, revisionDigest, template, environment, workloadKind } = previous;
  return { ...unit, trial: { rollout: o.rollout ?? "rollout-1", attempt: o.attempt ?? 1, returnAtMs: Date.now() + o.inMs, previous: { generation, revisionDigest, template, environment, workloadKind } } };
}

/** Serves "TEXT PID" on PORT, and its health on /healthz. */
export const webServer = (text: string): string =>
  `const s=require("http").createServer((q,r)=>r.end("${text} "+process.pid));s.listen(+process.env.PORT,"127.0.0.1",()=>console.log("listening ${text}"));process.on("SIGTERM",()=>{console.log("draining");s.close(()=>process.exit(0));s.closeAllConnections()});`;

/** The health check that goes with `webServer`. */
export const webHealth = { probe: { type: "http" as const, path: "/healthz", port: "http" }, interval: "200ms", timeout: "1s", failureThreshold: 2, startPeriod: "5s" };

/** Whether a process is there (and not only waiting to be collected). */
export function alive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** Answer of a unit on a port. */
export async function answerOf(port: number): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2_000) })).text();
}

/** A TCP relay whose bytes can be made to vanish while its sockets stay open. */
export class BlackHole {
  readonly #server: Server;
  readonly #pairs = new Set<[Socket, Socket]>();
  #dark = false;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(port: number): Promise<BlackHole> {
    const server = createServer();
    const hole = new BlackHole(server);
    server.on("connection", (from) => hole.#join(from, createConnection({ host: "127.0.0.1", port })));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return hole;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on nothing gets through, and nobody is told. */
  swallow(): void {
    this.#dark = true;
    for (const [a, b] of this.#pairs) {
      a.pause();
      b.pause();
    }
  }

  /** What is new gets through again; what was swallowed is lost with its connections. */
  heal(): void {
    this.#dark = false;
    for (const [a, b] of this.#pairs) {
      a.destroy();
      b.destroy();
    }
  }

  async close(): Promise<void> {
    this.heal();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #join(from: Socket, to: Socket): void {
    const pair: [Socket, Socket] = [from, to];
    this.#pairs.add(pair);
    for (const [a, b] of [[from, to], [to, from]] as const) {
      a.on("data", (bytes: Buffer) => void (this.#dark || b.write(bytes)));
      a.on("error", () => undefined);
      a.on("close", () => {
        if (!this.#dark) b.destroy();
        this.#pairs.delete(pair);
      });
      if (this.#dark) a.pause();
    }
  }
}
