import type { IncomingMessage, ServerResponse } from "node:http";
import type { TLSSocket } from "node:tls";
import { isRefused, refuse } from "../core/base/refusal";
import type { Refusal, RefusalCode } from "../core/base/refusal";
import { err, ok } from "../core/base/result";
import type { Result } from "../core/base/result";
import { gatewayError } from "../protocol/messages";
import type { z } from "zod";

/** Largest request to enrol or renew. */
const MAX_BODY_BYTES = 65_536;

const statusOf = {
  invalid_input: 400, not_found: 404, already_exists: 409, forbidden: 403, unauthenticated: 401, throttled: 429, illegal_transition: 409, stale_version: 409, plan_changed: 409,
  author_may_not_approve: 403, expired: 403, already_used: 409, revoked: 403, too_large: 413, digest_mismatch: 422, in_use: 409, held: 409, unavailable: 503,
} as const satisfies Record<RefusalCode, number>;

/** Where a connection comes from, without the prefix of IPv4 addresses mapped into IPv6. */
export const addressOf = (request: IncomingMessage) => (request.socket.remoteAddress ?? "unknown").replace(/^::ffff:/, "");

/** DER of the certificate that the peer presented in the handshake; null when it presented none. */
export function certificateOf(request: IncomingMessage): Buffer | null {
  const certificate = (request.socket as TLSSocket).getPeerCertificate() as { raw?: Buffer } | null;
  return certificate?.raw ?? null;
}

export function errorBody(r: Refusal): z.infer<typeof gatewayError> {
  return { error: { code: r.code, message: r.message, remedy: r.remedy, ...(r.fields?.[0] ? { field: r.fields[0].path } : {}) } };
}
export const statusFor = (r: Refusal): number => statusOf[r.code];

export function answer(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent || response.destroyed) return;
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text), "cache-control": "no-store" }).end(text);
}

/** Answers with a refusal; the connection is closed when the request's body was not read to its end. */
export function answerRefusal(request: IncomingMessage, response: ServerResponse, r: Refusal): void {
  closeUnlessRead(request, response);
  answer(response, statusOf[r.code], errorBody(r));
}

/** Has the connection closed after the answer when some of the body is still to come; that is read away for a moment, so that the sender gets to see the answer. */
export function closeUnlessRead(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete) return;
  response.setHeader("connection", "close");
  request.resume();
  setTimeout(() => request.destroy(), 2_000).unref();
}

/** Reads and checks a JSON body of bounded size. */
export async function readBody<S extends z.ZodType>(request: IncomingMessage, schema: S): Promise<Result<z.infer<S>, Refusal>> {
  const parts: Buffer[] = [];
  let bytes = 0;
  // Without `destroyOnReturn: false` a body that is too large would take the connection, and the answer, with it.
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES) return err(refuse("too_large", `The request is larger than ${MAX_BODY_BYTES} bytes.`, "Send less."));
    parts.push(part);
  }
  let raw: unknown;
  try {
    raw = JSON.parse(Buffer.concat(parts).toString("utf8"));
  } catch {
    return err(refuse("invalid_input", "The body is no JSON.", "Send one JSON object."));
  }
  const parsed = schema.safeParse(raw);
  if (parsed.success) return ok(parsed.data);
  const issue = parsed.error.issues[0];
  const path = issue?.path.map(String).join(".") ?? "";
  return err(refuse("invalid_input", `Field ${path || "(whole)"}: ${issue?.message ?? "does not fit"}`, "Send what docs/enrolment.md describes.", [{ path, message: issue?.message ?? "does not fit", remedy: "Correct the field." }]));
}

/** The refusal that an error carries; undefined for a bug. */
export const refusalOf = (error: unknown): Refusal | undefined => (isRefused(error) ? error.holdfastRefusal : undefined);
