import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { announceProcess } from "../../store";
import { silentLogger, systemClock } from "../../platform";
import { testDatabase } from "../../testing/database";
import { listen, send, startTestWeb } from "../testing/web";
import type { TestWeb } from "../testing/web";

const db = testDatabase();
const folder = mkdtempSync(path.join(os.tmpdir(), "holdfast-web-"));
const agentFile = path.join(folder, "agent.cjs");
let web: TestWeb;
beforeAll(async () => {
  writeFileSync(agentFile, "console.log('agent');\n");
  web = await startTestWeb(db.store, { agentFile });
});
afterAll(async () => {
  await web.close();
  rmSync(folder, { recursive: true, force: true });
});

const json = { "content-type": "application/json" };
const ours = { ...json, origin: "http://console.test", "sec-fetch-site": "same-origin" };
const call = (procedure: string, headers: Record<string, string>, input: unknown, more: { method?: string; query?: string } = {}) =>
  send(`${web.url}/api/trpc/${procedure}${more.query ?? ""}`, { method: more.method ?? "POST", headers, body: JSON.stringify({ json: input }) });
const refusalOf = (answer: { json: unknown }): string | undefined => {
  const e = ((Array.isArray(answer.json) ? answer.json[0] : answer.json) as { error?: { refusal?: { code: string }; json?: { data: { refusal: { code: string } | null; code: string } } } }).error;
  return e?.refusal?.code ?? e?.json?.data.refusal?.code ?? e?.json?.data.code;
};
const invite = (login: string) => ({ project: "default", login, role: "viewer" });
const people = async () => (await db.asOwner<{ login: string }>("select login from invitations")).map((r) => r.login);

describe("a browser's session", () => {
  // Guarantee: another site can't use the cookie to change anything, whatever form the request takes.
  it("changes nothing for another site, for a form, or for whoever hides where it comes from", async () => {
    const { cookie } = await web.person("administrator");
    const attempts = [
      ["another origin", { ...json, cookie, origin: "https://evil.example" }],
      ["another origin, same site", { ...json, cookie, origin: "http://console.test", "sec-fetch-site": "same-site" }],
      ["cross-site without origin", { ...json, cookie, "sec-fetch-site": "cross-site" }],
      ["no word of origin", { ...json, cookie }],
      ["an opaque origin", { ...json, cookie, origin: "null" }],
      ["a form", { cookie, origin: "http://console.test", "content-type": "application/x-www-form-urlencoded" }],
      ["a form with files", { cookie, origin: "http://console.test", "content-type": "multipart/form-data; boundary=x" }],
      ["plain text", { cookie, origin: "http://console.test", "content-type": "text/plain" }],
      ["no type at all", { cookie, origin: "http://console.test" }],
    ] as const;
    for (const [name, headers] of attempts) {
      const answer = await call("people.invite", headers, invite("eve-1"));
      expect([400, 403], name).toContain(answer.status);
    }
    expect(await people()).not.toContain("eve-1");
    expect((await call("people.invite", { ...ours, cookie }, invite("eve-2"))).status).toBe(200);
    expect(await people()).toContain("eve-2");
  });

  // Guarantee: a link or an image can't change anything: commands are not answered to GET or by method override.
  it("changes nothing by GET", async () => {
    const { cookie } = await web.person("administrator");
    const input = encodeURIComponent(JSON.stringify({ json: invite("eve-3") }));
    for (const query of [`?input=${input}`, `?input=${input}&_method=POST`]) expect((await send(`${web.url}/api/trpc/people.invite${query}`, { headers: { cookie, "x-http-method-override": "POST" } })).status).toBe(405);
    for (const method of ["PUT", "DELETE", "PATCH", "OPTIONS"]) expect((await call("people.invite", { ...ours, cookie }, invite("eve-3"), { method })).status).toBe(400);
    expect(await people()).not.toContain("eve-3");
  });

  // Guarantee: answers are never readable to another origin: no CORS header is ever sent.
  it("is not lent to other origins", async () => {
    const { cookie } = await web.person("viewer");
    const answer = await send(`${web.url}/api/trpc/me.get`, { headers: { cookie, origin: "https://evil.example" } });
    expect(answer.status).toBe(403);
    expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
    expect((await send(`${web.url}/api/trpc/me.get`, { headers: { cookie } })).status).toBe(200);
  });

  // Guarantee: the request after a deactivation is refused, and so is a token that was in the browser before a sign-in.
  it("ends with its person, at once", async () => {
    const p = await web.person("operator");
    expect((await send(`${web.url}/api/trpc/me.get`, { headers: { cookie: p.cookie } })).status).toBe(200);
    await web.access.commands.deactivate(web.administrator, web.project, { id: p.id, version: 1 });
    const after = await send(`${web.url}/api/trpc/me.get`, { headers: { cookie: p.cookie } });
    expect([after.status, refusalOf(after)]).toEqual([401, "unauthenticated"]);
    expect((await send(`${web.url}/api/trpc/me.get`, { headers: { cookie: "holdfast.session=hfs_chosen-by-somebody-else-before-the-sign-in" } })).status).toBe(401);
  });
});

describe("a service token", () => {
  // Guarantee: it works without cookies, and a refusal carries code, message and remedy.
  it("acts with its role and is refused with a reason", async () => {
    const token = await web.token("viewer");
    const me = await send(`${web.url}/api/trpc/me.get`, { headers: { authorization: `Bearer ${token}` } });
    expect(me.json).toMatchObject({ result: { data: { json: { strength: "token", projects: [{ name: "default", roles: ["viewer"] }] } } } });
    const refused = await call("people.invite", { ...json, authorization: `Bearer ${token}` }, invite("eve-4"));
    expect([refused.status, refusalOf(refused)]).toEqual([403, "forbidden"]);
    expect(refused.text).toContain("This needs the role administrator.");
    const entries = await db.asOwner<{ outcome: string; action: string; actor_kind: string }>("select outcome, action, actor_kind from audit_entries where action = 'person.invite' and outcome = 'refused'");
    expect(entries).toContainEqual({ outcome: "refused", action: "person.invite", actor_kind: "token" });
  });
});

describe("requests that are too much", () => {
  // Guarantee: oversized batches and bodies are refused before anything in them is done.
  it("are refused whole", async () => {
    const token = await web.token("administrator");
    const headers = { ...json, authorization: `Bearer ${token}` };
    const batch = Array.from({ length: 31 }, () => "tokens.create").join(",");
    const input = Object.fromEntries(Array.from({ length: 31 }, (_, i) => [i, { json: { project: "default", name: `flood-${i}`, role: "viewer" } }]));
    const flood = await send(`${web.url}/api/trpc/${batch}?batch=1`, { method: "POST", headers, body: JSON.stringify(input) });
    expect([flood.status, refusalOf(flood)]).toEqual([413, "too_large"]);
    expect(await db.asOwner("select 1 from service_tokens where name like 'flood-%'")).toEqual([]);
    const hidden = await send(`${web.url}/api/trpc/${encodeURIComponent(batch)}?batch=1`, { method: "POST", headers, body: JSON.stringify(input) });
    expect(hidden.status).toBe(413);
    const large = await send(`${web.url}/api/trpc/people.invite`, { method: "POST", headers, body: JSON.stringify({ json: invite("x".repeat(2_600_000)) }) });
    expect([large.status, refusalOf(large)]).toEqual([413, "too_large"]);
    expect((await call("people.invite", headers, "not an object")).status).toBe(400);
    expect((await send(`${web.url}/api/trpc/people.invite`, { method: "POST", headers, body: "{ not json" })).status).toBe(400);
    expect((await call("no.such", headers, {})).status).toBe(404);
    expect(web.faults).toEqual([]);
  });
});

describe("the event stream", () => {
  const stream = (headers: Record<string, string>, query = "?project=default") => listen(`${web.url}/api/events${query}`, headers);
  const touch = (topic: "workload" | "audit", key: string) => db.store.inTransaction(async (tx) => tx.changes.add(topic, key, web.project.id));

  // Guarantee: pointers arrive live, carry no data, and a broken stream resumes without a gap.
  it("delivers pointers and resumes where it was", async () => {
    const { cookie } = await web.person("viewer");
    const first = await stream({ cookie });
    await first.until((e) => e.event === "hello");
    await touch("workload", "digits-1");
    const [last] = (await first.until((e) => e.data === JSON.stringify({ topic: "workload", key: "digits-1" }))).slice(-1);
    first.close();
    for (const n of [2, 3, 4]) await touch("workload", `digits-${n}`);
    const second = await stream({ cookie, "last-event-id": last?.id ?? "" });
    const missed = await second.until((e) => e.data.includes("digits-4"));
    expect(missed.map((e) => e.data).filter((d) => d.includes("workload"))).toEqual([2, 3, 4].map((n) => JSON.stringify({ topic: "workload", key: `digits-${n}` })));
    second.close();
  });

  // Guarantee: whoever comes back with a place that is no longer kept is told to read everything again.
  it("says so when it can't resume", async () => {
    const { cookie } = await web.person("viewer");
    const s = await stream({ cookie, "last-event-id": "nonsense" });
    expect((await s.until((e) => e.event === "reset")).length).toBeGreaterThan(0);
    s.close();
  });

  // Guarantee: topics that need a permission are heard only with it.
  it("keeps the audit log's pointers from whoever may not read it", async () => {
    const auditor = await stream({ cookie: (await web.person("auditor")).cookie });
    const viewer = await stream({ cookie: (await web.person("viewer")).cookie });
    await Promise.all([auditor.until((e) => e.event === "hello"), viewer.until((e) => e.event === "hello")]);
    await touch("audit", "secret-seq");
    await touch("workload", "afterwards");
    expect((await auditor.until((e) => e.data.includes("afterwards"))).some((e) => e.data.includes("secret-seq"))).toBe(true);
    expect((await viewer.until((e) => e.data.includes("afterwards"))).some((e) => e.data.includes('"audit"'))).toBe(false);
    auditor.close();
    viewer.close();
  });

  // Guarantee: a stream ends when its person is deactivated, without waiting for anything to happen.
  it("ends with its person's session", async () => {
    const p = await web.person("operator");
    const s = await stream({ cookie: p.cookie });
    await s.until((e) => e.event === "hello");
    await web.access.commands.deactivate(web.administrator, web.project, { id: p.id, version: 1 });
    await s.until((e) => e.event === "ended");
    await s.ended;
  });

  // Guarantee: another site's page, and whoever has no session or role, hears nothing.
  it("is closed to foreign origins and to strangers", async () => {
    const { cookie } = await web.person("viewer");
    for (const headers of [{ cookie, origin: "https://evil.example" }, { cookie, "sec-fetch-site": "cross-site" }] as Record<string, string>[]) expect((await stream(headers)).status).toBe(403);
    expect((await stream({})).status).toBe(401);
    expect((await stream({ cookie }, "?project=another")).status).toBe(404);
    expect((await stream({ cookie }, "")).status).toBe(404);
  });
});

describe("plain paths", () => {
  // Guarantee: the installation is ready only when every required process is, and a pilot that exists.
  it("tell the health of the installation", async () => {
    const health = async () => (await send(`${web.url}/api/health`)).status;
    expect(await health()).toBe(503);
    const rows = await Promise.all(["web", "scheduler", "gateway"].map((name) => announceProcess(db.store, { name, version: "1", clock: systemClock, log: silentLogger })));
    expect(await health()).toBe(503);
    for (const row of rows) await row.set("ready");
    expect(await health()).toBe(200);
    const pilot = await announceProcess(db.store, { name: "pilot", version: "1", clock: systemClock, log: silentLogger });
    expect(await health()).toBe(503);
    await pilot.set("ready");
    const answer = await send(`${web.url}/api/health`);
    expect(answer.json).toMatchObject({ status: "ready", processes: [{ name: "gateway", state: "ready" }, { name: "pilot" }, { name: "scheduler" }, { name: "web" }] });
    await Promise.all([...rows, pilot].map((row) => row.end()));
    expect((await send(`${web.url}/api/health/live`)).status).toBe(200);
    expect((await send(`${web.url}/api/health/ready`)).status).toBe(200);
  });

  // Guarantee: what is downloaded is what the checksum says.
  it("offer the agent with its checksum", async () => {
    const agent = await send(`${web.url}/download/agent`);
    const sum = await send(`${web.url}/download/agent.sha256`);
    expect(sum.text).toBe(`${createHash("sha256").update(agent.text).digest("hex")}  holdfast-agent.cjs\n`);
    expect((await send(`${web.url}/download/schema.json`)).json).toEqual({ title: "manifests" });
    expect((await send(`${web.url}/download/../../../etc/passwd`)).text).not.toContain("root:");
  });

  // Guarantee: the audit log is exported to whoever may read it, and that is itself in the log.
  it("export the audit log to auditors only", async () => {
    const url = `${web.url}/api/audit/export?project=default&format=csv`;
    expect((await send(url)).status).toBe(401);
    expect((await send(url, { headers: { authorization: `Bearer ${await web.token("operator")}` } })).status).toBe(403);
    const headers = { authorization: `Bearer ${await web.token("auditor")}` };
    expect((await send(url, { headers })).text.split("\n")[0]).toContain("seq,at,project");
    expect((await send(url.replace("csv", "xml"), { headers })).status).toBe(400);
    expect((await send(`${url}&outcome=perhaps`, { headers })).status).toBe(400);
    expect((await db.asOwner("select 1 from audit_entries where action = 'audit.export'")).length).toBe(1);
  });

  // Guarantee: artifacts are stored by PUT, with the permission, and not by another site's page.
  it("take artifacts from whoever may write them", async () => {
    const url = `${web.url}/api/artifacts/sha256:00?project=default&name=x`;
    const put = (headers: Record<string, string>) => send(url, { method: "PUT", headers, body: "x" });
    expect((await put({})).status).toBe(401);
    expect((await put({ authorization: `Bearer ${await web.token("viewer")}` })).status).toBe(403);
    expect((await put({ authorization: `Bearer ${await web.token("operator")}` })).status).toBe(201);
    const { cookie } = await web.person("operator");
    expect((await put({ cookie })).status).toBe(403);
    expect((await put({ cookie, origin: "http://console.test" })).status).toBe(201);
    expect((await send(url)).status).toBe(400);
  });

  // Guarantee: every answer says how browsers must treat it; what is not there is a typed error.
  it("carry security headers", async () => {
    const page = await send(`${web.url}/`);
    expect(page.headers["content-security-policy"]).toMatch(/script-src 'self' 'nonce-[A-Za-z0-9+/=]+' 'strict-dynamic'.*frame-ancestors 'none'/);
    expect(page.headers["x-content-type-options"]).toBe("nosniff");
    expect(page.headers["referrer-policy"]).toBe("same-origin");
    const other = await send(`${web.url}/`);
    expect(other.headers["content-security-policy"]).not.toBe(page.headers["content-security-policy"]);
    const none = await send(`${web.url}/api/nothing`);
    expect([none.status, refusalOf(none)]).toEqual([404, "not_found"]);
    expect((await send(`${web.url}/metrics`, { headers: { "x-forwarded-for": "203.0.113.9" } })).status).toBe(401);
    expect((await send(`${web.url}/metrics`)).text).toBe("up 1\n");
  });
});
