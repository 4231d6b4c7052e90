import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import { once } from "node:events";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Actor } from "../core/access/actor";
import { isRefused } from "../core/base/refusal";
import { createSealer, newId, silentLogger } from "../platform";
import { auditedCommand } from "../audit";
import { schedulerKeys } from "../store";
import { testClock } from "../testing/clock";
import { testDatabase } from "../testing/database";
import { DEFAULT_PROJECT } from "../testing/fleet-rows";
import { isInside, urlFault } from "./addresses";
import { deliverTo } from "./deliver";
import { createHooks, createHookReconciler, resealHooks } from "./index";
import { signatureHeaders } from "./signature";

const db = testDatabase();
// The store stamps what it writes by its own clock.
const clock = testClock(Date.now() + 60_000);
const key = Buffer.alloc(32, 3);
const seal = createSealer([key]);
const actor: Actor = { kind: "person", id: "person-ada", name: "ada", sessionId: "session-1", strength: "password", requestId: newId("request"), roles: () => ["administrator"] };
const deps = () => ({ store: db.store, clock, log: silentLogger, seal, env: { HOOKS_ALLOW_PRIVATE: true }, publicUrl: "https://holdfast.example.org/", random: () => 0, timeoutMs: 500 });
const hooks = () => createHooks(deps());
const project = DEFAULT_PROJECT;

/** A receiver on a real socket that answers as it is told to. */
const got: { headers: IncomingHttpHeaders; body: string }[] = [];
let answer: (response: ServerResponse) => void = (r) => r.writeHead(204).end();
let receiver: Server;
let url = "";
beforeAll(async () => {
  receiver = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (p: Buffer) => pieces.push(p));
    request.on("end", () => {
      got.push({ headers: request.headers, body: Buffer.concat(pieces).toString("utf8") });
      answer(response);
    });
  });
  receiver.listen(0, "127.0.0.1");
  await once(receiver, "listening");
  const address = receiver.address();
  url = `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}/hooks`;
});
afterAll(() => {
  receiver.closeAllConnections();
  receiver.close();
});

let name = "";
let number = 0;
beforeEach(() => {
  got.length = 0;
  answer = (r) => r.writeHead(204).end();
  name = `ops-${++number}`;
});
const idOf = async (): Promise<string> => (await db.asOwner<{ id: string }>("select id from hook_endpoints where name = $1", [name]))[0]?.id ?? "";
const make = (events = ["rollout.*"], more: { url?: string } = {}) => hooks().commands.create(actor, project, { name, url: more.url ?? url, format: "structured", events });
const happens = (action: "rollout.abort" | "node.drain" = "rollout.abort", fails = false) =>
  auditedCommand(db.store, actor, { action, objectKind: "rollout", objectId: "rollout-1", object: "digits 7", projectId: project.id, reason: "a test" }, () => (fails ? Promise.reject(new TypeError("a bug")) : Promise.resolve(null)));
const deliver = async () => deliverTo(deps(), await idOf());
const rows = async () => (await hooks().queries.deliveries(project, { name, limit: 50 })).items;

describe("an event", () => {
  // Guarantee: it is told if and only if it happened, signed so that the receiver can check it.
  it("is written in the transaction of its change, sent once, and signed", async () => {
    const { secret } = await make();
    await happens();
    await happens("node.drain");
    await expect(happens("rollout.abort", true)).rejects.toThrow("a bug");
    expect(await deliver()).toMatchObject({ attempts: 1, nextLookAtMs: null });
    expect(await deliver()).toMatchObject({ attempts: 0 });
    const [one] = got;
    const body = JSON.parse(one?.body ?? "{}");
    expect(body.data.sentence).toBe("ada aborted rollout digits 7: a test.");
    expect(one?.headers["webhook-id"]).toBe(body.id);
    const atMs = Number(one?.headers["webhook-timestamp"]) * 1_000;
    expect(one?.headers).toMatchObject(signatureHeaders({ id: body.id, atMs, body: one?.body ?? "", secrets: [secret] }));
    expect(await rows()).toMatchObject([{ state: "delivered", attempts: 1, status: 204, error: null, sentence: "ada aborted rollout digits 7: a test." }]);
  });

  it("wakes the reconciler by a key of its own", async () => {
    await make();
    await happens();
    const keys = await schedulerKeys.claim(db.store.read.client, { owner: "test", kinds: ["hook"], nowMs: Date.now() + 60_000, leaseMs: 1_000, limit: 100 });
    expect(keys.map((k) => k.key)).toContain(await idOf());
    expect(await createHookReconciler(deps()).liveKeys()).toContain(await idOf());
    expect(await createHookReconciler(deps()).reconcile("hook-none")).toMatchObject({ gone: true });
  });

  // Guarantee: at least once. Whoever dies between the answer and its note sends the same id again.
  it("is sent again with the same id by whoever follows a sender that died", async () => {
    await make();
    await happens();
    const dying = { ...deps(), store: { ...db.store, read: db.store.read, inTransaction: () => Promise.reject(new Error("killed")) } };
    await expect(deliverTo(dying as never, await idOf())).rejects.toThrow("killed");
    await deliver();
    expect(got).toHaveLength(2);
    expect(got[0]?.headers["webhook-id"]).toBe(got[1]?.headers["webhook-id"]);
    expect(await rows()).toMatchObject([{ state: "delivered", attempts: 1 }]);
  });

  it("waits as long as Retry-After asks, then arrives", async () => {
    await make();
    await happens();
    answer = (r) => r.writeHead(429, { "retry-after": "90" }).end();
    const first = await deliver();
    expect(first.nextLookAtMs).toBe(clock.nowMs() + 90_000);
    expect(await rows()).toMatchObject([{ state: "waiting", attempts: 1, status: 429, error: "The receiver answered 429." }]);
    expect(await deliver()).toMatchObject({ attempts: 0 });
    clock.advance(90_000);
    answer = (r) => r.writeHead(200).end("x".repeat(200_000));
    expect(await deliver()).toMatchObject({ attempts: 1 });
    expect(await rows()).toMatchObject([{ state: "delivered", attempts: 2 }]);
  });

  // Guarantee: an answer that never comes, a redirect and a refusal each have their own outcome, in words.
  it("says what went wrong, and keeps what cannot be mended as a dead letter that can be sent again", async () => {
    await make();
    for (let i = 0; i < 2; i++) await happens();
    answer = () => undefined;
    await deliver();
    expect((await rows()).every((r) => r.state === "waiting" && r.error === "There was no answer within 10 s.")).toBe(true);
    clock.advance(10_000);
    answer = (r) => r.writeHead(302, { location: url }).end();
    await deliver();
    expect(got.filter((g) => g.headers["webhook-id"])).toHaveLength(4);
    expect(await rows()).toMatchObject([{ state: "dead", status: 302 }, { state: "dead", error: "The receiver answered 302, which trying again does not mend." }]);
    answer = (r) => r.writeHead(204).end();
    expect(await hooks().commands.sendAgain(actor, project, { name })).toMatchObject({ message: "2 events are on the way again." });
    await deliver();
    expect((await rows()).map((r) => r.state)).toEqual(["delivered", "delivered"]);
    await expect(hooks().commands.sendAgain(actor, project, { name })).rejects.toSatisfy(isRefused);
  });

  // Guarantee: one receiver that is down is not knocked at by every event there is.
  it("rests after three failures in a row", async () => {
    await make();
    for (let i = 0; i < 10; i++) await happens();
    answer = (r) => r.writeHead(503).end();
    expect(await deliver()).toMatchObject({ attempts: 3 });
    expect((await hooks().queries.list(project)).find((h) => h.name === name)).toMatchObject({ failures: 3, waiting: 10, state: "active" });
    clock.advance(3_600_000);
    answer = (r) => r.writeHead(204).end();
    expect(await deliver()).toMatchObject({ attempts: 10, nextLookAtMs: null });
  });

  it("is not sent to an address that said it is gone, until somebody turns it on again", async () => {
    await make();
    await happens();
    answer = (r) => r.writeHead(410).end();
    await deliver();
    const off = (await hooks().queries.list(project)).find((h) => h.name === name);
    expect(off).toMatchObject({ state: "off", stateReason: "The receiver answered 410 Gone: it asks not to be called again." });
    await happens();
    expect(await rows()).toHaveLength(1);
    await hooks().commands.update(actor, project, { name, version: off?.version ?? 0, state: "active" });
    answer = (r) => r.writeHead(204).end();
    expect(await deliver()).toMatchObject({ attempts: 1 });
    expect(await hooks().commands.test(actor, project, { name })).toMatchObject({ message: expect.stringContaining("test") });
    await deliver();
    expect((await rows())[0]).toMatchObject({ state: "delivered", sentence: `ada sent a test to webhook ${name}.` });
  });

  // Guarantee: a receiver can change over without missing anything: both secrets sign for a day.
  it("is signed with both secrets for a day after a rotation, also under a new master key", async () => {
    const { secret } = await make();
    const { secret: next } = await hooks().commands.rotate(actor, project, { name });
    const both = createSealer([Buffer.alloc(32, 4), key]);
    await db.store.inTransaction((tx) => resealHooks({ seal: both }, tx));
    const only = createSealer([Buffer.alloc(32, 4)]);
    await happens();
    await deliverTo({ ...deps(), seal: only }, await idOf());
    const sent = got.at(-1);
    const signed = (secrets: string[]) => signatureHeaders({ id: String(sent?.headers["webhook-id"]), atMs: Number(sent?.headers["webhook-timestamp"]) * 1_000, body: sent?.body ?? "", secrets })["webhook-signature"];
    expect(sent?.headers["webhook-signature"]).toBe(signed([next, secret]));
    clock.advance(25 * 3_600_000);
    await happens();
    await deliverTo({ ...deps(), seal: only }, await idOf());
    expect(got.at(-1)?.headers["webhook-signature"]).not.toContain(" ");
    await db.store.inTransaction((tx) => resealHooks({ seal: createSealer([key, Buffer.alloc(32, 4)]) }, tx));
  });
});

describe("an address", () => {
  // Guarantee: by default no webhook reaches this machine or a private network, whatever name it goes by.
  it("inside is refused when it is set and when it is called", async () => {
    expect(["127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.1.1", "::1", "fd00::1", "fe80::1", "::ffff:10.0.0.1", "0.0.0.0", "nonsense"].map(isInside)).toEqual(Array(10).fill(true));
    expect(["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111"].map(isInside)).toEqual([false, false, false]);
    expect(urlFault("https://127.0.0.1/x", false)?.message).toBe("127.0.0.1 is not a public address.");
    expect(urlFault("https://[::1]/x", false)?.message).toContain("::1");
    expect(urlFault("ftp://example.com", true)?.remedy).toContain("https://");
    expect(urlFault("https://a:b@example.com", true)?.message).toContain("password");
    expect(urlFault("https://example.com/x", false)).toBeNull();
    const careful = { ...deps(), env: { HOOKS_ALLOW_PRIVATE: false } };
    await expect(createHooks(careful).commands.create(actor, project, { name, url, format: "structured", events: ["rollout.*"] })).rejects.toSatisfy((e) => isRefused(e) && e.holdfastRefusal.fields?.[0]?.path === "url");
    await make(["rollout.*"], { url: url.replace("127.0.0.1", "localhost") });
    await happens();
    await deliverTo(careful, await idOf());
    expect(got).toHaveLength(0);
    expect((await rows())[0]?.error).toContain("localhost is not a public address");
  });

  it("and events are checked, names are unique, and versions are compared", async () => {
    await make();
    const refused = async (work: Promise<unknown>) => (await work.catch((e: unknown) => (isRefused(e) ? e.holdfastRefusal.code : e))) as unknown;
    expect(await refused(make())).toBe("already_exists");
    expect(await refused(hooks().commands.update(actor, project, { name, version: 99, state: "off" }))).toBe("stale_version");
    expect(await refused(hooks().commands.update(actor, project, { name, version: 1, events: ["rollout.nonsense"] }))).toBe("invalid_input");
    expect(await refused(hooks().commands.remove(actor, project, { name: "nobody" }))).toBe("not_found");
    await hooks().commands.remove(actor, project, { name });
    expect((await hooks().queries.list(project)).some((h) => h.name === name)).toBe(false);
  });

  // Guarantee: the application cannot rewrite what was told.
  it("cannot have its deliveries rewritten by the application", async () => {
    await make();
    await happens();
    await expect(db.store.read.client.query("update hook_deliveries set audit_seq = 1")).rejects.toMatchObject({ code: "42501" });
  });
});

describe("signatures", () => {
  // The example of the Standard Webhooks specification 1.0.0 (its reference libraries test with the same values).
  it("agree with the specification's example", () => {
    expect(signatureHeaders({ id: "msg_p5jXN8AQM9LWM0D4loKWxJek", atMs: 1_614_265_330_000, body: '{"test": 2432232314}', secrets: ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] })["webhook-signature"]).toBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  });
});
