import { createServer, request } from "node:http";
import type { IncomingHttpHeaders, RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { routeSpec } from "../../server/protocol/messages";
import type { Route } from "../../server/protocol/messages";
import { seededRandom } from "../../server/core/base/seed";
import { Scratch, unitOf, until, webHealth, webServer } from "../testing/harness";
import { agentWorld, healthy } from "../testing/world";
import type { Backend } from "./balance";
import type { Served } from "./forward";
import { Router } from "./router";

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const cleanups: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const c of cleanups.splice(0).reverse()) await c();
});
const world = agentWorld();

async function endpoint(id: string, generation: number, listener: RequestListener): Promise<Backend> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  }));
  return { id, generation, host: "127.0.0.1", port: (server.address() as AddressInfo).port, own: unitOf(id, "", { generation }) };
}
const named = (text: string): RequestListener => (_q, r) => r.end(text);

async function router(backends: Backend[], o: Partial<Route> = {}) {
  const scratch = new Scratch();
  mkdirSync(join(scratch.folder, "state"));
  const served: Served[] = [];
  const random = seededRandom(11);
  const make = () => new Router({ dataFolder: scratch.folder, log: quiet, nowMs: Date.now, random, backends: () => backends, served: (s) => void served.push(s) });
  const r = make();
  cleanups.push(() => scratch.remove(), () => r.stop());
  const route: Route = { ...routeSpec.parse({}), service: "digits", portName: "http", ...o };
  await r.apply([route]);
  return { r, route, served, make, url: `http://127.0.0.1:${r.applied[0]?.port ?? 0}` };
}
const get = async (url: string, headers: Record<string, string> = {}) => (await fetch(url, { headers })).text();

describe("the agent's router", () => {
  // Guarantee: over real sockets requests are divided by weight, sticky keys stay, and each is counted at the revision that answered.
  it("divides by weight, and changes without a dropped request", async () => {
    const w = await router([await endpoint("a", 1, named("old")), await endpoint("b", 2, named("new"))], { weights: [{ generation: 1, weight: 80 }, { generation: 2, weight: 20 }] });
    const answers = async (n: number) => {
      const all: string[] = [];
      for (let i = 0; i < n / 10; i++) all.push(...(await Promise.all(Array.from({ length: 10 }, () => get(w.url)))));
      return all.filter((a) => a === "new").length / n;
    };
    expect(Math.abs((await answers(400)) - 0.2)).toBeLessThan(0.08);
    expect(w.served).toHaveLength(400);
    expect(w.served.every((s) => s.ok && s.latencyMs > 0)).toBe(true);
    await w.r.apply([{ ...w.route, weights: [{ generation: 2, weight: 100 }] }]);
    expect(await answers(50)).toBe(1);
    await w.r.apply([{ ...w.route, weights: [{ generation: 1, weight: 50 }, { generation: 2, weight: 50 }], sticky: { by: "header", name: "x-user" } }]);
    const of = new Map<string, string>();
    for (let i = 0; i < 60; i++) {
      const user = `u${i % 12}`;
      const answer = await get(w.url, { "x-user": user });
      expect(of.get(user) ?? answer).toBe(answer);
      of.set(user, answer);
    }
    expect(new Set(of.values()).size).toBe(2);
  });

  // Guarantee: only what may be repeated is, as often as allowed and within the budget; a request with a body is not.
  it("retries idempotent requests at another endpoint", async () => {
    let failing = 0;
    const bad = await endpoint("a", 1, (_q, r) => {
      failing++;
      r.destroy();
    });
    const w = await router([bad, await endpoint("b", 1, named("good"))], { retries: { attempts: 1, budgetPercent: 100 } });
    for (let i = 0; i < 8; i++) expect(await get(w.url)).toBe("good");
    const before = failing;
    const posts = await Promise.all(Array.from({ length: 8 }, () => fetch(w.url, { method: "POST", body: "x" })));
    expect(failing - before).toBe(posts.filter((p) => p.status === 502).length);
    expect(posts.filter((p) => p.status === 502).length).toBeGreaterThan(0);
    expect(await posts.find((p) => p.status === 502)?.json()).toMatchObject({ error: { code: "endpoint_unreachable" } });
    // By now it has failed so often that it is left out.
    for (let i = 0; i < 20; i++) await fetch(w.url, { method: "POST", body: "x" });
    const out = failing;
    for (let i = 0; i < 20; i++) expect((await fetch(w.url, { method: "POST", body: "x" })).status).toBe(200);
    expect(failing).toBe(out);
  });

  it("says when nobody is there, and when an endpoint takes too long", async () => {
    const nobody = await router([]);
    const none = await fetch(nobody.url);
    expect([none.status, await none.json()]).toMatchObject([503, { error: { code: "no_endpoint" } }]);
    const slow = await router([await endpoint("a", 1, () => undefined)], { timeoutMs: 100, retries: { attempts: 0, budgetPercent: 0 } });
    const late = await fetch(slow.url);
    expect([late.status, await late.json()]).toMatchObject([504, { error: { code: "endpoint_timeout" } }]);
    expect(slow.served).toMatchObject([{ ok: false }]);
  });

  // Guarantee: bodies stream both ways as they come, and a slow reader holds up the sender instead of filling memory.
  it("streams, and lets a slow client hold up the endpoint", async () => {
    const chunk = Buffer.alloc(65_536, 1);
    const CHUNKS = 1_600;
    let sent = 0;
    let blockedAt = 0;
    const echo = await endpoint("a", 1, (q, r) => {
      if (q.method === "POST") return void q.pipe(r);
      const more = (): void => {
        blockedAt = 0;
        while (sent < CHUNKS) {
          sent++;
          if (!r.write(chunk)) {
            blockedAt = performance.now();
            return void r.once("drain", more);
          }
        }
        r.end();
      };
      more();
    });
    const w = await router([echo]);
    // The first words come back before the last are sent.
    const heard: string[] = [];
    const out = request(`${w.url}/`, { method: "POST", headers: { "content-type": "text/plain" } });
    const whole = new Promise<void>((resolve) => out.on("response", (r) => r.on("data", (d: Buffer) => heard.push(d.toString())).on("end", resolve)));
    out.write("first ");
    await until("the first words are back", () => heard.join("") === "first ");
    out.end("last");
    await whole;
    expect(heard.join("")).toBe("first last");
    // A client that does not read.
    let received = 0;
    const slow = await new Promise<import("node:http").IncomingMessage>((resolve) => request(w.url, resolve).end());
    slow.pause();
    await until("the endpoint is held up, or has sent all", () => sent === CHUNKS || (blockedAt > 0 && performance.now() - blockedAt > 300));
    expect(sent).toBeLessThan(CHUNKS);
    slow.on("data", (d: Buffer) => (received += d.length)).resume();
    await new Promise<void>((resolve) => slow.on("end", resolve));
    expect(received).toBe(CHUNKS * chunk.length);
  });

  // Guarantee: an answer that breaks off at the endpoint breaks off at the client too, and a client that leaves is not held against the endpoint.
  it("passes on broken answers as broken", async () => {
    const w = await router([await endpoint("a", 1, (q, r) => {
      r.writeHead(200, { "content-length": "100" });
      r.write("half");
      if (q.url === "/break") setTimeout(() => r.destroy(), 20);
    })]);
    await expect(fetch(`${w.url}/break`).then((r) => r.text())).rejects.toThrow();
    await until("it is counted as failed", () => w.served.length === 1 && !w.served[0]?.ok);
    const leaving = new AbortController();
    const answer = await fetch(`${w.url}/stay`, { signal: leaving.signal });
    expect(answer.status).toBe(200);
    leaving.abort();
    await fetch(`${w.url}/break`).then((r) => r.text()).catch(() => undefined);
    await until("the next one is counted", () => w.served.length === 2);
  });

  // Guarantee: the shadow gets the same request, is measured apart, and nothing of its answer or its slowness reaches the client.
  it("mirrors to a shadow", async () => {
    const mirrored: { headers: IncomingHttpHeaders; body: string }[] = [];
    const shadow = await endpoint("s", 2, (q, r) => {
      let body = "";
      q.on("data", (d: Buffer) => (body += d.toString())).on("end", () => {
        mirrored.push({ headers: q.headers, body });
        r.writeHead(500).end("shadow");
      });
    });
    const w = await router([await endpoint("a", 1, named("real")), shadow], { weights: [{ generation: 1, weight: 100 }], shadow: { generation: 2, percent: 100 } });
    for (let i = 0; i < 5; i++) expect(await (await fetch(w.url, { method: "POST", body: `body ${i}` })).text()).toBe("real");
    await until("all are mirrored and measured", () => mirrored.length === 5 && w.served.length === 10);
    expect(mirrored.map((m) => m.body)).toEqual(["body 0", "body 1", "body 2", "body 3", "body 4"]);
    expect(mirrored[0]?.headers["x-holdfast-shadow"]).toBe("1");
    expect(w.served.filter((s) => s.shadow)).toMatchObject(Array.from({ length: 5 }, () => ({ ok: false, backend: { id: "s" } })));
    expect(w.served.filter((s) => !s.shadow).every((s) => s.ok && s.backend.id === "a")).toBe(true);
  });

  // Guarantee: headers of one connection stay there, and the endpoint learns who asked.
  it("passes headers on as a proxy must", async () => {
    const seen: IncomingHttpHeaders[] = [];
    const w = await router([await endpoint("a", 1, (q, r) => {
      seen.push(q.headers);
      r.writeHead(201, { "x-answer": "yes", "set-cookie": ["a=1", "b=2"], connection: "x-private", "x-private": "1" }).end();
    })]);
    const answer = await new Promise<import("node:http").IncomingMessage>((resolve) => request(w.url, { headers: { connection: "keep-alive, x-mine", "x-mine": "1", "x-other": "2", "x-forwarded-for": "10.0.0.9" } }, resolve).end());
    answer.resume();
    expect(answer).toMatchObject({ statusCode: 201, headers: { "x-answer": "yes", "set-cookie": ["a=1", "b=2"] } });
    expect(answer.headers["x-private"]).toBeUndefined();
    expect(seen[0]).toMatchObject({ "x-other": "2", "x-forwarded-for": "10.0.0.9, 127.0.0.1" });
    expect(seen[0]?.["x-mine"]).toBeUndefined();
  });

  // Guarantee: the port of a service is the same after a restart, and a route that is gone leaves no listener.
  it("keeps its port over a restart", async () => {
    const w = await router([await endpoint("a", 1, named("x"))]);
    const port = w.r.applied[0]?.port;
    await w.r.stop();
    const again = w.make();
    cleanups.push(() => again.stop());
    await again.apply([w.route]);
    expect(again.applied).toMatchObject([{ service: "digits", portName: "http", port }]);
    await again.apply([]);
    expect(again.applied).toEqual([]);
    await expect(fetch(w.url)).rejects.toThrow();
  });
});

describe("the router of a running agent", () => {
  // Guarantee: two revisions on one node share a port by weight, cut off or not, and the requests of each are reported at its unit.
  it("divides between revisions on the node and counts each", async () => {
    const g = await world.gateway();
    const data = world.data();
    const a = world.agent([...g.enrolFlags(), "--data", data]);
    const units = [unitOf("a1", webServer("old"), { template: { health: webHealth } }), unitOf("a2", webServer("new"), { generation: 2, template: { health: webHealth } })];
    const route: Route = { ...routeSpec.parse({ weights: [{ generation: 1, weight: 50 }, { generation: 2, weight: 50 }] }), service: "digits", portName: "http" };
    g.desire(1, units, [], [route]);
    await healthy(g, "a1");
    await healthy(g, "a2");
    const opened = await until("the router is open", () => a.events("router.opened")[0]);
    const url = `http://127.0.0.1:${String(opened.port)}`;
    const answers = await Promise.all(Array.from({ length: 60 }, () => get(url)));
    expect(new Set(answers.map((t) => t.split(" ")[0]))).toEqual(new Set(["old", "new"]));
    const counted = (id: string) => g.reports.flatMap((r) => r.body.requests).filter((m) => m.assignmentId === id).reduce((n, m) => n + m.count, 0);
    await until("all are reported", () => counted("a1") + counted("a2") === 60);
    expect(counted("a1")).toBe(answers.filter((t) => t.startsWith("old")).length);
    // The gateway is gone and the agent restarts: the same port divides as it was told last.
    await g.close();
    await a.end("SIGKILL");
    const second = world.agent(["--data", data]);
    expect((await until("the router is open again", () => second.events("router.opened")[0])).port).toBe(opened.port);
    await until("it answers", () => get(url).then((t) => /^(old|new) /.test(t), () => false));
  });
});
