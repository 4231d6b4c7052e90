import type { z } from "zod";
import type { ProjectRef } from "../core/access/actor";
import { sentenceOf } from "../core/audit";
import { refuseNow } from "../core/base/refusal";
import type * as v from "../core/views/hooks";
import { auditEntries, hooks } from "../store";
import type { HooksDeps } from "./deps";

type Row = z.infer<typeof v.hookRow>;
type Page = z.infer<typeof v.hookDeliveryPage>;

/** An endpoint as screens and programs see it; without its secret. */
export function hookView(h: hooks.HookEndpointRecord & { waiting: number; dead: number }): Row {
  return {
    name: h.name, url: h.url, format: h.format, events: h.events, state: h.state, stateReason: h.stateReason, failures: h.failures, waiting: h.waiting, dead: h.dead,
    lastDeliveredAtMs: h.lastDeliveredAtMs, previousUntilMs: h.previousUntilMs, createdBy: h.createdBy, createdAtMs: h.createdAtMs, version: h.version,
  };
}

export function hookQueries(deps: HooksDeps) {
  const db = deps.store.read.client;
  return {
    list: async (project: ProjectRef): Promise<Row[]> => (await hooks.list(db, project.id)).map(hookView),
    /** Deliveries of an endpoint, newest first. */
    async deliveries(project: ProjectRef, input: { name: string; state?: "waiting" | "delivered" | "dead" | undefined; cursor?: string | null | undefined; limit: number }): Promise<Page> {
      const endpoint = (await hooks.byName(db, project.id, input.name)) ?? refuseNow("not_found", `There is no webhook '${input.name}' in this project.`, "Look at the list of webhooks again.");
      const belowId = input.cursor ? Number(input.cursor) : undefined;
      if (belowId !== undefined && !Number.isSafeInteger(belowId)) refuseNow("invalid_input", "The cursor is not one of this list.", "Begin at the first page.", [{ path: "cursor", message: "not a cursor", remedy: "Leave it out." }]);
      const rows = await hooks.deliveries(db, endpoint.id, { belowId, state: input.state, limit: input.limit + 1 });
      const shown = rows.slice(0, input.limit);
      const entries = await Promise.all(shown.map((d) => auditEntries.bySeq(db, project.id, d.auditSeq)));
      return {
        items: shown.map((d, i) => {
          const e = entries[i];
          return {
            id: String(d.id), auditSeq: String(d.auditSeq), sentence: e ? sentenceOf({ ...e, outcome: "done", refusal: null }) : `audit entry ${d.auditSeq}`, action: e?.action ?? "", state: d.state, attempts: d.attempts,
            nextAttemptAtMs: d.state === "waiting" ? d.nextAttemptAtMs : null, status: d.lastStatus, error: d.lastError, tookMs: d.lastMs, createdAtMs: d.createdAtMs, endedAtMs: d.endedAtMs,
          };
        }),
        nextCursor: rows.length > input.limit ? String(shown.at(-1)?.id ?? "") : null,
        total: await hooks.countDeliveries(db, endpoint.id, input.state),
        asOfMs: deps.clock.nowMs(),
      };
    },
  };
}
