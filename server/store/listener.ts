import pg from "pg";
import type { Logger } from "../platform";
import { connectionSettings } from "./pool";

/**
 * What a listener is told: the payload of a nudge, or null when the connection was lost and is back. Nudges may have
 * been missed then: look at everything.
 */
export type OnNudge = (payload: string | null) => void;

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5_000;
/** A connection that silently died (a firewall forgot it) is noticed by this question. */
const CHECK_EVERY_MS = 15_000;
const CHECK_TIMEOUT_MS = 5_000;

/** One connection that listens on any number of channels, and listens again after it was lost. */
export class Listener {
  private readonly handlers = new Map<string, Set<OnNudge>>();
  private client: pg.Client | undefined;
  private connecting: Promise<void> | undefined;
  private checkTimer: NodeJS.Timeout | undefined;
  private retryTimer: NodeJS.Timeout | undefined;
  private retryMs = FIRST_RETRY_MS;
  private closed = false;
  /** True from the loss of a connection until listeners were told of it. */
  private missed = false;

  constructor(private readonly o: { url: string; log: Logger; name: string }) {}

  /** Listens; resolves once it does, and gives the function that ends it. */
  async listen(channel: string, fn: OnNudge): Promise<() => Promise<void>> {
    if (this.closed) throw new Error("the store is closed");
    let set = this.handlers.get(channel);
    const first = set === undefined;
    if (!set) this.handlers.set(channel, (set = new Set()));
    set.add(fn);
    await this.connected();
    if (first) await this.client?.query(`listen ${pg.escapeIdentifier(channel)}`).catch(() => undefined); // Lost meanwhile: the reconnect listens.
    return async () => {
      set.delete(fn);
      if (set.size > 0 || this.handlers.get(channel) !== set) return;
      this.handlers.delete(channel);
      await this.client?.query(`unlisten ${pg.escapeIdentifier(channel)}`).catch(() => undefined);
    };
  }

  /** Ends it. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.checkTimer);
    clearTimeout(this.retryTimer);
    const client = this.client;
    this.client = undefined;
    client?.removeAllListeners("notification");
    await client?.end().catch(() => undefined);
  }

  private connected(): Promise<void> {
    if (this.client) return Promise.resolve();
    this.connecting ??= this.connect().finally(() => (this.connecting = undefined));
    return this.connecting;
  }

  private async connect(): Promise<void> {
    const client = new pg.Client({ ...connectionSettings(this.o.url), application_name: `${this.o.name} listener`, keepAlive: true, connectionTimeoutMillis: 10_000 });
    let lost = false;
    const onLost = (error?: Error) => {
      if (lost) return;
      lost = true;
      this.lost(client, error);
    };
    client.on("error", onLost);
    client.on("end", () => onLost());
    client.on("notification", ({ channel, payload }) => this.tell(channel, payload ?? ""));
    try {
      await client.connect();
      for (const channel of this.handlers.keys()) await client.query(`listen ${pg.escapeIdentifier(channel)}`);
    } catch (error) {
      lost = true;
      await client.end().catch(() => undefined);
      throw error;
    }
    if (this.closed) return void (await client.end());
    this.client = client;
    this.retryMs = FIRST_RETRY_MS;
    clearTimeout(this.retryTimer);
    this.scheduleCheck(client, onLost);
    if (!this.missed) return;
    this.missed = false;
    this.o.log.info("listening to the database again");
    for (const channel of this.handlers.keys()) this.tell(channel, null);
  }

  private scheduleCheck(client: pg.Client, onLost: (error: Error) => void): void {
    this.checkTimer = setTimeout(() => {
      const late = setTimeout(() => onLost(new Error("no answer")), CHECK_TIMEOUT_MS);
      client.query("select 1").then(
        () => {
          clearTimeout(late);
          if (this.client === client) this.scheduleCheck(client, onLost);
        },
        (error: Error) => {
          clearTimeout(late);
          onLost(error);
        },
      );
    }, CHECK_EVERY_MS);
    this.checkTimer.unref();
  }

  private lost(client: pg.Client, error: Error | undefined): void {
    clearTimeout(this.checkTimer);
    client.removeAllListeners("notification");
    client.end().catch(() => undefined);
    if (this.client !== client) return;
    this.client = undefined;
    if (this.closed) return;
    this.missed = true;
    this.o.log.warn({ err: error }, "the listening database connection was lost; connecting again");
    this.retry();
  }

  private retry(): void {
    if (this.closed) return;
    const wait = this.retryMs * (0.5 + Math.random());
    this.retryMs = Math.min(LONGEST_RETRY_MS, this.retryMs * 2);
    this.retryTimer = setTimeout(() => void this.connected().catch(() => this.retry()), wait);
  }

  private tell(channel: string, payload: string | null): void {
    for (const fn of this.handlers.get(channel) ?? []) {
      try {
        fn(payload);
      } catch (error) {
        this.o.log.error({ err: error, channel }, "a bug: a listener threw");
      }
    }
  }
}
