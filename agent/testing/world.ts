import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll } from "vitest";
import { TestGateway } from "./gateway";
import type { GatewayOptions } from "./gateway";
import { AgentProcess, bundleAgent, Scratch, until } from "./harness";

/** Short intervals, so that tests need not wait long. */
const FAST = ["--report-every", "200ms", "--sample-every", "500ms", "--reconnect-max", "500ms"];

/** What an agent's test starts with; everything it starts is taken down after each test, units included. */
export type AgentWorld = {
  bundle: () => string;
  /** A data folder; its units are stopped at the end. */
  data: () => string;
  gateway: (o?: GatewayOptions) => Promise<TestGateway>;
  agent: (args: readonly string[]) => AgentProcess;
  cleanup: (work: () => Promise<unknown> | void) => void;
};

/** Sets up the world of a test file; call it once at its top. */
export function agentWorld(): AgentWorld {
  const release = new Scratch();
  let bundle = "";
  const cleanups: (() => Promise<unknown> | void)[] = [];
  beforeAll(async () => {
    bundle = await bundleAgent(release.folder);
  });
  afterAll(() => release.remove());
  afterEach(async () => {
    for (const c of cleanups.splice(0).reverse()) await c();
  });
  return {
    bundle: () => bundle,
    cleanup: (work) => void cleanups.push(work),
    data() {
      const scratch = new Scratch();
      const data = join(scratch.folder, "data");
      cleanups.push(async () => {
        await new AgentProcess(bundle, ["stop-units", "--data", data]).exited;
        scratch.remove();
      });
      return data;
    },
    async gateway(o) {
      const g = await TestGateway.start(o);
      cleanups.push(() => g.close());
      return g;
    },
    agent(args) {
      const a = new AgentProcess(bundle, [...args, ...FAST]);
      cleanups.push(() => a.end("SIGKILL"));
      return a;
    },
  };
}

/** Pids of all processes of this machine whose command line holds `text`. */
export function processesWith(text: string): number[] {
  return readdirSync("/proc")
    .filter((n) => /^\d+$/.test(n) && Number(n) !== process.pid)
    .filter((n) => {
      try {
        return readFileSync(`/proc/${n}/cmdline`, "utf8").includes(text) && !/\) [ZX] /.test(readFileSync(`/proc/${n}/stat`, "utf8"));
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Whether a process is (or, before its exec, still is) one of the shells that stand around a unit. */
export function isShell(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("/bin/sh\0");
  } catch {
    return true;
  }
}

/** Waits until the gateway is told of a healthy unit, and returns its status. */
export function healthy(g: TestGateway, assignmentId: string, generation?: number) {
  return until(`${assignmentId} is healthy`, () => g.statuses(assignmentId).find((s) => s.health === "healthy" && (generation === undefined || s.generation === generation)));
}
