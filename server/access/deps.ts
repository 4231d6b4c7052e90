import type { Clock, Logger, Sealer } from "../platform";
import type { Store } from "../store";

/** Settings of this feature, from the environment of the process. */
export type AccessSettings = {
  /** Origin (and path) under which people open the console; invitation links are made from it. */
  HOLDFAST_PUBLIC_URL: string;
  SESSION_HOURS?: number;
  OIDC_ISSUER?: string | undefined;
  OIDC_CLIENT_ID?: string | undefined;
  OIDC_CLIENT_SECRET?: string | undefined;
  OIDC_NAME?: string | undefined;
};

export type AccessDeps = { store: Store; clock: Clock; log: Logger; seal: Sealer; env: AccessSettings };

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** Where a request came from. */
export type RequestOrigin = { address: string | null; userAgent: string | null; requestId: string };

/** Prefixes of our tokens: a session of a browser or of the CLI, a service token, an invitation. */
export const tokenPrefix = { session: "hfs", service: "hft", invitation: "hfi" } as const;

/** A login as it is kept: trimmed, lower case, the characters that names, e-mail addresses and accounts are made of. */
export function normaliseLogin(text: string): string {
  return text.trim().toLowerCase().normalize("NFKC").slice(0, 120);
}
export const LOGIN_PATTERN = /^[a-z0-9][a-z0-9._@+-]{1,119}$/;
