import { createStreamReader } from "./sse";
import type { Connection } from "@/components/state";

export type Change = { topic: string; key: string };
export type LiveState = { connection: Connection; dataAtMs: number | null };

const HEARTBEAT_MISSED_MS = 40_000; // The server sends one each 15 s.
const POLL_MS = 15_000;
const HIDDEN_CLOSE_MS = 60_000;
const TRIES_BEFORE_POLLING = 3;

/**
 * The page's one event stream. It resumes with the last id seen, backs off with full jitter, notices a dead connection
 * by the missing heartbeat, and asks for everything now and then while no stream can be had. A tab that was hidden for
 * a minute gives its connection back and resumes when it is looked at.
 */
export class EventStream {
  private state: LiveState = { connection: "connecting", dataAtMs: null };
  private readonly listeners = new Set<() => void>();
  private control: AbortController | null = null;
  private lastId: string | null = null;
  private failures = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private watchdog: ReturnType<typeof setTimeout> | undefined;
  private poll: ReturnType<typeof setInterval> | undefined;
  private hiding: ReturnType<typeof setTimeout> | undefined;
  private stopped = true;

  constructor(
    private readonly url: string,
    private readonly on: {
      /** Something changed; ask for what shows it. */
      change: (change: Change) => void;
      /**
       * Something may have been missed; ask for all that is shown. `first` is true for the first connection of a page:
       * what is being asked for at that moment need not be asked for again.
       */
      missed: (first: boolean) => void;
      /** The session has ended or the project is not ours any more. */
      refused: (status: number) => void;
    },
  ) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  readonly getState = (): LiveState => this.state;

  start(): void {
    this.stopped = false;
    document.addEventListener("visibilitychange", this.visibility);
    void this.open();
  }

  stop(): void {
    this.stopped = true;
    document.removeEventListener("visibilitychange", this.visibility);
    this.close();
    clearTimeout(this.hiding);
    clearInterval(this.poll);
    this.poll = undefined;
  }

  /** Data has come by a normal query. */
  sawData(): void {
    this.set({ dataAtMs: Date.now() });
  }

  private readonly visibility = () => {
    clearTimeout(this.hiding);
    if (document.visibilityState === "hidden") {
      this.hiding = setTimeout(() => this.close(), HIDDEN_CLOSE_MS);
    } else if (this.control === null) {
      clearTimeout(this.retry);
      void this.open();
    }
  };

  private close(): void {
    clearTimeout(this.retry);
    clearTimeout(this.watchdog);
    this.control?.abort();
    this.control = null;
  }

  private async open(): Promise<void> {
    if (this.stopped || this.control) return;
    const control = new AbortController();
    this.control = control;
    try {
      const answer = await fetch(this.url, {
        headers: { accept: "text/event-stream", ...(this.lastId === null ? {} : { "last-event-id": this.lastId }) },
        cache: "no-store",
        credentials: "same-origin",
        signal: control.signal,
      });
      if (answer.status === 401 || answer.status === 403 || answer.status === 404) {
        this.on.refused(answer.status);
        throw new Error(`refused with ${answer.status}`);
      }
      if (!answer.ok || !answer.body) throw new Error(`answered ${answer.status}`);
      // Resuming replays what was missed; a first connection, or one after polling, starts from fresh data.
      if (this.lastId === null || this.poll !== undefined) this.on.missed(this.state.connection === "connecting");
      this.failures = 0;
      clearInterval(this.poll);
      this.poll = undefined;
      this.alive(control);
      this.set({ connection: "live", dataAtMs: Date.now() });
      const feed = createStreamReader({
        comment: () => this.set({ dataAtMs: Date.now() }),
        event: (event) => {
          if (event.id !== null) this.lastId = event.id;
          // "hello" only says where the stream stands; after "reset" what lies between is not kept any more.
          if (event.event === "reset") this.on.missed(false);
          else if (event.event === "ended") this.on.refused(401);
          else if (event.event === "message") {
            const change = parseChange(event.data);
            if (change) this.on.change(change);
          }
          this.set({ dataAtMs: Date.now() });
        },
      });
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) throw new Error("the server closed the stream");
        this.alive(control);
        feed(value);
      }
    } catch {
      clearTimeout(this.watchdog);
      if (this.control === control) this.control = null;
      if (this.stopped || document.visibilityState === "hidden") return;
      this.failed();
    }
  }

  private alive(control: AbortController): void {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => control.abort(), HEARTBEAT_MISSED_MS);
  }

  private failed(): void {
    this.failures += 1;
    if (this.failures >= TRIES_BEFORE_POLLING) {
      this.set({ connection: "polling" });
      this.poll ??= setInterval(() => this.on.missed(false), POLL_MS);
    } else {
      this.set({ connection: "reconnecting" });
    }
    const most = Math.min(15_000, 500 * 2 ** this.failures);
    this.retry = setTimeout(() => void this.open(), 250 + Math.random() * most);
  }

  private set(change: Partial<LiveState>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener();
  }
}

function parseChange(data: string): Change | null {
  try {
    const value: unknown = JSON.parse(data);
    if (typeof value !== "object" || value === null) return null;
    const { topic, key } = value as { topic?: unknown; key?: unknown };
    return typeof topic === "string" ? { topic, key: typeof key === "string" ? key : "" } : null;
  } catch {
    return null;
  }
}
