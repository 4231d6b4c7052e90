/** What keeps a router from making things worse: endpoints that fail are left out for a while, and retries have a budget. */

const FAILURES_IN_A_ROW = 5;
const EJECT_MS = 10_000;
const EJECT_MAX_MS = 60_000;
/** At most this part of the endpoints of a service is left out: a router that believes nobody serves nobody. */
const EJECT_SHARE = 0.5;
type Health = { failures: number; ejections: number; untilMs: number };

/** Leaves out endpoints that failed five times in a row: for ten seconds, longer each time, up to a minute. */
export class Outliers {
  readonly #health = new Map<string, Health>();

  /** The endpoints to choose among. Those longest left out come back first when too many are. */
  usable<B extends { id: string }>(backends: readonly B[], nowMs: number): readonly B[] {
    const out = backends.filter((b) => (this.#health.get(b.id)?.untilMs ?? 0) > nowMs);
    if (out.length === 0) return backends;
    const most = Math.floor(backends.length * EJECT_SHARE);
    const latestFirst = [...out].sort((a, b) => (this.#health.get(b.id)?.untilMs ?? 0) - (this.#health.get(a.id)?.untilMs ?? 0));
    const left = new Set(latestFirst.slice(0, most));
    return backends.filter((b) => !left.has(b));
  }

  /** Notes how a request to an endpoint ended. */
  note(id: string, ok: boolean, nowMs: number): void {
    const h = this.#health.get(id) ?? { failures: 0, ejections: 0, untilMs: 0 };
    if (ok) {
      if (this.#health.has(id)) this.#health.set(id, { failures: 0, ejections: nowMs > h.untilMs + EJECT_MAX_MS ? 0 : h.ejections, untilMs: 0 });
      return;
    }
    const failures = h.failures + 1;
    if (failures < FAILURES_IN_A_ROW) this.#health.set(id, { ...h, failures });
    else this.#health.set(id, { failures: 0, ejections: h.ejections + 1, untilMs: nowMs + Math.min(EJECT_MAX_MS, EJECT_MS * (h.ejections + 1)) });
  }

  /** Forgets endpoints that are gone. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#health.keys()) if (!ids.has(id)) this.#health.delete(id);
  }
}

/** A few retries are always allowed, so that a quiet service has some too. */
const ALWAYS = 3;

/** Retries as a share of requests: each request earns a part of one, each retry spends one; a burst can spend what a hundred requests earned. */
export class RetryBudget {
  #tokens = ALWAYS;

  earn(budgetPercent: number): void {
    this.#tokens = Math.min(ALWAYS + budgetPercent, this.#tokens + budgetPercent / 100);
  }

  /** Whether one more may be made; it is spent then. */
  spend(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
