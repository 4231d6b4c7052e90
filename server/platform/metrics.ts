import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Registry, collectDefaultMetrics } from "prom-client";
import type { Logger } from "./log";

/** What a process says of itself: alive means "do not restart me", ready means "give me work". */
export interface SelfHealth {
  ready: boolean;
  /** Free facts for people, such as `{ database: "reachable" }`. Never a secret. */
  details: Record<string, unknown>;
}

/** A registry with Node's own metrics (event loop, heap, garbage collection) and a `process` label on each. */
export function createMetrics(processName: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ process: processName });
  collectDefaultMetrics({ register: registry });
  return registry;
}

/**
 * The small HTTP server of processes without one: `/metrics` (Prometheus text), `/live` (200 while the process answers),
 * `/ready` (200 or 503, with JSON). Listens on the loopback address unless told otherwise: metrics are not public.
 */
export async function serveOps(o: { port: number; host?: string; registry: Registry; health: () => SelfHealth | Promise<SelfHealth>; log: Logger }): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const answer = (status: number, type: string, body: string) => response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(body);
    const path = (request.url ?? "/").split("?")[0];
    if (request.method !== "GET" && request.method !== "HEAD") return void answer(405, "text/plain", "GET only\n");
    if (path === "/live") return void answer(200, "application/json", '{"live":true}\n');
    if (path === "/ready") {
      void Promise.resolve(o.health()).then(
        (h) => answer(h.ready ? 200 : 503, "application/json", `${JSON.stringify(h)}\n`),
        (error: unknown) => {
          o.log.error({ err: error }, "the readiness check failed");
          answer(503, "application/json", '{"ready":false}\n');
        },
      );
      return;
    }
    if (path === "/metrics") {
      void o.registry.metrics().then(
        (text) => answer(200, o.registry.contentType, text),
        (error: unknown) => {
          o.log.error({ err: error }, "the metrics could not be collected");
          answer(500, "text/plain", "metrics failed\n");
        },
      );
      return;
    }
    answer(404, "text/plain", "only /metrics, /live and /ready\n");
  });
  server.headersTimeout = 10_000;
  server.requestTimeout = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(o.port, o.host ?? "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
