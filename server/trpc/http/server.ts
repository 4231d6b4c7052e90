import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { nodeHTTPRequestHandler } from "@trpc/server/adapters/node-http";
import type { Actor, ProjectRef } from "../../core/access/actor";
import { mayDo, whoMay } from "../../core/access/permissions";
import type { Permission } from "../../core/access/permissions";
import { refuse, isRefused } from "../../core/base/refusal";
import type { Refusal } from "../../core/base/refusal";
import { appRouter } from "../index";
import type { Context, RefusedCommand } from "../init";
import type { Features } from "../features";
import { answerJson, answerRefusal, answerText, answerTrpcRefusal } from "./answer";
import type { EventHub } from "./events";
import { setSecurityHeaders } from "./headers";
import { addressOf, bearerOf, cookieOf, foreignOrigin, sessionCookieName } from "./origin";
import type { Site } from "./origin";

/** Whoever sent a request, and with what: the browser's cookie or a token in a header. */
export type Caller = { actor: Actor; mustChangePassword: boolean; token: string; by: "cookie" | "bearer" };

export type HttpDeps = {
  site: Site;
  features: Features;
  events: EventHub;
  authenticate(token: string, requestId: string): Promise<{ actor: Actor; mustChangePassword: boolean } | null>;
  recordRefusal(actor: Actor, entry: RefusedCommand): Promise<void>;
  newRequestId(): string;
  fault(error: unknown, path: string, requestId: string): void;
  observe(o: { path: string; status: number; seconds: number }): void;
  /** Paths beside tRPC and the screens; true when it answered. */
  plain(request: IncomingMessage, response: ServerResponse, path: string, requestId: string): Promise<boolean>;
  /** The screens: everything else. */
  screens(request: IncomingMessage, response: ServerResponse): Promise<void>;
  tls?: { cert: string; key: string };
};

/** A manifest of 1 MiB, twice for JSON's escapes, is the largest thing anybody sends here; artifacts have their own path. */
const MOST_BODY_BYTES = 2_500_000;
const MOST_CALLS_IN_A_BATCH = 30;
const TRPC = "/api/trpc/";

/** Builds the caller and context of requests; shared by tRPC, the plain paths and the screens. */
export function callers(deps: Pick<HttpDeps, "site" | "authenticate">) {
  const cookieName = sessionCookieName(deps.site.secure);
  return async function callerOf(request: IncomingMessage, requestId: string): Promise<Caller | null> {
    const bearer = bearerOf(request);
    const token = bearer ?? cookieOf(request, cookieName);
    if (!token) return null;
    const found = await deps.authenticate(token, requestId);
    return found && { ...found, token, by: bearer === null ? "cookie" : "bearer" };
  };
}

/** Checks on a caller of a plain path: signed in, password changed, permission held in the project. Answers when not. */
export function authorise(caller: Caller | null, project: ProjectRef | null, permission: Permission): Refusal | null {
  if (!caller) return refuse("unauthenticated", "You are not signed in, or the session has ended.", "Sign in again, or give a valid service token.");
  if (caller.mustChangePassword) return refuse("forbidden", "Your password was set by somebody else and must be changed first.", "Sign in to the console and change it.");
  const roles = project ? caller.actor.roles(project.id) : [];
  if (!project || roles.length === 0) return refuse("not_found", "There is no such project in which you hold a role.", "Name the project with ?project=NAME, or ask an administrator for a role in it.");
  return mayDo(roles, permission) ? null : refuse("forbidden", whoMay(permission), "Ask somebody who holds the role, or an administrator to give it to you.");
}

/** The web process's HTTP server: tRPC and the plain paths on the bare server, the screens behind them. Not listening yet. */
export function createWebServer(deps: HttpDeps): Server {
  const callerOf = callers(deps);
  const { site } = deps;
  const cookieName = sessionCookieName(site.secure);

  /** Why a tRPC request is refused before any procedure is looked at, or null. */
  function trpcFault(request: IncomingMessage, calls: number): Refusal | null {
    const { method } = request;
    if (method !== "GET" && method !== "POST") return refuse("invalid_input", `${method ?? "This method"} is not used here.`, "Use GET for questions and POST for commands.");
    if (method === "POST") {
      const type = (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase();
      // A form of another site can send other types without asking first; JSON it can't.
      if (type !== "application/json") return refuse("invalid_input", "Commands are sent as application/json.", "Set Content-Type: application/json.");
      if (Number(request.headers["content-length"] ?? 0) > MOST_BODY_BYTES) return refuse("too_large", "The request is too large.", `Send at most ${MOST_BODY_BYTES} bytes.`);
    }
    // Only what a browser adds by itself can be misused by another site: a request that brings no cookie proves nothing.
    const byCookie = bearerOf(request) === null && cookieOf(request, cookieName) !== null;
    const foreign = foreignOrigin(request, site, method === "POST" && byCookie);
    if (foreign) return refuse("forbidden", foreign, `Open the console at ${site.publicOrigin}.`);
    return calls > MOST_CALLS_IN_A_BATCH ? refuse("too_large", `${calls} calls are too many for one request.`, `Send at most ${MOST_CALLS_IN_A_BATCH}.`) : null;
  }

  async function trpc(request: IncomingMessage, response: ServerResponse, path: string, requestId: string): Promise<void> {
    const calls = path.split(",").length;
    const fault = trpcFault(request, calls);
    if (fault) {
      // The body is not read; closing tells a sender to stop.
      response.setHeader("Connection", "close");
      answerTrpcRefusal(response, fault, { requestId, calls: Math.min(calls, MOST_CALLS_IN_A_BATCH), batch: /[?&]batch=1(&|$)/.test(request.url ?? "") });
      request.resume();
      return;
    }
    const address = addressOf(request, site.trustProxy);
    await nodeHTTPRequestHandler({
      router: appRouter,
      req: request,
      res: response,
      path,
      maxBodySize: MOST_BODY_BYTES,
      maxBatchSize: MOST_CALLS_IN_A_BATCH,
      allowMethodOverride: false,
      createContext: async (): Promise<Context> => {
        const caller = await callerOf(request, requestId);
        return {
          actor: caller?.actor ?? null,
          mustChangePassword: caller?.mustChangePassword ?? false,
          origin: { address, userAgent: request.headers["user-agent"] ?? null, requestId },
          features: deps.features,
          recordRefusal: deps.recordRefusal,
          fault: (error, at) => deps.fault(error, at, requestId),
        };
      },
      responseMeta: () => ({ headers: { "cache-control": "no-store", "x-request-id": requestId } }),
      // Faults inside procedures are logged by their guard; here are left those before any procedure was reached.
      onError: ({ error, ctx }) => {
        if (!ctx && error.code === "INTERNAL_SERVER_ERROR") deps.fault(error.cause ?? error, path, requestId);
      },
    });
  }

  async function eventStream(request: IncomingMessage, response: ServerResponse, url: URL, requestId: string): Promise<void> {
    const foreign = foreignOrigin(request, site, false);
    if (request.method !== "GET") return answerRefusal(response, refuse("invalid_input", "The event stream is read with GET.", "Use GET."), requestId);
    if (foreign) return answerRefusal(response, refuse("forbidden", foreign, `Open the console at ${site.publicOrigin}.`), requestId);
    const caller = await callerOf(request, requestId);
    const project = caller ? await deps.features.access.queries.project(url.searchParams.get("project") ?? "") : null;
    const no = authorise(caller, project, "fleet.read");
    if (no || !caller || !project) return answerRefusal(response, no ?? refuse("unauthenticated", "You are not signed in.", "Sign in."), requestId);
    if (!deps.events.hasRoom(caller.actor.id)) return answerRefusal(response, refuse("throttled", "Too many event streams are open.", "Close other tabs of the console."), requestId);
    const last = request.headers["last-event-id"] ?? url.searchParams.get("lastEventId");
    request.socket.setKeepAlive(true, 30_000);
    await deps.events.open(response, { actor: caller.actor, token: caller.token, project, lastEventId: typeof last === "string" && last !== "" ? last.slice(0, 100) : null });
  }

  async function answer(request: IncomingMessage, response: ServerResponse, path: string, requestId: string): Promise<void> {
    setSecurityHeaders(request, response, site);
    // Ours alone: what a client sends under this name is thrown away.
    request.headers["x-holdfast-address"] = addressOf(request, site.trustProxy) ?? "";
    request.headers["x-holdfast-request"] = requestId;
    if (path.startsWith(TRPC)) return trpc(request, response, decodeURIComponent(path.slice(TRPC.length)), requestId);
    if (path === "/api/events") return eventStream(request, response, new URL(request.url ?? "/", "http://here"), requestId);
    if (await deps.plain(request, response, path, requestId)) return;
    if (path.startsWith("/api/") && !path.startsWith("/api/auth/")) return answerRefusal(response, refuse("not_found", `There is nothing at ${path.slice(0, 200)}.`, "See docs/api.md for what there is."), requestId);
    await deps.screens(request, response);
  }

  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const requestId = deps.newRequestId();
    const startedMs = performance.now();
    const path = pathOf(request);
    response.on("close", () => deps.observe({ path: labelOf(path), status: response.statusCode, seconds: (performance.now() - startedMs) / 1_000 }));
    if (path === null) return answerText(response, 400, "This is not an address.\n");
    answer(request, response, path, requestId).catch((error: unknown) => {
      if (isRefused(error) && !response.headersSent) return answerRefusal(response, error.holdfastRefusal, requestId);
      deps.fault(error, path, requestId);
      if (response.headersSent) response.destroy();
      else answerJson(response, 500, { error: { refusal: null, requestId } });
    });
  };
  const server = deps.tls ? createTlsServer({ cert: deps.tls.cert, key: deps.tls.key, minVersion: "TLSv1.2" }, handle) : createServer(handle);
  server.headersTimeout = 15_000;
  // Artifacts of some hundred megabytes may take a while over a thin line; headers may not.
  server.requestTimeout = 900_000;
  server.maxHeadersCount = 100;
  return server;
}

function pathOf(request: IncomingMessage): string | null {
  try {
    return new URL(request.url ?? "/", "http://here").pathname;
  } catch {
    return null;
  }
}

/** A path as a metric's label: one of a few, however many addresses there are. */
function labelOf(path: string | null): string {
  if (path === null) return "invalid";
  if (path.startsWith(TRPC)) return "/api/trpc";
  if (path.startsWith("/api/")) return path.split("/").slice(0, 3).join("/").slice(0, 40);
  return path.startsWith("/_next/") ? "/_next" : path.startsWith("/download/") ? "/download" : "screens";
}
