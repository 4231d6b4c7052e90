import { request as httpRequest } from "node:http";
import type { Agent as HttpAgent, IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Route } from "../../server/protocol/messages";
import { systemCode, textOf } from "../platform/fault";
import { choose, keyOf } from "./balance";
import type { Backend } from "./balance";
import type { Outliers, RetryBudget } from "./guard";

/** Headers that are of one connection, not of the message (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = new Set(["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"]);
/** Methods that may be repeated (RFC 9110, section 9.2.2); only without a body, because bodies are passed on and not kept. */
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]);
const REFUSED_BY_ENDPOINT = new Set([502, 503, 504]);
/** A shadow that reads so much more slowly than the answer is given is dropped. */
const SHADOW_BUFFER_BYTES = 262_144;
/** Tells a unit that its answer is discarded. */
const SHADOW_HEADER = "x-holdfast-shadow";

export type Served = { backend: Backend; latencyMs: number; ok: boolean; shadow: boolean };
export type ForwardWorld = {
  route: Route;
  backends: () => readonly Backend[];
  outliers: Outliers;
  budget: RetryBudget;
  agent: HttpAgent;
  nowMs: () => number;
  random: () => number;
  served: (s: Served) => void;
};

/**
 * Passes one request on and its answer back, both as streams: what the slower side can't take waits in the faster one's
 * socket. Tries another endpoint as the route allows, as long as nothing of an answer has been passed back.
 */
export function forward(w: ForwardWorld, request: IncomingMessage, response: ServerResponse): void {
  const { route } = w;
  const key = keyOf(route.sticky, request.headers);
  const bodiless = request.headers["transfer-encoding"] === undefined && Number(request.headers["content-length"] ?? 0) === 0;
  const repeatable = bodiless && IDEMPOTENT.has(request.method ?? "");
  const tried = new Set<string>();
  w.budget.earn(route.retries.budgetPercent);
  if (route.shadow && w.random() * 100 < route.shadow.percent) mirror(w, request, bodiless);
  attempt();

  function attempt(): void {
    const all = w.backends();
    const untried = all.filter((b) => !tried.has(b.id));
    const backend = choose(route, { backends: w.outliers.usable(untried.length > 0 ? untried : all, w.nowMs()), key, random: w.random });
    if (!backend) return refuse(response, 503, "no_endpoint", `No endpoint of ${route.service} is ready.`, "Wait for one, or see the console for why there is none.");
    tried.add(backend.id);
    const startedAt = performance.now();
    let over = false;
    const end = (ok: boolean): void => {
      if (over) return;
      over = true;
      w.outliers.note(backend.id, ok, w.nowMs());
      w.served({ backend, latencyMs: performance.now() - startedAt, ok, shadow: false });
    };
    /** Whether another endpoint is asked instead. */
    const again = (): boolean => {
      if (!repeatable || response.headersSent || response.destroyed || tried.size > route.retries.attempts || !w.budget.spend()) return false;
      end(false);
      attempt();
      return true;
    };
    const out = httpRequest({ host: backend.host, port: backend.port, method: request.method, path: request.url, headers: passedOn(request.headers, request.socket.remoteAddress), agent: w.agent });
    out.setTimeout(route.timeoutMs, () => out.destroy(Object.assign(new Error(`no answer in ${route.timeoutMs} ms`), { code: "ETIMEDOUT" })));
    out.on("response", (answer) => {
      const status = answer.statusCode ?? 502;
      if (REFUSED_BY_ENDPOINT.has(status) && again()) {
        answer.resume();
        return;
      }
      response.writeHead(status, answer.statusMessage, ownHeaders(answer.headers));
      answer.pipe(response);
      answer.on("end", () => end(status < 500));
      // An answer that breaks off must not look like a whole one.
      answer.on("error", () => response.destroy());
      answer.on("aborted", () => {
        end(false);
        response.destroy();
      });
    });
    out.on("error", (error) => {
      if (response.destroyed || over) return end(false);
      if (again()) return;
      end(false);
      if (response.headersSent) return void response.destroy();
      const late = systemCode(error) === "ETIMEDOUT";
      refuse(response, late ? 504 : 502, late ? "endpoint_timeout" : "endpoint_unreachable", `An endpoint of ${route.service} did not answer: ${textOf(error)}.`, "Try again; the router leaves out endpoints that keep failing.");
    });
    response.on("close", () => {
      // The client has gone: its endpoint need not go on, and is not to blame.
      if (response.writableFinished || over) return;
      over = true;
      out.destroy();
    });
    if (bodiless) out.end();
    else request.pipe(out);
  }
}

/** Sends a copy of a request to the shadow revision, measures the answer and throws it away. Never holds up the request itself. */
function mirror(w: ForwardWorld, request: IncomingMessage, bodiless: boolean): void {
  const { shadow } = w.route;
  const backend = shadow && choose({ weights: [], spread: w.route.spread }, { backends: w.backends().filter((b) => b.generation === shadow.generation), key: null, random: w.random });
  if (!backend) return;
  const startedAt = performance.now();
  let over = false;
  const end = (ok: boolean): void => {
    if (!over) w.served({ backend, latencyMs: performance.now() - startedAt, ok, shadow: true });
    over = true;
  };
  const out = httpRequest({ host: backend.host, port: backend.port, method: request.method, path: request.url, headers: { ...passedOn(request.headers, request.socket.remoteAddress), [SHADOW_HEADER]: "1" }, agent: w.agent });
  out.setTimeout(w.route.timeoutMs, () => out.destroy(new Error("late")));
  out.on("response", (answer) => {
    answer.on("end", () => end((answer.statusCode ?? 500) < 500)).on("error", () => end(false));
    answer.resume();
  });
  out.on("error", () => end(false));
  if (bodiless) return void out.end();
  request.on("data", (bytes: Buffer) => {
    if (over || out.destroyed) return;
    if (!out.write(bytes) && out.writableLength > SHADOW_BUFFER_BYTES) {
      // Too slow for the stream: that says nothing of how it answers, so it is not counted.
      over = true;
      out.destroy();
    }
  });
  request.on("end", () => out.end());
  request.on("close", () => !request.complete && out.destroy());
}

function passedOn(headers: IncomingHttpHeaders, from: string | undefined): OutgoingHttpHeaders {
  const before = headers["x-forwarded-for"];
  const kept = ownHeaders(headers);
  // A body of unknown length stays one; its framing is made anew.
  if (headers["transfer-encoding"] !== undefined) kept["transfer-encoding"] = "chunked";
  return { ...kept, "x-forwarded-for": [before, from].filter((x) => x !== undefined).join(", "), "x-forwarded-host": headers.host ?? "" };
}

function ownHeaders(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const named = new Set((headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase()));
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name) && !named.has(name)));
}

function refuse(response: ServerResponse, status: number, code: string, message: string, remedy: string): void {
  const body = JSON.stringify({ error: { code, message, remedy } });
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body), "retry-after": "1" }).end(body);
}
