import { z } from "zod";

/** One thing wrong with an input: where it is (path such as `spec.replicas`), what is wrong, what to do. */
export const fieldError = z.object({
  path: z.string(),
  message: z.string(),
  remedy: z.string(),
  /** Position in the submitted text (1-based), when the input was text. */
  line: z.number().int().optional(),
  column: z.number().int().optional(),
});
export type FieldError = z.infer<typeof fieldError>;

/**
 * Everything the product refuses to do, as a closed set of codes. Screens, the CLI and tests switch on
 * `code`, never on the text. `message` says what happened, `remedy` what to do about it.
 */
export const refusalCodes = [
  "invalid_input",
  "not_found",
  "already_exists",
  "forbidden",
  "unauthenticated",
  "throttled",
  "illegal_transition",
  "stale_version",
  "plan_changed",
  "author_may_not_approve",
  "expired",
  "already_used",
  "revoked",
  "too_large",
  "digest_mismatch",
  "in_use",
  "held",
  "unavailable",
] as const;
export type RefusalCode = (typeof refusalCodes)[number];

export const refusal = z.object({
  code: z.enum(refusalCodes),
  message: z.string(),
  remedy: z.string(),
  fields: z.array(fieldError).optional(),
});
export type Refusal = z.infer<typeof refusal>;

/** Builds a refusal; `fields` names the offending inputs when there are any. */
export function refuse(code: RefusalCode, message: string, remedy: string, fields?: FieldError[]): Refusal {
  return fields ? { code, message, remedy, fields } : { code, message, remedy };
}

/**
 * A refusal on its way through use cases. Recognise it with `isRefused`, not `instanceof`: the web
 * process loads this module from two bundles.
 */
export class Refused extends Error {
  readonly holdfastRefusal: Refusal;
  constructor(r: Refusal) {
    super(r.message);
    this.name = "Refused";
    this.holdfastRefusal = r;
  }
}
export function isRefused(e: unknown): e is Refused {
  return typeof e === "object" && e !== null && "holdfastRefusal" in e;
}
/** Throws a refusal; for use cases, where the transaction must be undone. */
export function refuseNow(code: RefusalCode, message: string, remedy: string, fields?: FieldError[]): never {
  throw new Refused(refuse(code, message, remedy, fields));
}
