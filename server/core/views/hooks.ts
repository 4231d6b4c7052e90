import { z } from "zod";
import { hookFormats } from "../hooks/events";
import { pageOf, timeMs } from "./common";

/** An endpoint of a project's webhooks; its signing secret is shown once, when it is made. */
export const hookRow = z.object({
  name: z.string(),
  url: z.string(),
  format: z.enum(hookFormats),
  events: z.array(z.string()),
  state: z.enum(["active", "off"]),
  stateReason: z.string().nullable(),
  /** Attempts that failed in a row; 0 when the last one was answered. */
  failures: z.int(),
  waiting: z.int(),
  dead: z.int(),
  lastDeliveredAtMs: timeMs.nullable(),
  /** Until when the secret before the present one signs too. */
  previousUntilMs: timeMs.nullable(),
  createdBy: z.string(),
  createdAtMs: timeMs,
  version: z.int(),
});
export const hookMade = hookRow.extend({ secret: z.string() });

/** One event on its way to an endpoint, or arrived, or given up. */
export const hookDelivery = z.object({
  id: z.string(),
  auditSeq: z.string(),
  sentence: z.string(),
  action: z.string(),
  state: z.enum(["waiting", "delivered", "dead"]),
  attempts: z.int(),
  nextAttemptAtMs: timeMs.nullable(),
  status: z.int().nullable(),
  error: z.string().nullable(),
  tookMs: z.int().nullable(),
  createdAtMs: timeMs,
  endedAtMs: timeMs.nullable(),
});
export const hookDeliveryPage = pageOf(hookDelivery);
