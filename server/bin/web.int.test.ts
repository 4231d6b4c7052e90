import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAccess } from "../access";
import { systemActor } from "../core/access/actor";
import type { Actor, ProjectRef } from "../core/access/actor";
import { issueServerCertificate, makeAuthority, openAuthority } from "../identity/x509";
import { createSealer, silentLogger, systemClock } from "../platform";
import { projects } from "../store";
import { testDatabase } from "../testing/database";
import { TestBrowser } from "../trpc/testing/browser";
import { freePort, startProgram, startWeb } from "../trpc/testing/process";
import type { Running } from "../trpc/testing/process";

/**
 * The web process as it is deployed (dist/server/web.mjs with the screens) against a real OpenID provider, each a process
 * of its own. Needs `npm run build`.
 */
const db = testDatabase();
const PASSWORD = "the tide turns before noon";
const nowhere = { address: null, userAgent: null, requestId: "test" };
let web: Running & { url: string };
let provider: Running;
let issuer: string;
let project: ProjectRef;
let administrator: Actor;
let access: ReturnType<typeof createAccess>;

beforeAll(async () => {
  const [port, providerPort] = [await freePort(), await freePort()];
  issuer = `http://127.0.0.1:${providerPort}`;
  provider = await startProgram(["server/trpc/testing/oidc-provider.mjs", String(providerPort), `http://localhost:${port}/api/auth/callback/oidc`], {}, /listening/);
  web = await startWeb({ databaseUrl: db.appUrl, port, screens: true });
  access = createAccess({ store: db.store, clock: systemClock, log: silentLogger, seal: createSealer([Buffer.alloc(32, 7)]), env: { HOLDFAST_PUBLIC_URL: web.url } });
  const row = await projects.byName(db.store.read.client, "default");
  if (!row) throw new Error("no project");
  project = { id: row.id, name: row.name };
  const first = await access.commands.createFirstAdministrator(systemActor("test"));
  const started = await access.commands.signInWithPassword({ login: first.login, password: first.password ?? "" }, "browser", nowhere);
  const found = await access.authenticate(started.token);
  if (!found) throw new Error("no administrator");
  administrator = found.actor;
  await access.commands.setIdentityProvider(administrator, project, { name: "Example University", issuer, clientId: "console", clientSecret: "secret-secret-secret-secret-secret1", remove: false });
}, 180_000);
afterAll(async () => {
  await provider.stop();
  await web.stop();
});

async function person(login: string): Promise<string> {
  const { token } = await access.commands.invite(administrator, project, { login, role: "viewer" });
  await access.commands.acceptInvitation({ token, name: login, password: PASSWORD }, nowhere);
  return (await access.queries.people(project, {}, administrator)).find((p) => p.login === login)?.id ?? "";
}
const csrf = async (browser: TestBrowser): Promise<string> => (JSON.parse((await browser.request(`${web.url}/api/auth/csrf`)).text) as { csrfToken: string }).csrfToken;
const sessionOf = (browser: TestBrowser): string | undefined => browser.cookie("localhost", "holdfast.session");
async function me(browser: TestBrowser): Promise<{ status: number; id?: string; login?: string; strength?: string; projects?: unknown[] }> {
  const answer = await browser.request(`${web.url}/api/trpc/me.get`);
  return { status: answer.status, ...(answer.status === 200 ? (JSON.parse(answer.text) as { result: { data: { json: { id: string } } } }).result.data.json : {}) };
}
const byPassword = async (browser: TestBrowser, login: string, password: string, callbackUrl = "/") =>
  browser.request(`${web.url}/api/auth/callback/credentials`, { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body: new URLSearchParams({ csrfToken: await csrf(browser), login, password, callbackUrl }).toString() });

/** The whole code flow as a browser walks it: our form, the provider's log-in and consent, and back. */
async function byProvider(browser: TestBrowser, name: string): Promise<string> {
  let page = await browser.submit(`${web.url}/api/auth/signin/oidc`, { csrfToken: await csrf(browser), callbackUrl: "/" });
  for (let step = 0; step < 4 && page.url.startsWith(issuer); step++) {
    const action = /action="([^"]+)"/.exec(page.text)?.[1];
    if (!action) throw new Error(`the provider shows no form: ${page.text.slice(0, 300)}`);
    const prompt = /name="prompt" value="([^"]+)"/.exec(page.text)?.[1] ?? "login";
    page = await browser.submit(new URL(action, page.url).href, prompt === "login" ? { prompt, login: name, password: "any" } : { prompt });
  }
  return page.url;
}

describe("signing in with a password", () => {
  // Guarantee: the cookie is out of reach of scripts and other sites, and carries an opaque token whose row is ours.
  it("gives a safe cookie, and takes it back on sign-out", async () => {
    const id = await person("ada");
    const browser = new TestBrowser();
    expect((await byPassword(browser, "ada", PASSWORD)).location).toBe(`${web.url}/`);
    const line = browser.received.find((l) => l.startsWith("holdfast.session="));
    expect(line).toMatch(/HttpOnly/i);
    expect(line).toMatch(/SameSite=Lax/i);
    expect(line).toMatch(/Path=\//i);
    expect(sessionOf(browser)).toMatch(/^hfs_[A-Za-z0-9_-]{43}$/);
    expect(await me(browser)).toMatchObject({ status: 200, id, login: "ada", strength: "password" });
    const kept = sessionOf(browser) ?? "";
    await browser.submit(`${web.url}/api/auth/signout`, { csrfToken: await csrf(browser) });
    expect(sessionOf(browser)).toBeUndefined();
    const thief = new TestBrowser();
    thief.setCookie("localhost", "holdfast.session", kept);
    expect((await me(thief)).status).toBe(401);
  });

  // Guarantee: a wrong password, a missing form token and a foreign place to go to lead nowhere.
  it("is refused with a code, and sends nobody elsewhere", async () => {
    await person("bea");
    const browser = new TestBrowser();
    const wrong = new URL((await byPassword(browser, "bea", "wrong")).location ?? "");
    expect([wrong.pathname, wrong.searchParams.get("code")]).toEqual(["/sign-in", "unauthenticated"]);
    expect(sessionOf(browser)).toBeUndefined();
    const without = await browser.request(`${web.url}/api/auth/callback/credentials`, { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body: new URLSearchParams({ login: "bea", password: PASSWORD }).toString() });
    expect(without.location).toContain("MissingCSRF");
    expect(sessionOf(browser)).toBeUndefined();
    expect((await byPassword(browser, "bea", PASSWORD, "https://evil.example/")).location).toMatch(new RegExp(`^${web.url}`));
    expect(sessionOf(browser)).toBeDefined();
  });

  // Guarantee: a token that was planted in the browser before the sign-in is not the one after it.
  it("never keeps a session that was there before", async () => {
    await person("cleo");
    const browser = new TestBrowser();
    browser.setCookie("localhost", "holdfast.session", "hfs_planted-by-somebody-else-before-the-sign-in");
    await byPassword(browser, "cleo", PASSWORD);
    expect(sessionOf(browser)).toMatch(/^hfs_/);
    expect(sessionOf(browser)).not.toContain("planted");
  });

  // Guarantee: a deactivation ends the browser's session with the very next request, page or call.
  it("ends at once when the person is deactivated", async () => {
    const id = await person("dora");
    const browser = new TestBrowser();
    await byPassword(browser, "dora", PASSWORD);
    expect((await me(browser)).status).toBe(200);
    expect((await browser.request(`${web.url}/p/default`)).text).toContain("dora");
    await access.commands.deactivate(administrator, project, { id, version: 1 });
    expect((await me(browser)).status).toBe(401);
    expect((await browser.request(`${web.url}/p/default`)).text).not.toContain("dora");
  });
});

describe("signing in at an OpenID provider", () => {
  // Guarantee: the whole code flow works, and whoever comes new has a session and no role.
  it("starts a session of the person vouched for", async () => {
    const browser = new TestBrowser();
    expect(await byProvider(browser, "grace")).toMatch(new RegExp(`^${web.url}/`));
    const first = await me(browser);
    expect(first).toMatchObject({ status: 200, login: "grace", strength: "oidc", projects: [] });
    const again = new TestBrowser();
    await byProvider(again, "grace");
    expect((await me(again)).id).toBe(first.id);
  });

  // Guarantee: a local account is never adopted because a provider knows the same login or e-mail.
  it("adopts nobody", async () => {
    const local = await person("heidi@example.org");
    const browser = new TestBrowser();
    await byProvider(browser, "heidi");
    const found = await me(browser);
    expect(found.status).toBe(200);
    expect(found.id).not.toBe(local);
    expect(found.projects).toEqual([]);
  });

  // Guarantee: a deactivated person is not let in by the provider either, and is told so.
  it("refuses whoever is deactivated here", async () => {
    const browser = new TestBrowser();
    await byProvider(browser, "ivan");
    const row = (await access.queries.people(project, {}, administrator)).find((p) => p.login === "ivan");
    await access.commands.deactivate(administrator, project, { id: row?.id ?? "", version: row?.version ?? 0 });
    expect((await me(browser)).status).toBe(401);
    const later = new TestBrowser();
    expect(await byProvider(later, "ivan")).toContain("/sign-in?error=AccessDenied&code=forbidden");
    expect(sessionOf(later)).toBeUndefined();
  });

  // Guarantee: an answer that this browser did not ask for (a stolen or forged code) starts no session.
  it("takes no answer that it did not ask for", async () => {
    const browser = new TestBrowser();
    for (const query of ["code=stolen&state=forged", "code=stolen", "error=access_denied&state=forged"]) {
      const answer = await browser.visit(`${web.url}/api/auth/callback/oidc?${query}&iss=${encodeURIComponent(issuer)}`);
      expect(new URL(answer.url).pathname).toBe("/sign-in");
      expect(sessionOf(browser)).toBeUndefined();
    }
  });
});

describe("over TLS", () => {
  // Guarantee: where the console speaks TLS, its cookies can't leave it, nor be set by a sister domain.
  it("gives cookies that are bound to the host", async () => {
    await person("frida");
    const ca = await makeAuthority({ id: "test", nowMs: Date.now() });
    const issued = await issueServerCertificate(await openAuthority({ id: "test", ...ca }), { names: ["localhost"], nowMs: Date.now(), lifeMs: 3_600_000 });
    const folder = mkdtempSync(path.join(os.tmpdir(), "holdfast-tls-"));
    writeFileSync(path.join(folder, "cert.pem"), issued.certificate);
    writeFileSync(path.join(folder, "key.pem"), issued.privateKey, { mode: 0o600 });
    const secure = await startWeb({ databaseUrl: db.appUrl, port: await freePort(), screens: true, tls: true, env: { HOLDFAST_TLS_CERT: path.join(folder, "cert.pem"), HOLDFAST_TLS_KEY: path.join(folder, "key.pem") } });
    try {
      const browser = new TestBrowser(ca.certificate);
      const { csrfToken } = JSON.parse((await browser.request(`${secure.url}/api/auth/csrf`)).text) as { csrfToken: string };
      const form = new URLSearchParams({ csrfToken, login: "frida", password: PASSWORD, callbackUrl: "/" }).toString();
      await browser.request(`${secure.url}/api/auth/callback/credentials`, { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body: form });
      const line = browser.received.find((l) => l.startsWith("__Host-holdfast.session="));
      for (const part of [/; Secure/i, /; HttpOnly/i, /; Path=\/(;|$)/i]) expect(line).toMatch(part);
      expect(line).not.toMatch(/domain=/i);
      const me = await browser.request(`${secure.url}/api/trpc/me.get`);
      expect([me.status, me.headers["strict-transport-security"]]).toEqual([200, "max-age=31536000"]);
      await expect(fetch(secure.url.replace("https", "http"))).rejects.toThrow();
    } finally {
      await secure.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("pages", () => {
  // Guarantee: no protected page, and no route fetch of one, tells a stranger anything, whatever headers it sends.
  it("show nothing to strangers", async () => {
    await person("erin");
    const known = new TestBrowser();
    await byPassword(known, "erin", PASSWORD);
    const telling = /\\?"(permissions|mustChangePassword)\\?"/;
    const paths = ["/p/default", "/p/default/fleet", "/p/default/topology", "/p/default/settings/people", "/p/default/rollouts"];
    for (const page of paths) {
      expect((await known.visit(`${web.url}${page}`)).text, page).toMatch(telling);
      const stranger = new TestBrowser();
      expect((await stranger.visit(`${web.url}${page}`)).text, page).not.toMatch(telling);
      for (const headers of [{ rsc: "1" }, { rsc: "1", "next-router-prefetch": "1" }, { "x-middleware-subrequest": "middleware:middleware:middleware:middleware:middleware" }, { "x-middleware-prefetch": "1" }] as Record<string, string>[]) {
        expect((await stranger.visit(`${web.url}${page}?_rsc=1`, { headers })).text, page).not.toMatch(telling);
      }
    }
  });

  // Guarantee: a process asked to stop finishes and leaves with code 0.
  it("stop in order", async () => {
    const other = await startWeb({ databaseUrl: db.appUrl, port: await freePort(), screens: false });
    expect((await fetch(`${other.url}/api/health/ready`)).status).toBe(200);
    expect((await fetch(`${other.url}/anything`)).status).toBe(404);
    expect(await other.stop()).toBe(0);
    expect(other.output()).toContain('"msg":"stopped"');
  });
});
