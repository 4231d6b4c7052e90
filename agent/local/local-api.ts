import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { join } from "node:path";
import { localNode, serviceEndpoints, telemetryPost } from "../../server/protocol/local-api";
import type { TelemetryPost } from "../../server/protocol/local-api";
import type { Endpoint, UnitStatus } from "../../server/protocol/messages";
import type { z } from "zod";
import { textOf } from "../platform/fault";
import { readIfThere, writeDurably } from "../platform/files";
import type { Log } from "../platform/log";
import type { AppliedRoute } from "../router/adapter";
import { hashToken } from "../units/instance";
import type { Instance } from "../units/instance";

export type LocalNode = z.infer<typeof localNode>;
export type LocalApiOptions = {
  dataFolder: string;
  /** 0: the port of before, or any free one. */
  port: number;
  log: Log;
  nowMs: () => number;
  node: () => LocalNode;
  endpoints: () => { asOfMs: number; remote: readonly Endpoint[]; instances: readonly Instance[] };
  routes: () => readonly AppliedRoute[];
  statuses: () => UnitStatus[];
  byToken: (hash: string) => Instance | null;
  telemetry: (unit: Instance, post: TelemetryPost) => void;
};

const MAX_BODY_BYTES = 4 * 1024 * 1024;
const RETRY_PORT_MS = 5_000;

/**
 * What the agent offers on its own node, on the loopback address only. Reading is open to every program of the
 * machine; telemetry must come with a unit's token. The port is kept for good, because units that outlive the agent
 * were told it: when somebody else has it, another is used for new units and the old one is taken back once free.
 */
export class LocalApi {
  readonly #o: LocalApiOptions;
  readonly #servers: Server[] = [];
  #port = 0;
  #retry: NodeJS.Timeout | null = null;

  constructor(o: LocalApiOptions) {
    this.#o = o;
  }

  /** Where units reach it. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    const path = join(this.#o.dataFolder, "state", "local-port");
    const before = Number((await readIfThere(path)) ?? 0);
    const wanted = this.#o.port || before;
    const got = await this.#listen(wanted);
    if (got === null && wanted !== 0) {
      this.#o.log.warn("local.portTaken", { port: wanted, remedy: "Units started before may not reach the agent until the port is free again." });
      this.#port = (await this.#listen(0)) ?? 0;
      this.#retry = setInterval(() => void this.#takeBack(wanted, path), RETRY_PORT_MS);
      this.#retry.unref();
      return;
    }
    this.#port = got ?? 0;
    await writeDurably(path, String(this.#port));
  }

  close(): void {
    if (this.#retry) clearInterval(this.#retry);
    for (const s of this.#servers) {
      s.close();
      s.closeAllConnections();
    }
  }

  async #takeBack(port: number, path: string): Promise<void> {
    if ((await this.#listen(port)) === null || !this.#retry) return;
    clearInterval(this.#retry);
    this.#retry = null;
    this.#port = port;
    await writeDurably(path, String(port));
    this.#o.log.info("local.portTakenBack", { port });
  }

  #listen(port: number): Promise<number | null> {
    const server = createServer((request, response) => void this.#answer(request, response));
    server.headersTimeout = 5_000;
    server.requestTimeout = 15_000;
    server.maxConnections = 512;
    return new Promise((resolve) => {
      server.once("error", () => resolve(null));
      server.listen({ port, host: "127.0.0.1" }, () => {
        this.#servers.push(server);
        const address = server.address();
        resolve(typeof address === "object" && address ? address.port : null);
      });
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      // A web page in a browser on this machine could be made to send requests here, but not with this Host.
      if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? "")) return refuse(response, 403, "forbidden", "This interface is for programs on this machine.", "Call it as 127.0.0.1.");
      const path = (request.url ?? "/").split("?")[0] ?? "/";
      const service = /^\/v1\/services\/([^/]+)$/.exec(path)?.[1];
      if (request.method === "GET" && path === "/v1/health") return send(response, 200, { ok: true });
      if (request.method === "GET" && path === "/v1/node") return send(response, 200, this.#o.node());
      if (request.method === "GET" && path === "/v1/units") return send(response, 200, { units: this.#o.statuses() });
      if (request.method === "GET" && path === "/v1/routes") return send(response, 200, { routes: this.#o.routes() });
      if (request.method === "GET" && service !== undefined) return send(response, 200, this.#service(decodeURIComponent(service)));
      if (request.method === "POST" && path === "/v1/telemetry") return await this.#telemetry(request, response);
      refuse(response, 404, "not_found", `There is no ${request.method ?? ""} ${path}.`, "See docs/agent.md for what the agent offers.");
    } catch (error) {
      this.#o.log.warn("local.failed", { message: textOf(error) });
      if (!response.headersSent) refuse(response, 500, "internal", "The agent failed to answer.", "See the agent's log.");
      else response.destroy();
    }
  }

  #service(name: string): z.infer<typeof serviceEndpoints> {
    const { asOfMs, remote, instances } = this.#o.endpoints();
    const here = this.#o.node();
    const local = instances
      .filter((i) => i.spec.workload === name && i.ready)
      .flatMap((i) =>
        Object.entries(i.data.ports).map(([portName, port]) => ({ service: name, unit: i.spec.unit, assignmentId: i.spec.assignmentId, node: here.node, site: here.site, generation: i.spec.generation, address: "127.0.0.1", port, portName, local: true })),
      );
    // Our own units are known better here than from what the gateway told some time ago.
    const others = remote.filter((e) => e.service === name && e.node !== here.node).map((e) => ({ ...e, local: false }));
    return { service: name, asOfMs, endpoints: [...local, ...others] };
  }

  async #telemetry(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? "")?.[1];
    const unit = token === undefined ? null : this.#o.byToken(hashToken(token));
    if (!unit) return refuse(response, 401, "unauthenticated", "The token is missing or of no unit that runs here.", "Send the value of HOLDFAST_UNIT_TOKEN as a bearer token.");
    const body = await bodyOf(request);
    if (body === null) return refuse(response, 413, "too_large", `The body is over ${MAX_BODY_BYTES} bytes.`, "Send less at a time.");
    const parsed = telemetryPost.safeParse(safeJson(body));
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      return refuse(response, 422, "invalid_input", `${issue?.path.map(String).join(".") || "body"}: ${issue?.message ?? "does not fit"}`, "Send requests, predictions and labels as docs/agent.md describes them.", issue?.path.map(String).join(".") ?? "");
    }
    this.#o.telemetry(unit, parsed.data);
    response.writeHead(204).end();
  }
}

function send(response: ServerResponse, status: number, value: unknown): void {
  const body = JSON.stringify(value);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body), "cache-control": "no-store" }).end(body);
}

function refuse(response: ServerResponse, status: number, code: string, message: string, remedy: string, field?: string): void {
  send(response, status, { error: { code, message, remedy, ...(field === undefined ? {} : { field }) } });
}

async function bodyOf(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
