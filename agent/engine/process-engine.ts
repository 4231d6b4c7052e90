import { spawn } from "node:child_process";
import { constants } from "node:os";
import { open, readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Fault, textOf } from "../platform/fault";
import { readIfThere, remove, writeDurably } from "../platform/files";
import type { Chosen } from "./choose-limiter";
import type { Engine, EngineFacts, Exit, LaunchRequest, ProcessRecord, Running, UnitUsage } from "./engine";
import { argumentsOf, groupOf, send, startTimeOf, statOf } from "./processes";
import { shimCommand } from "./shim";

/** How often processes that are not our children are looked at. */
const WATCH_EVERY_MS = 250;
const KILL_PATIENCE_MS = 2_000;
const PID_PATIENCE_MS = 2_000;
const PAGE_BYTES = 4_096;
const TICKS_PER_SECOND = 100;

/**
 * The `process` engine: units are plain processes of this machine, each in a session and process group of its own,
 * below a small shell that outlives the agent and keeps the exit status (shim.ts).
 */
export class ProcessEngine implements Engine {
  readonly type = "process";
  readonly #chosen: Chosen;
  readonly #nowMs: () => number;
  readonly #watched = new Map<Handle, () => void>();
  #timer: NodeJS.Timeout | null = null;

  constructor(o: { limits: Chosen; nowMs: () => number }) {
    this.#chosen = o.limits;
    this.#nowMs = o.nowMs;
  }

  facts(): EngineFacts {
    return { type: this.type, version: process.version, limits: this.#chosen.limiter.level, limitsProven: this.#chosen.proven, limitsNote: this.#chosen.note };
  }

  async launch(request: LaunchRequest): Promise<Running> {
    const { folder, launchId } = request;
    const cell = await this.#chosen.limiter.make(launchId, request);
    await writeDurably(join(folder, "launch"), `${launchId}\n${cell.folders.join("\n")}\n`);
    await removeOldFiles(folder, launchId);
    const log = await open(request.logPath, "a", 0o600);
    try {
      const { program, args } = shimCommand({ folder, launchId, enter: cell.enter, dataLimitKiB: cell.dataLimitKiB, command: request.command });
      const child = spawn(program, args, { detached: true, stdio: ["ignore", log.fd, log.fd], cwd: request.workingDirectory, env: { ...request.environment } as NodeJS.ProcessEnv });
      const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
      await new Promise<void>((resolve, reject) => {
        child.once("spawn", resolve);
        child.once("error", reject);
      });
      child.unref();
      const pid = child.pid ?? 0;
      const record: ProcessRecord = { launchId, pid, startedTicks: (await startTimeOf(pid)) ?? "", limits: this.#chosen.limiter.level, cgroups: cell.folders };
      const exited = ended.then(({ code, signal }) => this.#exitOf(folder, record, code, signal));
      const handle = new Handle(record, exited, this.#chosen, this.#nowMs);
      await handle.findMain(folder, PID_PATIENCE_MS);
      return handle;
    } catch (error) {
      await this.#chosen.limiter.remove(cell.folders);
      throw new Fault("launch_failed", `The process could not be started: ${textOf(error)}.`, "Check the workload's workingDirectory and that this machine has processes and memory left.");
    } finally {
      await log.close();
    }
  }

  async adopt(folder: string, launchId: string, record: ProcessRecord | null): Promise<Running | null> {
    const pid = record?.pid ?? Number((await readIfThere(join(folder, `pid.${launchId}`))) ?? NaN);
    if (!Number.isInteger(pid) || pid < 2) return null;
    const startedTicks = await startTimeOf(pid);
    if (startedTicks === null || (record !== null && record.startedTicks !== "" && record.startedTicks !== startedTicks)) return null;
    // The launch id is random and stands in the watcher's arguments, so another process of this pid is told apart even
    // when the agent died before it could note the start time.
    if (!(await argumentsOf(pid)).includes(launchId)) return null;
    const known: ProcessRecord = record ?? { launchId, pid, startedTicks, limits: this.#chosen.limiter.level, cgroups: await cgroupsOf(folder) };
    const exited = new Promise<void>((resolve) => {
      queueMicrotask(() => this.#watch(handle, resolve));
    }).then(() => this.#exitOf(folder, known, null, null));
    const handle = new Handle({ ...known, startedTicks }, exited, this.#chosen, this.#nowMs);
    await handle.findMain(folder, 0);
    return handle;
  }

  async voidLaunch(folder: string, launchId: string): Promise<void> {
    await writeDurably(join(folder, "launch"), "void\n");
    const late = await this.adopt(folder, launchId, null);
    if (late) await late.kill();
  }

  async close(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    this.#watched.clear();
    await this.#chosen.limiter.sweep();
  }

  async pastExit(folder: string, launchId: string): Promise<Exit | null> {
    const status = await exitStatus(folder, launchId);
    return status === null ? null : decodeExit(status, null, false);
  }

  async #exitOf(folder: string, record: ProcessRecord, code: number | null, signal: string | null): Promise<Exit> {
    const status = code ?? (await exitStatus(folder, record.launchId));
    const oomKilled = (await this.#chosen.limiter.oomKills(record.cgroups)) > 0;
    // What the unit left behind would hold its ports; the members of its group and session go with it.
    for (const p of await groupOf(record.pid)) send(p.pid, "SIGKILL");
    for (const pid of await this.#chosen.limiter.members(record.cgroups)) send(pid, "SIGKILL");
    await this.#removeCell(record);
    return decodeExit(status, signal, oomKilled);
  }

  async #removeCell(record: ProcessRecord): Promise<void> {
    // The kernel frees a group a moment after its last process.
    for (let i = 0; i < 10 && (await this.#chosen.limiter.members(record.cgroups)).length > 0; i++) await delay(50);
    await this.#chosen.limiter.remove(record.cgroups);
  }

  #watch(handle: Handle, ended: () => void): void {
    this.#watched.set(handle, ended);
    this.#timer ??= setInterval(() => void this.#look(), WATCH_EVERY_MS);
  }

  async #look(): Promise<void> {
    for (const [handle, ended] of this.#watched) {
      if ((await startTimeOf(handle.record.pid)) === handle.record.startedTicks) continue;
      this.#watched.delete(handle);
      ended();
    }
    if (this.#watched.size === 0 && this.#timer) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
  }
}

/** Removes what earlier launches left in the folder. */
async function removeOldFiles(folder: string, launchId: string): Promise<void> {
  for (const name of await readdir(folder)) if (/^(pid|main|exit)\./.test(name) && !name.endsWith(launchId)) await remove(join(folder, name));
}

async function exitStatus(folder: string, launchId: string): Promise<number | null> {
  const text = (await readIfThere(join(folder, `exit.${launchId}`)))?.trim() ?? "";
  return /^\d+$/.test(text) ? Number(text) : null;
}

/** Control groups of the last launch, as noted before it was made. */
async function cgroupsOf(folder: string): Promise<string[]> {
  return ((await readIfThere(join(folder, "launch"))) ?? "").split("\n").slice(1).filter((l) => l !== "");
}

/** Reads a shell's exit status: above 128 it usually tells the signal that ended the program. */
export function decodeExit(status: number | null, signal: string | null, oomKilled: boolean): Exit {
  if (signal !== null) return { code: null, signal, oomKilled };
  const name = status !== null && status > 128 ? Object.entries(constants.signals).find(([, n]) => n === status - 128)?.[0] : undefined;
  return name === undefined ? { code: status, signal: null, oomKilled } : { code: null, signal: name, oomKilled };
}

class Handle implements Running {
  readonly record: ProcessRecord;
  readonly exited: Promise<Exit>;
  mainPid: number | null = null;
  readonly #chosen: Chosen;
  readonly #nowMs: () => number;
  #gone = false;
  #last: { cpuMs: number; atMs: number } | null = null;

  constructor(record: ProcessRecord, exited: Promise<Exit>, chosen: Chosen, nowMs: () => number) {
    this.record = record;
    this.exited = exited;
    this.#chosen = chosen;
    this.#nowMs = nowMs;
    void exited.then(() => (this.#gone = true));
  }

  /** Reads the pid of the unit's own process, waiting for it a little. */
  async findMain(folder: string, patienceMs: number): Promise<void> {
    for (const until = performance.now() + patienceMs; !this.#gone; await delay(10)) {
      const pid = Number((await readFile(join(folder, `main.${this.record.launchId}`), "utf8").catch(() => "")).trim() || NaN);
      if (Number.isInteger(pid)) this.mainPid = pid;
      if (this.mainPid !== null || performance.now() >= until) return;
    }
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.#gone) send(-this.record.pid, signal);
  }

  async kill(): Promise<void> {
    if (this.#gone) return;
    // The watcher is spared at first, so that it can write down how the unit ended.
    const all = [...(await groupOf(this.record.pid)).map((p) => p.pid), ...(await this.#chosen.limiter.members(this.record.cgroups))];
    for (const pid of all) if (pid !== this.record.pid) send(pid, "SIGKILL");
    if (await this.#goneWithin(KILL_PATIENCE_MS)) return;
    send(-this.record.pid, "SIGKILL");
    await this.exited;
  }

  async usage(): Promise<UnitUsage> {
    const now = (await this.#chosen.limiter.usage(this.record.cgroups).catch(() => null)) ?? (await this.#groupUsage());
    if (now === null) return { cpuMillis: null, memoryBytes: null };
    const atMs = this.#nowMs();
    const before = this.#last;
    this.#last = { cpuMs: now.cpuMs, atMs };
    const elapsed = before === null ? 0 : atMs - before.atMs;
    const cpuMillis = before === null || elapsed <= 0 ? null : Math.max(0, Math.round(((now.cpuMs - before.cpuMs) / elapsed) * 1_000));
    return { cpuMillis, memoryBytes: now.memoryBytes };
  }

  oomKills(): Promise<number> {
    return this.#chosen.limiter.oomKills(this.record.cgroups);
  }

  async #groupUsage(): Promise<{ cpuMs: number; memoryBytes: number } | null> {
    if (!(await statOf(this.record.pid))) return null;
    let ticks = 0;
    let pages = 0;
    for (const p of await groupOf(this.record.pid)) {
      ticks += p.userTicks + p.systemTicks;
      pages += p.residentPages;
    }
    return { cpuMs: (ticks * 1_000) / TICKS_PER_SECOND, memoryBytes: pages * PAGE_BYTES };
  }

  #goneWithin(ms: number): Promise<boolean> {
    return Promise.race([this.exited.then(() => true), delay(ms, false, { ref: false })]);
  }
}
