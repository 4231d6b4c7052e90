import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { UnitSpec, UnitStatus, UnitTrialStatus } from "../../server/protocol/messages";
import { plan } from "../plan";
import type { Action, PlanUnit } from "../plan";
import { textOf } from "../platform/fault";
import { privateFolder, readIfThere, remove } from "../platform/files";
import { Instance } from "./instance";

import { readRecord } from "./record";
import { statusesOf } from "./status";
import type { InstanceWorld } from "./world";

const ROTATE_EVERY_MS = 1_000;
const TIMER_MAX_MS = 3_600_000;

/** What the supervisor needs besides what its instances do. */
export type SupervisorOptions = Omit<InstanceWorld, "changed" | "portsTaken" | "devicesHeld"> & {
  dataFolder: string;
  /** Units that should run now, with their environment. */
  desired: () => readonly UnitSpec[];
  /** The revision that an assignment's trial has gone back from, when it has. */
  givenUp: (assignmentId: string) => PlanUnit["givenUp"];
  /** How an assignment's switch on trial stands. */
  trialOf: (assignmentId: string) => UnitTrialStatus | null;
  desiredSinceMs: () => number;
  /** True while it is not known what is desired: then nothing is decided. */
  undecided: () => boolean;
  /** Something a status tells has changed. */
  changed: () => void;
  /** Everything is as desired. */
  settled: () => void;
};

/**
 * Carries out plans: looks at what is desired and what exists, asks `plan`, acts, and looks again whenever anything
 * changes or the plan says so. Level-triggered: a missed nudge costs nothing but time.
 */
export class Supervisor {
  readonly #o: SupervisorOptions;
  readonly #root: string;
  readonly #world: InstanceWorld;
  readonly #instances = new Map<string, Instance>();
  #timer: NodeJS.Timeout | null = null;
  #rotation: NodeJS.Timeout | null = null;
  #begun = false;
  #looking = false;
  #again = false;
  #stopped = false;
  #draining = false;

  constructor(o: SupervisorOptions) {
    this.#o = o;
    this.#root = join(o.dataFolder, "units");
    this.#world = { ...o, changed: () => this.#changed(), portsTaken: () => this.#portsTaken(), devicesHeld: () => this.instances.filter((i) => i.data.state !== "ended").map((i) => ({ assignmentId: i.spec.assignmentId, devices: i.data.devices })) };
  }

  /** Takes up what is on disk: finds processes again that outlived the agent. Decides nothing yet. */
  async takeUp(): Promise<void> {
    await privateFolder(this.#root);
    for (const assignment of await readdir(this.#root)) {
      for (const name of await readdir(join(this.#root, assignment)).catch(() => [])) await this.#takeUp(join(this.#root, assignment, name));
    }
    await Promise.all([...this.#instances.values()].map((i) => i.resume()));
  }

  /** Looks for the first time, and begins to keep logs bounded. */
  begin(): void {
    this.#begun = true;
    for (const i of this.#instances.values()) {
      if (i.data.state === "preparing") void i.start();
      // A stop that the agent's death interrupted is carried to its end.
      if (i.data.state === "stopping") void i.drain("it was being stopped");
    }
    this.#rotation = setInterval(() => void this.#rotate(), ROTATE_EVERY_MS);
    this.look();
  }

  /** Looks now (or once more when it is looking). */
  look(): void {
    if (!this.#begun || this.#stopped || this.#draining || this.#o.undecided()) return;
    this.#again = true;
    if (!this.#looking) queueMicrotask(() => this.#pass());
  }

  get instances(): readonly Instance[] {
    return [...this.#instances.values()];
  }

  /** Everything the gateway should know of units, for what is desired now. */
  get statuses(): UnitStatus[] {
    const told = statusesOf(this.#o.desired(), this.instances, { sinceMs: this.#o.desiredSinceMs(), limits: this.#o.engine.facts().limits });
    return told.map((s) => ({ ...s, trial: this.#o.trialOf(s.assignmentId) }));
  }

  /** The instance of an assignment that people mean: the one that is desired, else the latest. */
  find(assignmentId: string): Instance | null {
    const own = this.instances.filter((i) => i.spec.assignmentId === assignmentId);
    const wanted = this.#o.desired().find((u) => u.assignmentId === assignmentId);
    return own.find((i) => wanted && i.data.id === Instance.idOf(wanted)) ?? own.sort((a, b) => b.data.sinceMs - a.data.sinceMs)[0] ?? null;
  }

  /** The unit whose process was given this token, by its hash. */
  byToken(hash: string): Instance | null {
    return this.instances.find((i) => i.ownsToken(hash)) ?? null;
  }

  /** Stops all units; used when the agent was told to take its units with it. */
  async drainAll(): Promise<void> {
    this.#draining = true;
    const running = this.instances.filter((i) => i.data.state !== "ended" && i.data.state !== "exited");
    await Promise.all(running.map((i) => i.pause("the agent stops and takes its units with it")));
    await this.saved();
  }

  /** Stops looking; units go on. Resolves when all that was noted is on disk. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#rotation) clearInterval(this.#rotation);
    for (const i of this.#instances.values()) i.release();
    await this.saved();
  }

  async saved(): Promise<void> {
    await Promise.all(this.instances.map((i) => i.saved()));
  }

  #changed(): void {
    this.#o.changed();
    this.look();
  }

  #portsTaken(): ReadonlySet<number> {
    return new Set(this.instances.filter((i) => i.data.state !== "ended").flatMap((i) => Object.values(i.data.ports)));
  }

  async #takeUp(folder: string): Promise<void> {
    const text = await readIfThere(join(folder, "unit.json"));
    const record = text === null ? null : readRecord(text, this.#o.sealing);
    if (record === null) {
      if (text !== null) this.#o.log.error("unit.unreadable", { folder, remedy: "Its record is damaged or of another identity; it is removed and made anew if it is still wanted." });
      return remove(folder);
    }
    this.#instances.set(record.data.id, new Instance(record.spec, folder, record.data, this.#world));
  }

  #pass(): void {
    if (this.#looking || this.#stopped || this.#draining) return;
    this.#looking = true;
    try {
      while (this.#again) {
        this.#again = false;
        const nowMs = this.#o.nowMs();
        const { actions, wakeAtMs, settled } = plan({ nowMs, units: this.#o.desired().map((spec) => planUnit(spec, this.#o.givenUp(spec.assignmentId))), instances: this.instances.map((i) => i.forPlan) });
        for (const action of actions) this.#act(action);
        if (settled) this.#o.settled();
        this.#sleepUntil(wakeAtMs, nowMs);
      }
    } finally {
      this.#looking = false;
    }
  }

  #act(action: Action): void {
    if (action.do === "create") {
      const spec = this.#o.desired().find((u) => u.assignmentId === action.assignmentId && u.generation === action.generation && u.revisionDigest === action.revisionDigest);
      if (!spec) return;
      const id = Instance.idOf(spec);
      const instance = new Instance(spec, join(this.#root, id), Instance.fresh(spec, this.#o.nowMs()), this.#world);
      this.#instances.set(id, instance);
      void instance.start();
      return;
    }
    const instance = this.#instances.get(action.instanceId);
    if (!instance) return;
    if (action.do === "relaunch") void this.#refreshed(instance).start();
    else if (action.do === "drain") void instance.drain(action.because);
    else if (action.do === "restart") void instance.restart(action.because);
    else if (action.do === "end") instance.end(action.completed);
    else {
      this.#instances.delete(action.instanceId);
      this.#changed();
      void instance.forget().then(() => this.#removeIfEmpty(instance), (error: unknown) => this.#o.log.warn("unit.notForgotten", { unit: instance.spec.unit, message: textOf(error) }));
    }
  }

  /** The instance with the environment as it is told now: a changed secret holds from the next start on. */
  #refreshed(instance: Instance): Instance {
    const spec = this.#o.desired().find((u) => Instance.idOf(u) === instance.data.id);
    if (!spec || JSON.stringify(spec.environment) === JSON.stringify(instance.spec.environment)) return instance;
    const next = new Instance(spec, instance.folder, { ...instance.data }, this.#world);
    this.#instances.set(instance.data.id, next);
    return next;
  }

  async #removeIfEmpty(instance: Instance): Promise<void> {
    const folder = dirname(instance.folder);
    if (this.instances.some((i) => i.spec.assignmentId === instance.spec.assignmentId)) return;
    if ((await readdir(folder).catch(() => ["?"])).length === 0) await remove(folder);
  }

  #sleepUntil(wakeAtMs: number | null, nowMs: number): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = wakeAtMs === null ? null : setTimeout(() => this.look(), Math.min(TIMER_MAX_MS, Math.max(1, wakeAtMs - nowMs)));
  }

  async #rotate(): Promise<void> {
    for (const i of this.#instances.values()) {
      await i.logFile.rotateIfNeeded().catch((error: unknown) => this.#o.log.warn("log.notRotated", { unit: i.spec.unit, message: textOf(error) }));
    }
  }
}

/** What the planner needs to know of a desired unit. */
function planUnit(spec: UnitSpec, givenUp: PlanUnit["givenUp"]): PlanUnit {
  return { assignmentId: spec.assignmentId, generation: spec.generation, revisionDigest: spec.revisionDigest, action: spec.action, batch: spec.workloadKind === "batch", restart: spec.template.restart.policy, givenUp };
}
