import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseDurationMs } from "../../server/core/base/duration";
import type { UnitSpec, UnitStatus } from "../../server/protocol/messages";
import type { Exit, Running } from "../engine/engine";
import { choosePorts } from "../engine/ports";
import type { HealthState } from "../engine/health";
import { LogFile } from "../engine/log-file";
import type { PlanInstance } from "../plan";
import { Fault, textOf } from "../platform/fault";
import { privateFolder, remove, writeDurably } from "../platform/files";
import { exponentialMs } from "../session/backoff";
import { devicesFor, waitsForDevices } from "./devices";
import { watchHealth } from "./health-watch";
import { fetchArtifacts, launchRequest, probeContext } from "./prepare";
import { writeRecord } from "./record";
import type { InstanceData } from "./record";
import type { InstanceWorld } from "./world";

/** A unit without a health check counts as ready once it has run for this long. */
export const SETTLE_MS = 2_000;
/** A unit that ran for this long, or for its longest back-off if that is more, starts counting its crashes anew. */
const STABLE_MS = 60_000;
/** How often a unit looks whether devices have come free for it. */
const DEVICES_AGAIN_MS = 500;

/** One attempt to run one revision of one assignment: its files, its process, its health. Decisions come from `plan`. */
export class Instance {
  readonly spec: UnitSpec;
  readonly folder: string;
  readonly logFile: LogFile;
  readonly #world: InstanceWorld;
  #data: InstanceData;
  #running: Running | null = null;
  #health: HealthState;
  #healthStop = new AbortController();
  #prepare = new AbortController();
  #starting: Promise<void> = Promise.resolve();
  #saving: Promise<void> = Promise.resolve();
  #usage: { cpuMillis: number | null; memoryBytes: number | null } = { cpuMillis: null, memoryBytes: null };
  #oomSeen = 0;

  constructor(spec: UnitSpec, folder: string, data: InstanceData, world: InstanceWorld) {
    this.spec = spec;
    this.folder = folder;
    this.#data = data;
    this.#world = world;
    this.logFile = new LogFile(join(folder, "log"), world.maxLogBytes);
    this.#health = { health: data.health, failures: 0, hung: false, message: "" };
  }

  /** Name of the instance of a revision; also the last part of its folder. */
  static idOf(spec: Pick<UnitSpec, "assignmentId" | "generation" | "revisionDigest">): string {
    return `${safeName(spec.assignmentId)}/${spec.generation}-${safeName(spec.revisionDigest.replace(/^sha256:/, "")).slice(0, 12)}`;
  }

  static fresh(spec: UnitSpec, nowMs: number): InstanceData {
    return { id: Instance.idOf(spec), state: "preparing", bootId: "", launchId: null, process: null, ports: {}, devices: [], tokenHash: null, restarts: 0, crashes: 0, startedAtMs: null, sinceMs: nowMs, exitCode: null, exitSignal: null, health: "unknown", wasReady: false, completed: false, notBeforeMs: 0, message: "" };
  }

  get data(): Readonly<InstanceData> {
    return this.#data;
  }

  get ready(): boolean {
    if (this.#data.state !== "up") return false;
    return this.spec.template.health ? this.#health.health === "healthy" : this.#settledAtMs() <= this.#world.nowMs();
  }

  get forPlan(): PlanInstance {
    const d = this.#data;
    const { assignmentId, generation, revisionDigest } = this.spec;
    return { id: d.id, assignmentId, generation, revisionDigest, state: d.state, ready: this.ready, wasReady: d.wasReady || this.ready, completed: d.completed, hung: this.#health.hung, exitCode: d.exitCode, notBeforeMs: d.notBeforeMs, readyAtMs: d.state === "up" && !this.spec.template.health ? this.#settledAtMs() : null };
  }

  get status(): UnitStatus {
    const d = this.#data;
    const { assignmentId, unit, generation, revisionDigest } = this.spec;
    return { assignmentId, unit, generation, revisionDigest, phase: this.#phase(), health: this.#shownHealth(), pid: this.#running?.mainPid ?? null, startedAtMs: d.startedAtMs, restarts: d.restarts, exitCode: d.exitCode, exitSignal: d.exitSignal, message: (d.message || this.#health.message).slice(0, 2_000), ports: d.ports, limits: d.process?.limits ?? this.#world.engine.facts().limits, cpuMillisUsed: this.#usage.cpuMillis, memoryBytesUsed: this.#usage.memoryBytes, sinceMs: d.sinceMs, trial: null };
  }

  /** First start, or a start after an end: fetches what is missing, then launches. Never rejects. */
  start(): Promise<void> {
    this.#starting = this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    // A start after a reboot or after the agent took its units along is none that people should wonder about.
    const again = this.#data.state === "exited" && this.#data.crashes > 0;
    this.#prepare = new AbortController();
    this.#set({ state: "preparing", restarts: this.#data.restarts + (again ? 1 : 0), message: "", completed: false });
    try {
      const artifacts = await fetchArtifacts(this.spec, this.#world, { signal: this.#prepare.signal, waiting: (message) => this.#set({ message }) });
      await this.#takeDevices(this.#prepare.signal);
      if (this.#data.state === "preparing") await this.#launch(artifacts);
    } catch (error) {
      if (this.#data.state !== "preparing") return;
      this.#world.log.warn("unit.startFailed", { unit: this.spec.unit, generation: this.spec.generation, message: textOf(error) });
      this.#world.event("unit.exited", this.spec, `did not start: ${textOf(error)}`);
      this.#afterEnd({ code: null, signal: null, oomKilled: false }, `did not start: ${textOf(error)}${error instanceof Fault ? ` ${error.remedy}` : ""}`);
    }
  }

  /** Takes up an instance found on disk: finds its process again, or notes that it ended meanwhile. */
  async resume(): Promise<void> {
    const d = this.#data;
    // A launch of unknown outcome: its id was noted, but not its process.
    const uncertain = d.state === "preparing" && d.launchId !== null && d.process === null;
    if (d.state === "ended" || d.state === "exited" || (d.state === "preparing" && !uncertain)) return;
    const sameBoot = d.bootId === this.#world.bootId;
    const found = d.launchId !== null ? await this.#world.engine.adopt(this.folder, d.launchId, d.process) : null;
    if (found) {
      this.#world.log.info("unit.adopted", { unit: this.spec.unit, generation: this.spec.generation, pid: found.mainPid });
      this.#world.event("unit.adopted", this.spec, `found again as process ${found.mainPid ?? found.record.pid}`);
      this.#attach(found);
      return;
    }
    if (!sameBoot) return this.#set({ state: "exited", exitCode: null, exitSignal: null, crashes: 0, notBeforeMs: 0, message: "the machine was restarted", health: "unknown" });
    if (d.state === "stopping") return this.#set({ state: "ended", completed: false, health: "unknown" });
    if (d.launchId !== null && d.process === null) await this.#world.engine.voidLaunch(this.folder, d.launchId);
    const exit = d.launchId === null ? null : await this.#world.engine.pastExit(this.folder, d.launchId);
    this.#world.event("unit.exited", this.spec, `ended while the agent was away${exit ? `: ${describeExit(exit)}` : ""}`);
    this.#afterEnd(exit ?? { code: null, signal: null, oomKilled: false }, "ended while the agent was away");
  }

  /** Stops it for good: signal, grace, kill. Never rejects; returns when it is gone. */
  async drain(because: string): Promise<void> {
    await this.#stop(because);
    this.#set({ state: "ended", completed: false, health: "unknown", message: "" });
  }

  /** Stops it as `drain` does, but leaves it to be started again by the next agent. */
  async pause(because: string): Promise<void> {
    await this.#stop(because);
    this.#set({ state: "exited", crashes: 0, notBeforeMs: 0, health: "unknown", message: because });
  }

  /** Stops a process that no longer answers and leaves it to be started again. */
  async restart(because: string): Promise<void> {
    this.#world.event("unit.unhealthy", this.spec, `restarted: ${because}`);
    await this.#stop(because);
    this.#data = { ...this.#data, health: "unhealthy" };
    this.#afterEnd({ code: this.#data.exitCode, signal: this.#data.exitSignal, oomKilled: false }, because);
  }

  /** Notes that it shall not run again. */
  end(completed: boolean): void {
    this.#set({ state: "ended", completed });
  }

  /** Removes everything of it from the disk. */
  async forget(): Promise<void> {
    await this.#saving;
    await remove(this.folder);
  }

  /** Whether `hash` (hex SHA-256) is of the token of its present process. */
  ownsToken(hash: string): boolean {
    return this.#data.tokenHash === hash && this.#data.state !== "ended";
  }

  /** Measures the process; also notices memory kills inside it. */
  async measure(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    this.#usage = await running.usage().catch(() => ({ cpuMillis: null, memoryBytes: null }));
    const kills = await running.oomKills();
    if (kills > this.#oomSeen) this.#world.event("unit.oomKilled", this.spec, "the kernel ended a process of it for exceeding its memory limit");
    this.#oomSeen = Math.max(this.#oomSeen, kills);
  }

  get usage(): { cpuMillis: number | null; memoryBytes: number | null } {
    return this.#usage;
  }

  /** Resolves when everything noted so far is on disk. */
  saved(): Promise<void> {
    return this.#saving;
  }

  /** Stops looking at it; the process goes on. */
  release(): void {
    this.#healthStop.abort();
    this.#prepare.abort();
  }

  #settledAtMs(): number {
    return (this.#data.startedAtMs ?? Number.POSITIVE_INFINITY) + SETTLE_MS;
  }

  #phase(): UnitStatus["phase"] {
    const d = this.#data;
    if (d.state === "preparing") return this.spec.template.artifacts.length > 0 && d.launchId === null ? "fetching" : "starting";
    if (d.state === "up") return this.ready || this.#health.health === "unhealthy" || d.wasReady ? "running" : "starting";
    if (d.state === "stopping") return "stopping";
    if (d.state === "exited") return "backoff";
    return !d.completed ? "stopped" : d.exitCode === 0 ? "succeeded" : "failed";
  }

  #shownHealth(): UnitStatus["health"] {
    if (this.#data.state !== "up") return this.#data.health === "unhealthy" && this.#data.state !== "ended" ? "unhealthy" : "unknown";
    if (this.spec.template.health) return this.#health.health;
    return this.ready ? "healthy" : "starting";
  }

  /** Takes the real devices that its unit asks for; waits while others have them. */
  async #takeDevices(signal: AbortSignal): Promise<void> {
    const { devices: wanted, assignmentId } = this.spec;
    if (!wanted) return;
    for (;;) {
      const devices = devicesFor(assignmentId, wanted, this.#world.devices(), this.#world.devicesHeld());
      if (devices) return this.#set({ devices, message: "" });
      this.#set({ message: waitsForDevices(wanted) });
      await delay(DEVICES_AGAIN_MS, undefined, { signal, ref: false });
    }
  }

  async #launch(artifacts: Record<string, string>): Promise<void> {
    await privateFolder(join(this.folder, "work"));
    const ports = await choosePorts(this.spec.template.ports.map((p) => p.name), this.#data.ports, this.#portsOfOthers(), this.#world.random);
    const token = randomBytes(24).toString("base64url");
    const launchId = randomBytes(16).toString("hex");
    const request = launchRequest(this.spec, this.#world, { folder: this.folder, launchId, logPath: this.logFile.path, token, artifacts, ports, devices: this.#data.devices });
    this.#set({ launchId, process: null, ports, bootId: this.#world.bootId, tokenHash: hashToken(token), message: "" });
    // The launch id must be on disk before the process exists: after a crash in between, the process is found by it.
    await this.#saving;
    if (this.#data.state !== "preparing") return;
    const running = await this.#world.engine.launch(request);
    const stillUnhealthy = this.#data.health === "unhealthy";
    this.#health = { health: stillUnhealthy ? "unhealthy" : "starting", failures: 0, hung: false, message: this.#health.message };
    this.#data = { ...this.#data, startedAtMs: this.#world.nowMs(), process: { ...running.record, cgroups: [...running.record.cgroups] } };
    this.#world.event("unit.started", this.spec, `started as process ${running.mainPid ?? running.record.pid}`);
    this.#world.log.info("unit.started", { unit: this.spec.unit, generation: this.spec.generation, pid: running.mainPid });
    const stopping = (this.#data.state as InstanceData["state"]) === "stopping";
    this.#attach(running, stopping ? "stopping" : "up");
  }

  #portsOfOthers(): ReadonlySet<number> {
    const own = new Set(Object.values(this.#data.ports));
    return new Set([...this.#world.portsTaken()].filter((p) => !own.has(p)));
  }

  #attach(running: Running, state: "up" | "stopping" = this.#data.state === "stopping" ? "stopping" : "up"): void {
    this.#running = running;
    this.#oomSeen = 0;
    this.#set({ state, process: { ...running.record, cgroups: [...running.record.cgroups] } });
    void running.exited.then((exit) => this.#exited(running, exit));
    const { health } = this.spec.template;
    if (state === "up" && health) {
      this.#healthStop = new AbortController();
      void watchHealth({
        check: health,
        context: () => probeContext(this.spec, this.#world, { folder: this.folder, cgroups: this.#data.process?.cgroups ?? [], ports: this.#data.ports, devices: this.#data.devices }),
        state: () => this.#health,
        judged: (next) => this.#judge(next),
        startedMs: this.#data.startedAtMs ?? this.#world.nowMs(),
        nowMs: this.#world.nowMs,
        signal: this.#healthStop.signal,
      });
    } else if (state === "up") void delay(Math.max(0, this.#settledAtMs() - this.#world.nowMs()), undefined, { ref: false }).then(() => this.#settled(running));
  }

  #settled(running: Running): void {
    if (this.#running !== running || this.#data.state !== "up") return;
    if (!this.#data.wasReady) this.#world.event("unit.healthy", this.spec, `has run for ${SETTLE_MS} ms; it has no health check`);
    this.#set({ wasReady: true, health: "healthy" });
  }

  #exited(running: Running, exit: Exit): void {
    if (this.#running !== running) return;
    this.#running = null;
    this.#healthStop.abort();
    this.#usage = { cpuMillis: null, memoryBytes: null };
    this.#world.log.info("unit.exited", { unit: this.spec.unit, generation: this.spec.generation, exit: describeExit(exit), state: this.#data.state });
    this.#world.event(exit.oomKilled && this.#oomSeen === 0 ? "unit.oomKilled" : "unit.exited", this.spec, describeExit(exit));
    if (this.#data.state === "stopping") this.#data = { ...this.#data, exitCode: exit.code, exitSignal: exit.signal };
    else this.#afterEnd(exit, exit.oomKilled ? `ended for exceeding its memory limit of ${this.spec.template.resources.memory}` : describeExit(exit));
  }

  #afterEnd(exit: Exit, message: string): void {
    const now = this.#world.nowMs();
    const { restart } = this.spec.template;
    const maxMs = parseDurationMs(restart.backoffMax) ?? 60_000;
    const upMs = this.#data.startedAtMs === null ? 0 : now - this.#data.startedAtMs;
    const crashes = upMs >= Math.max(STABLE_MS, maxMs) ? 0 : this.#data.crashes;
    const waitMs = exponentialMs(crashes, parseDurationMs(restart.backoff) ?? 1_000, maxMs);
    this.#set({ state: "exited", exitCode: exit.code, exitSignal: exit.signal, crashes: crashes + 1, notBeforeMs: now + waitMs, message });
  }

  async #stop(because: string): Promise<void> {
    const { stop } = this.spec.template;
    this.#prepare.abort();
    this.#healthStop.abort();
    this.#world.log.info("unit.stopping", { unit: this.spec.unit, generation: this.spec.generation, because });
    this.#set({ state: "stopping", message: because });
    await this.#starting;
    const running = this.#running;
    if (!running) return;
    running.signal(stop.signal);
    const inTime = await Promise.race([running.exited.then(() => true), delay(parseDurationMs(stop.grace) ?? 10_000, false, { ref: false })]);
    if (!inTime) {
      this.#world.log.warn("unit.killed", { unit: this.spec.unit, generation: this.spec.generation, grace: stop.grace });
      await running.kill();
    }
    await running.exited;
  }

  #judge(next: HealthState): void {
    const before = this.#health;
    this.#health = next;
    if (next.health !== before.health) {
      if (next.health === "healthy") this.#world.event("unit.healthy", this.spec, "answers its health check");
      if (next.health === "unhealthy") this.#world.event("unit.unhealthy", this.spec, next.message);
      this.#world.log[next.health === "unhealthy" ? "warn" : "info"](`unit.${next.health}`, { unit: this.spec.unit, generation: this.spec.generation, message: next.message });
      this.#set({ health: next.health, wasReady: this.#data.wasReady || next.health === "healthy" });
    } else if (next.hung !== before.hung) this.#world.changed();
  }

  #set(change: Partial<InstanceData>): void {
    const moved = change.state !== undefined && change.state !== this.#data.state;
    this.#data = { ...this.#data, ...change, ...(moved ? { sinceMs: this.#world.nowMs() } : {}) };
    const text = (): string => writeRecord(this.spec, this.#data, this.#world.sealing);
    const save = async (): Promise<void> => {
      await privateFolder(this.folder);
      await writeDurably(join(this.folder, "unit.json"), text());
    };
    this.#saving = this.#saving.then(save).catch((error: unknown) => this.#world.log.error("unit.notSaved", { unit: this.spec.unit, message: textOf(error), remedy: "Free space in the agent's data folder." }));
    this.#world.changed();
  }
}

/** An id as part of a path: whatever could lead elsewhere is written as its code. */
function safeName(id: string): string {
  return id.replaceAll(/[^A-Za-z0-9_-]/g, (c) => `%${c.charCodeAt(0).toString(16)}`).slice(0, 120);
}

/** Hex SHA-256 of a unit's token, which is all that is kept of it. */
export function hashToken(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

/** An exit in words. */
export function describeExit(exit: Exit): string {
  const how = exit.signal !== null ? `ended by ${exit.signal}` : exit.code !== null ? `exited with code ${exit.code}` : "ended, its exit status is unknown";
  return exit.oomKilled ? `${how}; the kernel ended it for exceeding its memory limit` : how;
}
