import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAccess } from "../server/access";
import { systemActor } from "../server/core/access/actor";
import type { Actor, ProjectRef } from "../server/core/access/actor";
import type { Role } from "../server/core/access/permissions";
import { createSealer, silentLogger, systemClock } from "../server/platform";
import { projects } from "../server/store";
import { testDatabase } from "../server/testing/database";
import { freePort, startWeb } from "../server/trpc/testing/process";
import type { Running } from "../server/trpc/testing/process";
import { exitCodes } from "./io";
import { Terminal } from "./testing/terminal";

/** The command line against a web process of its own. Needs `npm run build`. */
const db = testDatabase();
const nowhere = { address: null, userAgent: null, requestId: "test" };
const PASSWORD = "the tide turns before noon";
let web: Running & { url: string };
let access: ReturnType<typeof createAccess>;
let administrator: Actor;
let project: ProjectRef;

const SITE = `apiVersion: holdfast.dev/v1
kind: Site
metadata: { name: kiel, title: Kiel }
spec:
  kind: edge
  jurisdiction: DE
  uplink: { class: lte }
`;
const workload = (replicas: number | string, marker = "one"): string => `apiVersion: holdfast.dev/v1
kind: Workload
metadata:
  name: sleeper
spec:
  kind: service
  replicas: ${replicas}
  template:
    engine: { type: process, command: ["sleep", "${marker}"] }
`;

beforeAll(async () => {
  web = await startWeb({ databaseUrl: db.appUrl, port: await freePort(), screens: false });
  access = createAccess({ store: db.store, clock: systemClock, log: silentLogger, seal: createSealer([Buffer.alloc(32, 7)]), env: { HOLDFAST_PUBLIC_URL: web.url } });
  const row = await projects.byName(db.store.read.client, "default");
  if (!row) throw new Error("no project");
  project = { id: row.id, name: row.name };
  const first = await access.commands.createFirstAdministrator(systemActor("test"));
  const started = await access.commands.signInWithPassword({ login: first.login, password: first.password ?? "" }, "cli", nowhere);
  const found = await access.authenticate(started.token);
  if (!found) throw new Error("no administrator");
  administrator = found.actor;
}, 120_000);
afterAll(async () => {
  await web.stop();
});

let made = 0;
async function as(role: Role): Promise<Terminal> {
  const { token } = await access.commands.createToken(administrator, project, { name: `cli-${role}-${++made}`, role, expiresInDays: 1 });
  return new Terminal({ HOLDFAST_SERVER: web.url, HOLDFAST_TOKEN: token });
}
function file(terminal: Terminal, name: string, text: string): string {
  const at = path.join(terminal.home, name);
  writeFileSync(at, text);
  return at;
}

describe("logging in", () => {
  // Guarantee: the password is asked for hidden, the token is kept for this account alone and is never printed.
  it("keeps a session, and ends it at the server on logout", async () => {
    const { token: invitation } = await access.commands.invite(administrator, project, { login: "ada", role: "operator" });
    await access.commands.acceptInvitation({ token: invitation, name: "Ada", password: PASSWORD }, nowhere);
    const t = new Terminal();
    t.answers = ["ada", "wrong password here"];
    expect((await t.run("login", "--server", web.url)).code).toBe(exitCodes.refused);
    t.answers = ["ada", PASSWORD];
    const login = await t.run("login", "--server", web.url);
    expect([login.code, login.out]).toEqual([exitCodes.ok, `You are logged in to ${web.url} as ada.\n`]);
    expect(t.asked.filter((a) => a.secret).map((a) => a.question)).toEqual(["Password: ", "Password: "]);
    const config = path.join(t.home, ".config/holdfast/config.json");
    expect(statSync(config).mode & 0o777).toBe(0o600);
    const { tokens } = JSON.parse(readFileSync(config, "utf8")) as { tokens: Record<string, { token: string }> };
    const kept = tokens[web.url]?.token ?? "";
    expect(login.out + login.err).not.toContain(kept);
    expect((await t.run("whoami")).out).toMatch(/in default: +operator/);
    expect((await t.run("get", "sites")).code).toBe(exitCodes.ok);
    expect((await t.run("logout")).code).toBe(exitCodes.ok);
    expect((await t.run("get", "sites")).code).toBe(exitCodes.refused);
    expect(await access.authenticate(kept)).toBeNull();
  });

  // Guarantee: a password that somebody else set must be changed first, and can be changed from here.
  it("changes a password that must be changed", async () => {
    const { token: invitation } = await access.commands.invite(administrator, project, { login: "bo", role: "viewer" });
    await access.commands.acceptInvitation({ token: invitation, name: "Bo", password: PASSWORD }, nowhere);
    const { password } = await access.commands.recoverPassword(systemActor("test"), "bo");
    const t = new Terminal({ HOLDFAST_SERVER: web.url });
    t.input = `${password}\n`;
    const login = await t.run("login", "--login", "bo", "--password-stdin");
    expect([login.code, login.err.includes("holdfast password")]).toEqual([exitCodes.ok, true]);
    expect((await t.run("get", "sites")).code).toBe(exitCodes.refused);
    t.input = `${password}\nanother long sentence\n`;
    expect((await t.run("password", "--stdin")).code).toBe(exitCodes.ok);
    expect((await t.run("get", "sites")).code).toBe(exitCodes.ok);
  });
});

describe("manifests", () => {
  // Guarantee: a dry run and a diff change nothing; apply does, once; the same again is unchanged.
  it("are tried, compared, applied and taken away", async () => {
    const t = await as("operator");
    expect((await t.run("apply", "-f", file(t, "site.yaml", SITE), "--dry-run")).out).toContain("Site kiel would be created");
    expect((await t.run("get", "sites")).err).toContain("There are no sites");
    const applied = await t.run("apply", "-f", file(t, "site.yaml", SITE), "-f", file(t, "w.yaml", workload(0)), "--reason", "a first try");
    expect([applied.code, applied.err.includes("Error")]).toEqual([exitCodes.ok, false]);
    expect(applied.out).toMatch(/Site kiel created[\s\S]*Workload sleeper created \(r1\)/);
    t.input = workload(0);
    expect((await t.run("apply", "-f", "-")).out).toContain("Workload sleeper unchanged");
    const diff = await t.run("diff", "-f", file(t, "w2.yaml", workload(0, "two")), "--exit-code");
    expect([diff.code, /^-.*one/m.test(diff.out), /^\+.*two/m.test(diff.out)]).toEqual([exitCodes.failure, true, true]);
    expect((await t.run("get", "workload", "sleeper", "-o", "yaml")).out).toContain("kind: Workload");
    expect(JSON.parse((await t.run("get", "workloads", "-o", "json")).out)).toMatchObject([{ name: "sleeper", generation: 1 }]);
    expect((await t.run("get", "revisions", "--workload", "sleeper")).out).toMatch(/REVISION[\s\S]*r1 \*/);
    expect((await t.run("describe", "site", "kiel")).out).toContain("jurisdiction: DE");
    expect((await t.run("delete", "workload", "sleeper")).code).toBe(exitCodes.usage);
    t.answers = ["n"];
    expect((await t.run("delete", "workload", "sleeper")).code).toBe(exitCodes.failure);
    const gone = await t.run("delete", "workload", "sleeper", "--yes", "--reason", "no longer needed");
    expect([gone.code, gone.err]).toEqual([exitCodes.ok, ""]);
  });

  // Guarantee: an error of a manifest names file, line, column, field, what is wrong and what to do, and ends with 2.
  it("are refused with the place of the error", async () => {
    const t = await as("operator");
    const bad = file(t, "bad.yaml", workload('"three"'));
    const ran = await t.run("apply", "-f", bad);
    expect(ran.code).toBe(exitCodes.usage);
    expect(ran.err).toMatch(new RegExp(`${bad}:7:\\d+: spec\\.replicas: `));
    expect((await t.run("apply", "-f", file(t, "empty.yaml", "  \n"))).code).toBe(exitCodes.usage);
    expect((await t.run("apply", "-f", file(t, "torn.yaml", "kind: [Workload"))).code).toBe(exitCodes.usage);
  });
});

describe("endings", () => {
  // Guarantee: refused, not found and done are told apart by the exit code.
  it("tell refused and missing things apart", async () => {
    const viewer = await as("viewer");
    const refused = await viewer.run("apply", "-f", file(viewer, "site.yaml", SITE));
    expect([refused.code, refused.err.includes("This needs the role administrator or operator.")]).toEqual([exitCodes.refused, true]);
    const operator = await as("operator");
    expect((await operator.run("describe", "node", "nobody")).code).toBe(exitCodes.notFound);
    expect((await operator.run("rollout", "status", "999")).code).toBe(exitCodes.notFound);
    expect((await operator.run("node", "cordon", "nobody", "--reason", "a test")).code).toBe(exitCodes.notFound);
    expect((await operator.run("logs", "nobody-0")).code).toBe(exitCodes.notFound);
    expect((await operator.run("get", "sites", "--project", "no-such")).code).toBe(exitCodes.notFound);
    expect((await operator.run("health")).code).toBe(exitCodes.failure);
    expect((await operator.run("approvals", "ls")).err).toContain("Nothing waits");
    const wrong = new Terminal({ HOLDFAST_SERVER: web.url, HOLDFAST_TOKEN: "hft_this-is-no-token-of-anybody-at-all" });
    expect((await wrong.run("get", "sites")).code).toBe(exitCodes.refused);
  });

  // Guarantee: a server that is away is told from one that refuses, whichever way the command speaks to it.
  it("tell a server that is away", async () => {
    const port = await freePort();
    for (const args of [["get", "nodes"], ["health"], ["audit", "export"], ["artifact", "push", "package.json"]]) {
      const away = await new Terminal({ HOLDFAST_SERVER: `http://127.0.0.1:${port}`, HOLDFAST_TOKEN: "hft_x" }).run(...args);
      expect([args[0], away.code], away.err).toEqual([args[0], exitCodes.unreachable]);
      expect(away.err).toContain("can't be reached (ECONNREFUSED)");
    }
  });
});

describe("tokens, secrets and artifacts", () => {
  // Guarantee: a token is printed once, when it is made, alone on standard output; no list shows it.
  it("prints a token once", async () => {
    const t = await as("administrator");
    const created = await t.run("token", "create", "from-cli", "--role", "viewer", "--expires-in-days", "3");
    expect(created.out).toMatch(/^hft_[A-Za-z0-9_-]{43}\n$/);
    const token = created.out.trim();
    const lists = [await t.run("token", "ls"), await t.run("token", "ls", "-o", "json"), await t.run("audit", "ls", "-o", "json")];
    expect(lists.map((l) => l.code)).toEqual([0, 0, 0]);
    for (const l of lists) expect(l.out + l.err).not.toContain(token);
    expect((await new Terminal({ HOLDFAST_SERVER: web.url, HOLDFAST_TOKEN: token }).run("get", "sites")).code).toBe(exitCodes.ok);
    expect((await t.run("token", "revoke", "from-cli")).code).toBe(exitCodes.ok);
    expect((await new Terminal({ HOLDFAST_SERVER: web.url, HOLDFAST_TOKEN: token }).run("get", "sites")).code).toBe(exitCodes.refused);
    expect((await t.run("token", "revoke", "from-cli")).code).toBe(exitCodes.notFound);
  });

  // Guarantee: a secret's value goes in and never comes out.
  it("sets secrets and shows names only", async () => {
    const t = await as("operator");
    t.answers = ["s3cret-value-of-a-test"];
    expect((await t.run("secret", "set", "api-key")).code).toBe(exitCodes.ok);
    expect(t.asked).toEqual([{ question: "Value: ", secret: true }]);
    const list = await t.run("secret", "ls", "-o", "json");
    expect(list.out).toContain("api-key");
    expect(list.out).not.toContain("s3cret");
    expect((await t.run("secret", "rm", "api-key", "-y")).code).toBe(exitCodes.ok);
  });

  // Guarantee: what is pushed is stored under the digest of its bytes.
  it("pushes artifacts by digest", async () => {
    const t = await as("operator");
    const body = "a model, more or less\n";
    const pushed = await t.run("artifact", "push", file(t, "model.json", body), "--name", "model", "--media-type", "application/json");
    expect([pushed.code, pushed.out]).toEqual([exitCodes.ok, `sha256:${createHash("sha256").update(body).digest("hex")}\n`]);
    expect((await t.run("artifact", "ls")).out).toContain("model");
    expect((await (await as("viewer")).run("artifact", "push", file(t, "model.json", body))).code).toBe(exitCodes.refused);
  });
});

describe("the audit log", () => {
  // Guarantee: what was done and refused from here is found by filter, and exported in both formats.
  it("is listed and exported", async () => {
    const t = await as("auditor");
    const refused = await t.run("audit", "ls", "--outcome", "refused", "--action", "manifest.apply", "-o", "json");
    expect(JSON.parse(refused.out)).not.toHaveLength(0);
    expect((await t.run("audit", "ls", "--since", "1h", "-n", "5")).out.trim().split("\n")).toHaveLength(6);
    const lines = (await t.run("audit", "export")).out.trim().split("\n").map((l) => JSON.parse(l) as { action: string });
    expect(lines.at(-1)?.action).toBe("audit.export");
    const to = path.join(t.home, "audit.csv");
    expect((await t.run("audit", "export", "--format", "csv", "--to", to)).code).toBe(exitCodes.ok);
    expect(readFileSync(to, "utf8")).toMatch(/^seq,at,project/);
    expect((await (await as("viewer")).run("audit", "ls")).code).toBe(exitCodes.refused);
  });
});

describe("the bundled program", () => {
  const program = (args: string[], env: Record<string, string> = {}): Promise<{ code: number; out: string; err: string }> =>
    new Promise((resolve) => {
      execFile(process.execPath, ["dist/cli/holdfast.cjs", ...args], { env: { PATH: "/usr/bin:/bin", NODE_ENV: "production", HOME: "/nonexistent", ...env } }, (error, out, err) => resolve({ code: typeof error?.code === "number" ? error.code : 0, out, err }));
    });

  // Guarantee: the one file runs by itself with the same exit codes, also without a terminal and a home folder.
  it("runs by itself", async () => {
    const { token } = await access.commands.createToken(administrator, project, { name: "bundle", role: "viewer", expiresInDays: 1 });
    const env = { HOLDFAST_SERVER: web.url, HOLDFAST_TOKEN: token };
    expect(JSON.parse((await program(["whoami", "-o", "json"], env)).out)).toMatchObject({ login: "bundle", strength: "token" });
    expect((await program(["--version"])).out).toMatch(/^\d+\.\d+\.\d+/);
    expect((await program(["get", "nothing"], env)).code).toBe(exitCodes.usage);
    expect((await program(["secret", "ls"], env)).code).toBe(exitCodes.refused);
    expect((await program(["describe", "node", "nobody"], env)).code).toBe(exitCodes.notFound);
    expect((await program(["get", "sites"], { ...env, HOLDFAST_SERVER: `http://127.0.0.1:${await freePort()}` })).code).toBe(exitCodes.unreachable);
    expect((await program(["login"], { HOLDFAST_SERVER: web.url })).code).toBe(exitCodes.usage);
  });
});
