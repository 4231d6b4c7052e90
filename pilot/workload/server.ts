import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { PIXEL_MAX, PIXELS } from "../digits/dataset";
import { predict, type DigitModel } from "../digits/model";
import type { TelemetryReporter } from "./telemetry";

export type PredictServerOptions = {
  readonly model: DigitModel;
  /** Generation of the workload's revision, as the agent says it. */
  readonly revision: number;
  readonly port: number;
  readonly reporter: Pick<TelemetryReporter, "add">;
};

type Refusal = { readonly status: number; readonly code: string; readonly message: string; readonly remedy: string; readonly field?: string };

const MAX_BODY_BYTES = 16_384;

/**
 * The digit classifier over HTTP: `POST /v1/predict` and `GET /healthz`. Once `drain` is called it answers the
 * requests in hand, refuses health checks with 503 so that nobody is sent here any more, and closes.
 */
export class PredictServer {
  readonly #o: PredictServerOptions;
  readonly #server: Server;
  #draining = false;

  constructor(o: PredictServerOptions) {
    this.#o = o;
    this.#server = createServer((request, response) => void this.#handle(request, response));
    this.#server.requestTimeout = 10_000;
    this.#server.keepAliveTimeout = 15_000;
  }

  /** Listens on 127.0.0.1; resolves with the port, which matters when 0 was asked for. */
  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.#o.port, "127.0.0.1", () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  /** Resolves when every request that was in hand has been answered and all connections are closed. */
  drain(): Promise<void> {
    this.#draining = true;
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
    });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? "/").split("?", 1)[0];
    if (path === "/healthz" && request.method === "GET") return this.#health(response);
    if (path !== "/v1/predict") return refuse(response, { status: 404, code: "not_found", message: `there is nothing at ${path}`, remedy: "use POST /v1/predict or GET /healthz" });
    if (request.method !== "POST") return refuse(response, { status: 405, code: "invalid_input", message: `${request.method} cannot be used here`, remedy: "use POST" });
    const startedAt = performance.now();
    const outcome = await this.#predict(request).catch((error: unknown): Refusal => ({ status: 500, code: "internal", message: String(error), remedy: "try another endpoint" }));
    // Looked at only now: a connection whose request was in hand when draining began must not be kept open for another.
    if (this.#draining) response.setHeader("connection", "close");
    if ("status" in outcome) refuse(response, outcome);
    else json(response, 200, outcome);
    const ok = !("status" in outcome) || outcome.status < 500;
    this.#o.reporter.add("requests", { latencyMs: performance.now() - startedAt, ok });
  }

  async #predict(request: IncomingMessage): Promise<Refusal | { id: string; prediction: number; confidence: number; revision: number; model: string }> {
    const body = await readBody(request);
    if (body === null) return { status: 413, code: "too_large", message: `the body is larger than ${MAX_BODY_BYTES} bytes`, remedy: "send one image of 64 pixels" };
    const input = parseInput(body);
    if ("status" in input) return input;
    const { prediction, confidence } = predict(this.#o.model, input.pixels);
    this.#o.reporter.add("predictions", { id: input.id, predicted: String(prediction), confidence, atMs: Date.now() });
    return { id: input.id, prediction, confidence, revision: this.#o.revision, model: this.#o.model.name };
  }

  #health(response: ServerResponse): void {
    if (this.#draining) response.setHeader("connection", "close");
    json(response, this.#draining ? 503 : 200, { status: this.#draining ? "draining" : "ok", model: this.#o.model.name, revision: this.#o.revision });
  }
}

/** Checks a request's body; names the field and what it should be when it is wrong. */
function parseInput(body: string): { id: string; pixels: number[] } | Refusal {
  const bad = (field: string, message: string, remedy: string): Refusal => ({ status: 400, code: "invalid_input", message, remedy, field });
  let value: { id?: unknown; pixels?: unknown } | null;
  try {
    value = JSON.parse(body) as typeof value;
  } catch {
    return bad("body", "the body is not JSON", 'send {"id": …, "pixels": [64 numbers]}');
  }
  const id = value?.id;
  if (typeof id !== "string" || id.length < 1 || id.length > 100) return bad("id", "id is not a text of 1 to 100 characters", "give each request an id of its own");
  const pixels = value?.pixels;
  const right = Array.isArray(pixels) && pixels.length === PIXELS && pixels.every((pixel) => typeof pixel === "number" && pixel >= 0 && pixel <= PIXEL_MAX);
  if (!right) return bad("pixels", `pixels is not a list of ${PIXELS} numbers from 0 to ${PIXEL_MAX}`, "send the image row by row from the top left");
  return { id, pixels: pixels as number[] };
}

/** The whole body as text, or null when it is larger than allowed; the rest is then read and thrown away. */
function readBody(request: IncomingMessage): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_BODY_BYTES) chunks.push(chunk);
    });
    request.on("end", () => resolve(size > MAX_BODY_BYTES ? null : Buffer.concat(chunks).toString("utf8")));
    request.on("error", reject);
  });
}

function refuse(response: ServerResponse, { status, ...error }: Refusal): void {
  json(response, status, { error });
}

function json(response: ServerResponse, status: number, value: unknown): void {
  const text = JSON.stringify(value);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) }).end(text);
}
