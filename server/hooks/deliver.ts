import { auditHref } from "../audit";
import { afterAttempt, eventId, hookBody, restAfter, type HookEvent } from "../core/hooks";
import { auditEntries, hooks } from "../store";
import { hookPurpose, type HooksDeps } from "./deps";
import { send } from "./send";
import { signatureHeaders } from "./signature";

/** Sent in one look, oldest first; the look after it goes on. */
const BATCH = 20;
/** After so many failures in a row the whole endpoint rests, instead of each delivery knocking by itself. */
const REST_AFTER_FAILURES = 3;
const LONGEST_REST_MS = 300_000;

export type DeliverDeps = HooksDeps & { publicUrl: string; random?: () => number; timeoutMs?: number };

/** One look at an endpoint: `waiting` says when there is something to do again. */
export interface Delivered {
  attempts: number;
  nextLookAtMs: number | null;
  gone: boolean;
}

/**
 * Sends what is due to an endpoint, in order. At least once: when the process dies between the answer and the note of
 * it, the event is sent again with the same `webhook-id`, by which receivers tell repetitions.
 */
export async function deliverTo(deps: DeliverDeps, endpointId: string): Promise<Delivered> {
  const { store, clock } = deps;
  const db = store.read.client;
  const random = deps.random ?? Math.random;
  let attempts = 0;
  let restUntilMs = 0;
  const endpoint = await hooks.byId(db, endpointId);
  if (!endpoint) return { attempts, nextLookAtMs: null, gone: true };
  let failures = endpoint.failures;
  if (endpoint.state === "active") {
    const secrets = [deps.seal.open(endpoint.sealedSecret, hookPurpose(endpointId))];
    if (endpoint.sealedPrevious && (endpoint.previousUntilMs ?? 0) > clock.nowMs()) secrets.push(deps.seal.open(endpoint.sealedPrevious, hookPurpose(endpointId)));
    for (const d of await hooks.due(db, endpointId, clock.nowMs(), BATCH)) {
      const event = await eventOf(deps, endpoint, d.auditSeq);
      const shaped = hookBody(event, endpoint.format);
      const atMs = clock.nowMs();
      const answer = await send({ url: endpoint.url, headers: { ...shaped.headers, ...signatureHeaders({ id: eventId(event), atMs, body: shaped.body, secrets }) }, body: shaped.body, allowPrivate: deps.env.HOOKS_ALLOW_PRIVATE, nowMs: atMs, ...(deps.timeoutMs ? { timeoutMs: deps.timeoutMs } : {}) });
      attempts++;
      const next = afterAttempt(answer, { attempts: d.attempts + 1, ageMs: atMs - d.createdAtMs, random: random() });
      const answered = next.then === "delivered" || next.then === "dead";
      failures = answered ? 0 : failures + 1;
      await store.inTransaction(async (tx) => {
        await hooks.afterAttempt(tx.client, d, {
          state: next.then === "delivered" ? "delivered" : next.then === "dead" ? "dead" : "waiting",
          nextAttemptAtMs: next.then === "again" ? atMs + next.inMs : atMs,
          status: "status" in answer ? answer.status : null,
          error: next.then === "delivered" ? null : "because" in next ? next.because : "status" in answer ? `The receiver answered ${answer.status}.` : answer.fault,
          tookMs: answer.tookMs, nowMs: clock.nowMs(), answered,
        });
        if (next.then === "off") await hooks.turnOff(tx.client, endpointId, next.because);
        tx.changes.add("hook", endpoint.name, endpoint.projectId);
      });
      if (next.then === "off") return { attempts, nextLookAtMs: null, gone: false };
      if (failures >= REST_AFTER_FAILURES) {
        restUntilMs = atMs + Math.min(LONGEST_REST_MS, restAfter(failures - REST_AFTER_FAILURES + 1, random()));
        break;
      }
    }
  }
  const dueMs = endpoint.state === "active" ? await hooks.nextDueMs(db, endpointId) : null;
  return { attempts, nextLookAtMs: dueMs === null ? null : Math.max(dueMs, restUntilMs), gone: false };
}

async function eventOf(deps: DeliverDeps, endpoint: hooks.HookEndpointRecord, seq: number): Promise<HookEvent> {
  const e = await auditEntries.bySeq(deps.store.read.client, endpoint.projectId, seq);
  if (!e) throw new Error(`audit entry ${seq}, which endpoint ${endpoint.id} should be told of, is not there`);
  return {
    seq: e.seq, atMs: e.atMs, project: endpoint.project, actor: e.actor, actorKind: e.actorKind, action: e.action, object: e.object, objectKind: e.objectKind, objectId: e.objectId, reason: e.reason,
    consoleUrl: deps.publicUrl.replace(/\/$/, ""), href: auditHref(endpoint.project, e) ?? `/p/${encodeURIComponent(endpoint.project)}/audit/${e.seq}`,
  };
}
