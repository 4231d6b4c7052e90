import type { Log } from "../platform/log";
import { renew } from "./enrol";
import type { Identity } from "./identity";

/** Share of its life after which a certificate is renewed, and how far that is spread so that a fleet does not come at once. */
const HALF_LIFE = 0.5;
const JITTER = 0.1;
const RETRY_MIN_MS = 5_000;
const RETRY_MAX_MS = 60_000;
/** The longest that setTimeout can wait. */
const TIMER_MAX_MS = 2_147_483_647;

/** When to renew a certificate valid from..to: at half-life, give or take 10 % of the life; `random` in 0..1. */
export function renewAtMs(validity: { fromMs: number; toMs: number }, random: number): number {
  const life = validity.toMs - validity.fromMs;
  return Math.round(validity.fromMs + life * (HALF_LIFE + JITTER * (2 * random - 1)));
}

/** Keeps the certificate fresh for as long as it runs. Times are the gateway's clock, as far as it is known. */
export class Renewal {
  readonly #o: { identity: Identity; log: Log; nowMs: () => number; random: () => number };
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<boolean> | null = null;
  #failures = 0;
  #stopped = false;

  constructor(o: { identity: Identity; log: Log; nowMs: () => number; random: () => number }) {
    this.#o = o;
  }

  start(): void {
    // A second at least, so that a clock nobody has corrected yet cannot turn renewal into a busy loop.
    this.#schedule(Math.max(1_000, renewAtMs(this.#o.identity.validity, this.#o.random()) - this.#gatewayNowMs()));
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
  }

  /** True while the certificate is past its end, so that a session would be refused. */
  get expired(): boolean {
    return this.#gatewayNowMs() >= this.#o.identity.validity.toMs;
  }

  /** Renews now; true when it worked. Calls while one runs share it. */
  now(): Promise<boolean> {
    this.#running ??= this.#renew().finally(() => (this.#running = null));
    return this.#running;
  }

  #gatewayNowMs(): number {
    return this.#o.nowMs() + this.#o.identity.current.skewMs;
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.now(), Math.min(TIMER_MAX_MS, Math.max(0, delayMs)));
    this.#timer.unref();
  }

  async #renew(): Promise<boolean> {
    const late = this.expired;
    const result = await renew(this.#o.identity, this.#o.nowMs());
    if (this.#stopped) return result.ok;
    if (result.ok) {
      this.#failures = 0;
      this.#o.log.info("certificate.renewed", { late, validTo: new Date(this.#o.identity.validity.toMs).toISOString() });
      this.start();
      return true;
    }
    this.#failures += 1;
    this.#o.log[result.error.refused ? "error" : "warn"]("certificate.renewalFailed", { code: result.error.code, message: result.error.message, remedy: result.error.remedy, failures: this.#failures });
    const wait = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(10, this.#failures - 1));
    this.#schedule(wait * (0.5 + this.#o.random() / 2));
    return false;
  }
}
