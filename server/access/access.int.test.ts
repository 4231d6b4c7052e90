import { beforeAll, describe, expect, it } from "vitest";
import { systemActor } from "../core/access/actor";
import type { Actor, ProjectRef } from "../core/access/actor";
import { isRefused } from "../core/base/refusal";
import type { RefusalCode } from "../core/base/refusal";
import { createSealer, silentLogger } from "../platform";
import { projects } from "../store";
import { testDatabase } from "../testing/database";
import { createAccess } from "./index";
import type { Access } from "./index";

const db = testDatabase();
const from = (address: string) => ({ address, userAgent: "test", requestId: "req-test" });
const clock = { at: Date.now(), nowMs: () => clock.at };
const server = systemActor("server", "command line on the server");
let access: Access;
let project: ProjectRef;
let administrator: Actor;

async function refusedWith(work: Promise<unknown>): Promise<RefusalCode | "accepted"> {
  try {
    await work;
    return "accepted";
  } catch (error) {
    if (isRefused(error)) return error.holdfastRefusal.code;
    throw error;
  }
}
async function actorOf(token: string): Promise<Actor> {
  const found = await access.authenticate(token);
  if (!found) throw new Error("the token does not stand");
  return found.actor;
}
/** Invites, accepts and signs in: a person with one role, and the token of a session. */
async function person(login: string, role: "operator" | "approver" | "viewer" | "administrator", password = "the tide turns before noon") {
  const { token } = await access.commands.invite(administrator, project, { login, role });
  await access.commands.acceptInvitation({ token, name: login.toUpperCase(), password }, from("10.0.0.1"));
  const started = await access.commands.signInWithPassword({ login, password }, "browser", from("10.0.0.1"));
  const row = (await access.queries.people(project, {}, administrator)).find((p) => p.login === login);
  if (!row) throw new Error("the person is not listed");
  return { ...started, row };
}
const auditOf = (action: string) => db.asOwner<{ outcome: string; actor: string; object: string; refusal: { code: string } | null }>("select outcome, actor, object, refusal from audit_entries where action = $1 order by seq", [action]);

beforeAll(async () => {
  access = createAccess({ store: db.store, clock, log: silentLogger, seal: createSealer([Buffer.alloc(32, 7)]), env: { HOLDFAST_PUBLIC_URL: "http://localhost:7070" } });
  const row = await projects.byName(db.store.read.client, "default");
  if (!row) throw new Error("no default project");
  project = { id: row.id, name: row.name };
});

describe("the first administrator", () => {
  // Guarantee: it is made once, with a password that must be changed, and running it again changes nothing.
  it("is made once and must change the password", async () => {
    const first = await access.commands.createFirstAdministrator(server);
    expect(first).toMatchObject({ login: "admin", created: true });
    expect(await access.commands.createFirstAdministrator(server)).toEqual({ login: "admin", password: null, created: false });
    const started = await access.commands.signInWithPassword({ login: " Admin ", password: first.password ?? "" }, "browser", from("127.0.0.1"));
    expect(started.mustChangePassword).toBe(true);
    administrator = await actorOf(started.token);
    expect(administrator.roles(project.id)).toEqual(["administrator"]);
    expect(await refusedWith(access.commands.changePassword(administrator, { current: first.password ?? "", next: "short" }))).toBe("invalid_input");
    expect(await refusedWith(access.commands.changePassword(administrator, { current: "wrong", next: "the tide turns at noon" }))).toBe("unauthenticated");
    await access.commands.changePassword(administrator, { current: first.password ?? "", next: "the tide turns at noon" });
    expect((await access.authenticate(started.token))?.mustChangePassword).toBe(false);
    expect((await access.queries.me(administrator)).projects.map((p) => p.name)).toEqual(["default"]);
  });

  // Guarantee: two that are started at once make one administrator.
  it("is not made twice by two at once", async () => {
    await db.asOwner("update people set active = false where login = 'admin'");
    const results = await Promise.allSettled([1, 2, 3].map(() => access.commands.createFirstAdministrator(server, { login: "second" })));
    expect(results.filter((r) => r.status === "fulfilled" && r.value.created)).toHaveLength(1);
    await db.asOwner("update people set active = true where login = 'admin'");
    await db.asOwner("delete from memberships where person_id = (select id from people where login = 'second')");
  });
});

describe("signing in", () => {
  // Guarantee: sign-ins are audited, successful and failed ones, and the answer does not tell which logins exist.
  it("gives one answer to a wrong password and an unknown login, and records both", async () => {
    await person("ada", "operator");
    const wrong = access.commands.signInWithPassword({ login: "ada", password: "not it at all" }, "browser", from("10.0.0.2"));
    const unknown = access.commands.signInWithPassword({ login: "nobody-here", password: "not it at all" }, "browser", from("10.0.0.2"));
    const [a, b] = await Promise.allSettled([wrong, unknown]);
    expect(a.status === "rejected" && b.status === "rejected" && (a.reason as Error).message).toBe((b as PromiseRejectedResult).reason.message);
    const entries = await auditOf("session.start");
    expect(entries.filter((e) => e.outcome === "refused").map((e) => e.object).sort()).toEqual(["ada", "nobody-here"]);
    expect(entries.some((e) => e.outcome === "done" && e.object === "ada")).toBe(true);
    expect(JSON.stringify(await db.asOwner("select * from audit_entries"))).not.toContain("not it at all");
  });

  // Guarantee: guessing at one login is slowed down, also by attempts made at once, and the right password waits too.
  it("locks a login after too many failures, and opens again", async () => {
    await person("bo", "viewer");
    const guesses = await Promise.all(Array.from({ length: 12 }, (_, i) => refusedWith(access.commands.signInWithPassword({ login: "bo", password: `guess number ${i}` }, "browser", from(`10.1.0.${i}`)))));
    expect(guesses.filter((g) => g === "throttled").length).toBeGreaterThanOrEqual(7);
    expect(await refusedWith(access.commands.signInWithPassword({ login: "bo", password: "the tide turns before noon" }, "browser", from("10.1.1.1")))).toBe("throttled");
    clock.at += 3_600_000;
    expect(await refusedWith(access.commands.signInWithPassword({ login: "bo", password: "the tide turns before noon" }, "browser", from("10.1.1.1")))).toBe("accepted");
  });

  // Guarantee: one machine that tries many logins is slowed down, and can't lock those logins for others by it.
  it("locks an address that fails at many logins", async () => {
    await person("cy", "viewer");
    let throttledAt = 0;
    for (let i = 0; i < 40 && throttledAt === 0; i++) if ((await refusedWith(access.commands.signInWithPassword({ login: `spray-${i}`, password: "autumn leaves 2026" }, "browser", from("10.2.0.1")))) === "throttled") throttledAt = i;
    expect(throttledAt).toBeGreaterThan(20);
    for (let i = 0; i < 10; i++) expect(await refusedWith(access.commands.signInWithPassword({ login: "cy", password: "autumn leaves 2026" }, "browser", from("10.2.0.1")))).toBe("throttled");
    expect(await refusedWith(access.commands.signInWithPassword({ login: "cy", password: "the tide turns before noon" }, "browser", from("10.2.0.9")))).toBe("accepted");
  });

  // Guarantee: the store keeps no token and no password that could be used, only hashes.
  it("keeps hashes only", async () => {
    const { token } = await person("di", "viewer");
    const kept = JSON.stringify([await db.asOwner("select * from sessions"), await db.asOwner("select * from people"), await db.asOwner("select * from invitations")]);
    expect(kept).not.toContain(token);
    expect(kept).not.toContain("the tide turns before noon");
    expect(kept).toContain("$scrypt$ln=15,r=8,p=3$");
  });

  // Guarantee: a session ends by itself after its time.
  it("ends sessions that have lasted long enough", async () => {
    const { token } = await person("ed", "viewer");
    clock.at += 11 * 3_600_000;
    expect(await access.authenticate(token)).not.toBeNull();
    clock.at += 2 * 3_600_000;
    expect(await access.authenticate(token)).toBeNull();
  });
});

describe("an identity provider's people", () => {
  const proven = { issuer: "https://idp.example.org", subject: "s-1", name: "Ada of the provider", email: "ada@example.org", preferredLogin: "ada" };
  // Guarantee: nobody is adopted by a matching login or e-mail; somebody new has no role until one is given.
  it("become people of their own, who wait for a role", async () => {
    const first = await access.commands.signInWithIdentity(proven, from("10.0.0.3"));
    const actor = await actorOf(first.token);
    const ada = (await access.queries.people(project, {}, administrator)).find((p) => p.login === "ada");
    expect(actor.id).not.toBe(ada?.id);
    expect(actor.roles(project.id)).toEqual([]);
    expect((await access.queries.me(actor)).login).toBe("ada-2");
    const again = await access.commands.signInWithIdentity({ ...proven, name: "Changed", email: "root@example.org" }, from("10.0.0.3"));
    expect(again.personId).toBe(first.personId);
    const waiting = (await access.queries.people(project, {}, administrator)).find((p) => p.id === actor.id);
    await access.commands.setRoles(administrator, project, { id: actor.id, version: waiting?.version ?? 0, roles: ["approver"], everywhere: false });
    expect((await actorOf(first.token)).roles(project.id)).toEqual(["approver"]);
  });
});

describe("people", () => {
  // Guarantee: a deactivated person's sessions end at once, and no new one can be started.
  it("ends every session on deactivation", async () => {
    const { token, row } = await person("flo", "operator");
    const second = await access.commands.signInWithPassword({ login: "flo", password: "the tide turns before noon" }, "cli", from("10.0.0.4"));
    await access.commands.deactivate(administrator, project, { id: row.id, version: row.version });
    expect(await access.authenticate(token)).toBeNull();
    expect(await access.authenticate(second.token)).toBeNull();
    expect(await refusedWith(access.commands.signInWithPassword({ login: "flo", password: "the tide turns before noon" }, "browser", from("10.0.0.4")))).toBe("unauthenticated");
    await access.commands.activate(administrator, project, { id: row.id, version: row.version + 1 });
    expect(await access.authenticate(token)).toBeNull();
    expect(await refusedWith(access.commands.signInWithPassword({ login: "flo", password: "the tide turns before noon" }, "browser", from("10.0.0.4")))).toBe("accepted");
  });

  // Guarantee: the installation never loses its last administrator, and nobody locks themselves out.
  it("keeps the last administrator", async () => {
    const me = (await access.queries.people(project, {}, administrator)).find((p) => p.id === administrator.id);
    expect(await refusedWith(access.commands.setRoles(administrator, project, { id: administrator.id, version: me?.version ?? 0, roles: ["viewer"], everywhere: true }))).toBe("in_use");
    expect(await refusedWith(access.commands.deactivate(administrator, project, { id: administrator.id, version: me?.version ?? 0 }))).toBe("in_use");
  });

  // Guarantee: an administrator of one project gives no roles in the whole installation and ends nobody elsewhere.
  it("holds a project's administrator to the project", async () => {
    const gil = await person("gil", "administrator");
    const actor = await actorOf(gil.token);
    const admin = (await access.queries.people(project, {}, administrator)).find((p) => p.id === administrator.id);
    expect(await refusedWith(access.commands.setRoles(actor, project, { id: gil.row.id, version: gil.row.version, roles: ["administrator"], everywhere: true }))).toBe("forbidden");
    expect(await refusedWith(access.commands.deactivate(actor, project, { id: administrator.id, version: admin?.version ?? 0 }))).toBe("forbidden");
    const gilsView = await access.queries.people(project, {}, actor);
    expect(gilsView.some((p) => p.roles.length === 0)).toBe(false);
  });

  // Guarantee: two who change one person at once do not overwrite each other.
  it("refuses a change made from an old look", async () => {
    const { row } = await person("hal", "viewer");
    await access.commands.setRoles(administrator, project, { id: row.id, version: row.version, roles: ["auditor"], everywhere: false });
    expect(await refusedWith(access.commands.setRoles(administrator, project, { id: row.id, version: row.version, roles: ["operator"], everywhere: false }))).toBe("stale_version");
  });

  // Guarantee: an invitation works once, for its own login and role, until it expires or is revoked.
  it("lets an invitation be used once", async () => {
    const invited = await access.commands.invite(administrator, project, { login: "ivy", role: "viewer" });
    expect(invited.url).toBe(`http://localhost:7070/sign-in?invitation=${invited.token}`);
    const accept = () => access.commands.acceptInvitation({ token: invited.token, name: "Ivy", password: "the tide turns before noon" }, from("10.0.0.5"));
    const outcomes = await Promise.all([refusedWith(accept()), refusedWith(accept())]);
    expect(outcomes.filter((o) => o === "accepted")).toHaveLength(1);
    expect(await refusedWith(accept())).toMatch(/already/);
    const late = await access.commands.invite(administrator, project, { login: "jan", role: "viewer" });
    clock.at += 8 * 86_400_000;
    expect(await refusedWith(access.commands.acceptInvitation({ token: late.token, name: "Jan", password: "the tide turns before noon" }, from("10.0.0.5")))).toBe("expired");
    const revoked = await access.commands.invite(administrator, project, { login: "kim", role: "viewer" });
    await access.commands.revokeInvitation(administrator, project, { id: revoked.id });
    expect(await refusedWith(access.commands.acceptInvitation({ token: revoked.token, name: "Kim", password: "the tide turns before noon" }, from("10.0.0.5")))).toBe("expired");
    expect(await refusedWith(access.commands.invite(administrator, project, { login: "Ivy", role: "viewer" }))).toBe("already_exists");
    expect(await refusedWith(access.commands.invite(administrator, project, { login: "no spaces please", role: "viewer" }))).toBe("invalid_input");
  });

  // Guarantee: recovery on the server gives a one-time password and ends what was open under the old one.
  it("recovers a password on the server", async () => {
    const { token } = await person("lea", "viewer");
    const recovered = await access.commands.recoverPassword(server, "lea");
    expect(await access.authenticate(token)).toBeNull();
    const started = await access.commands.signInWithPassword({ login: "lea", password: recovered.password }, "browser", from("10.0.0.6"));
    expect(started.mustChangePassword).toBe(true);
    expect(await refusedWith(access.commands.recoverPassword(server, "nobody"))).toBe("not_found");
  });
});

describe("service tokens", () => {
  // Guarantee: a token has one role in one project, until it expires or is revoked, and is given out once.
  it("stand for one role in one project", async () => {
    const made = await access.commands.createToken(administrator, project, { name: "ci", role: "operator", expiresInDays: 2 });
    const actor = await actorOf(made.token);
    expect(actor).toMatchObject({ kind: "token", name: "ci", strength: "token" });
    expect(actor.roles(project.id)).toEqual(["operator"]);
    expect(actor.roles("another")).toEqual([]);
    expect(actor.roles(null)).toEqual([]);
    expect(await refusedWith(access.commands.createToken(administrator, project, { name: "ci", role: "viewer", expiresInDays: 2 }))).toBe("already_exists");
    const replaced = await access.commands.createToken(administrator, project, { name: "ci", role: "viewer", expiresInDays: 2, replace: true });
    expect(await access.authenticate(made.token)).toBeNull();
    clock.at += 3 * 86_400_000;
    expect(await access.authenticate(replaced.token)).toBeNull();
    expect((await access.queries.tokens(project)).map((t) => t.state).sort()).toEqual(["expired", "revoked"]);
    const third = await access.commands.createToken(administrator, project, { name: "ci", role: "viewer", expiresInDays: 2 });
    await access.commands.revokeToken(administrator, project, { id: third.id });
    expect(await access.authenticate(third.token)).toBeNull();
    expect((await access.queries.tokens(project)).map((t) => t.state).sort()).toEqual(["revoked", "revoked", "revoked"]);
    expect(JSON.stringify(await db.asOwner("select * from service_tokens"))).not.toContain(third.token);
  });

  // Guarantee: what is no token of ours is nobody, and costs no error.
  it("takes anything else for nobody", async () => {
    for (const token of ["", "x", "hfs_short", "hft_" + "a".repeat(43), "hfs_" + "a".repeat(43), "Bearer hft_x", "hfi_" + "a".repeat(43), "a".repeat(5000)]) expect(await access.authenticate(token)).toBeNull();
  });
});

describe("the pilot's report", () => {
  // Guarantee: the pilot shows among the processes; a change of its state is audited and a beat is not.
  it("is a process row, audited when the state changes", async () => {
    const { token } = await access.commands.createToken(administrator, project, { name: "pilot", role: "administrator", expiresInDays: 2 });
    const pilot = await actorOf(token);
    for (const state of ["starting", "starting", "ready", "ready"] as const) await access.commands.reportPilot(pilot, project, { state, note: "" });
    expect(await auditOf("pilot.report")).toHaveLength(2);
    expect(await refusedWith(access.commands.reportPilot(administrator, project, { state: "ready", note: "" }))).toBe("forbidden");
  });
});
