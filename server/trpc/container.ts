import type { MeView } from "../core/views";
import type { Actor } from "../core/access/actor";
import type { RequestOrigin } from "./features";

/**
 * What the screens' server side (`app/_server`, `app/api`) may ask of the web process. It is handed over on
 * `globalThis`, because Next loads its own copy of every module.
 */
export type WebContainer = {
  publicOrigin: string;
  /** Over TLS: cookies are `Secure` and named `__Host-…`. */
  secure: boolean;
  sessionCookie: string;
  sessionSeconds: number;
  /** Seals next-auth's short-lived cookies (state, nonce, PKCE); derived from the master key. */
  authSecret: string;
  /** Who stands behind a session token; null when it does not stand. */
  authenticate(token: string): Promise<{ actor: Actor; mustChangePassword: boolean; expiresAtMs: number } | null>;
  me(actor: Actor): Promise<MeView>;
  signInWithPassword(input: { login: string; password: string }, from: RequestOrigin): Promise<StartedSession>;
  signInWithIdentity(proven: { issuer: string; subject: string; name: string | null; email: string | null; preferredLogin: string | null }, from: RequestOrigin): Promise<StartedSession>;
  endSession(actor: Actor): Promise<unknown>;
  identityProvider(): Promise<{ name: string; issuer: string; clientId: string; clientSecret: string } | null>;
  signInOptions(): Promise<{ identityProvider: { name: string } | null }>;
  newRequestId(): string;
  logSignIn(level: "info" | "warn" | "error", message: string, fields?: Record<string, unknown>): void;
};
export type StartedSession = { token: string; personId: string; name: string; mustChangePassword: boolean };

const KEY = Symbol.for("holdfast.web");
type Carrier = { [KEY]?: WebContainer };

export function publishContainer(container: WebContainer): void {
  (globalThis as Carrier)[KEY] = container;
}

/** The container of this process. Absent only where Next runs without the web process, such as during `next build`. */
export function webContainer(): WebContainer {
  const container = (globalThis as Carrier)[KEY];
  if (!container) throw new Error("Holdfast's screens need its web process: start dist/server/web.mjs, not `next start`.");
  return container;
}
