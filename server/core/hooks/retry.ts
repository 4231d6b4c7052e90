const FIRST_MS = 5_000;
const LONGEST_MS = 3_600_000;
/** How long a delivery is tried before it is given up as a dead letter. */
export const GIVE_UP_AFTER_MS = 24 * 3_600_000;
const LONGEST_ASKED_MS = 6 * 3_600_000;

/** What came of one attempt: the status of the answer, or the fault that kept one from coming. */
export type Attempt = { status: number; retryAfterMs: number | null } | { fault: string };

/** What to do after an attempt. `off`: the receiver asked never to be called again. */
export type AfterAttempt = { then: "delivered" } | { then: "again"; inMs: number } | { then: "dead"; because: string } | { then: "off"; because: string };

/**
 * Rest before attempt number `attempts + 1`: doubled each time from 5 s to 1 h, then spread by "full jitter" over its upper
 * half, so that endpoints that failed together do not come back together.
 * Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015. `random` in [0, 1).
 */
export function restAfter(attempts: number, random: number): number {
  const most = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(30, attempts - 1));
  return Math.round(most / 2 + (most / 2) * random);
}

/**
 * Decides what follows an attempt. 2xx is delivered; 410 (Gone) turns the endpoint off, as the Standard Webhooks
 * specification asks; 408, 425, 429, 5xx and faults of the network are tried again, not before `Retry-After` says, until a
 * day has passed; any other answer will not get better by itself and is a dead letter at once.
 */
export function afterAttempt(a: Attempt, o: { attempts: number; ageMs: number; random: number }): AfterAttempt {
  if ("status" in a) {
    if (a.status >= 200 && a.status < 300) return { then: "delivered" };
    if (a.status === 410) return { then: "off", because: "The receiver answered 410 Gone: it asks not to be called again." };
    const passing = a.status >= 500 || [408, 425, 429].includes(a.status);
    if (!passing) return { then: "dead", because: `The receiver answered ${a.status}, which trying again does not mend.` };
  }
  const asked = "status" in a ? Math.min(a.retryAfterMs ?? 0, LONGEST_ASKED_MS) : 0;
  const inMs = Math.max(asked, restAfter(o.attempts, o.random));
  const last = "status" in a ? `The receiver answered ${a.status}` : a.fault;
  if (o.ageMs + inMs > GIVE_UP_AFTER_MS) return { then: "dead", because: `${last.replace(/[.]$/, "")}, ${o.attempts} times in a day.` };
  return { then: "again", inMs };
}

/** `Retry-After` (RFC 9110, 10.2.3) in ms from now: seconds or a date; null when there is none or it makes no sense. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | null {
  if (header === undefined) return null;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1_000;
  const at = /^[A-Z][a-z]{2}/.test(header.trim()) ? Date.parse(header) : Number.NaN;
  return Number.isFinite(at) ? Math.max(0, at - nowMs) : null;
}
