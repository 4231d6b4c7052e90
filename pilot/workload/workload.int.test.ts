import { spawn, type ChildProcess } from "node:child_process";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { serviceEndpoints, telemetryPost, type TelemetryPost } from "../../server/protocol/local-api";
import { readHeldOut, readModel } from "../digits/catalogue";
import { evaluateModel, imagesOf } from "../digits/evaluation";
import { seededRandom } from "../digits/random";
import { HttpClient } from "./http";
import { ImageSender } from "./sender";
import { PredictServer } from "./server";
import { TelemetryReporter } from "./telemetry";

const folder = join(import.meta.dirname, "..");
const model = readModel(folder, "digits-v1");
const images = readHeldOut(folder);
const blank = new Array<number>(64).fill(0);
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** An agent's local door as far as a unit sees it; checks every post against the contract. */
class LocalAgent {
  readonly posts: TelemetryPost[] = [];
  /** What telemetry posts are answered with. */
  status = 204;
  endpoints: { unit: string; port: number }[] = [];
  #server: Server;
  readonly tokens = new Set<string>();

  constructor() {
    this.#server = createServer((request, response) => void this.#answer(request).then(({ status, body }) => response.writeHead(status, { "content-type": "application/json" }).end(body)));
    cleanups.push(() => this.close());
  }
  async listen(port = 0): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(port, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
  all<K extends keyof TelemetryPost>(kind: K): TelemetryPost[K] {
    return this.posts.flatMap((post) => post[kind] as unknown[]) as TelemetryPost[K];
  }
  async #answer(request: IncomingMessage): Promise<{ status: number; body?: string }> {
    this.tokens.add(request.headers.authorization ?? "");
    if (request.url === "/v1/services/digits") {
      const endpoints = this.endpoints.map(({ unit, port }) => ({ service: "digits", unit, assignmentId: unit, node: "n", site: "s", generation: 1, address: "127.0.0.1", port, portName: "http", local: true }));
      return { status: 200, body: JSON.stringify(serviceEndpoints.parse({ service: "digits", asOfMs: 0, endpoints })) };
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (this.status === 204) this.posts.push(telemetryPost.parse(JSON.parse(Buffer.concat(chunks).toString("utf8"))));
    return { status: this.status };
  }
}

function httpClient(): HttpClient {
  const client = new HttpClient();
  cleanups.push(() => client.close());
  return client;
}

function reporterTo(agentUrl: string, more: { everyMs?: number; capacity?: number } = {}): TelemetryReporter {
  const reporter = new TelemetryReporter({ agentUrl, token: "unit-token", client: httpClient(), everyMs: 20, ...more });
  cleanups.push(() => reporter.close());
  return reporter;
}

async function serving(reporter: Pick<TelemetryReporter, "add">, name = "digits-v1"): Promise<{ server: PredictServer; port: number }> {
  const server = new PredictServer({ model: readModel(folder, name), revision: 7, port: 0, reporter });
  cleanups.push(() => server.drain());
  return { server, port: await server.listen() };
}

describe("the classifier's server", () => {
  // Guarantee: what is served and reported is what the model says of that image.
  it("predicts, and reports the request and the prediction to the agent", async () => {
    const agent = new LocalAgent();
    const { port } = await serving(reporterTo(await agent.listen()));
    const image = images[0] as (typeof images)[number];
    const answer = await httpClient().call({ method: "POST", url: `http://127.0.0.1:${port}/v1/predict`, body: { id: `${image.id}.t.1`, pixels: image.pixels }, timeoutMs: 2_000 });
    const expected = evaluateModel(model, [image]);
    const body = JSON.parse(answer.body) as { prediction: number; confidence: number };
    expect(body).toMatchObject({ id: `${image.id}.t.1`, revision: 7, model: "digits-v1" });
    expect(expected.confusion[image.label]?.[body.prediction]).toBe(1);
    await vi.waitFor(() => expect(agent.all("predictions")).toHaveLength(1));
    expect(agent.all("predictions")[0]).toMatchObject({ id: `${image.id}.t.1`, predicted: String(body.prediction), confidence: body.confidence });
    expect(agent.all("requests")).toEqual([{ latencyMs: expect.any(Number), ok: true }]);
    expect([...agent.tokens]).toEqual(["Bearer unit-token"]);
  });

  // Guarantee: bad input gets a typed error that names the field and the remedy, and harms nobody else.
  it.each([
    ["no JSON", "not json", 400, "body"],
    ["no id", JSON.stringify({ pixels: blank }), 400, "id"],
    ["too few pixels", JSON.stringify({ id: "a", pixels: [1, 2] }), 400, "pixels"],
    ["a pixel out of range", JSON.stringify({ id: "a", pixels: [17, ...blank.slice(1)] }), 400, "pixels"],
    ["null", "null", 400, "id"],
    ["too much", JSON.stringify({ id: "a".repeat(20_000), pixels: blank }), 413, undefined],
  ])("refuses %s", async (_name, body, status, field) => {
    const { port } = await serving({ add: () => undefined });
    const answer = await fetch(`http://127.0.0.1:${port}/v1/predict`, { method: "POST", body });
    expect(answer.status).toBe(status);
    const { error } = (await answer.json()) as { error: { field?: string; remedy: string } };
    expect(error.field).toBe(field);
    expect(error.remedy).not.toBe("");
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
  });
});

describe("telemetry", () => {
  // Guarantee: nothing is lost or doubled while the agent is away for a while.
  it("keeps entries of failed posts and sends them once, in order", async () => {
    const agent = new LocalAgent();
    const reporter = reporterTo(await agent.listen());
    agent.status = 503;
    for (let id = 0; id < 20; id += 1) reporter.add("labels", { id: String(id), workload: "digits", label: "3", atMs: 1 });
    await reporter.flush();
    expect(reporter.waiting).toBe(20);
    agent.status = 204;
    await vi.waitFor(() => expect(reporter.waiting).toBe(0));
    expect(agent.all("labels").map((label) => label.id)).toEqual(Array.from({ length: 20 }, (_, id) => String(id)));
  });

  // Guarantee: what waits is bounded, and what is dropped is counted.
  it("drops the oldest beyond its bound and counts them", async () => {
    const reporter = reporterTo("http://127.0.0.1:1", { capacity: 10, everyMs: 60_000 });
    for (let number = 0; number < 25; number += 1) reporter.add("requests", { latencyMs: number, ok: true });
    await reporter.flush();
    expect(reporter.waiting).toBe(10);
    expect(reporter.dropped).toBe(15);
  });
});

describe("the client", () => {
  function senderTo(agentUrl: string, reporter: TelemetryReporter, ratePerSecond = 200): ImageSender {
    const sender = new ImageSender({
      agentUrl, reporter, images, ratePerSecond, token: "client-token", service: "digits", name: "edge-1", labelDelayMs: { min: 5, max: 20 },
      client: httpClient(), random: seededRandom(3),
    });
    cleanups.push(() => sender.stop());
    return sender;
  }

  // Guarantee: accuracy from predictions and labels agrees with an offline evaluation of the same images.
  it("sends held-out images and later their labels, from which the true accuracy follows", async () => {
    const agent = new LocalAgent();
    const url = await agent.listen();
    const reporter = reporterTo(url);
    const { port } = await serving(reporter, "digits-v3");
    agent.endpoints = [{ unit: "digits-1", port }];
    senderTo(url, reporter).start();
    await vi.waitFor(() => expect(agent.all("labels").length).toBeGreaterThan(100), { timeout: 10_000 });
    const predicted = new Map(agent.all("predictions").map((entry) => [entry.id, entry.predicted]));
    const labels = agent.all("labels").filter((label) => predicted.has(label.id));
    const right = labels.filter((label) => predicted.get(label.id) === label.label).length;
    expect(labels.length).toBeGreaterThan(50);
    expect(labels.every((label) => label.workload === "digits")).toBe(true);
    expect(right).toBe(evaluateModel(readModel(folder, "digits-v3"), imagesOf(labels.map((label) => label.id), images)).correct);
  }, 15_000);

  // Guarantee: a request whose endpoint is dead is answered by another one, and all healthy ones get work.
  it("retries at another endpoint and spreads over the living", async () => {
    const agent = new LocalAgent();
    const url = await agent.listen();
    const seen = { a: 0, b: 0 };
    const count = (name: "a" | "b") => ({ add: (kind: string) => void (kind === "predictions" ? (seen[name] += 1) : 0) });
    const dead = await serving({ add: () => undefined });
    await dead.server.drain();
    agent.endpoints = [{ unit: "dead", port: dead.port }, { unit: "a", port: (await serving(count("a"))).port }, { unit: "b", port: (await serving(count("b"))).port }];
    const sender = senderTo(url, reporterTo(url));
    sender.start();
    await vi.waitFor(() => expect(sender.stats.retried).toBeGreaterThan(10), { timeout: 10_000 });
    expect(sender.stats.failed).toBe(0);
    expect(Math.min(seen.a, seen.b)).toBeGreaterThan(0);
  }, 15_000);

  // Guarantee: the client goes on with the endpoints it knew while the agent is away, and hands its labels in afterwards.
  it("keeps sending while the agent is away", async () => {
    const agent = new LocalAgent();
    const url = await agent.listen();
    const { port } = await serving({ add: () => undefined });
    agent.endpoints = [{ unit: "a", port }];
    const reporter = reporterTo(url);
    const sender = senderTo(url, reporter);
    sender.start();
    await vi.waitFor(() => expect(sender.stats.answered).toBeGreaterThan(5));
    await agent.close();
    const before = sender.stats.answered;
    await vi.waitFor(() => expect(sender.stats.answered).toBeGreaterThan(before + 20), { timeout: 10_000 });
    await vi.waitFor(() => expect(reporter.waiting).toBeGreaterThan(20), { timeout: 10_000 });
    const back = new LocalAgent();
    await back.listen(Number(new URL(url).port));
    await vi.waitFor(() => expect(back.all("labels").length).toBeGreaterThan(20), { timeout: 10_000 });
  }, 20_000);

  // Guarantee: the label backlog is bounded however long labels take.
  it("bounds the labels that wait", async () => {
    const { port } = await serving({ add: () => undefined });
    const agent = new LocalAgent();
    const url = await agent.listen();
    agent.endpoints = [{ unit: "a", port }];
    const sender = new ImageSender({ agentUrl: url, reporter: reporterTo(url), images, ratePerSecond: 500, token: "t", service: "digits", name: "e", labelDelayMs: { min: 1e6, max: 1e6 }, client: httpClient(), random: Math.random, backlog: 10 });
    cleanups.push(() => sender.stop());
    sender.start();
    await vi.waitFor(() => expect(sender.labels.dropped).toBeGreaterThan(5), { timeout: 10_000 });
    expect(sender.labels.size).toBe(10);
  }, 15_000);
});

describe("the serving program", () => {
  function start(env: Record<string, string>): { child: ChildProcess; output: () => string } {
    let output = "";
    const child = spawn(process.execPath, ["--import", "tsx", join(folder, "serve.ts")], { env: { PATH: "/usr/bin:/bin", ...env } as unknown as NodeJS.ProcessEnv, stdio: ["ignore", "pipe", "pipe"] });
    child.stdout?.on("data", (bytes) => (output += String(bytes)));
    child.stderr?.on("data", (bytes) => (output += String(bytes)));
    cleanups.push(() => child.kill("SIGKILL"));
    return { child, output: () => output };
  }

  // Guarantee: SIGTERM answers the request in hand, hands telemetry over and exits with 0.
  it("drains on SIGTERM", async () => {
    const agent = new LocalAgent();
    const url = await agent.listen();
    const { child, output } = start({ PORT: "0", HOLDFAST_ARTIFACT_MODEL: join(folder, "models/digits-v2.json"), HOLDFAST_AGENT_URL: url, HOLDFAST_UNIT_TOKEN: "t", HOLDFAST_REVISION: "3" });
    const exited = new Promise((resolve) => child.once("exit", resolve));
    await vi.waitFor(() => expect(output()).toMatch(/127\.0\.0\.1:\d+/), { timeout: 10_000 });
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(output())?.[1]);
    const body = JSON.stringify({ id: "d1.x.1", pixels: blank });
    const encoder = new TextEncoder();
    // The body's second half is held back until the process has said that it drains.
    const answer = fetch(`http://127.0.0.1:${port}/v1/predict`, {
      method: "POST", headers: { "content-type": "application/json" }, duplex: "half",
      body: new ReadableStream({
        async start(controller) {
          controller.enqueue(encoder.encode(body.slice(0, 10)));
          await vi.waitFor(async () => expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200));
          child.kill("SIGTERM");
          await vi.waitFor(() => expect(output()).toContain("draining"));
          controller.enqueue(encoder.encode(body.slice(10)));
          controller.close();
        },
      }),
    } as RequestInit);
    expect(((await (await answer).json()) as { revision: number }).revision).toBe(3);
    const answeredAt = performance.now();
    expect(await exited).toBe(0);
    // Far below the time for which an idle connection is kept: a drained unit does not wait for one.
    expect(performance.now() - answeredAt).toBeLessThan(8_000);
    expect(agent.all("predictions").map((entry) => entry.id)).toEqual(["d1.x.1"]);
  }, 30_000);

  // Guarantee: a program that cannot serve says what is missing and ends with an error.
  it("names what is missing", async () => {
    const { child, output } = start({ HOLDFAST_AGENT_URL: "http://127.0.0.1:1" });
    expect(await new Promise((resolve) => child.once("exit", resolve))).toBe(1);
    expect(output()).toContain("HOLDFAST_ARTIFACT_MODEL");
  }, 30_000);
});
