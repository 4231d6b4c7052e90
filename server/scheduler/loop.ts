import { newId } from "../platform";
import type { Clock, Logger } from "../platform";
import { schedulerKeys } from "../store";
import type { Store } from "../store";
import { restMs } from "./backoff";
import type { SchedulerMetrics } from "./metrics";
import type { Reconciler } from "./reconciler";

type ClaimedKey = schedulerKeys.ClaimedKey;

export interface LoopOptions {
  store: Store;
  clock: Clock;
  log: Logger;
  reconcilers: readonly Reconciler[];
  metrics?: SchedulerMetrics;
  /** Looks at a time. */
  concurrency?: number;
  /** A claim that was not renewed for this long is free for others: how long a dead scheduler holds things up. */
  leaseMs?: number;
  /** Longest sleep between two questions for work. */
  pollMs?: number;
  /** For tests; random numbers in [0, 1). */
  random?: () => number;
}

/** Claims due keys and looks at them, one look a key at a time in the whole installation. */
export class ReconcileLoop {
  readonly owner = newId("scheduler");
  private readonly byKind: Map<string, Reconciler>;
  private readonly busy = new Set<Promise<void>>();
  private readonly concurrency: number;
  private readonly leaseMs: number;
  private readonly pollMs: number;
  private wakeUp: (() => void) | undefined;
  private nudged = false;
  private stopping = false;
  private running: Promise<void> | undefined;

  constructor(private readonly o: LoopOptions) {
    this.byKind = new Map(o.reconcilers.map((r) => [r.kind, r]));
    this.concurrency = o.concurrency ?? 4;
    this.leaseMs = o.leaseMs ?? 30_000;
    this.pollMs = o.pollMs ?? 1_000;
  }

  start(): void {
    this.running ??= this.run();
  }

  /** Takes no new key, finishes the looks in hand. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.nudge();
    await this.running;
    await Promise.all(this.busy);
  }

  /** Asks for due keys now instead of after the next sleep. */
  nudge(): void {
    this.nudged = true;
    this.wakeUp?.();
  }

  /** Looks at whatever is due until nothing is: for tests, and for `start` in steps. Gives the number of looks. */
  async drain(limit = 1_000): Promise<number> {
    let looks = 0;
    while (looks < limit) {
      const claimed = await this.claim(this.concurrency);
      if (claimed.length === 0) return looks;
      await Promise.all(claimed.map((k) => this.look(k)));
      looks += claimed.length;
    }
    return looks;
  }

  /** Marks every live key for a look; what only this finds is counted as a correction. */
  async resync(): Promise<void> {
    for (const r of this.o.reconcilers) await schedulerKeys.touch(this.o.store.read.client, r.kind, await r.liveKeys(), this.o.clock.nowMs(), "resync");
    this.nudge();
  }

  private claim(limit: number): Promise<ClaimedKey[]> {
    return schedulerKeys.claim(this.o.store.read.client, { owner: this.owner, kinds: [...this.byKind.keys()], nowMs: this.o.clock.nowMs(), leaseMs: this.leaseMs, limit });
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      this.nudged = false;
      try {
        const claimed = await this.claim(this.concurrency - this.busy.size);
        for (const k of claimed) {
          const look = this.look(k).finally(() => {
            this.busy.delete(look);
            this.nudge();
          });
          this.busy.add(look);
        }
      } catch (error) {
        this.o.log.error({ err: error }, "could not ask for due keys");
      }
      if (!this.nudged || this.busy.size >= this.concurrency) await this.sleep();
    }
  }

  /** Until nudged, until the next key is due, or for `pollMs`. */
  private async sleep(): Promise<void> {
    let ms = this.pollMs;
    if (this.busy.size < this.concurrency) {
      const dueMs = await schedulerKeys.nextDueMs(this.o.store.read.client, [...this.byKind.keys()]).catch(() => null);
      if (dueMs !== null) ms = Math.min(ms, Math.max(5, dueMs - this.o.clock.nowMs()));
    }
    if (this.stopping || (this.nudged && this.busy.size < this.concurrency)) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wakeUp = undefined;
  }

  private async look(k: ClaimedKey): Promise<void> {
    const { store, clock, log, metrics } = this.o;
    const db = store.read.client;
    const renewal = setInterval(() => void schedulerKeys.renew(db, this.owner, k, clock.nowMs() + this.leaseMs).catch(() => undefined), this.leaseMs / 3);
    const end = metrics?.seconds.startTimer({ kind: k.kind });
    try {
      const result = await (this.byKind.get(k.kind) as Reconciler).reconcile(k.key);
      if (result.changed && k.cause === "resync") {
        metrics?.corrections.inc({ kind: k.kind });
        log.warn({ kind: k.kind, key: k.key }, "only the resync found something to do: a nudge was lost");
      }
      if (result.gone) await schedulerKeys.forget(db, this.owner, k);
      else await schedulerKeys.release(db, this.owner, k, { nowMs: clock.nowMs(), nextLookAtMs: result.nextLookAtMs });
      metrics?.looks.inc({ kind: k.kind, result: "done" });
    } catch (error) {
      metrics?.looks.inc({ kind: k.kind, result: "failed" });
      const rest = restMs(k.failures + 1, (this.o.random ?? Math.random)());
      log.error({ err: error, kind: k.kind, key: k.key, failures: k.failures + 1, restMs: rest }, "a look failed and will be tried again");
      // If even this fails (the database is away), the claim runs out by itself.
      await schedulerKeys.releaseFailed(db, this.owner, k, { nextLookAtMs: clock.nowMs() + rest, error: error instanceof Error ? error.message : String(error) }).catch(() => undefined);
    } finally {
      clearInterval(renewal);
      end?.();
    }
  }
}
