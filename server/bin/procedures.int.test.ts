import { beforeAll, describe, expect, it } from "vitest";
import { recordRefusal } from "../audit";
import type { AuditSubject } from "../audit";
import { systemActor } from "../core/access/actor";
import type { Actor } from "../core/access/actor";
import { createSealer, newId, readEnv, silentLogger, systemClock, webEnv } from "../platform";
import { testDatabase } from "../testing/database";
import { appRouter } from "../trpc";
import type { Context } from "../trpc";
import { createCallerFactory } from "../trpc/init";
import { allProcedures, sampleInputs } from "../trpc/testing/procedures";
import { createFeatures } from "./web-features";

/** Every command of the API through the real features, on a real database. */
const db = testDatabase();
const nowhere = { address: null, userAgent: null, requestId: "test" };
let features: ReturnType<typeof createFeatures>;
let administrator: Actor;
let pilot: Actor;

beforeAll(async () => {
  const env = readEnv(webEnv, { DATABASE_URL: db.appUrl });
  features = createFeatures({ store: db.store, clock: systemClock, log: silentLogger, seal: createSealer([Buffer.alloc(32, 7)]), env, agentSha256: () => null });
  const first = await features.access.commands.createFirstAdministrator(systemActor("test"));
  const started = await features.access.commands.signInWithPassword({ login: first.login, password: first.password ?? "" }, "browser", nowhere);
  const found = await features.access.authenticate(started.token);
  const project = await features.access.queries.project("default");
  if (!found || !project) throw new Error("no administrator or no project");
  administrator = found.actor;
  const token = await features.access.commands.createToken(administrator, project, { name: "pilot", role: "administrator", expiresInDays: 1 });
  const held = await features.access.authenticate(token.token);
  if (!held) throw new Error("no token");
  pilot = held.actor;
});


type Entry = { action: string; outcome: string; actor_id: string; refusal: { code: string } | null };

/** Calls a procedure and gives the entries that its request left in the audit log. */
async function call(path: string, actor: Actor | null, input: unknown): Promise<{ entries: Entry[]; error: unknown }> {
  const requestId = newId("req");
  const context: Context = {
    actor: actor && { ...actor, requestId },
    mustChangePassword: false,
    origin: { address: "192.0.2.1", userAgent: "test", requestId },
    features: features.features,
    recordRefusal: (who, e) => recordRefusal(db.store, who, { action: e.action as AuditSubject["action"], objectKind: e.objectKind, objectId: e.object, object: e.object, projectId: e.project?.id ?? null }, e.refusal),
    fault: (error) => {
      throw error;
    },
  };
  const procedure = path.split(".").reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], createCallerFactory(appRouter)(context)) as (input: unknown) => Promise<unknown>;
  const error: unknown = await procedure(input).then(() => null, (e: unknown) => e);
  const entries = await db.asOwner<Entry>("select action, outcome, actor_id, refusal from audit_entries where request_id = $1 order by seq", [requestId]);
  return { entries, error };
}

/** Commands of which an attempt on something unknown leaves no entry, and why. */
const exceptions: Record<string, string> = {
  "access.acceptInvitation": "an unknown token comes from a stranger, who could fill the audit log with them",
};

const mutations = allProcedures().filter((p) => p.type === "mutation");

describe("every command", () => {
  // Guarantee: what changes something leaves an entry in the audit log, done or refused, under the code it is known by.
  it.each(mutations.map((p) => [p.path]))("%s leaves an audit entry", async (path) => {
    const meta = mutations.find((p) => p.path === path)?.meta;
    const publicly = meta?.access.kind === "public";
    const input = { ...(meta?.access.kind === "permission" ? { project: "default" } : {}), ...sampleInputs[path] };
    const { entries, error } = await call(path, publicly ? null : path === "pilot.report" ? pilot : administrator, Object.keys(input).length > 0 ? input : undefined);
    if (exceptions[path]) return expect(entries, exceptions[path]).toEqual([]);
    const expected = typeof meta?.action === "function" ? meta.action(input) : meta?.action;
    expect(entries.map((e) => e.action), String(error)).toContain(expected);
  });

  // Guarantee: whoever is refused for lack of a role is in the audit log too, with the code and by name.
  it.each(mutations.filter((p) => p.meta?.access.kind === "permission").map((p) => [p.path]))("%s leaves an entry when the role is missing", async (path) => {
    const meta = mutations.find((p) => p.path === path)?.meta;
    const nobody: Actor = { kind: "person", id: "person-outsider", name: "Outsider", strength: "password", roles: () => ["viewer"] };
    const mayViewersDoIt = meta?.access.kind === "permission" && meta.access.permission.endsWith(".read") && meta.access.permission !== "logs.read";
    expect(mayViewersDoIt).toBe(false);
    const { entries } = await call(path, nobody, { project: "default", ...sampleInputs[path] });
    expect(entries).toMatchObject([{ outcome: "refused", actor_id: "person-outsider", refusal: { code: "forbidden" } }]);
  });
});
