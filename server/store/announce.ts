import { newId } from "../platform";
import type { Clock, Logger } from "../platform";
import { beat, farewell } from "./repos/processes";
import type { ProcessState } from "./repos/processes";
import type { Repositories } from "./transaction";

/** How often a process says that it lives. A row older than three beats counts as gone (see `repos/processes`). */
const BEAT_MS = 5_000;

/** A process's row in the store, by which `/api/health` knows it. */
export interface Announcement {
  readonly id: string;
  /** Says a new state (and details) at once. */
  set(state: ProcessState, details?: Record<string, unknown>): Promise<void>;
  /** Removes the row and stops the beats. */
  end(): Promise<void>;
}

/**
 * Announces this process ("starting") and keeps its row fresh. A beat that fails (the database is away) is logged and
 * tried again; the row comes back by itself even if somebody deleted it.
 */
export async function announceProcess(
  store: { readonly read: Repositories },
  o: { name: string; version: string; clock: Clock; log: Logger; details?: Record<string, unknown> },
): Promise<Announcement> {
  const id = newId("process");
  let state: ProcessState = "starting";
  let details = o.details ?? {};
  let sinceMs = o.clock.nowMs();
  let ended = false;
  let turn: Promise<void> = Promise.resolve();
  // One at a time and in order: a slow beat must not overwrite a newer state.
  const say = () => (turn = turn.catch(() => undefined).then(() => (ended ? undefined : beat(store.read.client, { id, name: o.name, version: o.version, state, sinceMs, details }))));
  await say();
  const timer = setInterval(() => {
    say().catch((error: unknown) => o.log.warn({ err: error }, "could not say that this process lives"));
  }, BEAT_MS);
  timer.unref();
  return {
    id,
    async set(next, more) {
      if (next !== state) sinceMs = o.clock.nowMs();
      state = next;
      details = { ...details, ...more };
      await say();
    },
    async end() {
      clearInterval(timer);
      await turn.catch(() => undefined);
      ended = true;
      await farewell(store.read.client, id).catch((error: unknown) => o.log.warn({ err: error }, "could not say goodbye"));
    },
  };
}
