import { join } from "node:path";
import type { Receipt, UnitSpec, UnitTrial, UnitTrialStatus } from "../../server/protocol/messages";
import { privateFolder, readIfThere, writeDurably } from "../platform/files";
import { textOf } from "../platform/fault";
import type { Log } from "../platform/log";
import type { Instance } from "../units/instance";
import { msUntilDue, noteDeadline } from "./deadline";
import type { Clocks } from "./deadline";
import { advance, arm, emptyLedger, entryOf, ledger as ledgerFile, nextDueMs, signProven } from "./ledger";
import type { Ledger, PendingReceipt } from "./ledger";

/** While a trial is armed the clocks are looked at so often: a timer alone would sleep with the machine. */
const LOOK_EVERY_MS = 1_000;
const RETRY_SAVING_MS = 2_000;
type OnTrial = UnitSpec & { trial: UnitTrial };
type Seen = Pick<Instance, "spec" | "data" | "ready">;

export type TrialsOptions = {
  dataFolder: string;
  log: Log;
  clocks: () => Clocks;
  /** The gateway's clock minus ours, as last learnt. */
  skewMs: () => number;
  /** True while it is not known what is desired: then nothing is decided. */
  undecided: () => boolean;
  /** What is desired, trials and all. */
  units: () => readonly UnitSpec[];
  instances: () => readonly Seen[];
  /** Whether everything that a revision needs is on this machine. */
  isReady: (unit: UnitSpec) => Promise<boolean>;
  /** Brings it here; tries until it is there or `signal` ends it, and tells why it waits. */
  makeReady: (unit: UnitSpec, o: { signal: AbortSignal; waiting: (message: string) => void }) => Promise<unknown>;
  sign: (receipt: Omit<Receipt, "signature">) => Receipt;
  node: () => string;
  /** Writes receipts to the journal; the number of the entry. */
  journal: (receipts: Receipt[]) => Promise<number>;
  /** The oldest entry that the journal still holds. */
  journalFrom: () => number;
  /** What should run, or what is told of it, is different now. */
  changed: () => void;
};

/** The unit with the revision that a trial would go back to. */
const previousOf = ({ trial, ...unit }: OnTrial): UnitSpec => ({ ...unit, ...trial.previous, trial: null });
const isOnTrial = (u: UnitSpec): u is OnTrial => u.trial !== null && u.action === "run";
const keyOf = (u: OnTrial): string => `${u.assignmentId} ${u.trial.rollout} ${u.trial.attempt} ${u.generation} ${u.revisionDigest}`;
const isOf = (unit: { generation: number; revisionDigest: string }, i: Seen): boolean => i.spec.generation === unit.generation && i.spec.revisionDigest === unit.revisionDigest;
const alive = (i: Seen): boolean => i.data.state !== "ended" && i.data.state !== "stopping";

/**
 * The dead-man switch of a node. It stands between what is desired and what the supervisor is told to run: a revision on
 * trial is passed on only once the way back is ready and the deadline is on disk, and no longer than the deadline.
 * Everything follows from three things on disk (what is desired, the ledger, the clocks), so that it may be killed at any
 * moment. See docs/dead-man-switch.md for the rules.
 */
export class Trials {
  readonly #o: TrialsOptions;
  readonly #path: string;
  readonly #preparing = new Map<string, { stop: AbortController; done: boolean }>();
  readonly #refusals = new Map<string, NonNullable<UnitTrialStatus["refusal"]> & { atMs: number }>();
  #ledger: Ledger;
  #storedTo = 0;
  #passing: Promise<void> | null = null;
  #again = false;
  #stopped = false;
  #timer: NodeJS.Timeout | null = null;

  private constructor(o: TrialsOptions, path: string, known: Ledger) {
    this.#o = o;
    this.#path = path;
    this.#ledger = known;
  }

  /** Reads the ledger below the data folder. One that cannot be read is made anew from what is desired. */
  static async open(o: TrialsOptions): Promise<Trials> {
    const folder = join(o.dataFolder, "state");
    await privateFolder(folder);
    const path = join(folder, "trials.json");
    const text = await readIfThere(path);
    try {
      return new Trials(o, path, text === null ? emptyLedger(o.clocks().nowMs) : ledgerFile.parse(JSON.parse(text)));
    } catch (error) {
      o.log.error("trials.unreadable", { message: textOf(error), remedy: "Trials are noted anew from the desired state and its deadlines; receipts that were not told yet are lost." });
      return new Trials(o, path, emptyLedger(o.clocks().nowMs));
    }
  }

  /** What the supervisor is to run: everything desired, but of units on trial the revision that the trial allows now. */
  effective(units: readonly UnitSpec[]): UnitSpec[] {
    return units.map((u) => {
      if (!isOnTrial(u)) return u.trial === null ? u : { ...u, trial: null };
      const entry = entryOf(this.#ledger, u);
      if (entry) return entry.state === "armed" ? { ...u, trial: null } : previousOf(u);
      // The way back is not ready: nothing is switched, whatever runs goes on; where nothing runs, the revision before.
      const running = this.#o.instances().filter((i) => i.spec.assignmentId === u.assignmentId && alive(i));
      if (running.some((i) => isOf(u, i))) return { ...u, trial: null };
      return running.find((i) => isOf(u.trial.previous, i))?.spec ?? running.find((i) => i.ready)?.spec ?? previousOf(u);
    });
  }

  /** True while a switch waits for its way back: then the desired state is not applied yet. */
  get waiting(): boolean {
    return this.#o.units().some((u) => isOnTrial(u) && !entryOf(this.#ledger, u));
  }

  /** How the trial of an assignment stands; null when it is on none, or its way back is being made ready for the first time. */
  statusOf(assignmentId: string): UnitTrialStatus | null {
    const unit = this.#o.units().find((u) => u.assignmentId === assignmentId);
    if (!unit || !isOnTrial(unit)) return null;
    const { rollout, attempt, returnAtMs } = unit.trial;
    const entry = entryOf(this.#ledger, unit);
    if (entry) return { rollout, attempt, returnAtMs, state: entry.state, atMs: entry.atMs, refusal: null };
    const refusal = this.#refusals.get(keyOf(unit));
    return refusal ? { rollout, attempt, returnAtMs, state: "refused", atMs: refusal.atMs, refusal: { code: refusal.code, message: refusal.message } } : null;
  }

  /** The revision that a unit's trial has gone back from, while that trial is still desired. */
  givenUp(assignmentId: string): { generation: number; revisionDigest: string } | null {
    const unit = this.#o.units().find((u) => u.assignmentId === assignmentId);
    const entry = unit && entryOf(this.#ledger, unit);
    return entry?.state === "returned" ? entry.target : null;
  }

  /** Digests of artifacts that must stay here: of every revision on trial and of every one before it. */
  get pins(): string[] {
    return this.#o.units().flatMap((u) => (u.trial === null ? [] : [...u.template.artifacts, ...u.trial.previous.template.artifacts].map((a) => a.digest)));
  }

  /** Looks again, soon: something was desired, something runs that did not, or something was stored. */
  look(): void {
    if (this.#stopped) return;
    if (this.#ledger.entries.length + this.#ledger.pending.length + this.#ledger.outbox.length + this.#preparing.size === 0 && !this.#o.units().some(isOnTrial)) return;
    void this.passed();
  }

  /** Looks now; resolves when what was to be noted is on disk. Never rejects. */
  passed(): Promise<void> {
    this.#again = true;
    this.#passing ??= this.#run().finally(() => (this.#passing = null));
    return this.#passing;
  }

  /** The gateway has stored reports up to this number: their receipts need not be kept. */
  stored(to: number): void {
    this.#storedTo = Math.max(this.#storedTo, to);
    if (this.#ledger.outbox.length > 0) this.look();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    for (const p of this.#preparing.values()) p.stop.abort();
    await this.#passing;
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false;
      try {
        await this.#pass();
      } catch (error) {
        this.#o.log.error("trials.failed", { message: textOf(error) });
        this.#lookIn(RETRY_SAVING_MS);
      }
    }
  }

  async #pass(): Promise<void> {
    const o = this.#o;
    if (o.undecided()) return;
    const units = o.units();
    const followed = advance(this.#ledger, units, o.skewMs(), o.clocks());
    let next = followed;
    const waiting = units.filter(isOnTrial).filter((u) => !entryOf(followed, u));
    for (const u of waiting) {
      const late = msUntilDue(noteDeadline(u.trial.returnAtMs, o.skewMs(), o.clocks()), o.clocks()) <= 0;
      if (late || this.#preparing.get(keyOf(u))?.done || (await o.isReady(previousOf(u)))) next = arm(next, u, o.skewMs(), o.clocks());
      else this.#prepare(u);
    }
    next = signProven(next, (p) => this.#proven(p), o.sign, { node: o.node(), nowMs: o.clocks().nowMs });
    if (next !== this.#ledger) await this.#keep(next, followed, waiting);
    this.#forgetPreparations(units);
    await this.#send();
    const dueMs = nextDueMs(this.#ledger, o.clocks());
    if (dueMs !== null) this.#lookIn(Math.min(LOOK_EVERY_MS, Math.max(1, dueMs)));
    else if (this.waiting) this.#lookIn(LOOK_EVERY_MS);
  }

  /**
   * Makes the next ledger durable, then true. When the disk refuses it, only what follows from what is on disk anyway is
   * acted upon: a deadline passes whether or not it can be noted.
   */
  async #keep(next: Ledger, followed: Ledger, waiting: readonly OnTrial[]): Promise<void> {
    const before = this.#ledger;
    try {
      await writeDurably(this.#path, JSON.stringify(next));
      this.#ledger = next;
    } catch (error) {
      this.#ledger = followed;
      this.#o.log.error("trials.notSaved", { message: textOf(error), remedy: "Free space in the agent's data folder; nothing is switched on trial until then." });
      for (const u of waiting) this.#refuse(u, "not_saved", `The deadline cannot be noted on disk: ${textOf(error)}`);
      this.#lookIn(RETRY_SAVING_MS);
    }
    for (const e of this.#ledger.entries) {
      const was = before.entries.find((b) => b.assignmentId === e.assignmentId && b.rollout === e.rollout && b.attempt === e.attempt && b.target.generation === e.target.generation);
      if (was?.state !== e.state) this.#o.log[e.state === "returned" ? "warn" : "info"](`trial.${e.state}`, { assignmentId: e.assignmentId, rollout: e.rollout, generation: e.target.generation, previous: e.previous.generation, returnAtMs: e.deadline.returnAtMs });
    }
    this.#o.changed();
  }

  #prepare(unit: OnTrial): void {
    const key = keyOf(unit);
    if (this.#preparing.has(key)) return;
    const work = { stop: new AbortController(), done: false };
    this.#preparing.set(key, work);
    const { log } = this.#o;
    log.info("trial.preparing", { unit: unit.unit, rollout: unit.trial.rollout, previous: unit.trial.previous.generation });
    void this.#o.makeReady(previousOf(unit), { signal: work.stop.signal, waiting: (message) => this.#refuse(unit, "previous_unavailable", message) }).then(
      () => {
        work.done = true;
        this.look();
      },
      (error: unknown) => {
        this.#preparing.delete(key);
        if (!work.stop.signal.aborted) this.#refuse(unit, "previous_unavailable", textOf(error));
      },
    );
  }

  #refuse(unit: OnTrial, code: "previous_unavailable" | "not_saved", message: string): void {
    const before = this.#refusals.get(keyOf(unit));
    if (before?.code === code && before.message === message) return;
    this.#refusals.set(keyOf(unit), { code, message: message.slice(0, 2_000), atMs: before?.atMs ?? this.#o.clocks().nowMs });
    this.#o.log.warn("trial.refused", { unit: unit.unit, rollout: unit.trial.rollout, generation: unit.generation, code, message });
    this.#o.changed();
  }

  #forgetPreparations(units: readonly UnitSpec[]): void {
    const wanted = new Set(units.filter(isOnTrial).filter((u) => !entryOf(this.#ledger, u)).map(keyOf));
    for (const [key, work] of this.#preparing) {
      if (wanted.has(key)) continue;
      work.stop.abort();
      this.#preparing.delete(key);
    }
    for (const key of this.#refusals.keys()) if (!wanted.has(key)) this.#refusals.delete(key);
  }

  /** Whether a receipt's revision is seen to run, and nothing else of its unit. */
  #proven(p: PendingReceipt): boolean {
    const own = this.#o.instances().filter((i) => i.spec.assignmentId === p.assignmentId);
    const target = own.find((i) => isOf(p, i));
    const done = target !== undefined && (target.ready || (target.data.state === "ended" && target.data.completed && target.data.exitCode === 0));
    return done && own.every((i) => i === target || i.data.state === "ended");
  }

  /**
   * Writes what was signed to the journal, and forgets what the gateway has stored. A receipt that the journal had to
   * give up is written again.
   */
  async #send(): Promise<void> {
    const from = this.#o.journalFrom();
    const kept = this.#ledger.outbox.filter((r) => r.report === null || r.report > this.#storedTo);
    const lost = (report: number | null): boolean => report === null || report < from;
    if (kept.length === this.#ledger.outbox.length && !kept.some((r) => lost(r.report))) return;
    const unsent = kept.filter((r) => lost(r.report));
    const report = unsent.length === 0 ? null : await this.#o.journal(unsent.map((r) => r.receipt));
    const next: Ledger = { ...this.#ledger, outbox: kept.map((r) => (unsent.includes(r) ? { ...r, report } : r)) };
    // In memory also when it can't be written: a receipt that is sent twice is stored once.
    this.#ledger = next;
    await writeDurably(this.#path, JSON.stringify(next));
  }

  #lookIn(ms: number): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.passed(), ms);
  }
}
