import { TRPCError } from "@trpc/server";
import { isRefused, refuse } from "../core/base/refusal";
import type { FieldError, Refusal, RefusalCode } from "../core/base/refusal";

/** One row per code: how a refusal travels over HTTP. The compiler demands the row of a new code. */
export const httpFor = {
  invalid_input: "BAD_REQUEST",
  not_found: "NOT_FOUND",
  already_exists: "CONFLICT",
  forbidden: "FORBIDDEN",
  unauthenticated: "UNAUTHORIZED",
  throttled: "TOO_MANY_REQUESTS",
  illegal_transition: "CONFLICT",
  stale_version: "CONFLICT",
  plan_changed: "CONFLICT",
  author_may_not_approve: "FORBIDDEN",
  expired: "PRECONDITION_FAILED",
  already_used: "CONFLICT",
  revoked: "PRECONDITION_FAILED",
  too_large: "PAYLOAD_TOO_LARGE",
  digest_mismatch: "UNPROCESSABLE_CONTENT",
  in_use: "CONFLICT",
  held: "PRECONDITION_FAILED",
  unavailable: "SERVICE_UNAVAILABLE",
} as const satisfies Record<RefusalCode, TRPCError["code"]>;

/** The same as HTTP status numbers, for the plain HTTP paths beside tRPC. */
export const statusFor = {
  invalid_input: 400,
  not_found: 404,
  already_exists: 409,
  forbidden: 403,
  unauthenticated: 401,
  throttled: 429,
  illegal_transition: 409,
  stale_version: 409,
  plan_changed: 409,
  author_may_not_approve: 403,
  expired: 412,
  already_used: 409,
  revoked: 412,
  too_large: 413,
  digest_mismatch: 422,
  in_use: 409,
  held: 412,
  unavailable: 503,
} as const satisfies Record<RefusalCode, number>;

type ZodLikeIssue = { path: readonly PropertyKey[]; message: string; code?: string };

/** Issues of a failed input schema; recognised by shape because two copies of zod may be loaded. */
function issuesOf(cause: unknown): readonly ZodLikeIssue[] | null {
  if (typeof cause !== "object" || cause === null || !("issues" in cause) || !Array.isArray(cause.issues)) return null;
  return cause.issues as ZodLikeIssue[];
}

/** Writes a schema's issues as fields of a refusal: where, what is wrong, what to do. */
export function refusalOfIssues(issues: readonly ZodLikeIssue[]): Refusal {
  const fields: FieldError[] = issues.slice(0, 50).map((i) => ({
    path: i.path.map(String).join(".") || "input",
    message: i.message,
    remedy: i.code === "unrecognized_keys" ? "Leave out what the procedure does not know." : "Correct the value and send it again.",
  }));
  const first = fields[0];
  return refuse("invalid_input", first ? `${first.path}: ${first.message}` : "The input is not valid.", "Correct the named fields and send it again.", fields);
}

/** The refusal inside an error of a procedure, when it is one; null for a fault of the product's own. */
export function refusalIn(error: TRPCError): Refusal | null {
  if (isRefused(error.cause)) return error.cause.holdfastRefusal;
  if (error.code === "BAD_REQUEST") {
    const issues = issuesOf(error.cause);
    if (issues) return refusalOfIssues(issues);
    return refuse("invalid_input", error.message, "Send the input as JSON, as docs/api.md describes it.");
  }
  return null;
}

/** A refusal as the error that tRPC sends. */
export function refusedError(r: Refusal, cause: unknown = { holdfastRefusal: r }): TRPCError {
  const error = new TRPCError({ code: httpFor[r.code], message: r.message, cause });
  return error;
}
