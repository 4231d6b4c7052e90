/** Everything for which the agent refuses to start or a command of it fails, as a closed set. */
export type FaultCode =
  | "usage"
  | "not_enrolled"
  | "fingerprint_mismatch"
  | "gateway_unreachable"
  | "enrolment_refused"
  | "data_folder"
  | "data_in_use"
  | "identity_unreadable"
  | "artifact_refused"
  | "disk_full"
  | "launch_failed"
  | "not_found";

/** Exit code of the process for each fault, so that service managers and scripts can tell them apart. */
export const exitCodeOf = {
  usage: 2,
  not_enrolled: 3,
  fingerprint_mismatch: 4,
  enrolment_refused: 5,
  gateway_unreachable: 6,
  data_folder: 7,
  data_in_use: 8,
  identity_unreadable: 9,
  disk_full: 10,
  artifact_refused: 11,
  launch_failed: 12,
  not_found: 13,
} as const satisfies Record<FaultCode, number>;

/** A typed failure that says what happened and what to do about it. Bugs throw plain errors instead. */
export class Fault extends Error {
  readonly code: FaultCode;
  readonly remedy: string;
  constructor(code: FaultCode, message: string, remedy: string) {
    super(message);
    this.name = "Fault";
    this.code = code;
    this.remedy = remedy;
  }
}

/** Text of anything thrown, one line, for logs and status messages. */
export function textOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/\s+/g, " ").slice(0, 1_000);
}

/** The `code` of a system error (ENOSPC, ECONNREFUSED, CERT_HAS_EXPIRED …), or null. */
export function systemCode(error: unknown): string | null {
  return typeof error === "object" && error !== null && "code" in error && typeof error.code === "string" ? error.code : null;
}
