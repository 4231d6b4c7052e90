import { once } from "node:events";
import type { IncomingMessage, Server } from "node:http";
import { request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { createAccess } from "../../access";
import type { Access } from "../../access";
import { createAudit, recordRefusal } from "../../audit";
import type { AuditSubject } from "../../audit";
import { systemActor } from "../../core/access/actor";
import type { Actor, ProjectRef } from "../../core/access/actor";
import type { Role } from "../../core/access/permissions";
import { createSealer, newId, silentLogger, systemClock } from "../../platform";
import { processes, projects } from "../../store";
import type { Store } from "../../store";
import type { Features } from "../features";
import { EventHub } from "../http/events";
import { plainPaths } from "../http/plain";
import { callers, createWebServer } from "../http/server";
import type { Site } from "../http/origin";

/** The API on a port of this process, on a real database, with the features of people and audit; no screens. */
export type TestWeb = {
  url: string;
  access: Access;
  events: EventHub;
  project: ProjectRef;
  administrator: Actor;
  faults: unknown[];
  /** A service token of a role. */
  token(role: Role): Promise<string>;
  /** A person of a role with a browser's session: the value of the Cookie header. */
  person(role: Role): Promise<{ cookie: string; id: string; token: string }>;
  close(): Promise<void>;
};

const PASSWORD = "the tide turns before noon";
let people = 0;

export async function startTestWeb(store: Store, o: { agentFile?: string } = {}): Promise<TestWeb> {
  const deps = { store, clock: systemClock, log: silentLogger, seal: createSealer([Buffer.alloc(32, 7)]), env: { HOLDFAST_PUBLIC_URL: "http://console.test" } };
  const access = createAccess(deps);
  const audit = createAudit(deps);
  const features = { access, audit, workloads: { queries: { schema: () => ({ title: "manifests" }) } } } as unknown as Features;
  const faults: unknown[] = [];
  const site: Site = { publicOrigin: "http://console.test", secure: false, trustProxy: false };
  const events = new EventHub({
    changesSince: (cursor, limit) => store.changesSince(cursor, limit),
    latestCursor: () => store.changesNow(),
    recheck: async (token) => (await access.authenticate(token))?.actor ?? null,
    fault: (error) => faults.push(error),
  });
  const server: Server = createWebServer({
    site,
    features,
    events,
    authenticate: access.authenticate,
    recordRefusal: (actor, e) => recordRefusal(store, actor, { action: e.action as AuditSubject["action"], objectKind: e.objectKind, objectId: e.object, object: e.object, projectId: e.project?.id ?? null }, e.refusal),
    newRequestId: () => newId("req"),
    fault: (error) => faults.push(error),
    observe: () => undefined,
    plain: plainPaths({
      site,
      version: "0.0.0-test",
      callerOf: callers({ site, authenticate: access.authenticate }),
      project: access.queries.project,
      processes: () => processes.livingProcesses(store.read.client),
      ready: async () => ({ ready: true, details: {} }),
      metrics: async () => ({ type: "text/plain", text: "up 1\n" }),
      agentFile: o.agentFile ?? "/nonexistent/agent.cjs",
      schema: () => ({ title: "manifests" }),
      exportAudit: (actor, project, input) => audit.commands.export(actor, project, input),
      uploadArtifact: async (request, response) => {
        request.resume();
        await once(request, "end");
        response.writeHead(201).end("{}");
      },
    }),
    screens: async (_request, response) => void response.writeHead(200, { "content-type": "text/html" }).end("<p>screens</p>"),
  });
  await events.start();
  const stopListening = await store.listen("holdfast_changes", () => events.nudge());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const found = await projects.byName(store.read.client, "default");
  if (!found) throw new Error("the database has no project");
  const project = { id: found.id, name: found.name };
  const first = await access.commands.createFirstAdministrator(systemActor("test"));
  const started = await access.commands.signInWithPassword({ login: first.login, password: first.password ?? "" }, "browser", { address: null, userAgent: null, requestId: "test" });
  const administrator = (await access.authenticate(started.token))?.actor;
  if (!administrator) throw new Error("no administrator");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    access,
    events,
    project,
    administrator,
    faults,
    token: async (role) => (await access.commands.createToken(administrator, project, { name: `t-${role}-${++people}`, role, expiresInDays: 1 })).token,
    person: async (role) => {
      const login = `p-${role}-${++people}`;
      const invited = await access.commands.invite(administrator, project, { login, role });
      await access.commands.acceptInvitation({ token: invited.token, name: login, password: PASSWORD }, { address: null, userAgent: null, requestId: "test" });
      const s = await access.commands.signInWithPassword({ login, password: PASSWORD }, "browser", { address: null, userAgent: null, requestId: "test" });
      return { cookie: `holdfast.session=${s.token}`, id: s.personId, token: s.token };
    },
    close: async () => {
      await stopListening();
      events.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

export type Answer = { status: number; headers: IncomingMessage["headers"]; text: string; json: unknown };

/** One request with exactly these headers: `fetch` would not let a test lie about its origin. */
export async function send(url: string, o: { method?: string; headers?: Record<string, string>; body?: string } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method: o.method ?? "GET", headers: { ...(o.body === undefined ? {} : { "content-length": String(Buffer.byteLength(o.body)) }), ...o.headers } }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (c: Buffer) => chunks.push(c));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        let json: unknown = null;
        try {
          json = JSON.parse(text);
        } catch {
          // Not every answer is JSON.
        }
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
      });
    });
    // A server that refuses a large body closes while it is still being sent; its answer counts, not the broken pipe.
    request.on("error", (error: NodeJS.ErrnoException) => (error.code === "EPIPE" || error.code === "ECONNRESET" ? setTimeout(() => reject(error), 500) : reject(error)));
    request.end(o.body);
  });
}

export type StreamEvent = { id: string | null; event: string; data: string };

/** An open event stream: waits for events by a condition. */
export async function listen(url: string, headers: Record<string, string>): Promise<{ status: number; until(done: (e: StreamEvent) => boolean): Promise<StreamEvent[]>; ended: Promise<void>; close(): void }> {
  const seen: StreamEvent[] = [];
  const waiting = new Set<() => void>();
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { headers: { accept: "text/event-stream", ...headers } }, (response) => {
      let rest = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        const blocks = (rest + text).split("\n\n");
        rest = blocks.pop() ?? "";
        for (const block of blocks) {
          const lines = block.split("\n");
          const field = (name: string): string | null => lines.find((l) => l.startsWith(`${name}: `))?.slice(name.length + 2) ?? null;
          const data = field("data");
          if (data !== null) seen.push({ id: field("id"), event: field("event") ?? "message", data });
        }
        for (const wake of waiting) wake();
      });
      const ended = new Promise<void>((over) => response.on("close", over));
      response.on("error", () => undefined);
      resolve({
        status: response.statusCode ?? 0,
        ended,
        close: () => request.destroy(),
        until: (done) =>
          new Promise((found, gone) => {
            const look = (): void => {
              const at = seen.findIndex(done);
              if (at < 0) return;
              waiting.delete(look);
              found(seen.splice(0, at + 1));
            };
            waiting.add(look);
            look();
            void ended.then(() => gone(new Error("the stream ended first")));
          }),
      });
    });
    request.on("error", reject);
    request.end();
  });
}
