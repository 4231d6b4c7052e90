import { spawn } from "node:child_process";
import { request } from "node:http";
import { connect } from "node:net";
import { parseDurationMs } from "../../server/core/base/duration";
import type { HealthCheck } from "../../server/core/manifest/workload";
import { textOf } from "../platform/fault";

export type Health = "unknown" | "starting" | "healthy" | "unhealthy";
/** A restart is due after this many times the failures that make a unit unhealthy. */
const HUNG_FACTOR = 3;

/** How a unit's health stands. `failures` counts those in a row that count. */
export type HealthState = { health: Health; failures: number; hung: boolean; message: string };

/**
 * The next state after one check. Within the start period failures do not count and a unit that was never healthy stays
 * `starting`; one success makes it healthy; `failureThreshold` failures in a row make it unhealthy, three times as many hung.
 */
export function afterCheck(before: HealthState, failure: string | null, o: { inStartPeriod: boolean; failureThreshold: number }): HealthState {
  if (failure === null) return { health: "healthy", failures: 0, hung: false, message: "" };
  if (o.inStartPeriod && before.health !== "healthy") return { ...before, message: failure };
  const failures = before.failures + 1;
  const health = failures >= o.failureThreshold ? "unhealthy" : before.health;
  return { health, failures, hung: failures >= o.failureThreshold * HUNG_FACTOR, message: failure };
}

export type ProbeContext = { ports: Readonly<Record<string, number>>; run: (command: readonly string[]) => { program: string; args: string[]; environment: Readonly<Record<string, string>>; workingDirectory: string } };

/** Runs one check; null when it succeeded, else why not, in words. Never throws. */
export async function check(o: HealthCheck, context: ProbeContext): Promise<string | null> {
  const timeoutMs = parseDurationMs(o.timeout) ?? 2_000;
  const { probe } = o;
  if (probe.type === "exec") return checkExec(probe.command, context, timeoutMs);
  const port = context.ports[probe.port];
  if (port === undefined) return `the workload has no port named ${probe.port}`;
  return probe.type === "http" ? checkHttp(port, probe.path, timeoutMs) : checkTcp(port, timeoutMs);
}

function checkHttp(port: number, path: string, timeoutMs: number): Promise<string | null> {
  return new Promise((resolve) => {
    const done = (failure: string | null): void => {
      clearTimeout(late);
      resolve(failure);
      outgoing.destroy();
    };
    const outgoing = request({ host: "127.0.0.1", port, path, method: "GET", agent: false, headers: { connection: "close", "user-agent": "holdfast-health" } }, (answer) => {
      const status = answer.statusCode ?? 0;
      answer.resume();
      done(status >= 200 && status < 400 ? null : `GET ${path} answered ${status}`);
    });
    const late = setTimeout(() => done(`GET ${path} gave no answer within ${timeoutMs} ms`), timeoutMs);
    outgoing.on("error", (error) => done(`GET ${path} failed: ${textOf(error)}`));
    outgoing.end();
  });
}

function checkTcp(port: number, timeoutMs: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    const done = (failure: string | null): void => {
      clearTimeout(late);
      socket.destroy();
      resolve(failure);
    };
    const late = setTimeout(() => done(`port ${port} did not accept within ${timeoutMs} ms`), timeoutMs);
    socket.once("connect", () => done(null));
    socket.once("error", (error) => done(`port ${port}: ${textOf(error)}`));
  });
}

function checkExec(command: readonly string[], context: ProbeContext, timeoutMs: number): Promise<string | null> {
  return new Promise((resolve) => {
    const { program, args, environment, workingDirectory } = context.run(command);
    const child = spawn(program, args, { stdio: "ignore", env: { ...environment } as NodeJS.ProcessEnv, cwd: workingDirectory, timeout: timeoutMs, killSignal: "SIGKILL" });
    child.once("error", (error) => resolve(`${command[0] ?? ""}: ${textOf(error)}`));
    child.once("exit", (code, signal) => resolve(code === 0 ? null : signal === "SIGKILL" ? `${command[0] ?? ""} did not finish within ${timeoutMs} ms` : `${command[0] ?? ""} exited with ${code ?? signal ?? "no code"}`));
  });
}
