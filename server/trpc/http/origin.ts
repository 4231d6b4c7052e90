import type { IncomingMessage } from "node:http";

/** What the HTTP layer must know of the place it serves from. */
export type Site = {
  /** Origin under which people open the console, such as `https://holdfast.example.org`. */
  publicOrigin: string;
  /** True where people reach the console over TLS: cookies are then `Secure` and have the `__Host-` prefix. */
  secure: boolean;
  /** Believe X-Forwarded-For; only behind a proxy that sets it. */
  trustProxy: boolean;
};

/** Name of the session cookie. `__Host-` makes browsers refuse one set by a sister domain or without TLS. */
export function sessionCookieName(secure: boolean): string {
  return secure ? "__Host-holdfast.session" : "holdfast.session";
}

/** The peer's address: of the socket, or what the trusted proxy appended last (earlier entries are the client's own words). */
export function addressOf(request: IncomingMessage, trustProxy: boolean): string | null {
  if (trustProxy) {
    const header = request.headers["x-forwarded-for"];
    const last = (Array.isArray(header) ? header.join(",") : header)?.split(",").at(-1)?.trim();
    if (last) return last.slice(0, 100);
  }
  return request.socket.remoteAddress?.replace(/^::ffff:/, "") ?? null;
}

/** One cookie of the request; null when it is absent. */
export function cookieOf(request: IncomingMessage, name: string): string | null {
  for (const part of (request.headers.cookie ?? "").split(";")) {
    const at = part.indexOf("=");
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return null;
}

/** The token of an `Authorization: Bearer` header; null when there is none. */
export function bearerOf(request: IncomingMessage): string | null {
  const m = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(request.headers.authorization ?? "");
  return m?.[1] ?? null;
}

/**
 * Why a request must not be answered with the browser's cookie, or null. Browsers say where a request comes from
 * (Fetch Metadata and Origin) and pages can't forge either. A request that changes something must say it; others may
 * be silent, but not foreign.
 */
export function foreignOrigin(request: IncomingMessage, site: Site, changes: boolean): string | null {
  const fetchSite = request.headers["sec-fetch-site"];
  const { origin } = request.headers;
  if (fetchSite === "cross-site" || fetchSite === "same-site") return `The request comes from another site (Sec-Fetch-Site: ${fetchSite}).`;
  if (origin !== undefined && !isOwn(origin, request.headers.host, site)) return `The request comes from ${origin.slice(0, 100)}.`;
  if (changes && origin === undefined && fetchSite !== "same-origin") return "The request does not say where it comes from.";
  return null;
}

/** Our public origin, or the very host the request was sent to (someone opened the console under another name of it). */
function isOwn(origin: string, host: string | undefined, site: Site): boolean {
  if (origin === site.publicOrigin) return true;
  try {
    const from = new URL(origin);
    return host !== undefined && from.host === host && (from.protocol === "https:") === site.secure;
  } catch {
    return false;
  }
}
