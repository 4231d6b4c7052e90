import { Agent as HttpAgent, createServer } from "node:http";
import type { Server } from "node:http";
import { join } from "node:path";
import { z } from "zod";
import type { Route } from "../../server/protocol/messages";
import { textOf } from "../platform/fault";
import { readIfThere, writeDurably } from "../platform/files";
import type { Log } from "../platform/log";
import type { AppliedRoute, TrafficAdapter } from "./adapter";
import type { Backend } from "./balance";
import { forward } from "./forward";
import type { Served } from "./forward";
import { Outliers, RetryBudget } from "./guard";

const ports = z.record(z.string(), z.int().min(1).max(65_535));
const HOST = "127.0.0.1";
const MAX_CONNECTIONS = 1_024;
/** Idle connections to endpoints, each, and for how long. */
const IDLE_SOCKETS = 32;

export type RouterOptions = {
  dataFolder: string;
  log: Log;
  nowMs: () => number;
  random: () => number;
  /** Endpoints of a service's port that may answer now. */
  backends: (service: string, portName: string) => readonly Backend[];
  served: (s: Served) => void;
};
type Listener = { route: Route; server: Server; port: number; outliers: Outliers; budget: RetryBudget };

/**
 * The agent's own router: plain HTTP/1.1 on a loopback port for each port of a routed service. The port is kept over
 * restarts (`state/router-ports.json`), so that clients may be told it once.
 */
export class Router implements TrafficAdapter {
  readonly kind = "holdfast";
  readonly #o: RouterOptions;
  readonly #listeners = new Map<string, Listener>();
  readonly #agent = new HttpAgent({ keepAlive: true, maxFreeSockets: IDLE_SOCKETS, scheduling: "lifo" });
  #ports: Record<string, number> | null = null;
  #applying: Promise<void> = Promise.resolve();

  constructor(o: RouterOptions) {
    this.#o = o;
  }

  get applied(): readonly AppliedRoute[] {
    return [...this.#listeners.values()].map((l) => ({ service: l.route.service, portName: l.route.portName, address: HOST, port: l.port }));
  }

  apply(routes: readonly Route[]): Promise<void> {
    this.#applying = this.#applying.catch(() => undefined).then(() => this.#apply(routes));
    return this.#applying;
  }

  async stop(): Promise<void> {
    await this.#applying.catch(() => undefined);
    for (const key of [...this.#listeners.keys()]) this.#close(key);
    this.#agent.destroy();
  }

  async #apply(routes: readonly Route[]): Promise<void> {
    const wanted = new Map(routes.map((r) => [`${r.service}/${r.portName}`, r]));
    for (const key of [...this.#listeners.keys()]) if (!wanted.has(key)) this.#close(key);
    for (const [key, route] of wanted) {
      const listener = this.#listeners.get(key);
      if (!listener) await this.#open(key, route);
      else {
        // Requests under way keep the route they began with.
        listener.route = route;
        listener.outliers.keep(new Set(this.#o.backends(route.service, route.portName).map((b) => b.id)));
      }
    }
  }

  async #open(key: string, route: Route): Promise<void> {
    const path = join(this.#o.dataFolder, "state", "router-ports.json");
    this.#ports ??= await readPorts(path);
    const outliers = new Outliers();
    const budget = new RetryBudget();
    const server = createServer((request, response) => {
      const { route: now } = this.#listeners.get(key) ?? { route };
      forward({ route: now, backends: () => this.#o.backends(now.service, now.portName), outliers, budget, agent: this.#agent, nowMs: this.#o.nowMs, random: this.#o.random, served: this.#o.served }, request, response);
    });
    server.headersTimeout = 10_000;
    // Bodies may stream for as long as they like; it is the endpoint that has a time limit.
    server.requestTimeout = 0;
    server.maxConnections = MAX_CONNECTIONS;
    const before = this.#ports[key] ?? 0;
    let port = await listen(server, before);
    if (port === null && before !== 0) {
      this.#o.log.warn("router.portTaken", { service: route.service, port: before, remedy: "Another is used; clients that were told the old one must ask again." });
      port = await listen(server, 0);
    }
    if (port === null) throw new Error(`no port for the router of ${key}`);
    this.#listeners.set(key, { route, server, port, outliers, budget });
    this.#o.log.info("router.opened", { service: route.service, port, portName: route.portName });
    if (port === before) return;
    this.#ports = { ...this.#ports, [key]: port };
    await writeDurably(path, JSON.stringify(this.#ports)).catch((error: unknown) => this.#o.log.warn("router.portNotKept", { message: textOf(error) }));
  }

  #close(key: string): void {
    const listener = this.#listeners.get(key);
    this.#listeners.delete(key);
    listener?.server.close();
    listener?.server.closeIdleConnections();
  }
}

async function readPorts(path: string): Promise<Record<string, number>> {
  try {
    return ports.parse(JSON.parse((await readIfThere(path)) ?? "{}"));
  } catch {
    return {};
  }
}

function listen(server: Server, port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const failed = (): void => resolve(null);
    server.once("error", failed);
    server.listen({ port, host: HOST }, () => {
      server.off("error", failed);
      const address = server.address();
      resolve(typeof address === "object" && address ? address.port : null);
    });
  });
}
